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

/// Where attribute values come from: memory whose content the compiler cannot foresee. (`black_box`
/// around each value would cost some candidates a stalled load and others nothing.)
#[derive(Debug)]
pub(crate) struct Inputs {
    users: [String; USERS],
    next: usize,
    method: &'static str,
    status: i64,
    cache_hit: bool,
}

/// The values of one span, at hand before it begins: no candidate saves the work of finding them
/// by not asking for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) method: &'static str,
    /// Differs from span to span.
    pub(crate) user: &'a str,
    pub(crate) status: i64,
    pub(crate) cache_hit: bool,
}

impl Inputs {
    pub(crate) fn new() -> Self {
        Self {
            users: std::array::from_fn(|number| format!("user-{:011}", number * 7_919)),
            next: 0,
            method: black_box("GET"),
            status: black_box(200),
            cache_hit: black_box(true),
        }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Values<'_> {
        self.next = (self.next + 1) % USERS;
        Values {
            method: self.method,
            user: &self.users[self.next],
            status: self.status,
            cache_hit: self.cache_hit,
        }
    }
}
