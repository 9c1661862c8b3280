//! oxitel: the direct API, and its subscriber and its layer under `tracing`.

use super::spans;
use crate::engine::Case;
use crate::measure::{Order, measure};
use crate::workload::{CACHE_HIT, CHILDREN, Inputs, METHOD, STATUS, USER, Values};
use anyhow::Context;
use oxitel::{Config, Guard, Sampler, Scope, Span};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("bench");

/// The direct API; disabled means that `init` is never called.
pub(super) fn direct(order: &Order) -> anyhow::Result<()> {
    let guard = if order.case == Case::Disabled { None } else { Some(start(order)?) };
    measure(order, record, flush)?;
    drop(guard);
    Ok(())
}

/// `tracing` macros and our own subscriber. Disabled means that the spans are filtered away, and
/// that `init` is never called.
pub(super) fn subscriber(order: &Order) -> anyhow::Result<()> {
    let disabled = order.case == Case::Disabled;
    let guard = if disabled { None } else { Some(start(order)?) };
    let filter = if disabled { "bench=warn" } else { "info" };
    let subscriber = oxitel::bridge::subscriber().with_filter(filter);
    subscriber.try_init().context("the global subscriber")?;
    measure(order, spans::record, flush)?;
    drop(guard);
    Ok(())
}

/// `tracing` macros on a `Registry`.
pub(super) fn layer(order: &Order) -> anyhow::Result<()> {
    let guard = start(order)?;
    let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::set_global_default(subscriber).context("the global subscriber")?;
    measure(order, spans::record, flush)?;
    drop(guard);
    Ok(())
}

fn start(order: &Order) -> anyhow::Result<Guard> {
    let ratio = if order.case.sends() { 1.0 } else { 0.0 };
    let sampler = Sampler::ratio(ratio).parent_based();
    oxitel::init(Config::new("bench").endpoint(&order.endpoint).sampler(sampler))
        .context("oxitel does not start")
}

fn flush() -> anyhow::Result<()> {
    oxitel::flush(Duration::from_secs(10)).context("oxitel's flush")
}

fn record(inputs: &mut Inputs) {
    let values = inputs.next();
    let mut root = SCOPE.enter("root");
    describe(&mut root, values);
    for _ in 0..CHILDREN {
        let values = inputs.next();
        let mut child = SCOPE.enter("child");
        describe(&mut child, values);
    }
}

#[inline(always)]
fn describe(span: &mut Span, values: Values<'_>) {
    span.set_attribute(METHOD, values.method);
    span.set_attribute(USER, values.user);
    span.set_attribute(STATUS, values.status);
    span.set_attribute(CACHE_HIT, values.cache_hit);
}
