//! What every candidate records: a root span and ten children, four attributes each.

use std::hint::black_box;

/// Spans of one iteration: the root and its children.
pub(crate) const SPANS: u64 = 1 + CHILDREN;
/// Children of each root.
pub(crate) const CHILDREN: u64 = 10;
/// Attributes of each span.
pub(crate) const ATTRIBUTES: u64 = 4;

/// Attribute keys. The macros of `tracing` want literals, and repeat them.
pub(crate) const METHOD: &str = "http.request.method";
pub(crate) const USER: &str = "user.id";
pub(crate) const STATUS: &str = "http.response.status_code";
pub(crate) const CACHE_HIT: &str = "cache.hit";

/// Different users: a power of two, so that taking the next one costs no division.
const USERS: usize = 64;

/// Attribute values the compiler cannot foresee.
#[derive(Debug)]
pub(crate) struct Inputs {
    users: [String; USERS],
    next: usize,
}

impl Inputs {
    pub(crate) fn new() -> Self {
        Self {
            users: std::array::from_fn(|number| format!("user-{:011}", number * 7_919)),
            next: 0,
        }
    }

    /// A text that differs from span to span.
    #[inline(always)]
    pub(crate) fn user(&mut self) -> &str {
        self.next = (self.next + 1) % USERS;
        black_box(self.users[self.next].as_str())
    }
}

#[inline(always)]
pub(crate) fn method() -> &'static str {
    black_box("GET")
}

#[inline(always)]
pub(crate) fn status() -> i64 {
    black_box(200)
}

#[inline(always)]
pub(crate) fn cache_hit() -> bool {
    black_box(true)
}
