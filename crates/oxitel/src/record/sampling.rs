//! Samplers that a program brings itself.

use super::{Kind, Value};
use crate::context::{SpanContext, TraceId};

/// Decides which spans are kept; for [`Sampler::custom`](crate::Sampler::custom).
///
/// It runs on the thread that starts the span, before there is one. A panic is contained and
/// counted; the parent's decision then holds, and a root is kept. Spans that it starts itself
/// are recorded without asking it.
///
/// ```
/// use oxitel::{Decision, Sampler, Sampling, ShouldSample};
///
/// struct NoHealthChecks;
///
/// impl ShouldSample for NoHealthChecks {
///     fn should_sample(&self, sampling: &Sampling<'_>) -> Decision {
///         if sampling.name == "GET /healthz" { Decision::drop() } else { Decision::keep() }
///     }
/// }
///
/// let sampler = Sampler::custom(NoHealthChecks).parent_based();
/// ```
pub trait ShouldSample: Send + Sync {
    /// Whether to keep the span that is about to start.
    fn should_sample(&self, sampling: &Sampling<'_>) -> Decision;

    /// Its name and settings, for people. Never call it to tell samplers apart.
    fn description(&self) -> String {
        "CustomSampler".to_owned()
    }
}

/// What is known of a span before it starts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sampling<'a> {
    /// The span above it; invalid for a root.
    pub parent: &'a SpanContext,
    /// Its trace; that of a root is new.
    pub trace_id: TraceId,
    /// Its name.
    pub name: &'a str,
    /// Its role.
    pub kind: Kind,
    /// The attributes that were given with the start, as the program gave them: nothing is
    /// redacted yet.
    pub attributes: &'a [(&'a str, Value<'a>)],
    /// The links that were given with the start.
    pub links: &'a [SpanContext],
}

/// What a [`ShouldSample`] says.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a decision is returned"]
pub struct Decision {
    pub(crate) keep: bool,
    pub(crate) attributes: Vec<(String, Scalar)>,
    pub(crate) trace_state: Option<String>,
}

impl Decision {
    /// Record the span and send it.
    pub fn keep() -> Self {
        Self { keep: true, attributes: Vec::new(), trace_state: None }
    }

    /// Do not record it.
    pub fn drop() -> Self {
        Self { keep: false, ..Self::keep() }
    }

    /// One or the other.
    pub fn keep_if(keep: bool) -> Self {
        Self { keep, ..Self::keep() }
    }

    /// Sets an attribute on the span, if it is kept.
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<Scalar>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    /// Gives the span this trace state instead of the parent's; an empty one clears it.
    pub fn trace_state(mut self, trace_state: impl Into<String>) -> Self {
        self.trace_state = Some(trace_state.into());
        self
    }
}

/// A value that a sampler sets.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
}

macro_rules! from {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for Scalar {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    &str => Text, String => Text, bool => Bool,
    i8 => I64, i16 => I64, i32 => I64, i64 => I64, u8 => I64, u16 => I64, u32 => I64,
    f32 => F64, f64 => F64,
}

#[cfg(feature = "otel")]
impl Scalar {
    pub(crate) fn as_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::I64(number) => Value::I64(*number),
            Self::F64(number) => Value::F64(*number),
        }
    }
}
