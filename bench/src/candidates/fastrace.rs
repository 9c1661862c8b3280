//! fastrace with its OpenTelemetry reporter. Its attributes are texts: numbers and flags are
//! turned into text by the caller, as its users must.

use super::opentelemetry;
use crate::measure::{Order, measure};
use crate::workload::{
    CACHE_HIT, CHILDREN, Inputs, METHOD, STATUS, USER, cache_hit, method, status,
};
use ::opentelemetry::InstrumentationScope;
use fastrace::collector::Config;
use fastrace::prelude::{LocalSpan, Span, SpanContext};
use fastrace_opentelemetry::OpenTelemetryReporter;
use std::borrow::Cow;

pub(super) fn run(order: &Order) -> anyhow::Result<()> {
    let scope = InstrumentationScope::builder("bench").build();
    let resource = Cow::Owned(opentelemetry::resource());
    let exporter = opentelemetry::exporter(order)?;
    let reporter = OpenTelemetryReporter::new(exporter, resource, scope);
    fastrace::set_reporter(reporter, Config::default());
    let sampled = order.case.sends();
    let flush = || {
        fastrace::flush();
        Ok(())
    };
    measure(order, |inputs| record(inputs, sampled), flush)
}

fn record(inputs: &mut Inputs, sampled: bool) {
    let context = SpanContext::random().sampled(sampled);
    let root = Span::root("root", context).with_properties(|| properties(inputs));
    let _current = root.set_local_parent();
    for _ in 0..CHILDREN {
        let _child =
            LocalSpan::enter_with_local_parent("child").with_properties(|| properties(inputs));
    }
}

#[inline(always)]
fn properties(inputs: &mut Inputs) -> [(&'static str, Cow<'static, str>); 4] {
    let cache_hit = if cache_hit() { "true" } else { "false" };
    [
        (METHOD, Cow::Borrowed(method())),
        (USER, Cow::Owned(inputs.user().to_owned())),
        (STATUS, Cow::Owned(status().to_string())),
        (CACHE_HIT, Cow::Borrowed(cache_hit)),
    ]
}
