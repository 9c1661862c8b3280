//! Instrumentation scopes as encoded bytes, built once and shared by address.
//!
//! A chunk names a scope by reference, so grouping a batch by scope is comparing pointers.

use super::encode::{self, tag};
use crate::diagnose::{self, Cause};
use crate::record::Value;
use std::borrow::Cow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// An encoded `InstrumentationScope` and the schema its records follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopeData {
    pub(crate) bytes: Vec<u8>,
    pub(crate) schema_url: Cow<'static, str>,
}

impl ScopeData {
    /// Whether it has this name, of at most 255 bytes, and says nothing else.
    pub(crate) fn is_only(&self, name: &str) -> bool {
        let length = name.len();
        // What stands between the tag and the name is told by its first byte and its own length.
        let first = (length & 0x7f) as u8 | if length < 0x80 { 0 } else { 0x80 };
        self.bytes.len() == encode::field_length(length)
            && self.bytes.starts_with(&[0x0a, first])
            && self.bytes.ends_with(name.as_bytes())
            && self.schema_url.is_empty()
    }
}

/// What a scope says about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) schema_url: &'static str,
    pub(crate) attributes: &'static [(&'static str, &'static str)],
}

/// A slot in a `static` scope, filled at first use. No `OnceLock`: one that another thread is
/// filling at a fork never gets filled in the child.
#[derive(Debug)]
pub(crate) struct ScopeSlot(AtomicPtr<ScopeData>);

impl ScopeSlot {
    pub(crate) const fn empty() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    #[inline(always)]
    pub(crate) fn get(&self, description: &Description) -> &'static ScopeData {
        // Acquire: pairs with the publishing exchange in `fill`.
        let data = self.0.load(Ordering::Acquire);
        // SAFETY: null, or published by `fill` and never freed.
        unsafe { data.as_ref() }.unwrap_or_else(|| self.fill(description))
    }

    #[cold]
    fn fill(&self, description: &Description) -> &'static ScopeData {
        let built = Box::into_raw(Box::new(encoded(description)));
        let null = std::ptr::null_mut();
        match self.0.compare_exchange(null, built, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: published just now, never freed.
            Ok(_) => unsafe { &*built },
            Err(winner) => {
                // SAFETY: `built` was never published; `winner` was, and is never freed.
                unsafe {
                    drop(Box::from_raw(built));
                    &*winner
                }
            }
        }
    }
}

fn encoded(description: &Description) -> ScopeData {
    let Description { name, version, schema_url, attributes } = *description;
    let attributes = attributes.iter().map(|(key, value)| (*key, Value::Str(value)));
    ScopeData { bytes: bytes(name, version, attributes), schema_url: schema_url.into() }
}

fn bytes<'a>(
    name: &str,
    version: &str,
    attributes: impl Iterator<Item = (&'a str, Value<'a>)>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::message(&mut bytes, 0x0a, name.as_bytes());
    if !version.is_empty() {
        encode::message(&mut bytes, 0x12, version.as_bytes());
    }
    for (key, value) in attributes {
        encode::attribute(&mut bytes, tag::SCOPE_ATTRIBUTE, key, &value, usize::MAX);
    }
    bytes
}

/// A scope that is known only at run time, by its contents: the same one for the same words.
pub(crate) fn intern(
    name: &str,
    version: &str,
    schema_url: &str,
    attributes: &[(&str, Value<'_>)],
) -> &'static ScopeData {
    let bytes = bytes(name, version, attributes.iter().copied());
    INTERNED.get(bytes, schema_url)
}

/// The same for a scope that another copy of this crate has encoded.
#[cfg(feature = "python")]
pub(crate) fn intern_encoded(bytes: &[u8], schema_url: &str) -> &'static ScopeData {
    INTERNED.get(bytes.to_vec(), schema_url)
}

/// All scopes of [`intern`], never freed: records refer to them by address.
static INTERNED: Interned = Interned::new();
/// Programs have a few dozen. One that names scopes after requests would fill the memory.
const MOST_INTERNED: usize = 4096;
const BUCKETS: usize = 64;

/// A hash table of lists that only grow, without a lock that a forked child could wait for.
struct Interned {
    buckets: [AtomicPtr<Node>; BUCKETS],
    count: AtomicUsize,
    overflow: ScopeSlot,
}

struct Node {
    scope: ScopeData,
    next: *const Node,
}

impl Interned {
    const fn new() -> Self {
        Self {
            buckets: [const { AtomicPtr::new(std::ptr::null_mut()) }; BUCKETS],
            count: AtomicUsize::new(0),
            overflow: ScopeSlot::empty(),
        }
    }

    fn get(&self, bytes: Vec<u8>, schema_url: &str) -> &'static ScopeData {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((&bytes, schema_url));
        let bucket = &self.buckets[hash as usize % BUCKETS];
        // Acquire: pairs with the publishing exchange below.
        let mut first = bucket.load(Ordering::Acquire);
        if let Some(known) = find(first, &bytes, schema_url) {
            return known;
        }
        if self.count.fetch_add(1, Ordering::Relaxed) >= MOST_INTERNED {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return self.too_many();
        }
        let scope = ScopeData { bytes, schema_url: schema_url.to_owned().into() };
        let node = Box::into_raw(Box::new(Node { scope, next: first }));
        loop {
            let published =
                bucket.compare_exchange(first, node, Ordering::AcqRel, Ordering::Acquire);
            match published {
                // SAFETY: published just now: never changed or freed any more.
                Ok(_) => return unsafe { &(*node).scope },
                Err(newer) => first = newer,
            }
            // SAFETY: it was not published: nobody else knows of it.
            let ours = unsafe { &mut *node };
            ours.next = first;
            if let Some(known) = find(first, &ours.scope.bytes, schema_url) {
                // SAFETY: it was never published; nobody else knows of it.
                drop(unsafe { Box::from_raw(node) });
                self.count.fetch_sub(1, Ordering::Relaxed);
                return known;
            }
        }
    }

    #[cold]
    fn too_many(&self) -> &'static ScopeData {
        let problem = format_args!(
            "more than {MOST_INTERNED} instrumentation scopes: records of new ones come under the \
             scope `oxitel.other`; name scopes after libraries, not after what they work on"
        );
        diagnose::warn(Cause::TooManyScopes, &problem);
        let (name, none) = ("oxitel.other", "");
        let description = Description { name, version: none, schema_url: none, attributes: &[] };
        self.overflow.get(&description)
    }
}

fn find(first: *const Node, bytes: &[u8], schema_url: &str) -> Option<&'static ScopeData> {
    let mut at = first;
    // SAFETY: null, or a published node, which is never changed or freed.
    while let Some(node) = unsafe { at.as_ref() } {
        if node.scope.bytes == bytes && node.scope.schema_url == schema_url {
            return Some(&node.scope);
        }
        at = node.next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Interned, MOST_INTERNED};
    use std::thread;

    #[test]
    fn the_same_words_are_the_same_scope_for_every_thread() {
        static TABLE: Interned = Interned::new();
        let names: Vec<Vec<u8>> = (0..200_u16).map(|i| i.to_le_bytes().to_vec()).collect();
        let find = || -> Vec<usize> {
            let place = |name: &Vec<u8>| std::ptr::from_ref(TABLE.get(name.clone(), "")) as usize;
            names.iter().map(place).collect()
        };
        let all: Vec<Vec<usize>> = thread::scope(|threads| {
            let running: Vec<_> = (0..4).map(|_| threads.spawn(find)).collect();
            running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(all.iter().all(|one| *one == all[0]));
        assert_ne!(TABLE.get(vec![0, 0], "other"), TABLE.get(vec![0, 0], ""));
    }

    #[test]
    fn a_program_that_names_scopes_without_end_gets_one_for_the_rest() {
        static TABLE: Interned = Interned::new();
        for i in 0..MOST_INTERNED as u32 {
            TABLE.get(i.to_le_bytes().to_vec(), "");
        }
        let other = TABLE.get(b"one more".to_vec(), "");
        assert_eq!(other, TABLE.get(b"and one more".to_vec(), ""));
        assert_eq!(TABLE.get(7_u32.to_le_bytes().to_vec(), "").bytes, 7_u32.to_le_bytes());
    }
}
