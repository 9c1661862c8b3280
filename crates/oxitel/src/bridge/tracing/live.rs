//! Live spans by the ids that another registry gave them.
//!
//! The layer's half of what `pipeline::table` is for our subscriber: the registry counts the
//! references, here a span is only found again. Many small maps behind uncontended locks, so that
//! threads seldom meet; a span in steady state costs no allocation.
//!
//! A forked child begins with empty maps. What it inherits it tries a few times to look at: the
//! lock's holder may be a thread that does not exist in the child.

use super::entry::Entry;
use crate::pipeline::lock::Lock;
use crate::pipeline::per_epoch::PerEpoch;
use crate::pipeline::state;
use crate::pipeline::sync::{AtomicPtr, pause};
use crate::record::contained;

const SHARDS: usize = 64;
/// A shard that holds so many takes no more.
const MOST: usize = 1 << 14;
const FEW_ATTEMPTS: u32 = 200;
/// A registry that reuses a place in its memory changes the bits above: the same place here then,
/// which is still at hand.
const PLACE_BITS: u64 = (1 << 51) - 1;

static LIVE: PerEpoch<Spans> = PerEpoch::around(AtomicPtr::new(std::ptr::null_mut()));

#[derive(Debug)]
struct Spans {
    inherited: Option<&'static Self>,
    shards: [Shard; SHARDS],
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(Lock<Places>);

/// Open addressing, at most half full; a key of 0 is a free place.
#[derive(Debug, Default)]
struct Places {
    slots: Vec<(u64, Option<Entry>)>,
    used: usize,
}

/// Puts a new span in; hands it back when there are too many, and what had the key before.
pub(super) fn insert(key: u64, entry: Entry) -> Result<Option<Entry>, Entry> {
    current().shard(key).with(|places| places.insert(key, entry))
}

/// Runs `action` on the span, if it is there. `action` may not come back here.
#[inline]
pub(super) fn with<R>(key: u64, action: impl FnOnce(&mut Entry) -> R) -> Option<R> {
    visit(key, |places| places.find(key).and_then(|at| places.slots[at].1.as_mut()).map(action))
}

/// Takes the span out.
#[inline]
pub(super) fn remove(key: u64) -> Option<Entry> {
    visit(key, |places| places.find(key).and_then(|at| places.take(at)))
}

/// Takes out all spans of this layer.
pub(super) fn remove_all(layer: u32) -> Vec<Entry> {
    let mut removed = Vec::new();
    for shard in &current().shards {
        shard.0.with(|places| {
            let found = places
                .slots
                .iter()
                .filter(|(_, entry)| entry.as_ref().is_some_and(|entry| entry.layer == layer));
            let keys: Vec<_> = found.map(|(key, _)| *key).collect();
            for key in keys {
                removed.extend(places.find(key).and_then(|at| places.take(at)));
            }
        });
    }
    removed
}

fn current() -> &'static Spans {
    let epoch = state::epoch();
    LIVE.get(epoch).unwrap_or_else(|| LIVE.get_or_succeed(epoch, Spans::new))
}

/// Looks into the shard of this process, then into those that it inherited.
#[inline]
fn visit<R>(key: u64, action: impl FnOnce(&mut Places) -> Option<R>) -> Option<R> {
    if contained::is_muted() {
        return None;
    }
    let spans = current();
    if contained::is_muted() {
        // A function of the program redacts a value of a span in some shard, which is locked as
        // long: a visit from inside of it would wait for itself.
        let mut action = Some(action);
        let visit = |places: &mut Places| action.take().and_then(|action| action(places));
        return patiently(spans.shard(key), visit).flatten();
    }
    let Some(mut older) = spans.inherited else { return spans.shard(key).with(action) };
    // Whether it is there is asked first: an action runs once.
    if spans.shard(key).with(|places| places.find(key).is_some()) {
        return spans.shard(key).with(action);
    }
    let mut action = Some(action);
    loop {
        let found = patiently(older.shard(key), |places| {
            places.find(key).and_then(|_| action.take()).map(|action| action(places))
        });
        match (found.flatten(), older.inherited) {
            (Some(done), _) => return done,
            (None, Some(oldest)) => older = oldest,
            (None, None) => return None,
        }
    }
}

/// As long as a running thread may take for it.
fn patiently<R>(shard: &Lock<Places>, mut action: impl FnMut(&mut Places) -> R) -> Option<R> {
    (0..FEW_ATTEMPTS).find_map(|attempt| {
        let done = shard.try_with(&mut action);
        if done.is_none() {
            pause(attempt);
        }
        done
    })
}

impl Spans {
    fn new(_epoch: u64, inherited: Option<&'static Self>) -> Self {
        Self { inherited, shards: std::array::from_fn(|_| Shard::default()) }
    }

    #[inline]
    fn shard(&self, key: u64) -> &Lock<Places> {
        &self.shards[(scattered(key) >> 58) as usize].0
    }
}

#[inline]
fn scattered(key: u64) -> u64 {
    (key & PLACE_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Places {
    #[inline]
    fn home(&self, key: u64) -> usize {
        // The highest bits chose the shard.
        (scattered(key) >> 32) as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn find(&self, key: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(key);
        loop {
            match self.slots[at].0 {
                0 => return None,
                found if found == key => return Some(at),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn insert(&mut self, key: u64, entry: Entry) -> Result<Option<Entry>, Entry> {
        if let Some(at) = self.find(key) {
            return Ok(self.slots[at].1.replace(entry));
        }
        if self.used == MOST {
            return Err(entry);
        }
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow();
        }
        self.place(key, entry);
        self.used += 1;
        Ok(None)
    }

    /// There is room, and the key is not there.
    fn place(&mut self, key: u64, entry: Entry) {
        let mut at = self.home(key);
        while self.slots[at].0 != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = (key, Some(entry));
    }

    #[cold]
    fn grow(&mut self) {
        let larger = (self.slots.len() * 2).max(8);
        let before = std::mem::replace(&mut self.slots, (0..larger).map(|_| (0, None)).collect());
        for (key, entry) in before {
            if let Some(entry) = entry {
                self.place(key, entry);
            }
        }
    }

    /// Takes one out and closes the gap, so that a search still ends at the first free place.
    fn take(&mut self, at: usize) -> Option<Entry> {
        let entry = std::mem::take(&mut self.slots[at]).1;
        self.used -= 1;
        let last = self.slots.len() - 1;
        let (mut gap, mut next) = (at, (at + 1) & last);
        while self.slots[next].0 != 0 {
            let home = self.home(self.slots[next].0);
            // Whether the way from its home to where it is leads over the gap.
            if next.wrapping_sub(home) & last >= next.wrapping_sub(gap) & last {
                self.slots.swap(gap, next);
                gap = next;
            }
            next = (next + 1) & last;
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, MOST, Places};
    use crate::record::{Parent, Scope, start};
    use std::collections::HashMap;

    static SCOPE: Scope = Scope::new("live");

    /// A span that is off, with a number to know it by.
    fn entry(number: u32) -> Entry {
        Entry::new(start(&SCOPE, "", Parent::Current), number)
    }

    #[test]
    fn a_shard_finds_what_a_map_finds_whatever_is_put_in_and_taken_out() {
        let (mut places, mut model) = (Places::default(), HashMap::new());
        let mut random = 1_u64;
        for round in 0..50_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few keys, so that they meet, and some that begin at the same place.
            let key = 1 + ((random >> 33) % 40) * if round % 3 == 0 { 1 << 51 } else { 1 };
            if random >> 63 == 0 {
                let before = places.insert(key, entry(round)).expect("room");
                assert_eq!(before.map(|entry| entry.layer), model.insert(key, round));
            } else {
                let taken = places.find(key).and_then(|at| places.take(at));
                assert_eq!(taken.map(|entry| entry.layer), model.remove(&key));
            }
            assert_eq!(places.used, model.len());
            for (key, round) in &model {
                let at = places.find(*key).expect("it is there");
                assert_eq!(places.slots[at].1.as_ref().map(|entry| entry.layer), Some(*round));
            }
        }
    }

    #[test]
    fn a_full_shard_hands_the_span_back() {
        let mut places = Places::default();
        for key in 1..=MOST as u64 {
            assert!(places.insert(key, entry(0)).is_ok());
        }
        assert!(places.insert(MOST as u64 + 1, entry(0)).is_err());
        let at = places.find(1).expect("it is there");
        assert!(places.take(at).is_some());
        assert!(places.insert(MOST as u64 + 1, entry(0)).is_ok());
    }
}
