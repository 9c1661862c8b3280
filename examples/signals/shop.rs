//! The shop: what it does, and what it says of it.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use oxitel::Scope;
use oxitel::metrics::{Counter, Histogram, Meter, UpDownCounter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::{info, instrument, warn};

static SCOPE: Scope = Scope::new("shop").version("1.0.0");

/// The most items of one order.
const MOST_ITEMS: u64 = 100;

/// The instruments, made once: a handle is a pointer to copy around.
#[derive(Clone)]
pub(crate) struct Shop {
    orders: Counter,
    duration: Histogram<f64>,
    size: Histogram,
    open: UpDownCounter<i64>,
    items_sold: Arc<AtomicU64>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let meter = Meter::of(&SCOPE);
        let items_sold = Arc::new(AtomicU64::new(0));
        let sold = Arc::clone(&items_sold);
        let stock = meter.u64_observable_counter("shop.items.sold").unit("{item}");
        // It is asked when somebody collects.
        let stock = stock.description("Items that were sold");
        stock.callback(move |it| it.observe(sold.load(Ordering::Relaxed), &[])).build();
        Self {
            orders: meter
                .u64_counter("shop.orders")
                .unit("{order}")
                .description("Orders, by how they ended")
                .build(),
            duration: meter
                .f64_histogram("shop.order.duration")
                .unit("s")
                .description("How long an order took")
                .bounds(&[0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.01, 0.1, 1.0])
                .build(),
            size: meter
                .u64_histogram("shop.order.size")
                .unit("{item}")
                .description("Items of an order")
                .build(),
            open: meter
                .i64_up_down_counter("shop.orders.open")
                .unit("{order}")
                .description("Orders that are being worked on")
                .build(),
            items_sold,
        }
    }
}

/// Takes an order: `POST /orders/film?items=3`.
pub(crate) async fn order(
    State(shop): State<Shop>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let begun = Instant::now();
    shop.open.add(1, &[]);
    let items = items(query.as_deref());
    let packed = pack(&kind, items).await;
    let outcome = if packed { "packed" } else { "refused" };
    // The kind is what a customer says: among the attributes it would be a metric without end.
    shop.orders.add(1, &[("outcome", outcome.into())]);
    shop.size.record(items, &[]);
    shop.duration.record(begun.elapsed().as_secs_f64(), &[("outcome", outcome.into())]);
    shop.open.add(-1, &[]);
    if packed {
        shop.items_sold.fetch_add(items, Ordering::Relaxed);
        return (StatusCode::OK, format!("{items} of {kind}"));
    }
    (StatusCode::UNPROCESSABLE_ENTITY, format!("at most {MOST_ITEMS} of {kind}"))
}

/// How many items were sold: `GET /orders`.
pub(crate) async fn orders(State(shop): State<Shop>) -> String {
    format!("{} items\n", shop.items_sold.load(Ordering::Relaxed))
}

fn items(query: Option<&str>) -> u64 {
    let items = query.and_then(|query| query.strip_prefix("items="));
    items.and_then(|items| items.parse().ok()).unwrap_or(1)
}

/// A span of its own, and a log record in it.
#[instrument]
async fn pack(kind: &str, items: u64) -> bool {
    let fits = items <= MOST_ITEMS;
    if fits {
        info!(items, "packed");
    } else {
        warn!(items, "too many items");
    }
    fits
}
