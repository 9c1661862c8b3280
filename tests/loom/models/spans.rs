//! Spans in their table: visitors with the right id see whole values, visitors with a stale one
//! see nothing, and the last reference takes the value out exactly once.

use crate::table::{Spare, Table};
use loom::cell::UnsafeCell;
use loom::thread;

/// A value whose content loom watches: two visits at once fail the model.
#[derive(Debug)]
struct Value(UnsafeCell<u64>);

// SAFETY: the table lets one thread at a time reach it; that is what loom checks.
unsafe impl Send for Value {}

impl Value {
    fn new(number: u64) -> Self {
        Self(UnsafeCell::new(number))
    }

    fn add(&mut self, number: u64) -> u64 {
        // SAFETY: the reference is exclusive.
        self.0.with_mut(|value| unsafe {
            *value += number;
            *value
        })
    }
}

type Small = Table<Value, 2, 1>;

/// Never freed, as in the engine: loom's own objects in it are forgotten with each run.
fn table() -> &'static Small {
    Box::leak(Box::new(Table::new(1, None)))
}

/// A thread that keeps no slots yet.
fn no_spare() -> Spare {
    Spare::EMPTY
}

#[test]
fn visits_of_two_threads_happen_one_after_the_other() {
    loom::model(|| {
        let table = table();
        let id = table.insert(Value::new(0), &mut no_spare()).expect("room");
        let other = thread::spawn(move || table.with(id, 1, |value| value.add(1)));
        let here = table.with(id, 1, |value| value.add(1));
        let there = other.join().expect("no panic inside");
        assert_eq!([here, there].into_iter().flatten().sum::<u64>(), 3, "one saw 1, one saw 2");
    });
}

#[test]
fn the_last_of_two_references_takes_the_value_out_once_with_all_changes() {
    loom::model(|| {
        let table = table();
        let id = table.insert(Value::new(0), &mut no_spare()).expect("room");
        assert!(table.acquire(id, 1));
        let part = move || {
            table.with(id, 1, |value| value.add(1)).expect("a reference is held");
            table.release(id, 1, &mut no_spare()).map(|mut value| value.add(0))
        };
        let other = thread::spawn(part);
        let taken = [part(), other.join().expect("no panic inside")];
        assert_eq!(taken.into_iter().flatten().collect::<Vec<_>>(), [2]);
        assert!(table.with(id, 1, |value| value.add(1)).is_none());
    });
}

#[test]
fn a_stale_id_never_reaches_what_lives_in_its_place_now() {
    loom::model(|| {
        let table = table();
        let mut spare = no_spare();
        let stale = table.insert(Value::new(10), &mut spare).expect("room");
        let other = thread::spawn(move || {
            (table.with(stale, 1, |value| value.add(1)), table.acquire(stale, 1))
        });
        let first = table.release(stale, 1, &mut spare).map(|mut value| value.add(0));
        let id = table.insert(Value::new(20), &mut spare).expect("room");
        let (seen, acquired) = other.join().expect("no panic inside");
        assert!(seen.is_none_or(|seen| seen == 11), "{seen:?}");
        match first {
            // The other's reference came too late, or the value went with this one.
            Some(first) => assert!(first == 10 || seen == Some(11)),
            None => assert!(acquired, "the other holds it now"),
        }
        assert_eq!(table.release(id, 1, &mut spare).map(|mut value| value.add(0)), Some(20));
    });
}

#[test]
fn a_slot_moves_between_threads_through_the_shared_list() {
    loom::model(|| {
        let table = table();
        let other = thread::spawn(move || {
            let mut spare = no_spare();
            let id = table.insert(Value::new(1), &mut spare);
            let taken = id.ok().and_then(|id| table.release(id, 1, &mut spare));
            spare.give_back(1);
            taken.map(|mut value| value.add(0))
        });
        let mut spare = no_spare();
        let here = table.insert(Value::new(2), &mut spare);
        let there = other.join().expect("no panic inside");
        assert!(here.is_ok() || there.is_some(), "one of the two found the slab's slots");
        if let Ok(id) = here {
            assert_eq!(table.with(id, 1, |value| value.add(0)), Some(2));
        }
    });
}
