//! Why there is no page. Also of builds without the engine, by path.

use std::io;

/// Why there is no page for a scraper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Telemetry does not run, or `prometheus` is not among the exporters of metrics.
    #[error("metrics are not for Prometheus here")]
    Off,
    /// There was no thread to collect on, or the collection panicked. The next one may succeed.
    #[error("the metrics could not be collected")]
    Failed(#[source] io::Error),
}
