//! A thread measures, a collector reads meanwhile: each measurement is told once.
//!
//! [`Cell`] follows `FloatSum` in `metrics/cell.rs`, with two words that belong together, as the
//! count and the sum of a histogram do.

use crate::turn::{Turn, WholeSum};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

#[derive(Default)]
struct Cell {
    turn: Turn,
    count: AtomicU64,
    sum: AtomicU64,
}

impl Cell {
    fn record(&self, value: u64) {
        self.turn.take(|fresh| {
            let before = |word: &AtomicU64| if fresh { 0 } else { word.load(Ordering::Relaxed) };
            self.count.store(before(&self.count) + 1, Ordering::Relaxed);
            self.sum.store(before(&self.sum) + value, Ordering::Relaxed);
        });
    }

    /// Count and sum since the look before, which `seen` shows; none while the writer is at it.
    fn since(&self, seen: &mut (u64, u64)) -> (u64, u64) {
        let content = || (self.count.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed));
        let Some(look) = self.turn.look(content, || false) else { return (0, 0) };
        let overlaps = self.turn.told(&look);
        let before = std::mem::replace(seen, look.content);
        if overlaps { (look.content.0 - before.0, look.content.1 - before.1) } else { look.content }
    }
}

#[test]
fn each_measurement_is_in_one_collection_and_never_torn() {
    let mut model = loom::model::Builder::new();
    // All orders with at most so many changes of thread: without a bound it takes minutes.
    model.preemption_bound = Some(3);
    model.check(|| {
        let cell = Arc::new(Cell::default());
        let writer = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                for _ in 0..2 {
                    cell.record(10);
                }
            })
        };
        let collector = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                let (mut seen, mut told) = ((0, 0), (0, 0));
                for _ in 0..2 {
                    let (count, sum) = cell.since(&mut seen);
                    assert_eq!(sum, count * 10, "both words are of the same moment");
                    told = (told.0 + count, told.1 + sum);
                }
                (seen, told)
            })
        };
        writer.join().expect("no panic inside");
        let (mut seen, told) = collector.join().expect("no panic inside");
        let (count, sum) = cell.since(&mut seen);
        assert_eq!((told.0 + count, told.1 + sum), (2, 20));
    });
}

#[test]
fn whole_numbers_are_told_once() {
    loom::model(|| {
        let sum = Arc::new(WholeSum::default());
        let writer = {
            let sum = Arc::clone(&sum);
            thread::spawn(move || {
                for _ in 0..3 {
                    sum.add(10);
                }
            })
        };
        let collector = {
            let sum = Arc::clone(&sum);
            thread::spawn(move || {
                let mut seen = (0, 0);
                let early: u64 = (0..2).filter_map(|_| sum.since(&mut seen)).sum();
                (seen, early)
            })
        };
        writer.join().expect("no panic inside");
        let (mut seen, early) = collector.join().expect("no panic inside");
        let late = sum.since(&mut seen).unwrap_or(0);
        assert_eq!(early + late, 30);
    });
}
