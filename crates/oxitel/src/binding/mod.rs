//! What a binding to another language builds on: spans, log records and meters whose scopes,
//! parents and times are known only at run time.
//!
//! A program in Rust needs none of it. It follows the needs of `oxitel`'s own bindings and may
//! change with any version.
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! # let receiver = oxitel::testing::Receiver::start();
//! # let guard = oxitel::init(oxitel::Config::new("shop").endpoint(receiver.endpoint()))?;
//! use oxitel::SpanContext;
//! use oxitel::binding::{LiveSpan, RuntimeScope, Start};
//!
//! let scope = RuntimeScope::of("shop", "1.0", "", &[]);
//! let mut span = LiveSpan::start(scope, "order", &SpanContext::NONE, &Start::default());
//! span.set_attribute("order.items", &3.into());
//! span.end(None);
//! // It can still be read, until it is dropped.
//! assert_eq!(span.read(|span| span.attributes().count()), Some(1));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod amount;
mod decided;
mod instrument;
mod log;
mod per_process;
mod scope;
mod span;
mod value;

use crate::export::SignalKind;
use crate::pipeline::settings::Target;
use crate::pipeline::{engine, lifecycle, settings, state};
use crate::record;
pub use crate::record::Details as Start;
use crate::stats::FlushError;
use crate::wire::{Content, Fields};
pub use amount::Amount;
pub use decided::{Candidate, Fate};
pub use instrument::{
    Described, RuntimeInstrument, measurements_are_recorded, measurements_need_spans,
};
pub use log::{LogDetails, about, logs_are_recorded, time_of};
pub use per_process::PerProcess;
pub use scope::RuntimeScope;
pub use span::LiveSpan;
use std::time::Duration;
pub use value::OwnedValue;

/// Whether a sampler or hook of the program looks at what a span starts with: then attributes and
/// links are worth collecting before it starts.
#[inline]
pub fn starts_are_asked() -> bool {
    state::starts_are_asked()
}

/// What describes this process, as it is sent; nothing before telemetry starts.
pub fn resource() -> Vec<(String, OwnedValue)> {
    let (Some(settings), Some(engine)) = (settings::current(), engine::current()) else {
        return Vec::new();
    };
    let encoded = settings.resource.encode(&engine.instance_id);
    let pairs = Fields::new(&encoded).flatten().filter_map(|field| match field {
        (_, Content::Bytes(pair)) => record::pair(pair),
        _ => None,
    });
    pairs.map(|(key, value)| (key.to_owned(), OwnedValue::of(&value))).collect()
}

/// Where a signal goes: the URLs of its receivers, without credentials.
pub fn receivers(signal: SignalKind) -> Vec<String> {
    let route = settings::current().and_then(|settings| settings.route(signal));
    let ways = route.into_iter().flat_map(|route| &route.ways);
    let receivers = ways.filter(|way| matches!(way.target, Target::Receiver(_)));
    receivers.map(|way| way.target.shown()).collect()
}

/// Flushes and ends telemetry, as [`shutdown`](crate::shutdown) does; an end that another thread is
/// in the middle of is waited for. A process that leaves before that loses what is on its way.
pub fn last_shutdown(timeout: Duration) -> Result<(), FlushError> {
    lifecycle::last_shutdown(timeout)
}

/// Sends what there is, at the beginning of a program's end. What finalizers of its language record
/// after this is sent when the C library ends the process, all of it within `timeout`; only
/// measurements are not collected once more.
pub fn leave(timeout: Duration) -> Result<(), FlushError> {
    lifecycle::leave(timeout)
}

/// Gives the signals back that [`shutdown_on_signals`](crate::shutdown_on_signals) has taken.
pub fn let_signals_go() {
    lifecycle::let_signals_go();
}

/// Whether the engine runs in this process.
pub fn is_running() -> bool {
    lifecycle::is_running()
}
