//! A buffer on its way out: its bytes, shared by the outlets of its signal, and what becomes of
//! its records.
//!
//! Flow: queue -> **parcel** -> outlet -> send. The bytes return to the pool when nobody reads
//! them any more; the records are booked when the last outlet is through with them.

use super::buffer::{Buffer, Run};
use super::lane::Lane;
use crate::diagnose::{self, Cause};
use crate::export::Outcome;
use crate::metrics::Piece;
use bytes::Bytes;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// What the bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Records, each run of one scope.
    Records(Arc<[Run]>),
    /// Fields of the resource's message: records in the envelopes of their scopes already.
    Scopes,
}

/// Records that travel together; a clone is another outlet's view of them.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) bytes: Bytes,
    pub(crate) content: Content,
    pub(crate) records: u64,
    /// What the buffer takes from the signal's budget.
    pub(crate) charged: usize,
    tally: Arc<Tally>,
}

impl Parcel {
    /// For so many outlets; each of them has to [`settle`](Parcel::settle) its clone.
    pub(crate) fn new(buffer: Buffer, lane: &'static Lane, outlets: usize) -> Self {
        let (records, charged) = (buffer.records, buffer.charged());
        // A copy: the buffer keeps its index, as the next thread wants one that has room.
        let content = Content::Records(buffer.runs.as_slice().into());
        let tally = Arc::new(Tally::new(lane, records, outlets));
        Self { bytes: Bytes::from_owner(Loan { buffer, lane }), content, records, charged, tally }
    }

    /// The same for collected metrics.
    pub(super) fn of_scopes(piece: Piece, lane: &'static Lane, outlets: usize) -> Self {
        let charged = piece.bytes.len();
        Self {
            bytes: piece.bytes.into(),
            content: Content::Scopes,
            records: piece.points,
            charged,
            tally: Arc::new(Tally::new(lane, piece.points, outlets)),
        }
    }

    /// One outlet's part is over.
    pub(crate) fn settle(self, outcome: Outcome) {
        self.tally.note(outcome);
    }

    /// Whether every other outlet is through with all of it, and well.
    pub(crate) fn waits_for_this_alone(&self) -> bool {
        let Tally { open, worst, rejected, .. } = &*self.tally;
        let is_well = worst.load(Ordering::Relaxed) == Loss::None as u8
            && rejected.load(Ordering::Relaxed) == 0;
        is_well && open.load(Ordering::Relaxed) == 1
    }

    /// Lets go of the bytes, which are safe elsewhere; the records stay on their way.
    pub(crate) fn into_claim(self) -> Claim {
        // They wait on a disk: limits are for what waits in memory.
        if !self.tally.is_uncounted.swap(true, Ordering::Relaxed) {
            self.tally.lane.items.left(self.records);
        }
        Claim { tally: self.tally }
    }
}

/// What an outlet still has to say of a parcel whose bytes are gone.
#[derive(Debug)]
pub(crate) struct Claim {
    tally: Arc<Tally>,
}

impl Claim {
    pub(crate) fn records(&self) -> u64 {
        self.tally.records
    }

    /// The outlet's part is over.
    pub(crate) fn settle(self, outcome: Outcome) {
        self.tally.note(outcome);
    }

    /// The disk lost it, and its records are booked as damaged, as if the disk alone had had them.
    pub(crate) fn lost_on_disk(self) {
        self.tally.note_loss(Loss::OnDisk);
    }
}

/// A buffer that is lent to requests; the pool gets it back when the last slice is gone.
#[derive(Debug)]
struct Loan {
    buffer: Buffer,
    lane: &'static Lane,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.bytes
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.lane.memory.give_back(mem::take(&mut self.buffer));
    }
}

/// What the outlets say of a parcel. Records that one outlet lost are lost, even if another one
/// delivered them: each is booked once, and the worst counts.
#[derive(Debug)]
struct Tally {
    lane: &'static Lane,
    records: u64,
    /// Outlets that have not said anything.
    open: AtomicUsize,
    /// The worst loss so far, as a [`Loss`].
    worst: AtomicU8,
    rejected: AtomicU64,
    /// The limits by number are through with it.
    is_uncounted: AtomicBool,
}

/// Why all records of a parcel are lost, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Loss {
    None,
    /// No loss: it waits on a disk.
    Spooled,
    Rejected,
    Unreachable,
    QueueFull,
    ShutdownDeadline,
    /// Booked already, so that nothing else may be.
    OnDisk,
}

impl Tally {
    fn new(lane: &'static Lane, records: u64, outlets: usize) -> Self {
        Self {
            lane,
            records,
            open: AtomicUsize::new(outlets),
            worst: AtomicU8::new(Loss::None as u8),
            rejected: AtomicU64::new(0),
            is_uncounted: AtomicBool::new(false),
        }
    }

    fn note(&self, outcome: Outcome) {
        let loss = match outcome {
            Outcome::Delivered { rejected } => {
                self.rejected.fetch_max(rejected.min(self.records), Ordering::Relaxed);
                Loss::None
            }
            Outcome::Spooled => Loss::Spooled,
            Outcome::Rejected => Loss::Rejected,
            Outcome::Unreachable => Loss::Unreachable,
            Outcome::QueueFull => Loss::QueueFull,
            Outcome::ShutdownDeadline => Loss::ShutdownDeadline,
        };
        self.note_loss(loss);
    }

    fn note_loss(&self, loss: Loss) {
        self.worst.fetch_max(loss as u8, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Books the records, exactly once, also when the sender unwinds: what nobody spoke of was not
/// delivered.
impl Drop for Tally {
    fn drop(&mut self) {
        let (ledger, records) = (&self.lane.ledger, self.records);
        let mut worst = *self.worst.get_mut();
        if *self.open.get_mut() > 0 {
            worst = worst.max(Loss::Unreachable as u8);
        }
        match worst {
            loss if loss == Loss::None as u8 => {
                let rejected = *self.rejected.get_mut();
                ledger.rejected(rejected);
                ledger.delivered(records - rejected);
            }
            loss if loss == Loss::Spooled as u8 => ledger.spooled(records),
            // They were booked out of the spool, and are booked into it here.
            loss if loss == Loss::OnDisk as u8 => ledger.spooled(records),
            loss if loss == Loss::Rejected as u8 => ledger.rejected(records),
            loss if loss == Loss::Unreachable as u8 => ledger.dropped_unreachable(records),
            loss if loss == Loss::QueueFull as u8 => ledger.dropped_queue_full(records),
            _ => {
                ledger.dropped_at_shutdown(records);
                let text =
                    format_args!("{records} records were not sent before the shutdown deadline");
                diagnose::warn(Cause::ShutdownDeadline, &text);
            }
        }
        // Last: in between the records are seen twice, not never.
        self.lane.settled(records, !*self.is_uncounted.get_mut());
    }
}
