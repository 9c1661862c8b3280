//! The same programs under oxitel and under its peers, and oxitel below the crates that people
//! use: over real sockets, judged by what a real OTLP receiver got.

mod differential;
mod metrics;
mod others;
mod servers;
mod session;
mod stock;
