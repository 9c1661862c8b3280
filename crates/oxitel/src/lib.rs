//! OpenTelemetry for systems that are part Rust, part Python: one engine per process.
#[cfg(feature = "testing")]
pub mod testing;
