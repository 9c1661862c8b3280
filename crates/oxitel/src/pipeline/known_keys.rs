//! Keys that were judged before, and how: a table that threads read without a lock.
//!
//! Programs use few keys, again and again. A key is judged once; from then on one load and one
//! comparison find it. Entries are compared byte by byte: a hash alone could take one key for
//! another, and what hangs on it is whether a secret is sent.

use std::fmt;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A power of two; a key has two places it may be at.
const PLACES: usize = 1024;
/// Memory is bounded: a program that makes up keys without end is not remembered.
const MOST: u32 = 768;
/// Longer keys are judged each time.
const LONGEST: usize = 56;

/// One key, in one cache line.
#[repr(align(64))]
struct Known {
    length: u8,
    judgement: u8,
    bytes: [u8; LONGEST],
}

/// The table; what is in it stays until the table is dropped.
pub(crate) struct KnownKeys {
    places: [AtomicPtr<Known>; PLACES],
    count: AtomicU32,
}

impl fmt::Debug for KnownKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownKeys({})", self.count.load(Ordering::Relaxed))
    }
}

impl KnownKeys {
    pub(crate) const fn new() -> Self {
        let places = [const { AtomicPtr::new(std::ptr::null_mut()) }; PLACES];
        Self { places, count: AtomicU32::new(0) }
    }

    /// Whether the key is known and was judged as 0. Looks at its first place only.
    #[inline(always)]
    pub(crate) fn is_plain(&self, fingerprint: u32, key: &[u8]) -> bool {
        let found = self.at(first_place(fingerprint));
        found.is_some_and(|known| known.judgement == 0 && known.is(key))
    }

    /// How the key was judged.
    pub(crate) fn find(&self, fingerprint: u32, key: &[u8]) -> Option<u8> {
        let first = first_place(fingerprint);
        let found = [first, first ^ 1].into_iter().filter_map(|place| self.at(place));
        found.into_iter().find(|known| known.is(key)).map(|known| known.judgement)
    }

    /// Remembers a judgement, where there is room.
    #[cold]
    pub(crate) fn learn(&self, fingerprint: u32, key: &[u8], judgement: u8) {
        if key.len() > LONGEST || self.count.load(Ordering::Relaxed) >= MOST {
            return;
        }
        let first = first_place(fingerprint);
        let Some(place) = [first, first ^ 1].into_iter().find(|place| self.at(*place).is_none())
        else {
            return;
        };
        let mut bytes = [0; LONGEST];
        bytes[..key.len()].copy_from_slice(key);
        let known = Box::into_raw(Box::new(Known { length: key.len() as u8, judgement, bytes }));
        let null = std::ptr::null_mut();
        // Release: whoever loads the pointer sees the entry.
        let put =
            self.places[place].compare_exchange(null, known, Ordering::Release, Ordering::Relaxed);
        match put {
            Ok(_) => {
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            // SAFETY: it was never published, so this is its only owner.
            Err(_) => drop(unsafe { Box::from_raw(known) }),
        }
    }

    #[inline(always)]
    fn at(&self, place: usize) -> Option<&Known> {
        // Acquire: pairs with the exchange in `learn`.
        let known = self.places[place].load(Ordering::Acquire);
        // SAFETY: null, or published by `learn` and freed with the table only.
        unsafe { known.as_ref() }
    }
}

impl Drop for KnownKeys {
    fn drop(&mut self) {
        for place in &mut self.places {
            let known = std::mem::replace(place.get_mut(), std::ptr::null_mut());
            if !known.is_null() {
                // SAFETY: published by `learn`, and nobody else has the table any more.
                drop(unsafe { Box::from_raw(known) });
            }
        }
    }
}

impl Known {
    #[inline(always)]
    fn is(&self, key: &[u8]) -> bool {
        usize::from(self.length) == key.len()
            && self.bytes.get(..key.len()).is_some_and(|bytes| equal(bytes, key))
    }
}

#[inline(always)]
fn first_place(fingerprint: u32) -> usize {
    fingerprint as usize >> (32 - PLACES.trailing_zeros())
}

/// Without a call for what most keys are: two words that overlap in the middle. Both are of the
/// same length.
#[inline(always)]
fn equal(one: &[u8], two: &[u8]) -> bool {
    #[inline(always)]
    fn ends<const N: usize>(one: &[u8], two: &[u8]) -> bool {
        one.first_chunk::<N>() == two.first_chunk::<N>()
            && one.last_chunk::<N>() == two.last_chunk::<N>()
    }
    match two.len() {
        4..=7 => ends::<4>(one, two),
        8..=16 => ends::<8>(one, two),
        17..=32 => ends::<16>(one, two),
        _ => one == two,
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownKeys, MOST};
    use std::thread;

    #[test]
    fn what_was_learnt_is_known_and_nothing_else() {
        let known = KnownKeys::new();
        let keys = ["", "a", "abcd", "abcdefgh", "a key of twenty bytes", &"x".repeat(56)];
        for (judgement, key) in keys.iter().enumerate() {
            known.learn(7 << 20, key.as_bytes(), judgement as u8);
        }
        // All have the same two places: the first two came in time.
        assert_eq!(known.find(7 << 20, b""), Some(0));
        assert_eq!(known.find(7 << 20, b"a"), Some(1));
        assert_eq!(known.find(7 << 20, b"abcd"), None);
        assert!(known.is_plain(7 << 20, b"") && !known.is_plain(7 << 20, b"b"));
        for (place, key) in keys.iter().enumerate().skip(2) {
            let fingerprint = (place as u32) << 24;
            known.learn(fingerprint, key.as_bytes(), 3);
            assert_eq!(known.find(fingerprint, key.as_bytes()), Some(3), "{key:?}");
            let mut other = key.as_bytes().to_vec();
            other[key.len() / 2] ^= 1;
            assert_eq!(known.find(fingerprint, &other), None, "{key:?}");
        }
        known.learn(1 << 30, "x".repeat(57).as_bytes(), 1);
        assert_eq!(known.find(1 << 30, "x".repeat(57).as_bytes()), None, "too long to keep");
    }

    #[test]
    fn many_threads_with_many_keys_agree_and_memory_is_bounded() {
        let known = KnownKeys::new();
        let judgement = |number: u32| (number % 5) as u8;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..10_000_u32 {
                        let key = format!("key.{number}");
                        let fingerprint = number.wrapping_mul(0x9e37_79b9);
                        known.learn(fingerprint, key.as_bytes(), judgement(number));
                        let found = known.find(fingerprint, key.as_bytes());
                        assert!(found.is_none_or(|found| found == judgement(number)));
                    }
                });
            }
        });
        let count = known.count.load(std::sync::atomic::Ordering::Relaxed);
        assert!((MOST / 2..MOST + 4).contains(&count), "{count}");
    }
}
