//! The libraries: each file sets one up as its documentation advises and records the workload.
//!
//! All send uncompressed OTLP/HTTP protobuf to the same receiver, with default queues and batch
//! sizes, as service `bench`.

mod fastrace;
mod opentelemetry;
mod oxitel;
mod spans;
mod tracing;

pub(crate) use self::tracing::without_feedback;
use crate::engine::Candidate;
use crate::measure::Order;

/// Measures the candidate in this process.
pub(crate) fn run(order: &Order) -> anyhow::Result<()> {
    match order.candidate {
        Candidate::Direct | Candidate::DirectSystemClock => oxitel::direct(order),
        Candidate::Subscriber => oxitel::subscriber(order),
        Candidate::Layer => oxitel::layer(order),
        Candidate::OpenTelemetry => opentelemetry::run(order),
        Candidate::TracingOpenTelemetry => tracing::opentelemetry(order),
        Candidate::Tracing => tracing::without_subscriber(order),
        Candidate::Fastrace => fastrace::run(order),
    }
}
