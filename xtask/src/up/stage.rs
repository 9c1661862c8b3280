//! The stages of `up`, in the order in which they start.
//!
//! A later part of the system joins by one entry here.

use super::fleet::Fleet;
use super::{prebuild, sample};

/// For whom the stages start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people: at the addresses they know, so that their own programs may send there too.
    Watched,
    /// For scripts: where nobody else sends, so that every span can be accounted for.
    Scripted,
}

/// One part that is useful by itself.
pub(super) struct Stage {
    pub(super) name: &'static str,
    /// What is built for it, in words.
    pub(super) brings: &'static str,
    /// The calls of cargo that build it, by their arguments.
    pub(super) builds: &'static [&'static [&'static str]],
    /// Starts its processes and returns when they do what they should.
    pub(super) start: fn(&mut Fleet, Form) -> anyhow::Result<()>,
    /// Holds what was sent against what arrived; used by `--check`.
    pub(super) verify: fn(&mut Fleet) -> anyhow::Result<()>,
}

pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "core",
        brings: "the engine and a sample of two services (the first time takes minutes)",
        builds: &[&["build", "--bin", "first-light"]],
        start: sample::start,
        verify: sample::verify,
    },
    Stage {
        name: "tests",
        brings: "what `cargo xtask test` runs, so that it starts at once",
        builds: crate::test::RUST_BUILDS,
        start: prebuild::start,
        verify: prebuild::verify,
    },
];
