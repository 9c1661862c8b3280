//! Threads race to build the value of an epoch: all get the same one, fully built, and what an
//! earlier epoch left is never touched.

use crate::per_epoch::PerEpoch;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicPtr;
use loom::thread;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A value whose content loom watches: reading it before it was surely written fails the model.
#[derive(Debug)]
struct Engine {
    builder: UnsafeCell<u64>,
    _freed: Freed,
}

/// Counts itself when it is dropped. The counter is `std`'s: it observes, it does not synchronise.
#[derive(Debug)]
struct Freed(std::sync::Arc<AtomicUsize>);

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: `builder` is written before the value is published and only read afterwards; that is
// what loom checks.
unsafe impl Sync for Engine {}

impl Engine {
    fn built_by(builder: u64, freed: &std::sync::Arc<AtomicUsize>) -> Self {
        Self { builder: UnsafeCell::new(builder), _freed: Freed(std::sync::Arc::clone(freed)) }
    }

    fn builder(&self) -> u64 {
        // SAFETY: nobody writes once it is shared.
        self.builder.with(|builder| unsafe { *builder })
    }
}

fn slot() -> Arc<PerEpoch<Engine>> {
    Arc::new(PerEpoch::around(AtomicPtr::new(std::ptr::null_mut())))
}

#[test]
fn two_builders_agree_on_one_value_and_the_losers_is_freed() {
    loom::model(|| {
        let (slot, freed) = (slot(), std::sync::Arc::default());
        let other = {
            let (slot, freed) = (Arc::clone(&slot), std::sync::Arc::clone(&freed));
            thread::spawn(move || {
                let mut built = 0;
                let engine = slot.get_or_build(1, |_| {
                    built += 1;
                    Engine::built_by(2, &freed)
                });
                (engine.builder(), std::ptr::from_ref(engine) as usize, built)
            })
        };
        let mut built = 0;
        let engine = slot.get_or_build(1, |_| {
            built += 1;
            Engine::built_by(1, &freed)
        });
        let (builder, address, built_there) = other.join().expect("no panic inside");
        assert_eq!((engine.builder(), std::ptr::from_ref(engine) as usize), (builder, address));
        let kept = slot.get(1).expect("it was built");
        assert!(std::ptr::eq(kept, engine), "and stays");
        let freed = freed.load(Ordering::Relaxed);
        assert_eq!(built + built_there, 1 + freed, "all but the published one were freed");
    });
}

#[test]
fn a_reader_sees_nothing_or_a_value_fully_built() {
    loom::model(|| {
        let (slot, freed) = (slot(), std::sync::Arc::default());
        let reader = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.get(1).map(Engine::builder))
        };
        slot.get_or_build(1, |_| Engine::built_by(7, &freed));
        let seen = reader.join().expect("no panic inside");
        assert!(seen.is_none_or(|builder| builder == 7), "{seen:?}");
    });
}

#[test]
fn a_later_epoch_builds_anew_and_never_touches_the_old_value() {
    loom::model(|| {
        let (slot, freed_before) = (slot(), std::sync::Arc::default());
        let inherited = slot.get_or_build(1, |_| Engine::built_by(1, &freed_before));

        // The child has the parent's value and threads of its own.
        let freed: std::sync::Arc<AtomicUsize> = std::sync::Arc::default();
        let other = {
            let (slot, freed) = (Arc::clone(&slot), std::sync::Arc::clone(&freed));
            thread::spawn(move || {
                assert!(slot.get(2).is_none_or(|engine| engine.builder() >= 20));
                slot.get_or_build(2, |_| Engine::built_by(20, &freed)).builder()
            })
        };
        let engine = slot.get_or_build(2, |_| Engine::built_by(21, &freed));
        assert_eq!(other.join().expect("no panic inside"), engine.builder());

        assert!(slot.get(1).is_none(), "the old value is out of reach");
        assert_eq!(freed_before.load(Ordering::Relaxed), 0, "and was not freed");
        assert_eq!(inherited.builder(), 1);
        assert!(freed.load(Ordering::Relaxed) <= 1, "at most one loser");
    });
}
