//! The beginning of a request's span: whose trace it belongs to, and what it says from the start.
//!
//! A request that will not be recorded is not described: its name and attributes are not made.

use super::SCOPE;
use super::attributes::{Attributes, host_and_port};
use super::route::Served;
use super::settings::TrustIncoming;
use crate::context::{Captured, SpanContext};
use crate::pipeline::{local, state};
use crate::propagate::{self, Incoming};
use crate::record::{Kind, Span};
use http::request::Parts;

/// What the span of a request says from the beginning.
pub(super) trait Describe {
    fn name(&self, request: &Parts) -> String;

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a>;

    /// An attribute whose value has to be put together.
    fn made(&self, request: &Parts) -> Option<(&'static str, String)>;
}

/// Starts the span of a request that came in, with the place that is current around it.
pub(super) fn receive(
    request: &Parts,
    trust: TrustIncoming,
    describe: &impl Describe,
) -> (Span, Option<Captured>) {
    // A layer of ours further out has dealt with the headers; its span is current.
    let is_inner = request.extensions.get::<Served>().is_some();
    let says = if is_inner || trust == TrustIncoming::Never {
        Incoming::default()
    } else {
        propagate::extract_from(&request.headers)
    };
    let follows = trust == TrustIncoming::Always && says != Incoming::default();
    let place = follows.then(|| says.place());
    let span = {
        let _attached = place.as_ref().map(Captured::attach);
        let starts_trace = !follows && !is_inner;
        start(Kind::Server, request, describe, starts_trace.then(|| says.span_context()))
    };
    // Without telemetry what the caller said passes through.
    let is_needed = !says.baggage().is_empty() || !state::is_on();
    (span, place.filter(|_| is_needed))
}

/// Starts the span of a request that goes out, and writes it into the request's headers.
pub(super) fn send(request: &mut Parts, describe: &impl Describe) -> Span {
    let span = start(Kind::Client, request, describe, None);
    let current = span.enter();
    propagate::inject_into(&mut request.headers);
    drop(current);
    span
}

/// Below the current span; or in a trace of its own, with a link to the caller.
fn start(
    kind: Kind,
    request: &Parts,
    describe: &impl Describe,
    alone: Option<&SpanContext>,
) -> Span {
    if !may_record(alone.is_some()) {
        let builder = SCOPE.build("").kind(kind);
        return if alone.is_some() { builder.root() } else { builder }.start();
    }
    let name = describe.name(request);
    let attributes = describe.attributes(request);
    let made = describe.made(request);
    let mut builder = SCOPE.build(&name).kind(kind);
    for (key, value) in attributes.pairs() {
        builder = builder.attribute(key, *value);
    }
    if let Some((key, value)) = &made {
        builder = builder.attribute(key, value);
    }
    if let Some(caller) = alone {
        builder = builder.root();
        if caller.is_valid() {
            builder = builder.link(caller);
        }
    }
    builder.start()
}

/// Whether it is not known yet that the span will not be recorded.
pub(super) fn may_record(starts_trace: bool) -> bool {
    if !state::is_on() {
        return false;
    }
    if starts_trace || !state::parent_decides() {
        return true;
    }
    let parent = local::current();
    !parent.is_valid() || parent.is_sampled()
}

/// Whom the request is for.
pub(super) fn add_server<'a>(
    attributes: &mut Attributes<'a>,
    authority: Option<&'a str>,
) -> Option<u16> {
    let (host, port) = authority.map(host_and_port).unwrap_or_default();
    attributes.add("server.address", Some(host).filter(|host| !host.is_empty()));
    port
}
