//! `tracing` without a subscriber, and with `tracing-opentelemetry` on a `Registry`.

use super::{opentelemetry, spans};
use crate::measure::{Order, measure};
use ::opentelemetry::trace::TracerProvider;
use anyhow::Context;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

pub(super) fn opentelemetry(order: &Order) -> anyhow::Result<()> {
    let provider = opentelemetry::provider(order)?;
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry().with(without_feedback()).with(layer);
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    measure(order, spans::record, || opentelemetry::flush(&provider))?;
    provider.shutdown().context("the SDK's shutdown")
}

pub(super) fn without_subscriber(order: &Order) -> anyhow::Result<()> {
    measure(order, spans::record, || Ok(()))
}

/// The exporter's own HTTP stack uses `tracing`; recorded, it would export its own export.
pub(crate) fn without_feedback() -> Targets {
    let stack = ["h2", "hyper", "hyper_util", "opentelemetry", "reqwest", "tower"];
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(stack.map(|target| (target, LevelFilter::OFF)))
}
