//! The same program under tracing-opentelemetry with the OpenTelemetry SDK, and under our layer
//! and our subscriber: every exported field is compared, but for ids and times.
//!
//! What differs is in `ALLOWED`, each with its reason. A difference that is not there fails the
//! test, and so does one there that no longer occurs.

mod allowed;
mod exported;
mod shapes;

use crate::session::Session;
use allowed::ALLOWED;
use exported::{Exported, of_peer, of_receiver};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use shapes::SHAPES;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tracing::Dispatch;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer as _, Registry};

/// A field whose value is not the same on both sides.
struct Difference<'a> {
    shape: &'a str,
    span: &'a str,
    field: &'a str,
    peer: &'a str,
    ours: &'a str,
}

/// A difference that is meant; `*` stands for anything.
struct Allowed {
    shape: &'static str,
    span: &'static str,
    field: &'static str,
    peer: &'static str,
    ours: &'static str,
    reason: &'static str,
}

impl Allowed {
    fn covers(&self, difference: &Difference<'_>) -> bool {
        matches(self.shape, difference.shape)
            && matches(self.span, difference.span)
            && matches(self.field, difference.field)
            && matches(self.peer, difference.peer)
            && matches(self.ours, difference.ours)
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, span, field, peer, ours } = self;
        write!(f, "{shape} / {span} / {field}: peer {peer}, ours {ours}")
    }
}

/// Whether the text fits the pattern, which may have one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

const ABSENT: &str = "absent";

/// Where the two sides differ, in the spans of one shape.
fn differences<'a>(shape: &'a str, peer: &'a Exported, ours: &'a Exported) -> Vec<Difference<'a>> {
    let nothing = const { &BTreeMap::new() };
    let spans: BTreeSet<_> = peer.keys().chain(ours.keys()).collect();
    let mut found = Vec::new();
    for span in spans {
        let (theirs, own) = (peer.get(span).unwrap_or(nothing), ours.get(span).unwrap_or(nothing));
        let fields: BTreeSet<_> = theirs.keys().chain(own.keys()).collect();
        for field in fields {
            let value = |of: &'a BTreeMap<String, String>| of.get(field).map_or(ABSENT, |it| it);
            let (peer, ours) = (value(theirs), value(own));
            if peer != ours {
                found.push(Difference { shape, span, field, peer, ours });
            }
        }
    }
    found
}

fn under_peer(program: fn()) -> Exported {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("differential"));
    let layer = layer.with_filter(filter_fn(is_of_shapes));
    run(&Dispatch::new(Registry::default().with(layer)), program);
    of_peer(&exporter.get_finished_spans().expect("the exporter is there"))
}

fn under_ours(dispatch: &Dispatch, session: &Session, program: fn()) -> Exported {
    run(dispatch, program);
    let _ = session.tree();
    of_receiver(&session.receiver.spans())
}

fn run(dispatch: &Dispatch, program: fn()) {
    tracing::dispatcher::with_default(dispatch, program);
}

fn is_of_shapes(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target().starts_with("it::differential")
}

fn layer() -> Dispatch {
    let layer = oxitel::bridge::layer().with_location(true).with_threads(true);
    Dispatch::new(Registry::default().with(layer.with_filter(filter_fn(is_of_shapes))))
}

fn subscriber() -> Dispatch {
    let subscriber = oxitel::bridge::subscriber().with_location(true).with_threads(true);
    Dispatch::new(subscriber.with_filter("off,it::differential=trace"))
}

#[test]
fn the_same_program_exports_the_same_as_under_its_peer() {
    let mut unlisted = Vec::new();
    let mut met = BTreeSet::new();
    for (front_end, dispatch) in [("layer", layer as fn() -> Dispatch), ("subscriber", subscriber)]
    {
        for (shape, program) in SHAPES {
            let session = Session::start();
            let peer = under_peer(*program);
            let ours = under_ours(&dispatch(), &session, *program);
            assert!(!peer.is_empty() && !ours.is_empty(), "{shape} records something");
            for difference in differences(shape, &peer, &ours) {
                let covering = ALLOWED.iter().enumerate().find(|(_, it)| it.covers(&difference));
                match covering {
                    Some((index, _)) => drop(met.insert(index)),
                    None => unlisted.push(format!("{front_end} / {difference}")),
                }
            }
        }
    }
    let gone = ALLOWED.iter().enumerate().filter(|(index, _)| !met.contains(index));
    let gone: Vec<_> = gone
        .map(|(_, it)| format!("{} / {} / {}: {}", it.shape, it.span, it.field, it.reason))
        .collect();
    assert!(unlisted.is_empty(), "differences that nobody allowed:\n{}", unlisted.join("\n"));
    assert!(gone.is_empty(), "allowed differences that no longer occur:\n{}", gone.join("\n"));
}

#[test]
fn a_difference_in_any_field_is_seen() {
    let one = |field: &str, value: &str| {
        let fields = BTreeMap::from([(field.to_owned(), value.to_owned())]);
        Exported::from([("span".to_owned(), fields)])
    };
    let told = |peer: &Exported, ours: &Exported| {
        differences("shape", peer, ours).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(&one("kind", "client"), &one("kind", "client")), [""; 0]);
    let changed = "shape / span / kind: peer client, ours server";
    assert_eq!(told(&one("kind", "client"), &one("kind", "server")), [changed]);
    let missing = "shape / span / kind: peer client, ours absent";
    assert_eq!(told(&one("kind", "client"), &Exported::new()), [missing]);
    assert!(matches("attribute *_ns", "attribute busy_ns") && !matches("a*", "b"));
}
