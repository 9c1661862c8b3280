//! The keeper's thread, asked by a runtime as the sender asks it.

use super::super::{Keeper, Keepers, NotKept, Options, Unreadable};
use super::model::{Fault, Model};
use super::{OPTIONS, id};
use crate::export::spool::Stored;
use crate::export::spool::files::Files;
use crate::export::{Batch, SignalKind};
use bytes::Bytes;
use futures_util::future::join_all;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let in_time = async { tokio::time::timeout(Duration::from_secs(60), work).await };
    runtime.expect("a runtime").block_on(in_time).expect("nothing waits for ever")
}

fn keeper(disk: &Model, options: Options) -> Keeper<Model> {
    let mut keepers = Keepers::start().expect("a thread");
    keepers.open(disk.clone(), PathBuf::from("spool"), options)
}

fn batch(number: u64) -> Batch {
    let request = Bytes::from(super::request(number, 200));
    Batch::encoded(id(number), SignalKind::Traces, 3, request)
}

async fn take(keeper: &Keeper<Model>) -> Option<u64> {
    let Stored { id, .. } = keeper.oldest().await.expect("readable")?;
    keeper.done(id).await;
    Some(id.number)
}

#[test]
fn batches_that_come_together_share_a_sync_and_come_back_in_order() {
    let disk = Model::new(1);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        let kept = join_all((0..20).map(|number| keeper.append(batch(number)))).await;
        assert_eq!(kept, [Ok(()); 20]);
        assert!(disk.syncs() < 20, "{} syncs for 20 batches", disk.syncs());
        for number in 0..20 {
            assert_eq!(take(&keeper).await, Some(number));
        }
        assert_eq!(take(&keeper).await, None);
        keeper.close().await;
        assert_eq!(keeper.append(batch(20)).await, Err(NotKept), "it is closed");
    });
    assert!(super::drain(&mut super::open(&disk)).is_empty());
}

#[test]
fn after_trouble_the_disk_is_asked_again() {
    let disk = Model::new(1);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        assert_eq!(keeper.append(batch(1)).await, Ok(()));
        disk.fail(0, Fault::Sync);
        assert_eq!(keeper.append(batch(2)).await, Err(NotKept), "nobody knows where it is");
        assert_eq!(keeper.append(batch(3)).await, Err(NotKept), "the disk is left alone");
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        assert_eq!(keeper.append(batch(4)).await, Ok(()));
        assert_eq!([take(&keeper).await, take(&keeper).await], [Some(1), Some(4)]);
    });
}

#[test]
fn a_disk_that_is_not_there_at_first_is_used_once_it_is() {
    let disk = Model::new(1);
    disk.set_read_only(true);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        assert_eq!(keeper.append(batch(1)).await, Err(NotKept));
        assert_eq!(keeper.oldest().await, Ok(None));
        disk.heal();
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        assert_eq!(keeper.append(batch(2)).await, Ok(()));
        assert_eq!(take(&keeper).await, Some(2));
    });
}

#[test]
fn the_state_tells_what_was_found_and_what_waits() {
    let disk = Model::new(1);
    let mut spool = super::open(&disk);
    super::append(&mut spool, 1, 100);
    assert!(spool.sync().lost.is_empty());
    drop(spool);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        assert_eq!(keeper.append(batch(2)).await, Ok(()));
        let mut state = keeper.state();
        let seen = state.wait_for(|state| state.left.batches == 2).await.expect("it lives");
        assert_eq!((seen.recovered.records, seen.left.records), (1, 4));
    });
}

#[test]
fn a_batch_that_cannot_be_read_at_the_moment_is_not_taken_for_none() {
    let disk = Model::new(1);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        assert_eq!(keeper.append(batch(1)).await, Ok(()));
        disk.fail(0, Fault::Read);
        assert_eq!(keeper.oldest().await, Err(Unreadable));
        assert_eq!([take(&keeper).await, take(&keeper).await], [Some(1), None]);
    });
}

/// Three batches, the first of them on its way to a receiver, and the folder goes.
async fn folder_is_removed_under_way(disk: &Model, keeper: &Keeper<Model>) {
    for number in 1..4 {
        assert_eq!(keeper.append(batch(number)).await, Ok(()));
    }
    let oldest = keeper.oldest().await.expect("readable").expect("there are three");
    assert_eq!(oldest.id, id(1));
    disk.remove(Path::new("spool/0/0000000000000001.segment")).expect("it is there");
    assert_eq!(keeper.append(batch(4)).await, Err(NotKept), "somebody removed the file");
    let mut state = keeper.state();
    let seen = state.wait_for(|state| state.lost.batches > 0).await.expect("it lives");
    assert_eq!((seen.lost.batches, seen.lost.records), (2, 6), "one may still be delivered");
}

#[test]
fn a_batch_that_was_under_way_when_its_folder_went_is_not_lost_if_it_is_delivered() {
    let disk = Model::new(1);
    let keeper = keeper(&disk, OPTIONS);
    block_on(async {
        folder_is_removed_under_way(&disk, &keeper).await;
        keeper.done(id(1)).await;
        assert_eq!(keeper.oldest().await, Ok(None));
        keeper.close().await;
        assert_eq!(keeper.state().borrow().lost.batches, 2);
    });
}

#[test]
fn a_batch_that_was_under_way_when_its_folder_went_is_lost_if_nobody_took_it() {
    for asks_again in [true, false] {
        let disk = Model::new(1);
        let keeper = keeper(&disk, OPTIONS);
        block_on(async {
            folder_is_removed_under_way(&disk, &keeper).await;
            if asks_again {
                assert_eq!(keeper.oldest().await, Ok(None));
            }
            keeper.close().await;
            let lost = keeper.state().borrow().lost;
            assert_eq!((lost.batches, lost.records), (3, 9), "asks again: {asks_again}");
        });
    }
}
