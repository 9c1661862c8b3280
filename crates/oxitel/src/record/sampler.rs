//! Which traces are kept. The decision falls once, at the root, and travels with the context.
//!
//! A sampler holds a rule for each of the five places a span can start at; one that ignores
//! parents holds the same rule five times. So a decision is one look-up and one comparison,
//! whatever was configured. Only the rules in `sampling` and `probability` are asked out of line.

use super::probability::Probability;
use super::sampling::ShouldSample;
use std::sync::Arc;
use std::{fmt, mem};

/// What decides whether a trace is kept: one of the specification's samplers, or the program's
/// own.
#[derive(Clone, PartialEq)]
pub struct Sampler {
    is_parent_based: bool,
    /// That of roots, then those of [`Place`].
    rules: [Rule; 5],
}

/// Where a span with a parent starts; a root is at 0.
#[derive(Clone, Copy, Debug)]
enum Place {
    RemoteKept = 1,
    RemoteDropped = 2,
    LocalKept = 3,
    LocalDropped = 4,
}

/// What one place is decided by.
#[derive(Clone)]
pub(crate) enum Rule {
    On,
    Off,
    Ratio(Ratio),
    Probability(Probability),
    Custom(Arc<dyn ShouldSample>),
}

/// Keeps trace ids whose lower 63 bits are below a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    share: f64,
    bound: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self::always_on().parent_based()
    }
}

impl Sampler {
    const fn all(rules: [Rule; 5]) -> Self {
        Self { is_parent_based: false, rules }
    }

    fn same(rule: &Rule) -> Self {
        Self::all(std::array::from_fn(|_| rule.clone()))
    }

    /// Keeps every span.
    pub const fn always_on() -> Self {
        Self::all([Rule::On, Rule::On, Rule::On, Rule::On, Rule::On])
    }

    /// Keeps none.
    pub const fn always_off() -> Self {
        Self::all([Rule::Off, Rule::Off, Rule::Off, Rule::Off, Rule::Off])
    }

    /// Keeps this share of all traces, the same ones in every process. Below 0 is 0, above 1 is
    /// 1, and what is no number keeps everything.
    pub fn ratio(ratio: f64) -> Self {
        let share = share(ratio);
        let bound = (share * (1_u64 << 63) as f64) as u64;
        Self::same(&Rule::Ratio(Ratio { share, bound }))
    }

    /// Keeps this share of all traces by the specification's consistent probability: 56 random
    /// bits against a threshold, which is written into the trace state (`ot=th:…`), so that
    /// others can tell how many traces a kept one stands for. Bounds as for [`Sampler::ratio`].
    pub fn probability(probability: f64) -> Self {
        Self::same(&Rule::Probability(Probability::new(share(probability))))
    }

    /// Asks the program. It is asked for every span, also below unsampled ones, unless it is made
    /// [`parent_based`](Sampler::parent_based).
    pub fn custom(sampler: impl ShouldSample + 'static) -> Self {
        Self::same(&Rule::Custom(Arc::new(sampler)))
    }

    /// Asks this sampler for root spans only; a child follows its parent.
    #[must_use]
    pub fn parent_based(self) -> Self {
        if self.is_parent_based {
            return self;
        }
        let [root, ..] = self.rules;
        Self { is_parent_based: true, rules: [root, Rule::On, Rule::Off, Rule::On, Rule::Off] }
    }

    /// Asks `sampler` below spans of other processes that are kept; makes this one parent based.
    #[must_use]
    pub fn remote_parent_sampled(self, sampler: Self) -> Self {
        self.with(Place::RemoteKept, sampler)
    }

    /// Asks `sampler` below spans of other processes that are not kept; makes this one parent
    /// based.
    #[must_use]
    pub fn remote_parent_not_sampled(self, sampler: Self) -> Self {
        self.with(Place::RemoteDropped, sampler)
    }

    /// Asks `sampler` below spans of this process that are kept; makes this one parent based.
    #[must_use]
    pub fn local_parent_sampled(self, sampler: Self) -> Self {
        self.with(Place::LocalKept, sampler)
    }

    /// Asks `sampler` below spans of this process that are not kept; makes this one parent based.
    #[must_use]
    pub fn local_parent_not_sampled(self, sampler: Self) -> Self {
        self.with(Place::LocalDropped, sampler)
    }

    /// What the other does at this place, this one does too: a parent-based sampler inside of
    /// another needs no level of its own.
    fn with(self, place: Place, mut sampler: Self) -> Self {
        let mut changed = self.parent_based();
        mem::swap(&mut changed.rules[place as usize], &mut sampler.rules[place as usize]);
        changed
    }

    /// Its name and settings, as the specification writes them.
    pub fn description(&self) -> String {
        let [root, remote_sampled, remote_not, local_sampled, local_not] = &self.rules;
        if !self.is_parent_based {
            return root.to_string();
        }
        format!(
            "ParentBased{{root:{root},remoteParentSampled:{remote_sampled},\
             remoteParentNotSampled:{remote_not},localParentSampled:{local_sampled},\
             localParentNotSampled:{local_not}}}"
        )
    }
}

#[cfg(feature = "otel")]
impl Sampler {
    /// Whether nothing below a span that is not kept is ever kept.
    pub(crate) fn is_settled_by_parent(&self) -> bool {
        let [_, _, remote_not, _, local_not] = &self.rules;
        matches!((remote_not, local_not), (Rule::Off, Rule::Off))
    }

    /// Whether some rule has to be asked out of line.
    pub(crate) fn asks(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Probability(_) | Rule::Custom(_)))
    }

    /// The rule for a span below `parent`.
    #[inline(always)]
    pub(crate) fn rule(&self, parent: &crate::context::Ids) -> &Rule {
        if !parent.is_valid() {
            return &self.rules[0];
        }
        let is_remote = parent.flags & crate::context::Ids::REMOTE != 0;
        let place = match (is_remote, parent.is_sampled()) {
            (true, true) => Place::RemoteKept,
            (true, false) => Place::RemoteDropped,
            (false, true) => Place::LocalKept,
            (false, false) => Place::LocalDropped,
        };
        &self.rules[place as usize]
    }

    /// The decision of the rules that need nothing but the trace id. For the others, which are
    /// asked elsewhere, what they fall back to: the parent's decision, and to keep a root.
    #[inline(always)]
    pub(crate) fn keeps(&self, parent: &crate::context::Ids, trace_low: u64) -> bool {
        match self.rule(parent) {
            Rule::On => true,
            Rule::Off => false,
            Rule::Ratio(ratio) => trace_low >> 1 < ratio.bound,
            Rule::Probability(_) | Rule::Custom(_) => !parent.is_valid() || parent.is_sampled(),
        }
    }
}

/// Between 0 and 1; what is no number is 1.
fn share(ratio: f64) -> f64 {
    if ratio.is_nan() { 1.0 } else { ratio.clamp(0.0, 1.0) }
}

/// Six digits, or as many as tell it from all others.
fn decimal(share: f64) -> String {
    let short = format!("{share:.6}");
    if short.parse() == Ok(share) { short } else { share.to_string() }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On => f.write_str("AlwaysOnSampler"),
            Self::Off => f.write_str("AlwaysOffSampler"),
            Self::Ratio(ratio) => write!(f, "TraceIdRatioBased{{{}}}", decimal(ratio.share)),
            Self::Probability(probability) => {
                write!(f, "ProbabilitySampler{{{}}}", decimal(probability.share()))
            }
            Self::Custom(sampler) => f.write_str(&sampler.description()),
        }
    }
}

/// The description; a sampler of the program's own says it itself.
impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

/// The program's own samplers are equal when they are the same one.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::On, Self::On) | (Self::Off, Self::Off) => true,
            (Self::Ratio(one), Self::Ratio(two)) => one == two,
            (Self::Probability(one), Self::Probability(two)) => one == two,
            (Self::Custom(one), Self::Custom(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

#[cfg(all(test, feature = "otel"))]
mod tests {
    use super::Sampler;
    use crate::context::{Ids, TraceFlags};

    const ROOT: Ids = Ids::NONE;

    fn parent(remote: bool, sampled: bool) -> Ids {
        let sampled = if sampled { u32::from(TraceFlags::SAMPLED) } else { 0 };
        let remote = if remote { Ids::REMOTE } else { 0 };
        Ids { trace_high: 1, trace_low: 1, span: 1, flags: sampled | remote }
    }

    fn ids() -> impl Iterator<Item = u64> {
        (0..10_000_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn kept(sampler: &Sampler, parent: &Ids) -> usize {
        ids().filter(|id| sampler.keeps(parent, *id)).count()
    }

    #[test]
    fn a_ratio_keeps_its_share_and_a_larger_one_keeps_the_same_traces_too() {
        assert_eq!(kept(&Sampler::ratio(0.0), &ROOT), 0);
        assert!((900..1100).contains(&kept(&Sampler::ratio(0.1), &ROOT)));
        assert_eq!(kept(&Sampler::ratio(1.0), &ROOT), 10_000);
        assert!(Sampler::ratio(1.0).keeps(&ROOT, u64::MAX));
        assert_eq!(kept(&Sampler::ratio(f64::NAN), &ROOT), 10_000);
        let (tenth, half) = (Sampler::ratio(0.1), Sampler::ratio(0.5));
        assert!(ids().all(|id| !tenth.keeps(&ROOT, id) || half.keeps(&ROOT, id)));
    }

    /// The frozen behaviour: the lower 63 bits against the share of 2^63, as the official Rust
    /// SDK does it, so that both keep the same traces.
    #[test]
    fn a_ratio_decides_as_it_always_did() {
        let quarter = Sampler::ratio(0.25);
        let bound = 1_u64 << 62;
        assert!(quarter.keeps(&ROOT, bound - 1) && !quarter.keeps(&ROOT, bound));
        assert!(quarter.keeps(&parent(true, false), 0), "it ignores the parent");
    }

    #[test]
    fn each_of_the_five_places_has_a_sampler_of_its_own() {
        let places = [
            ROOT,
            parent(true, true),
            parent(true, false),
            parent(false, true),
            parent(false, false),
        ];
        let decisions = |sampler: &Sampler| places.map(|place| sampler.keeps(&place, 7));
        let base = Sampler::always_off().parent_based();
        let (on, off) = (Sampler::always_on, Sampler::always_off);
        assert_eq!(decisions(&base), [false, true, false, true, false]);
        let changed = [
            base.clone().remote_parent_sampled(off()),
            base.clone().remote_parent_not_sampled(on()),
            base.clone().local_parent_sampled(off()),
            base.clone().local_parent_not_sampled(on()),
        ];
        for (place, sampler) in changed.iter().enumerate() {
            let mut expected = decisions(&base);
            expected[place + 1] = !expected[place + 1];
            assert_eq!(decisions(sampler), expected, "{sampler:?}");
            assert_ne!(sampler, &base);
        }
        assert!(base.is_settled_by_parent() && !changed[1].is_settled_by_parent());
        let nested = off().local_parent_not_sampled(on().parent_based());
        assert_eq!(decisions(&nested), [false, true, false, true, false], "one inside another");
    }

    #[test]
    fn descriptions_are_the_specifications() {
        let custom = off_by_name();
        let shown = [
            Sampler::always_on(),
            Sampler::always_off(),
            Sampler::ratio(0.0001),
            Sampler::ratio(1e-9),
            Sampler::probability(0.25),
            custom,
            Sampler::default().remote_parent_not_sampled(Sampler::ratio(0.5)),
        ]
        .map(|sampler| sampler.description())
        .join("\n");
        insta::assert_snapshot!(shown, @r#"
        AlwaysOnSampler
        AlwaysOffSampler
        TraceIdRatioBased{0.000100}
        TraceIdRatioBased{0.000000001}
        ProbabilitySampler{0.250000}
        Named{1}
        ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:TraceIdRatioBased{0.500000},localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}
        "#);
    }

    fn off_by_name() -> Sampler {
        struct Named;
        impl super::ShouldSample for Named {
            fn should_sample(&self, _: &crate::Sampling<'_>) -> crate::Decision {
                crate::Decision::drop()
            }
            fn description(&self) -> String {
                "Named{1}".to_owned()
            }
        }
        Sampler::custom(Named)
    }

    #[test]
    fn samplers_of_the_program_are_equal_when_they_are_the_same() {
        let (one, two) = (off_by_name(), off_by_name());
        assert_eq!(one, one.clone());
        assert_ne!(one, two);
        assert_ne!(one, Sampler::always_on());
    }
}
