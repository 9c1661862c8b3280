//! Events as JSON lines on standard output, beside what is sent: by our layer on a `Registry`, and
//! with the argument `subscriber` by our own subscriber. What could not be written is told at the
//! end.

use oxitel::bridge::{json_lines, layer, lines_lost, subscriber};
use tracing::{info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

fn main() {
    let guard = oxitel::init(oxitel::Config::new("lines")).expect("telemetry starts");
    if std::env::args().nth(1).is_some_and(|word| word == "subscriber") {
        subscriber().lines(json_lines()).init();
    } else {
        let registry = tracing_subscriber::registry().with(layer()).with(json_lines());
        tracing::subscriber::set_global_default(registry).expect("the first one");
    }
    info!("ready");
    info_span!("order").in_scope(|| warn!(order.id = 17, "the stock is low"));
    drop(guard);
    eprintln!("lost {}", lines_lost());
}
