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
use crate::record::{Kind, Span, SpanBuilder};
use http::request::Parts;

/// What the span of a request says from the beginning.
pub(super) trait Describe {
    fn name(&self, request: &Parts) -> String;

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a>;

    /// An attribute whose value has to be put together.
    fn made(&self, request: &Parts) -> Option<(&'static str, String)>;
}

/// Where a span stands.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    Current,
    Below(&'a SpanContext),
    /// In a trace of its own, with a link to this one if there is one.
    Alone(&'a SpanContext),
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
    let caller = says.span_context();
    let follows = trust == TrustIncoming::Always && !is_inner;
    let origin = if is_inner {
        Origin::Current
    } else if follows && caller.is_valid() {
        Origin::Below(caller)
    } else {
        Origin::Alone(caller)
    };
    // Without telemetry what the caller said passes through.
    let is_needed = !says.baggage().is_empty() || (caller.is_valid() && !state::is_on());
    let place = (follows && is_needed).then(|| says.place());
    let span = {
        let _attached = place.as_ref().map(Captured::attach);
        start(Kind::Server, request, describe, origin)
    };
    (span, place)
}

/// Starts the span of a request that goes out, and writes it into the request's headers.
pub(super) fn send(request: &mut Parts, describe: &impl Describe) -> Span {
    let span = start(Kind::Client, request, describe, Origin::Current);
    let current = span.enter();
    propagate::inject_into(&mut request.headers);
    drop(current);
    span
}

fn start(kind: Kind, request: &Parts, describe: &impl Describe, origin: Origin<'_>) -> Span {
    if !may_record(origin) {
        return place(SCOPE.build("").kind(kind), origin).start();
    }
    let name = describe.name(request);
    let attributes = describe.attributes(request);
    let made = describe.made(request);
    let mut builder = place(SCOPE.build(&name).kind(kind), origin);
    for (key, value) in attributes.pairs() {
        builder = builder.attribute(key, *value);
    }
    if let Some((key, value)) = &made {
        builder = builder.attribute(key, value);
    }
    builder.start()
}

fn place<'a>(builder: SpanBuilder<'a>, origin: Origin<'_>) -> SpanBuilder<'a> {
    match origin {
        Origin::Current => builder,
        Origin::Below(caller) => builder.parent(caller),
        Origin::Alone(caller) if caller.is_valid() => builder.root().link(caller),
        Origin::Alone(_) => builder.root(),
    }
}

/// Whether it is not known yet that the span will not be recorded.
pub(super) fn may_record(origin: Origin<'_>) -> bool {
    let is_kept = |parent: &SpanContext| !parent.is_valid() || parent.is_sampled();
    if !state::is_on() {
        return false;
    }
    match origin {
        _ if !state::parent_decides() => true,
        Origin::Current => is_kept(&local::current()),
        Origin::Below(caller) => is_kept(caller),
        Origin::Alone(_) => true,
    }
}

/// Adds the server's name, and returns its port.
pub(super) fn add_server<'a>(
    attributes: &mut Attributes<'a>,
    authority: Option<&'a str>,
) -> Option<u16> {
    let (host, port) = authority.map(host_and_port).unwrap_or_default();
    attributes.add("server.address", Some(host).filter(|host| !host.is_empty()));
    port
}
