//! `oxitel._native`: the engine behind the OpenTelemetry API of Python.
//!
//! Flow: a call of the API -> `attributes` turns Python's values into ours -> `oxitel::binding`
//! records bytes -> the engine's own thread sends them. Nothing here waits for the network while
//! it holds the interpreter, and no code of the program runs while a span is locked.
//!
//! In reading order: `api` (what we use of `opentelemetry-api`, found once), `context` (the current
//! span), `attributes`, `provider` (processors, samplers), `tracer`, `decide`
//! (the program's sampler), `span`, `readable` (its
//! getters), `current` (`start_as_current_span`), `logs`, `metrics`, `engine` (start, flush,
//! end), `join` (what other Rust extensions find here).

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "what Python calls has the signature that Python gives it"
)]

mod api;
mod attributes;
mod context;
mod current;
mod decide;
mod engine;
mod join;
mod logs;
mod metrics;
mod provider;
mod readable;
mod span;
mod tracer;
mod words;

use pyo3::prelude::*;

/// The engine behind the OpenTelemetry API.
#[pymodule(gil_used = false)]
mod _native {
    use crate::{api, join};
    #[pymodule_export]
    use crate::{
        current::CurrentSpan,
        engine::{
            end_by_signals, flush, forget_kept, is_running, kept, last_flush, let_signals_go,
            receivers, resource, shutdown, start, stats,
        },
        join::{guests, leave},
        logs::{LogSink, Logger, process_logs},
        metrics::{
            instruments::{Counter, Gauge, Histogram, UpDownCounter},
            meter::Meter,
            observed::{next_question, told},
            page::prometheus_page,
        },
        provider::{add_processor, clear_processors, set_deciders},
        span::Span,
        tracer::Tracer,
    };
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        api::load(module.py())?;
        join::offer(module)
    }
}
