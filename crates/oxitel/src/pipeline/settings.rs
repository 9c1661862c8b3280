//! The configuration of a running engine: resolved once by `init`, read-only from then on.

use crate::bridge::Activation;
use crate::export::Destination;
use crate::record::{Limits, Sampler};
use crate::resource::Resource;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) resource: Resource,
    pub(crate) sampler: Sampler,
    pub(crate) limits: Limits,
    pub(crate) otel_globals: bool,
    pub(crate) activation: Activation,
    pub(crate) destination: Destination,
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) queue_bytes: usize,
    pub(crate) live_bytes: usize,
}

impl Settings {
    /// How long the end of the program may wait.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }
}

/// The last `init`'s settings. They are never freed: a thread, or a forked child, may read them
/// at any time, and programs start telemetry a few times at most.
static CURRENT: AtomicPtr<Settings> = AtomicPtr::new(std::ptr::null_mut());

pub(crate) fn publish(settings: Settings) -> &'static Settings {
    let settings = Box::into_raw(Box::new(settings));
    // Release: the fields are visible to whoever loads the pointer.
    CURRENT.store(settings, Ordering::Release);
    // SAFETY: just allocated, never freed.
    unsafe { &*settings }
}

pub(crate) fn current() -> Option<&'static Settings> {
    // SAFETY: null, or from `publish` and never freed.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}
