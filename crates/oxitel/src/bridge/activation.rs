//! Whether spans show themselves to users of the OpenTelemetry API.

/// Whether spans of `tracing` and of the direct API show themselves in the OpenTelemetry API's
/// Context: as `Context::current().span()`, and in Contexts that are captured for other tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// From the first time that somebody takes a tracer from us or uses our propagator. Programs
    /// that use `tracing` or the direct API alone do not pay for it.
    #[default]
    Auto,
    /// Always: an entered span costs two allocations, and the Context is always right.
    On,
    /// Never: Contexts that are captured, emptied or attached again inside of our spans show the
    /// API's own spans only.
    Off,
}
