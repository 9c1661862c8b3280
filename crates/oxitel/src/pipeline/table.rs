//! Live spans under numbers that strangers may make up.
//!
//! `tracing` names a span by a number and takes any number back, from any thread, also one that
//! was made up or belongs to a span that is gone. A number is therefore no pointer but a place in
//! memory that never goes away, and the generation of what lives there: each visit finds the
//! generation it asks for, or nothing.
//!
//! One word per slot holds generation, references and the lock: a visit is one exchange and one
//! store. Free slots gather with the threads that free them; the list that they share is touched
//! once for many. A forked child builds a table of its own. What it inherits stays readable, but
//! it waits for no lock there: the holder may be a thread that does not exist in the child.

use super::lock::Lock;
use super::sync::{AtomicPtr, AtomicU64, Ordering, UnsafeCell, pause};
use std::ptr;

/// A word: `[generation: 39][references: 23][a thread is at it: 1]`, an id: `[generation: 39]
/// [slot: 24]`, both with the top bit clear. The generation is `[epoch: 7][counter: 32]`, and its
/// counter is odd while something lives there.
const GENERATION_AT: u32 = 24;
const EPOCH_AT: u32 = GENERATION_AT + 32;
const EPOCHS: u64 = 0x7f;
const SLOT_MASK: u64 = (1 << GENERATION_AT) - 1;
const LOCKED: u64 = 1;
const ONE_REFERENCE: u64 = 2;
const REFERENCES: u64 = SLOT_MASK & !LOCKED;

/// Free slots that a thread fetches at once, and half of what it keeps.
const HANDFUL: usize = 32;
/// How often a child tries a lock that a thread of its parent may hold for ever.
const FEW_ATTEMPTS: u32 = 200;

/// What lives in it is reached by id. `SLABS` slabs of `SLOTS` slots are all it ever holds.
#[derive(Debug)]
pub(crate) struct Table<T: 'static, const SLOTS: usize = 1024, const SLABS: usize = 1024> {
    epoch: u64,
    /// The parent's, after a fork.
    inherited: Option<&'static Self>,
    slabs: [AtomicPtr<Slot<T>>; SLABS],
    vacant: Vacant,
}

/// A line of the cache each: neighbours belong to different threads.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<T> {
    word: AtomicU64,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `value` is reached by whoever set the lock bit, or took the vacant slot from the list,
// one thread at a time; the Acquire/Release pairs on `word`, or the list's lock, order the visits.
unsafe impl<T: Send> Sync for Slot<T> {}

/// The free slots that no thread keeps.
#[derive(Debug)]
pub(crate) struct Vacant(Lock<List>);

#[derive(Debug, Default)]
struct List {
    given_back: Vec<u32>,
    /// No slot from here on was ever used.
    untouched: u32,
}

/// The free slots that one thread keeps.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    home: Option<(u64, &'static Vacant)>,
    slots: Vec<u32>,
}

impl Spare {
    pub(crate) const EMPTY: Self = Self { home: None, slots: Vec::new() };

    /// Gives the slots back to the table of this epoch; those of a parent's stay where they are.
    pub(crate) fn give_back(&mut self, epoch: u64) {
        if let Some((home, vacant)) = self.home.take()
            && home == epoch
        {
            vacant.0.with(|list| list.given_back.append(&mut self.slots));
        }
        self.slots.clear();
    }
}

impl<T: Send + 'static, const SLOTS: usize, const SLABS: usize> Table<T, SLOTS, SLABS> {
    /// An empty table of this epoch, with what the epochs before left.
    pub(crate) fn new(epoch: u64, inherited: Option<&'static Self>) -> Self {
        const { assert!(SLOTS * SLABS <= SLOT_MASK as usize) }
        Self {
            epoch,
            inherited,
            slabs: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            vacant: Vacant(Lock::default()),
        }
    }

    /// Takes `value` in, with one reference, and returns its id; or hands it back when the table
    /// is full.
    #[inline]
    pub(crate) fn insert(&'static self, value: T, spare: &mut Spare) -> Result<u64, T> {
        if !self.is_home_of(spare) || spare.slots.is_empty() {
            self.refill(spare);
        }
        let Some(number) = spare.slots.pop() else { return Err(value) };
        let Some(slot) = self.slot(u64::from(number)) else { return Err(value) };
        // SAFETY: the slot is vacant, so that no id leads to it, and taken from the list.
        slot.value.with_mut(|place| unsafe { *place = Some(value) });
        // Relaxed: only the owner of a vacant slot writes its word.
        let generation = following(slot.word.load(Ordering::Relaxed) >> GENERATION_AT);
        slot.word.store(generation << GENERATION_AT | ONE_REFERENCE, Ordering::Release);
        Ok(generation << GENERATION_AT | u64::from(number))
    }

    /// Runs `action` on what lives under `id`. `action` may not come back here for the same id.
    #[inline]
    pub(crate) fn with<R>(
        &self,
        id: u64,
        epoch: u64,
        action: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let table = self.of(id)?;
        let slot = table.slot(id)?;
        let word = slot.lock(id, table.patience(epoch))?;
        let _unlock = Unlock { word: &slot.word, to: word };
        // SAFETY: the lock bit is ours until `_unlock` is dropped.
        slot.value.with_mut(|place| unsafe { (*place).as_mut() }.map(action))
    }

    /// One more reference; whether there is anything to refer to.
    #[inline]
    pub(crate) fn acquire(&self, id: u64, epoch: u64) -> bool {
        let Some(table) = self.of(id) else { return false };
        let Some(slot) = table.slot(id) else { return false };
        let Some(word) = slot.lock(id, table.patience(epoch)) else { return false };
        // So many that they cannot be counted: what lives here stays for good.
        let more = if word & REFERENCES == REFERENCES { 0 } else { ONE_REFERENCE };
        slot.word.store(word + more, Ordering::Release);
        true
    }

    /// One reference less; with the last one goes what lives there.
    #[inline]
    pub(crate) fn release(&'static self, id: u64, epoch: u64, spare: &mut Spare) -> Option<T> {
        let table = self.of(id)?;
        let slot = table.slot(id)?;
        let word = slot.lock(id, table.patience(epoch))?;
        let references = word & REFERENCES;
        if references != ONE_REFERENCE {
            let less = if references == REFERENCES { 0 } else { ONE_REFERENCE };
            slot.word.store(word - less, Ordering::Release);
            return None;
        }
        // SAFETY: the lock bit is ours until the store below.
        let value = slot.value.with_mut(|place| unsafe { (*place).take() });
        slot.word.store(following(word >> GENERATION_AT) << GENERATION_AT, Ordering::Release);
        // A slot of the parent's is not used again: its list may be locked for ever.
        if table.epoch == epoch {
            table.keep((id & SLOT_MASK) as u32, spare);
        }
        value
    }

    /// The table that the id is from.
    #[inline]
    fn of(&self, id: u64) -> Option<&Self> {
        let mut table = self;
        while id >> EPOCH_AT != table.epoch & EPOCHS {
            table = table.inherited?;
        }
        Some(table)
    }

    fn patience(&self, epoch: u64) -> u32 {
        if self.epoch == epoch { u32::MAX } else { FEW_ATTEMPTS }
    }

    #[inline]
    fn slot(&self, id: u64) -> Option<&Slot<T>> {
        let number = (id & SLOT_MASK) as usize;
        // Acquire: pairs with the store in `refill`, so that the slab's words are visible.
        let slab = self.slabs.get(number / SLOTS)?.load(Ordering::Acquire);
        if slab.is_null() {
            return None;
        }
        // SAFETY: a slab has `SLOTS` slots and is never freed.
        Some(unsafe { &*slab.add(number % SLOTS) })
    }

    #[inline]
    fn is_home_of(&self, spare: &Spare) -> bool {
        spare.home.is_some_and(|(_, home)| ptr::eq(home, &raw const self.vacant))
    }

    #[inline]
    fn keep(&'static self, number: u32, spare: &mut Spare) {
        if !self.is_home_of(spare) {
            self.settle(spare);
        }
        spare.slots.push(number);
        if spare.slots.len() > 2 * HANDFUL {
            let surplus = spare.slots.drain(HANDFUL..);
            self.vacant.0.with(|list| list.given_back.extend(surplus));
        }
    }

    /// Makes this table the home of a thread's free slots.
    #[cold]
    fn settle(&'static self, spare: &mut Spare) {
        // The ones from before are another table's: after a fork, the parent's.
        spare.give_back(self.epoch);
        spare.slots.reserve(2 * HANDFUL + 1);
        spare.home = Some((self.epoch, &self.vacant));
    }

    #[cold]
    fn refill(&'static self, spare: &mut Spare) {
        if !self.is_home_of(spare) {
            self.settle(spare);
        }
        self.vacant.0.with(|list| {
            let used = list.given_back.len().saturating_sub(HANDFUL);
            spare.slots.extend(list.given_back.drain(used..));
            if spare.slots.is_empty() {
                self.open_up(list, &mut spare.slots);
            }
        });
    }

    /// Slots that were never used, in a new slab if need be; none when that was the last.
    fn open_up(&self, list: &mut List, slots: &mut Vec<u32>) {
        let first = list.untouched as usize;
        let Some(slab) = self.slabs.get(first / SLOTS) else { return };
        // Relaxed: slabs are made under the list's lock.
        if slab.load(Ordering::Relaxed).is_null() {
            let vacant = (self.epoch & EPOCHS) << EPOCH_AT;
            let fresh = |_| Slot { word: AtomicU64::new(vacant), value: UnsafeCell::new(None) };
            let built: Box<[Slot<T>]> = (0..SLOTS).map(fresh).collect();
            slab.store(Box::leak(built).as_mut_ptr(), Ordering::Release);
        }
        let end = (first + HANDFUL).min((first / SLOTS + 1) * SLOTS);
        // From the last to the first: they are taken from the end.
        slots.extend((first..end).rev().map(|number| number as u32));
        list.untouched = end as u32;
    }
}

/// The generation after this one, in the same epoch.
fn following(generation: u64) -> u64 {
    let counter = (generation as u32).wrapping_add(1);
    generation >> 32 << 32 | u64::from(counter)
}

impl<T> Slot<T> {
    /// Sets the lock bit and returns the word without it, if the id's generation lives here.
    #[inline]
    fn lock(&self, id: u64, patience: u32) -> Option<u64> {
        let generation = id >> GENERATION_AT;
        // Relaxed: the exchange below orders what follows.
        let word = self.word.load(Ordering::Relaxed);
        if word >> GENERATION_AT != generation || generation.is_multiple_of(2) {
            return None;
        }
        if word & LOCKED == 0 && self.try_lock(word) { Some(word) } else { self.wait(id, patience) }
    }

    #[inline]
    fn try_lock(&self, word: u64) -> bool {
        let locked = word | LOCKED;
        self.word.compare_exchange(word, locked, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    #[inline(never)]
    fn wait(&self, id: u64, patience: u32) -> Option<u64> {
        let mut attempt = 0;
        while attempt < patience {
            let word = self.word.load(Ordering::Relaxed);
            if word >> GENERATION_AT != id >> GENERATION_AT {
                return None;
            }
            if word & LOCKED == 0 && self.try_lock(word) {
                return Some(word);
            }
            pause(attempt);
            // For ever, in the epoch that is ours: the holder runs.
            attempt = if patience == u32::MAX { attempt.min(1 << 16) + 1 } else { attempt + 1 };
        }
        None
    }
}

/// Opens a slot also when the action unwinds.
struct Unlock<'a> {
    word: &'a AtomicU64,
    to: u64,
}

impl Drop for Unlock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.word.store(self.to, Ordering::Release);
    }
}
