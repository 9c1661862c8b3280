//! Baggage: what a program tells all services behind it, here who the customer is.
//!
//! `cargo run --bin baggage` prints the headers of a request that goes two steps, and the trace's
//! id. Baggage is for everybody on the way to read: no secrets in it.

use oxitel::context::{self, Baggage};
use oxitel::{Config, Kind, Scope, propagate};
use std::collections::BTreeMap;
use std::error::Error;

static SHOP: Scope = Scope::new("shop");

type Headers = BTreeMap<String, String>;

/// The edge, where the customer is known.
fn edge() -> Headers {
    let mut baggage = Baggage::new();
    // Refused, with `false`, when it has no room in a header.
    assert!(baggage.insert("customer.tier", "gold"));
    assert!(baggage.insert("customer.name", "Müller, Ada"));

    let span = SHOP.build("edge").kind(Kind::Client).start();
    println!("trace {}", span.context().trace_id());
    // Here and in everything below: this span, with this baggage.
    let place = context::with_parent(&span.context()).with_baggage(&baggage);
    place.run(|| {
        let mut headers = Headers::new();
        propagate::inject_into(&mut headers);
        headers
    })
}

/// A service in the middle, which knows nothing of customers and passes them on.
fn middle(request: &Headers) -> Headers {
    let caller = propagate::extract_from(request);
    let _here = caller.attach();
    let _span = SHOP.build("middle").kind(Kind::Server).enter();
    let mut headers = Headers::new();
    propagate::inject_into(&mut headers);
    headers
}

/// The last one, which wants to know.
fn last(request: &Headers) {
    let caller = propagate::extract_from(request);
    let _here = caller.attach();
    let mut span = SHOP.build("last").kind(Kind::Server).enter();
    // What travels is not recorded by itself: each service says what it wants to see.
    if let Some(tier) = context::baggage().get("customer.tier") {
        span.set_attribute("customer.tier", tier);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let _telemetry = oxitel::init(Config::new("baggage"))?;
    let request = edge();
    println!("baggage: {}", request["baggage"]);
    last(&middle(&request));
    Ok(())
}
