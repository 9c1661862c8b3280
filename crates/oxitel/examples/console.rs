//! Events on the console, without telemetry: nothing is sent anywhere. A second subscriber is
//! refused with a line.

use tracing::{debug, error, info, info_span, trace, warn};

fn main() {
    oxitel::bridge::subscriber().console().init();
    info!("ready");
    let request = info_span!("request", number = 1);
    {
        let _request = request.enter();
        debug!(target: "shop::db", rows = 3, "asked");
        let _load = info_span!("load").entered();
        warn!(text = "two words", ratio = 0.5, "slow");
        trace!("left out");
        info!(parent: None, "of no span");
        info_span!(parent: None, "alone").in_scope(|| info!("in a span of its own"));
    }
    let failed = std::io::Error::other("no disk");
    error!(parent: &request, error = &failed as &dyn std::error::Error);
    info!(target: "opentelemetry-sdk", "the API's own diagnostics");
    oxitel::bridge::subscriber().with_filter("info").init();
}
