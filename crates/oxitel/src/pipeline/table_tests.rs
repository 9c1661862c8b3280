//! The table of live spans with real threads; `tests/loom` tries every interleaving of a few.
use super::table::{Spare, Table};
use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;

type Small = Table<Box<u64>, 64, 4>;

fn table(epoch: u64, inherited: Option<&'static Small>) -> &'static Small {
    Box::leak(Box::new(Table::new(epoch, inherited)))
}

fn read(table: &Small, id: u64, epoch: u64) -> Option<u64> {
    table.with(id, epoch, |value| **value)
}

#[test]
fn what_was_put_in_is_found_until_its_last_reference_is_gone_and_never_after() {
    let (table, mut spare) = (table(1, None), Spare::default());
    let id = table.insert(Box::new(7), &mut spare).expect("room");
    assert!(table.acquire(id, 1));
    assert_eq!(table.with(id, 1, |value| **value += 1), Some(()));
    assert_eq!(table.release(id, 1, &mut spare), None, "one is left");
    assert_eq!(table.release(id, 1, &mut spare), Some(Box::new(8)));
    let next = table.insert(Box::new(9), &mut spare).expect("room");
    assert_eq!(next & 0xff_ffff, id & 0xff_ffff, "in the same slot");
    assert_eq!(read(table, id, 1), None);
    assert!(!table.acquire(id, 1));
    assert_eq!(table.release(id, 1, &mut spare), None);
    assert_eq!(read(table, next, 1), Some(9));
}

#[test]
fn a_full_table_hands_the_value_back_and_has_room_again_after_a_release() {
    let (table, mut spare) = (table(1, None), Spare::default());
    let ids: Vec<_> = (0..256).map(|n| table.insert(Box::new(n), &mut spare)).collect();
    let ids: HashSet<_> = ids.into_iter().map(|id| id.expect("room for 256")).collect();
    assert_eq!(ids.len(), 256);
    assert_eq!(table.insert(Box::new(256), &mut spare), Err(Box::new(256)));
    let one = *ids.iter().next().expect("there are some");
    table.release(one, 1, &mut spare).expect("it is there");
    assert!(table.insert(Box::new(257), &mut spare).is_ok());
}

#[test]
fn free_slots_go_from_thread_to_thread_and_back_when_a_thread_ends() {
    let (table, mut first) = (table(1, None), Spare::default());
    for _ in 0..20 {
        let ids: Vec<_> = (0..200).map(|n| table.insert(Box::new(n), &mut first)).collect();
        let mut second = Spare::default();
        for id in ids {
            table.release(id.expect("room"), 1, &mut second).expect("it is there");
        }
        second.give_back(1);
    }
}

#[test]
fn a_child_reads_what_it_inherits_reuses_nothing_of_it_and_waits_for_no_lock_there() {
    let (parents, mut spare) = (table(1, None), Spare::default());
    let kept = parents.insert(Box::new(1), &mut spare).expect("room");
    let held = parents.insert(Box::new(2), &mut spare).expect("room");
    // A thread of the parent is at it for as long as this test runs.
    let (stopped, is_stopped) = channel();
    let (_go_on, may_go_on) = channel::<()>();
    thread::spawn(move || {
        parents.with(held, 1, |_| {
            stopped.send(()).expect("the test waits");
            may_go_on.recv().expect_err("nothing is ever sent");
        })
    });
    is_stopped.recv().expect("the thread runs");
    let child = table(2, Some(parents));
    assert_eq!(read(child, kept, 2), Some(1));
    assert_eq!(read(child, held, 2), None);
    assert!(!child.acquire(held, 2));
    assert_eq!(child.release(held, 2, &mut spare), None);
    let own = child.insert(Box::new(3), &mut spare).expect("room");
    assert!(own != kept && own != held, "an id of the parent's means nothing else here");
    assert_eq!(child.release(kept, 2, &mut spare), Some(Box::new(1)));
    let next = child.insert(Box::new(4), &mut spare).expect("room");
    assert_ne!(next & 0xff_ffff, own & 0xff_ffff, "no slot is given twice");
    let grandchild = table(3, Some(child));
    assert_eq!((read(grandchild, kept, 3), read(grandchild, own, 3)), (None, Some(3)));
}

/// What loom cannot: real threads, many rounds, ids that others made up or kept too long.
#[test]
fn many_threads_with_right_and_wrong_ids_see_whole_values_and_lose_none() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 20_000;
    let table: &'static Table<Box<(u64, u64)>, 64, 4> = Box::leak(Box::new(Table::new(1, None)));
    let (seen, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let published: Vec<AtomicU64> = (0..THREADS).map(|_| AtomicU64::new(0)).collect();
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (seen, taken, together) = (&seen, &taken, &together);
            let published = &published;
            scope.spawn(move || {
                let mut spare = Spare::default();
                together.wait();
                for round in 0..ROUNDS {
                    let value = Box::new((round, !round));
                    let id = table.insert(value, &mut spare).expect("room for all threads");
                    published[number as usize].store(id, Ordering::Relaxed);
                    let others = published[(round % THREADS) as usize].load(Ordering::Relaxed);
                    for wrong in [others, id ^ (1 << (round % 63)), id - (1 << 25)] {
                        let whole = table.with(wrong, 1, |value| {
                            value.0 += 1;
                            value.1 -= 1;
                            value.0 == !value.1
                        });
                        assert!(whole.is_none_or(|whole| whole), "a value half written");
                        seen.fetch_add(u64::from(whole.is_some()), Ordering::Relaxed);
                    }
                    // Somebody else's may end here, or there.
                    if table.acquire(others, 1) {
                        let last = table.release(others, 1, &mut spare);
                        taken.fetch_add(u64::from(last.is_some()), Ordering::Relaxed);
                    }
                    let last = table.release(id, 1, &mut spare);
                    taken.fetch_add(u64::from(last.is_some()), Ordering::Relaxed);
                }
                spare.give_back(1);
            });
        }
    });
    assert_eq!(taken.into_inner(), THREADS * ROUNDS, "each went out once");
    assert!(seen.into_inner() > 0);
    let mut spare = Spare::default();
    let again = (0..256).filter(|n| table.insert(Box::new((*n, !n)), &mut spare).is_ok());
    assert_eq!(again.count(), 256, "and every slot came back");
}
