//! From a finished span to the sender's hands: **record -> chunk -> queue -> send**.
//!
//! In reading order: `state` (the words every thread reads), `clock`, `ids`; `scratch` and
//! `scope` (a live span's memory), `known_keys` (what was judged of attribute keys), `encode`
//! (bytes, once), `frames` and `local` (what a thread keeps), `current` (the rule over three APIs),
//! `table` (live `tracing` spans by number), `chunk`, `buffer`, `lane` (queue and budget), `items`
//! (limits by number), `registry`, `ledger`; `list`, `shards` and `turn`
//! (under the metrics); then the
//! other side: `engine`, `settings`, `control`, `sender`, `dispatch`, `gather`, `health`, `parcel`,
//! `outlet`, `lifecycle`, `signals`, `fork`. All `unsafe` of the crate lives here.

#![expect(unsafe_code, reason = "the measured hot path and the C library's fork and exit hooks")]

mod books;
pub(crate) mod buffer;
mod charge;
mod chunk;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod current;
mod dispatch;
pub(crate) mod encode;
pub(crate) mod engine;
pub(crate) mod fork;
pub(crate) mod frames;
mod gather;
mod health;
mod ids;
mod items;
pub(crate) mod known_keys;
pub(crate) mod lane;
mod ledger;
pub(crate) mod lifecycle;
pub(crate) mod list;
pub(crate) mod local;
#[cfg(feature = "tracing")]
mod located;
pub(crate) mod lock;
pub(crate) mod logs;
mod operations;
pub(crate) mod os;
pub(crate) mod outlet;
mod parcel;
pub(crate) mod per_epoch;
mod registry;
pub(crate) mod scope;
pub(crate) mod scratch;
mod sender;
pub(crate) mod settings;
pub(crate) mod shards;
#[cfg(target_os = "linux")]
pub(crate) mod signals;
mod spooled;
pub(crate) mod state;
pub(crate) mod stderr;
pub(crate) mod streams;
pub(crate) mod sync;
#[cfg(feature = "tracing")]
pub(crate) mod table;
#[cfg(all(test, feature = "tracing"))]
mod table_tests;
pub(crate) mod thread;
pub(crate) mod turn;

pub(crate) use ids::seed;
pub(crate) use parcel::{Content, Parcel};
