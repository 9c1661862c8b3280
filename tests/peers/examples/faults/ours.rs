//! oxitel, as its guide advises.

use crate::{SPANS, Told, milliseconds_since, pause, threads};
use oxitel::{Config, Protocol, Scope};
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("faults");

pub(crate) fn run(endpoint: &str, grpc: bool) -> Told {
    let protocol = if grpc { Protocol::Grpc } else { Protocol::HttpProtobuf };
    let config = Config::default().service_name("faults").endpoint(endpoint).protocol(protocol);
    let guard = match oxitel::init(config) {
        Ok(guard) => guard,
        Err(error) => {
            return Told { says: format!("refused to start: {error}"), ..Told::default() };
        }
    };
    for number in 0..SPANS {
        SCOPE.span("record").set_attribute("number", number);
        pause();
    }
    let begun = Instant::now();
    let flushed = oxitel::flush(Duration::from_secs(5));
    let flush = match flushed {
        Ok(()) => "Ok".to_owned(),
        Err(error) => format!("{} lost, {} queued", error.lost, error.queued),
    };
    let most_threads = threads();
    drop(guard);
    let end_ms = milliseconds_since(begun);
    Told { says: says(), flush, end_ms, threads: most_threads }
}

fn says() -> String {
    let stats = oxitel::stats();
    let dropped = stats.dropped;
    let parts = [
        ("delivered", stats.delivered),
        ("rejected", stats.rejected),
        ("queue_full", dropped.queue_full),
        ("unreachable", dropped.unreachable),
        ("shutdown_deadline", dropped.shutdown_deadline),
        ("queued", stats.queued),
    ];
    let told = parts.iter().filter(|(_, count)| *count > 0);
    let text: Vec<_> = told.map(|(name, count)| format!("{count} {name}")).collect();
    let balanced = if stats.is_balanced() { "" } else { ", NOT BALANCED" };
    text.join(", ") + balanced
}
