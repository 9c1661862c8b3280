//! The situations a span is recorded in, and who is measured in each.

use crate::workload;

/// What becomes of the spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Sampled and sent over OTLP/HTTP, one flush after each burst.
    Exported,
    /// Tracing is on, the sampler keeps nothing.
    SampledOut,
    /// Nothing was initialised.
    Disabled,
    /// A tight loop against the default queues, one flush at the end.
    Saturation,
}

impl Case {
    pub(crate) const ALL: [Self; 4] =
        [Self::Exported, Self::SampledOut, Self::Disabled, Self::Saturation];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::SampledOut => "sampled-out",
            Self::Disabled => "disabled",
            Self::Saturation => "saturation",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    /// For the heading of the table.
    pub(crate) fn description(self) -> String {
        let spans = self.iterations() * workload::SPANS;
        match self {
            Self::Exported => format!("bursts of {spans} spans, OTLP/HTTP protobuf, each flushed"),
            Self::SampledOut => format!("bursts of {spans} spans, the sampler keeps none"),
            Self::Disabled => format!("bursts of {spans} spans, nothing initialised"),
            Self::Saturation => format!("a tight loop of {spans} spans, default queues, one flush"),
        }
    }

    /// Roots in one burst. Where a span costs a few nanoseconds, a burst is long enough to hide
    /// the two readings of the clock.
    pub(crate) fn iterations(self) -> u64 {
        match self {
            Self::Exported => 93,
            Self::SampledOut | Self::Disabled => 1_860,
            Self::Saturation => 20_000,
        }
    }

    /// Whether spans reach the receiver.
    pub(crate) fn sends(self) -> bool {
        matches!(self, Self::Exported | Self::Saturation)
    }

    pub(crate) fn candidates(self) -> &'static [Candidate] {
        use Candidate::{
            Direct, DirectSystemClock, Fastrace, Layer, OpenTelemetry, Subscriber, Tracing,
            TracingOpenTelemetry,
        };
        match self {
            Self::Exported => &[
                Direct,
                DirectSystemClock,
                Subscriber,
                Layer,
                OpenTelemetry,
                TracingOpenTelemetry,
                Fastrace,
            ],
            Self::SampledOut | Self::Saturation => {
                &[Direct, Subscriber, Layer, OpenTelemetry, TracingOpenTelemetry, Fastrace]
            }
            Self::Disabled => &[Direct, Subscriber, Tracing],
        }
    }
}

/// A way to record the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// oxitel's own API.
    Direct,
    /// The same, reading the wall clock instead of the time-stamp counter.
    DirectSystemClock,
    /// `tracing` macros, oxitel's own subscriber. Disabled: it filters the spans away.
    Subscriber,
    /// `tracing` macros, oxitel's layer on a `Registry`.
    Layer,
    /// The OpenTelemetry API and SDK.
    OpenTelemetry,
    /// `tracing` macros, tracing-opentelemetry's layer on a `Registry`, the SDK behind it.
    TracingOpenTelemetry,
    Fastrace,
    /// `tracing` macros without a subscriber.
    Tracing,
}

impl Candidate {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::DirectSystemClock => "direct-system-clock",
            Self::Subscriber => "subscriber",
            Self::Layer => "layer",
            Self::OpenTelemetry => "opentelemetry_sdk",
            Self::TracingOpenTelemetry => "tracing-opentelemetry",
            Self::Fastrace => "fastrace",
            Self::Tracing => "tracing",
        }
    }

    /// The crate that a peer is; its version is read from the lock file.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Direct | Self::DirectSystemClock | Self::Subscriber | Self::Layer => "oxitel",
            peer => peer.name(),
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        self.package() == "oxitel"
    }

    /// What its process finds in the environment.
    pub(crate) fn environment(self) -> Option<(&'static str, &'static str)> {
        (self == Self::DirectSystemClock).then_some(("OXITEL_CLOCK", "system"))
    }
}
