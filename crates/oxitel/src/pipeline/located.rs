//! What records of one place in the program all say of it: encoded once, and copied from then on.
//!
//! Flow: **log** -> chunk -> queue -> send. Places are found by their address, in a table that only
//! grows, without a lock that a forked child could wait for.

use super::encode::tag;
use super::scratch::{Attributes, Prepared};
use super::settings::Settings;
use crate::record::Value;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const BUCKETS: usize = 256;
/// Larger programs have some that are encoded each time.
const MOST: usize = 4096;

static TABLE: Table = Table::new();

struct Table {
    buckets: [AtomicPtr<Node>; BUCKETS],
    count: AtomicUsize,
}

struct Node {
    place: usize,
    /// Whose limits and rules were followed. Settings are never freed, so that it is no one else's.
    settings: *const Settings,
    attributes: Prepared,
    next: *const Node,
}

/// The attributes that `locate` tells of the place with this address; `None`: there is no room to
/// remember them.
#[inline]
pub(super) fn prepared<'a>(
    place: usize,
    settings: &'static Settings,
    locate: impl FnOnce(&mut dyn FnMut(&'static str, Value<'a>)),
) -> Option<&'static Prepared> {
    TABLE.known(place, settings).or_else(|| TABLE.learn(place, settings, locate))
}

impl Table {
    const fn new() -> Self {
        Self {
            buckets: [const { AtomicPtr::new(ptr::null_mut()) }; BUCKETS],
            count: AtomicUsize::new(0),
        }
    }

    fn bucket(&self, place: usize) -> &AtomicPtr<Node> {
        &self.buckets[(place >> 4) % BUCKETS]
    }

    #[inline]
    fn known(&self, place: usize, settings: &'static Settings) -> Option<&'static Prepared> {
        // Acquire: pairs with the publishing exchange below.
        let mut at: *const Node = self.bucket(place).load(Ordering::Acquire);
        // SAFETY: null, or a published node, which is never changed or freed.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.place == place && ptr::eq(node.settings, settings) {
                return Some(&node.attributes);
            }
            at = node.next;
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn learn<'a>(
        &self,
        place: usize,
        settings: &'static Settings,
        locate: impl FnOnce(&mut dyn FnMut(&'static str, Value<'a>)),
    ) -> Option<&'static Prepared> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let how = (settings.log_limit, &settings.rules);
        let (mut attributes, mut redacted) = (Attributes::default(), 0);
        locate(&mut |key, value| {
            attributes.set(tag::LOG_ATTRIBUTE, key, &value, how, &mut redacted);
        });
        let attributes = Prepared::of(attributes, redacted);
        let bucket = self.bucket(place);
        let mut next = bucket.load(Ordering::Acquire);
        let node = Box::into_raw(Box::new(Node { place, settings, attributes, next }));
        // Two threads may learn the same: it is there twice, and nobody minds.
        while let Err(newer) =
            bucket.compare_exchange(next, node, Ordering::AcqRel, Ordering::Acquire)
        {
            next = newer;
            // SAFETY: it is not published: nobody else knows of it.
            unsafe { (*node).next = next };
        }
        // SAFETY: published just now: never changed or freed any more.
        Some(unsafe { &(*node).attributes })
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::{MOST, Table};
    use crate::Config;
    use crate::pipeline::settings::Settings;
    use crate::record::Value;
    use std::ptr;

    fn settings() -> &'static Settings {
        let settings = Config::from_lookup(|_| None)
            .endpoint("http://localhost:1")
            .resolve()
            .expect("they are fine");
        Box::leak(Box::new(settings.expect("it sends")))
    }

    #[test]
    fn a_place_is_asked_once_for_each_configuration() {
        static TABLE: Table = Table::new();
        let asked = |place, settings| {
            TABLE.known(place, settings).or_else(|| {
                TABLE.learn(place, settings, |tell| tell("code.line.number", Value::I64(7)))
            })
        };
        let (one, other) = (settings(), settings());
        let first = asked(0x40, one).expect("there is room");
        // Another place of the same bucket, and the same place under other rules.
        let neighbour = asked(0x40 + 16 * 256, one).expect("there is room");
        let again = asked(0x40, other).expect("there is room");
        assert!(ptr::eq(first, asked(0x40, one).expect("it is known")));
        assert!(!ptr::eq(first, neighbour) && !ptr::eq(first, again));
        for place in 1..MOST {
            asked(place << 8, one);
        }
        assert!(asked(7 << 32, one).is_none(), "it is asked each time");
    }
}
