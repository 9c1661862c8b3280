//! One current span over `tracing`, the OpenTelemetry API and the direct API, judged by what a
//! receiver got: ids and parents.
//!
//! Each program runs with each front end of `tracing` and each activation: see `harness`.

mod cases;
mod harness;
mod late;
mod orders;
mod programs;
mod tasks;
