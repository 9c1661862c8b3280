//! The OpenTelemetry API in: its tracers make our spans, its Context shows them, its propagators
//! and instruments are ours.
//!
//! [`init`](crate::init) makes both global, so that libraries which use
//! `opentelemetry::global::tracer` or the global propagator are part of the same trace.

mod any_value;
pub(crate) mod baggage;
mod convert;
mod handle;
mod logger;
mod mailbox;
mod meter;
mod propagator;
mod provider;
mod remote;
mod span;

pub(crate) use handle::Handle;
pub use logger::{LogRecord, Logger, LoggerProvider};
pub(crate) use mailbox::Mailbox;
pub use meter::MeterProvider;
pub use propagator::ApiPropagator;
pub(crate) use propagator::with_remote;
pub use provider::{Tracer, TracerProvider};
pub(crate) use remote::RemoteParent;
pub use span::Span;
