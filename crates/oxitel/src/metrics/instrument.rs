//! What instruments are: their kind, name, unit and description, checked and kept once.
//!
//! The list of them belongs to the process and not to a session: handles that were made before
//! `init`, or in the parent of a fork, go on working.

use super::kind::InstrumentKind;
use super::number::NumberType;
use super::observable::Callback;
use crate::diagnose::{self, Cause};
use crate::pipeline::list::List;
use crate::pipeline::scope::ScopeData;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

impl InstrumentKind {
    pub(crate) fn is_observable(self) -> bool {
        matches!(
            self,
            Self::ObservableCounter | Self::ObservableUpDownCounter | Self::ObservableGauge
        )
    }

    /// Whether its sum only grows: then it has one, whatever its values are aggregated to.
    pub(crate) fn is_monotonic(self) -> bool {
        matches!(self, Self::Counter | Self::ObservableCounter | Self::Histogram)
    }
}

/// What a program says about an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) scope: &'static ScopeData,
    pub(crate) kind: InstrumentKind,
    pub(crate) number: NumberType,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) text: String,
    /// Advice: the bounds of a histogram, when no view says otherwise.
    pub(crate) bounds: Option<Vec<f64>>,
}

/// One instrument of this process.
pub(crate) struct Instrument {
    pub(crate) id: u32,
    pub(crate) description: Description,
    pub(crate) callbacks: List<Callback>,
}

impl fmt::Debug for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.description.fmt(f)
    }
}

/// All of them. Never freed: handles refer to them by address.
static ALL: List<Instrument> = List::new();
static NEXT_ID: AtomicU32 = AtomicU32::new(1);
/// Programs have a few hundred. One that names instruments after requests would fill the memory.
const MOST: usize = 4096;

/// All instruments, the newest first.
pub(crate) fn all() -> impl Iterator<Item = &'static Instrument> {
    ALL.iter()
}

/// The instrument of this description; the first one that was made with it. `None`, and a
/// warning, when it cannot be.
pub(crate) fn intern(mut description: Description) -> Option<&'static Instrument> {
    if !is_name(&description.name) {
        let text = format_args!(
            "`{}` is no name for an instrument, so it records nothing: a letter, then at most 254 \
             letters, digits and `_.-/`",
            description.name.escape_debug()
        );
        diagnose::warn(Cause::BadInstrument, &text);
        return None;
    }
    if !is_unit(&description.unit) {
        let text = format_args!(
            "the unit of `{}` is left out: more than 63 characters, or some beyond ASCII",
            description.name
        );
        diagnose::warn(Cause::BadInstrument, &text);
        description.unit.clear();
    }
    if description.bounds.as_deref().is_some_and(|bounds| !are_bounds(bounds)) {
        let text =
            format_args!("the bounds of `{}` are left out: they do not rise", description.name);
        diagnose::warn(Cause::BadInstrument, &text);
        description.bounds = None;
    }
    if let Some(known) = ALL.iter().find(|known| same(&known.description, &description)) {
        return Some(known);
    }
    if ALL.len() >= MOST {
        let text = format_args!(
            "more than {MOST} instruments: `{}` and those after it record nothing",
            description.name
        );
        diagnose::warn(Cause::BadInstrument, &text);
        return None;
    }
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let fresh = Instrument { id, description, callbacks: List::new() };
    Some(ALL.find_or_push(fresh, |one, two| same(&one.description, &two.description)))
}

/// Names differ in more than case when they differ.
fn same(one: &Description, two: &Description) -> bool {
    ptr::eq(one.scope, two.scope)
        && one.kind == two.kind
        && one.number == two.number
        && one.name.eq_ignore_ascii_case(&two.name)
        && one.unit == two.unit
        && one.text == two.text
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 255
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte))
}

fn is_unit(unit: &str) -> bool {
    unit.len() <= 63 && unit.is_ascii()
}

/// Whether these can be the bounds of buckets.
pub(crate) fn are_bounds(bounds: &[f64]) -> bool {
    bounds.iter().all(|bound| bound.is_finite()) && bounds.windows(2).all(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests {
    use super::{is_name, is_unit};

    #[test]
    fn names_and_units_follow_the_syntax() {
        let longest = "a".repeat(255);
        for name in ["a", "http.server.request.duration", "A/b-c_d9", &longest] {
            assert!(is_name(name), "{name}");
        }
        let too_long = "a".repeat(256);
        for name in ["", "9a", "_a", ".a", "a b", "a\u{e4}", "a*", &too_long] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_unit("") && is_unit("{request}/s") && !is_unit("\u{b5}s"));
        assert!(!is_unit(&"s".repeat(64)));
    }
}
