//! Instrumentation scopes as encoded bytes, built once and shared by address.
//!
//! A chunk names a scope by reference, so grouping a batch by scope is comparing pointers.

use super::encode::{self, tag};
use crate::record::Value;
use std::sync::atomic::{AtomicPtr, Ordering};

/// An encoded `InstrumentationScope` and the schema its records follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopeData {
    pub(crate) bytes: Vec<u8>,
    pub(crate) schema_url: &'static str,
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
    let mut bytes = Vec::new();
    encode::message(&mut bytes, 0x0a, description.name.as_bytes());
    if !description.version.is_empty() {
        encode::message(&mut bytes, 0x12, description.version.as_bytes());
    }
    for (key, value) in description.attributes {
        encode::attribute(&mut bytes, tag::SCOPE_ATTRIBUTE, key, &Value::Str(value), usize::MAX);
    }
    ScopeData { bytes, schema_url: description.schema_url }
}
