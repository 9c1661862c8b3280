//! Why telemetry does not start, or did not bring everything out.

use oxitel::{FlushError, InitError};

/// What went wrong with telemetry. The program can go on without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A field of the configuration has a value that cannot be followed.
    #[error("{field} is {value}: {advice}")]
    Config {
        /// The field's path, such as `tracing.sampling.ratio`.
        field: String,
        /// What it says.
        value: String,
        /// What to write instead.
        advice: &'static str,
    },
    /// Endpoint, protocol or a header cannot be used as they are written, or the system has no
    /// thread to send from.
    #[error("telemetry does not start: {0}")]
    Start(#[source] InitError),
    /// Telemetry runs already.
    #[error(
        "telemetry already runs in this process; the first start counts, this one changed nothing"
    )]
    AlreadyRunning,
    /// Somebody listened, and yet not everything arrived: spans, log records, points of metrics.
    /// `oxitel::stats_of` has the reasons.
    #[error("{lost} records were lost, {queued} were still on their way when the time was over")]
    Undelivered {
        /// Refused by the receiver, or given up here.
        lost: u64,
        /// Neither delivered nor given up.
        queued: u64,
    },
}

impl From<InitError> for TelemetryError {
    fn from(error: InitError) -> Self {
        match error {
            InitError::AlreadyRunning => Self::AlreadyRunning,
            other => Self::Start(other),
        }
    }
}

impl From<FlushError> for TelemetryError {
    fn from(FlushError { lost, queued, .. }: FlushError) -> Self {
        Self::Undelivered { lost, queued }
    }
}
