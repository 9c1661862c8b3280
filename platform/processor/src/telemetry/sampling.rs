//! Which traces are kept.

use oxitel::Sampler;
use serde::{Deserialize, Serialize};

/// Which traces are kept.
///
/// In JSON each has its `type`:
/// `{"type": "parent_based", "root": {"type": "trace_id_ratio", "ratio": 0.1}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SamplingStrategy {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share of all traces, the same ones in every service. A service that decides for
    /// itself breaks the traces of its callers when its share is lower: at a hop, put it into
    /// [`ParentBased`](Self::ParentBased).
    TraceIdRatio {
        /// Between 0 and 1.
        ratio: f64,
    },
    /// What the caller decided; `root` decides for traces that begin here.
    ParentBased {
        /// For spans without a parent.
        root: Box<SamplingStrategy>,
    },
}

/// All, and children follow their parents: the standard's default.
impl Default for SamplingStrategy {
    fn default() -> Self {
        Self::AlwaysOn.parent_based()
    }
}

impl SamplingStrategy {
    pub(super) fn parent_based(self) -> Self {
        Self::ParentBased { root: Box::new(self) }
    }

    /// By the standard's names; `argument` is the share of those that have one.
    pub(super) fn named(name: &str, argument: f64) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name.as_str()),
        };
        let strategy = match root {
            "always_on" => Self::AlwaysOn,
            "always_off" => Self::AlwaysOff,
            "traceidratio" => Self::TraceIdRatio { ratio: argument },
            _ => return None,
        };
        Some(if parent_based { strategy.parent_based() } else { strategy })
    }

    pub(super) fn sampler(&self) -> Sampler {
        match self {
            Self::AlwaysOn => Sampler::always_on(),
            Self::AlwaysOff => Sampler::always_off(),
            Self::TraceIdRatio { ratio } => Sampler::ratio(*ratio),
            Self::ParentBased { root } => root.sampler().parent_based(),
        }
    }
}
