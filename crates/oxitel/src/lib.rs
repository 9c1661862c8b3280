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
//! Work that goes elsewhere takes its place in the trace along: [`Span::instrument`] for futures,
//! [`context::capture`] for threads, [`propagate`] for other processes.
//!
//! # Without the feature `otel`
//!
//! Every name of this page stays, does nothing and costs nothing; the tree then has no HTTP, no
//! runtime and no engine in it.

#[cfg(feature = "otel")]
pub mod bridge;
#[cfg(feature = "otel")]
mod config;
#[cfg(feature = "otel")]
pub mod context;
#[cfg(feature = "otel")]
mod diagnose;
#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod guard;
#[cfg(feature = "otel")]
mod pipeline;
#[cfg(feature = "otel")]
pub mod propagate;
#[cfg(feature = "otel")]
mod record;
#[cfg(feature = "otel")]
mod resource;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "otel")]
pub mod wire;

#[cfg(feature = "otel")]
pub use {
    config::{Config, Headers},
    context::{SpanContext, SpanId, TraceFlags, TraceId},
    export::EndpointError,
    guard::{Guard, InitError, flush, init, shutdown, stats},
    pipeline::{Dropped, FlushError, Stats},
    record::{
        Current, Entered, Instrumented, Kind, Limits, Sampler, Scope, Span, SpanBuilder, Status,
        Value,
    },
};

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(not(feature = "otel"))]
pub use off::*;
