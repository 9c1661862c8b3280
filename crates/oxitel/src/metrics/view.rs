//! Views: what a program changes about the metrics of instruments that others made.

use super::aggregation::Aggregation;
use super::instrument::{Description, are_bounds};
use super::kind::InstrumentKind;
use crate::pipeline::scope::ScopeData;
use crate::wire::{Content, Fields};

/// The bounds of a histogram's buckets when nobody says otherwise.
pub(crate) const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

impl Aggregation {
    /// Whether instruments of this kind can be aggregated so.
    pub(crate) fn suits(&self, kind: InstrumentKind) -> bool {
        use InstrumentKind as Kind;
        match self {
            Self::Sum => !matches!(kind, Kind::Gauge | Kind::ObservableGauge),
            Self::LastValue => matches!(kind, Kind::Gauge | Kind::ObservableGauge),
            Self::ExplicitHistogram { bounds: Some(bounds), .. } => are_bounds(bounds),
            Self::ExponentialHistogram { max_size, max_scale, .. } => {
                (2..=1024).contains(max_size) && (-10..=20).contains(max_scale)
            }
            Self::Drop | Self::Default | Self::ExplicitHistogram { bounds: None, .. } => true,
        }
    }
}

/// Changes the metrics of the instruments that it matches. An instrument gives one metric for
/// each view that matches it, and its usual one when none does.
///
/// ```
/// use oxitel::metrics::{Aggregation, View};
///
/// let latencies = View::of("*.duration").aggregation(Aggregation::exponential());
/// let few_labels = View::of("http.server.*").keep(["http.route"]);
/// let nothing = View::of("noisy.counter").aggregation(Aggregation::Drop);
/// # let _ = (latencies, few_labels, nothing);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    name: String,
    kind: Option<InstrumentKind>,
    unit: Option<String>,
    scope_name: Option<String>,
    scope_version: Option<String>,
    scope_schema_url: Option<String>,
    pub(crate) changes: Changes,
}

/// What a view says about a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) kept: Option<Vec<String>>,
    pub(crate) left_out: Vec<String>,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) cardinality_limit: Option<usize>,
    pub(crate) exemplars: Option<usize>,
}

impl View {
    /// For instruments of this name, in which `*` stands for any text and `?` for one character.
    /// Case does not matter.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: None,
            unit: None,
            scope_name: None,
            scope_version: None,
            scope_schema_url: None,
            changes: Changes::default(),
        }
    }

    /// Only for instruments of this kind.
    #[must_use]
    pub fn of_kind(mut self, kind: InstrumentKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only for instruments of this unit.
    #[must_use]
    pub fn of_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Only for instruments of the scope with this name.
    #[must_use]
    pub fn of_scope(mut self, name: impl Into<String>) -> Self {
        self.scope_name = Some(name.into());
        self
    }

    /// Only for instruments of scopes with this version.
    #[must_use]
    pub fn of_scope_version(mut self, version: impl Into<String>) -> Self {
        self.scope_version = Some(version.into());
        self
    }

    /// Only for instruments of scopes with this schema.
    #[must_use]
    pub fn of_scope_schema(mut self, schema_url: impl Into<String>) -> Self {
        self.scope_schema_url = Some(schema_url.into());
        self
    }

    /// The metric's name. Left out with a warning when the view's own name has wildcards: many
    /// instruments would give one metric.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.changes.name = Some(name.into());
        self
    }

    /// The metric's description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.changes.description = Some(text.into());
        self
    }

    /// Keeps the attributes with these keys and leaves all others out.
    #[must_use]
    pub fn keep<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.changes.kept = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves the attributes with these keys out.
    #[must_use]
    pub fn leave_out<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.changes.left_out = keys.into_iter().map(Into::into).collect();
        self
    }

    /// What becomes of the measurements.
    #[must_use]
    pub fn aggregation(mut self, aggregation: Aggregation) -> Self {
        self.changes.aggregation = Some(aggregation);
        self
    }

    /// The most points of the metric, the one for the rest among them.
    #[must_use]
    pub fn cardinality_limit(mut self, limit: usize) -> Self {
        self.changes.cardinality_limit = Some(limit);
        self
    }

    /// Keeps so many measurements of each point as examples, any of them. Without it, a histogram
    /// with explicit bounds keeps one of each bucket, and other metrics keep one, exponential
    /// histograms twenty.
    #[must_use]
    pub fn exemplars(mut self, count: usize) -> Self {
        self.changes.exemplars = Some(count);
        self
    }

    pub(crate) fn has_wildcards(&self) -> bool {
        self.name.contains(['*', '?'])
    }

    pub(crate) fn matches(&self, instrument: &Description) -> bool {
        let scope = |number, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| scope_text(instrument.scope, number) == *wanted)
        };
        let schema_url = &self.scope_schema_url;
        covers(self.name.as_bytes(), instrument.name.as_bytes())
            && self.kind.is_none_or(|kind| kind == instrument.kind)
            && self.unit.as_ref().is_none_or(|unit| *unit == instrument.unit)
            && scope(1, &self.scope_name)
            && scope(2, &self.scope_version)
            && schema_url.as_ref().is_none_or(|wanted| *wanted == instrument.scope.schema_url)
    }
}

impl Changes {
    /// Whether attributes with this key stay.
    pub(crate) fn keeps(&self, key: &str) -> bool {
        let among = |keys: &[String]| keys.iter().any(|known| known == key);
        self.kept.as_ref().is_none_or(|kept| among(kept)) && !among(&self.left_out)
    }
}

/// A text field of the encoded scope.
pub(crate) fn scope_text(scope: &ScopeData, wanted: u32) -> &str {
    let found = Fields::new(&scope.bytes).flatten().find_map(|field| match field {
        (number, Content::Bytes(text)) if number == wanted => std::str::from_utf8(text).ok(),
        _ => None,
    });
    found.unwrap_or("")
}

/// `*` stands for any text, `?` for one character; case does not matter. In time linear in the
/// product of the lengths at worst: it goes back to the last star only.
fn covers(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&name[from]) => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((behind, tried)) = star else { return false };
                star = Some((behind, tried + 1));
                (at, from) = (behind, tried + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        let covered = |pattern: &str, name: &str| covers(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in [
            ("*", "a.b"),
            ("a.b", "A.B"),
            ("a.*", "a."),
            ("*.duration", "http.server.duration"),
            ("a*b*c", "aXXbYbc"),
            ("?.b", "a.b"),
            ("**", ""),
        ] {
            assert!(covered(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("a.?", "a."), ("*.b", "a.bc"), ("", "a"), ("?", "")] {
            assert!(!covered(pattern, name), "{pattern} {name}");
        }
    }
}
