//! From what the user wrote to what the engine runs with.

use super::{Config, EndpointError};
use crate::bridge::opentelemetry::Propagator;
use crate::diagnose;
use crate::export::Destination;
use crate::pipeline::lifecycle::LONGEST_WAIT;
use crate::pipeline::settings::Settings;
use crate::resource::Resource;
use std::time::Duration;

impl Config {
    /// Settings for the engine; `None` when there is nothing to send to.
    pub(crate) fn resolve(&self) -> Result<Option<Settings>, EndpointError> {
        for warning in self.warnings() {
            diagnose::say(warning);
        }
        if self.disabled {
            return Ok(None);
        }
        let Some(destination) = self.destination()? else { return Ok(None) };
        for remark in destination.remarks() {
            diagnose::say(remark);
        }
        Ok(Some(Settings {
            resource: Resource::new(self.service_name.as_deref(), &self.resource_attributes),
            sampler: self.sampler,
            limits: self.limits,
            otel_globals: self.otel_globals,
            activation: self.activate_otel_context,
            destination,
            schedule_delay: bounded(self.schedule_delay).max(SHORTEST_DELAY),
            export_timeout: bounded(unless_zero(self.export_timeout)),
            shutdown_timeout: bounded(self.shutdown_timeout),
            queue_bytes: self.queue_bytes,
            live_bytes: self.live_bytes,
        }))
    }

    /// Makes the formats of headers the process's.
    pub(crate) fn install_propagators(&self) {
        if self.otel_globals {
            opentelemetry::global::set_text_map_propagator(Propagator::new());
        }
    }

    fn destination(&self) -> Result<Option<Destination>, EndpointError> {
        let protocol = self.protocol.as_deref();
        let headers = &self.headers.0;
        if let Some(url) = &self.traces_endpoint {
            return Destination::exactly(url, protocol, headers).map(Some);
        }
        let below = |base: &String| Destination::below(base, protocol, headers);
        self.endpoint.as_ref().map(below).transpose()
    }
}

/// A shorter delay would keep the sender awake without bringing anything out sooner.
const SHORTEST_DELAY: Duration = Duration::from_millis(10);

/// Zero means: no limit, as in the variable.
fn unless_zero(timeout: Duration) -> Duration {
    if timeout.is_zero() { Duration::MAX } else { timeout }
}

/// A time that can be added to any instant.
fn bounded(time: Duration) -> Duration {
    time.min(LONGEST_WAIT)
}
