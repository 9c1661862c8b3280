//! One current span over `tracing`, the OpenTelemetry API and the direct API, judged by what a
//! receiver got: ids and parents.
//!
//! Each program runs with each front end of `tracing` and each activation: see `harness`.

mod cases;
mod contexts;
mod harness;
mod late;
mod live;
mod orders;
mod processes;
mod programs;
mod spans;
mod tasks;
mod unrecorded;
