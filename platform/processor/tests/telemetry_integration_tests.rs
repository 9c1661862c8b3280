//! Telemetry through its public door, judged by what a receiver got.
//!
//! What is not ignored needs nothing: receivers are started here. The ignored half sends to a
//! collector that runs already, at `OTLP_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT`, else
//! `http://localhost:4317`.

#[path = "telemetry_integration_tests/collector.rs"]
mod collector;
#[path = "telemetry_integration_tests/export.rs"]
mod export;
#[path = "telemetry_integration_tests/guide.rs"]
mod guide;
#[path = "telemetry_integration_tests/life.rs"]
mod life;
#[path = "telemetry_integration_tests/metrics.rs"]
mod metrics;
#[path = "telemetry_integration_tests/points.rs"]
mod points;
#[path = "telemetry_integration_tests/session.rs"]
mod session;
#[path = "telemetry_integration_tests/travel.rs"]
mod travel;
