//! OpenTelemetry for systems that are part Rust, part Python: one engine per process, nothing
//! lost without being counted.
//!
//! # A tour
//!
//! A program starts telemetry once and keeps the guard; when it is dropped, what is left is sent,
//! within two seconds, whatever the network does.
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! # let receiver = oxitel::testing::Receiver::start();
//! # let url = receiver.endpoint();
//! use oxitel::{Config, Kind, Scope};
//!
//! static SHOP: Scope = Scope::new("shop");
//!
//! let guard = oxitel::init(Config::new("shop").endpoint(url))?;
//!
//! // Started, current, and ended when it goes out of scope.
//! let mut order = SHOP.enter("order");
//! order.set_attribute("order.items", 3);
//! {
//!     let _reserve = SHOP.build("reserve").kind(Kind::Client).enter();
//!     oxitel::propagate::inject(|header, value| println!("{header}: {value}"));
//! }
//! drop(order);
//!
//! // Did all of it arrive?
//! oxitel::flush(std::time::Duration::from_secs(5))?;
//! assert_eq!(oxitel::stats().delivered, 2);
//! drop(guard);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Programs that use `tracing` add [`bridge::layer`] to their subscriber and change nothing else.
//! Work that goes elsewhere takes its place in the trace along: [`Span::instrument`] and
//! [`instrument`] for futures, [`context::capture`] for threads, [`propagate`] for other
//! processes.
//!
//! # Without the feature `otel`
//!
//! Every name of this page stays, does nothing and costs nothing; the tree then has no HTTP, no
//! runtime and no engine in it.

#[cfg(feature = "otel")]
pub mod binding;
pub mod bridge;
pub mod config;
pub mod context;
pub mod conventions;
#[cfg(feature = "otel")]
mod diagnose;
#[cfg(feature = "otel")]
pub mod export;
mod guard;
#[cfg(feature = "python")]
pub mod join;
#[cfg(feature = "otel")]
pub mod metrics;
#[cfg(feature = "middleware")]
pub mod middleware;
#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod pipeline;
pub mod propagate;
mod record;
#[cfg(feature = "otel")]
mod resource;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use config::{
    Compression, Config, Detector, EndpointError, Headers, InitError, Protocol, Proxies, Resolved,
    TlsError, TracingEvents,
};
pub use context::{SpanContext, SpanId, TraceFlags, TraceId};
pub use export::SignalKind;
pub use guard::{
    Guard, flush, flush_on_panic, init, shutdown, shutdown_on_signals, stats, stats_of,
};
#[cfg(not(feature = "otel"))]
pub use off::export;
#[cfg(not(feature = "otel"))]
pub use off::metrics;
pub use record::{
    Current, Decision, Entered, EventRef, ForeignRecord, Hooks, Instrumented, Items, Kind, Limits,
    LinkRef, LogRecord, Pairs, Redaction, Sampler, Sampling, Scalar, Scope, Severity, ShouldSample,
    Span, SpanBuilder, SpanMut, SpanRef, Status, Value, ValueRef, Verdict, forward_log, instrument,
};
pub use stats::{Dropped, FlushError, Stats};

/// The pages' examples, compiled and run.
#[cfg(all(doctest, feature = "testing", feature = "tracing"))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../docs/guide/rust.md")]
    mod guide {}
    #[doc = include_str!("../../../docs/guide/exporters.md")]
    mod exporters {}
    #[doc = include_str!("../../../docs/guide/privacy.md")]
    mod privacy {}
    #[doc = include_str!("../../../docs/guide/logs.md")]
    mod logs {}
    #[doc = include_str!("../../../docs/guide/spool.md")]
    mod spool {}
    #[doc = include_str!("../../../docs/guide/one-trace.md")]
    mod one_trace {}
    #[doc = include_str!("../../../docs/guide/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../../../docs/guide/conventions.md")]
    mod conventions {}
    #[doc = include_str!("../../../docs/guide/propagation.md")]
    mod propagation {}
    #[doc = include_str!("../../../docs/guide/sending.md")]
    mod sending {}
    #[doc = include_str!("../../../docs/reference/configuration.md")]
    mod configuration {}
}
