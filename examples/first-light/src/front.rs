//! `first-light front`: takes orders, prices them, has `back` reserve the pieces.
//!
//! Its spans are made with the direct API: `order` above `price` and `reserve`. The context
//! travels in the headers of the one HTTP call.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oxitel::{Config, Kind, Scope, SpanContext, Status, propagate};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::catalogue::{ITEMS, Item, price_cents};
use crate::ledger;
use crate::stop::Stop;

static SCOPE: Scope = Scope::new("first-light.front").version(env!("CARGO_PKG_VERSION"));

/// The time that `back` may take; also what an order in flight may delay the end by.
const RESERVE_LIMIT: Duration = Duration::from_secs(1);

/// Sends `orders` orders, or orders without end, until the process is asked to end.
pub(crate) async fn run(back: Uri, orders: Option<u64>, rate: f64) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let mut config = Config::from_env();
    config.service_name.get_or_insert_with(|| "front".to_owned());
    let _guard = oxitel::init(config)?;
    let front = Front::new(&back)?;
    tokio::select! {
        () = front.sell(orders.unwrap_or(u64::MAX), rate, &mut stop) => {}
        outcome = ledger::report() => outcome?,
    }
    ledger::close()
}

struct Front {
    client: Client<HttpConnector, Full<Bytes>>,
    reserve: Uri,
}

/// What `back` is asked for.
#[derive(Serialize)]
struct Reserve<'a> {
    item: &'a str,
    quantity: u64,
}

impl Front {
    fn new(back: &Uri) -> anyhow::Result<Front> {
        let authority = back.authority().context("the address of back has no host")?.clone();
        let reserve = Uri::builder().scheme("http").authority(authority).path_and_query("/reserve");
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Front { client, reserve: reserve.build()? })
    }

    /// One order after the other; the one at hand is finished before the end.
    async fn sell(&self, orders: u64, rate: f64, stop: &mut Stop) {
        let mut pace = interval(Duration::from_secs_f64(1.0 / rate));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut well = true;
        for number in 1..=orders {
            tokio::select! {
                biased;
                () = stop.asked() => return,
                _ = pace.tick() => {}
            }
            let outcome = self.order(number).await;
            // An outage is said once, not once per order.
            if let (Err(error), true) = (&outcome, well) {
                eprintln!("first-light: order {number} failed: {error:#}");
            }
            well = outcome.is_ok();
        }
    }

    async fn order(&self, number: u64) -> anyhow::Result<()> {
        let item = &ITEMS[number as usize % ITEMS.len()];
        let quantity = number % 5 + 1;
        let mut order = SCOPE
            .build("order")
            .attribute("order.number", number)
            .attribute("order.item", item.name)
            .attribute("order.quantity", quantity)
            .start();
        {
            let _current = order.enter();
            price(item, quantity);
        }
        let outcome = self.reserve(&order.context(), item, quantity).await;
        if let Err(error) = &outcome {
            order.set_status(Status::Error(&error.to_string()));
        }
        outcome
    }

    async fn reserve(&self, order: &SpanContext, item: &Item, quantity: u64) -> anyhow::Result<()> {
        let mut span = SCOPE
            .build("reserve")
            .kind(Kind::Client)
            .parent(order)
            .attribute("http.request.method", "POST")
            .attribute("url.path", self.reserve.path())
            .start();
        let body = serde_json::to_vec(&Reserve { item: item.name, quantity })?;
        let mut request = Request::post(&self.reserve)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        {
            let _current = span.enter();
            propagate::inject_into(request.headers_mut());
        }
        let outcome = self.send(request).await;
        match &outcome {
            Ok(status) => _ = span.set_attribute("http.response.status_code", status.as_u16()),
            Err(error) => _ = span.set_status(Status::Error(&format!("{error:#}"))),
        }
        match outcome? {
            StatusCode::OK => Ok(()),
            status => bail!("the pieces were not reserved: {status}"),
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<StatusCode> {
        let response = timeout(RESERVE_LIMIT, self.client.request(request)).await;
        let response = response.with_context(|| format!("no answer in {RESERVE_LIMIT:?}"))?;
        let response = response.with_context(|| format!("{} is out of reach", self.reserve))?;
        Ok(response.status())
    }
}

fn price(item: &Item, quantity: u64) -> u64 {
    let mut span = SCOPE.enter("price");
    let cents = price_cents(item, quantity);
    span.set_attribute("price.cents", cents);
    cents
}
