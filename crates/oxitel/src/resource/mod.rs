//! Who sends: the attributes that every record of this process shares.
//!
//! What the program says wins over `OTEL_RESOURCE_ATTRIBUTES`, and that over what `detect` finds.

pub(crate) mod detect;

use crate::pipeline::encode::{self, tag};
use crate::record::Value;
use crate::record::redact::Rules;
use detect::Detected;

/// The resource, complete but for what differs between a process and its forked child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    attributes: Vec<(String, String)>,
    redacted: u64,
    /// Whether the id of the process is told.
    tells_process: bool,
}

/// What a program and its environment say about the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'a> {
    /// The service's name, and whether the program itself gave it.
    pub(crate) service_name: Option<&'a str>,
    pub(crate) is_name_explicit: bool,
    /// From `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) variable: &'a [(String, String)],
    /// From the program.
    pub(crate) arguments: &'a [(String, String)],
}

const SERVICE_NAME: &str = "service.name";
const SERVICE_INSTANCE_ID: &str = "service.instance.id";
const PROCESS_ID: &str = "process.pid";
/// The name of today and the one before it; whoever gives one gives both.
const ENVIRONMENT: [&str; 2] = ["deployment.environment.name", "deployment.environment"];

impl Resource {
    /// Later values win over earlier ones.
    pub(crate) fn new(given: Given<'_>, detected: &Detected) -> Self {
        let tells_process = detected.tells_process;
        let mut resource = Self { attributes: Vec::new(), redacted: 0, tells_process };
        for (key, value) in SELF {
            resource.set(key, value);
        }
        for (key, value) in &detected.attributes {
            resource.set(key, value);
        }
        resource.set(SERVICE_NAME, &unknown_service());
        resource.layer(given.variable);
        if let Some(name) = given.service_name.filter(|_| !given.is_name_explicit) {
            resource.set(SERVICE_NAME, name);
        }
        resource.layer(given.arguments);
        if let Some(name) = given.service_name.filter(|_| given.is_name_explicit) {
            resource.set(SERVICE_NAME, name);
        }
        resource
    }

    /// What one source says. Of the two names of the environment, the one that it leaves out is
    /// filled with the other's value.
    fn layer(&mut self, given: &[(String, String)]) {
        for (key, value) in given {
            self.set(key, value);
        }
        let said = |name| given.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
        match ENVIRONMENT.map(said) {
            [Some(value), None] => self.set(ENVIRONMENT[1], value),
            [None, Some(value)] => self.set(ENVIRONMENT[0], value),
            _ => {}
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        match self.attributes.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.attributes.push((key.to_owned(), value.to_owned())),
        }
    }

    /// Replaces what must not be sent.
    pub(crate) fn redact(mut self, rules: &Rules) -> Self {
        for (key, value) in &mut self.attributes {
            if let Some(changed) = rules.attribute(key, value) {
                *value = changed;
                self.redacted += 1;
            }
        }
        self
    }

    /// How many values were replaced.
    pub(crate) fn redacted(&self) -> u64 {
        self.redacted
    }

    /// The encoded `Resource` message of the process that asks.
    pub(crate) fn encode(&self, instance_id: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut attribute = |key: &str, value: Value<'_>| {
            encode::attribute(&mut bytes, tag::RESOURCE_ATTRIBUTE, key, &value, usize::MAX);
        };
        for (key, value) in &self.attributes {
            attribute(key, Value::Str(value));
        }
        if !self.has(SERVICE_INSTANCE_ID) {
            attribute(SERVICE_INSTANCE_ID, Value::Str(instance_id));
        }
        if self.tells_process && !self.has(PROCESS_ID) {
            attribute(PROCESS_ID, Value::I64(std::process::id().into()));
        }
        bytes
    }

    fn has(&self, key: &str) -> bool {
        self.attributes.iter().any(|(known, _)| known == key)
    }
}

/// What the engine says of itself.
const SELF: [(&str, &str); 5] = [
    ("telemetry.sdk.language", "rust"),
    ("telemetry.sdk.name", "oxitel"),
    ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ("telemetry.distro.name", "oxitel"),
    ("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
];

fn unknown_service() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_name()?.to_str());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}

#[cfg(test)]
mod tests;
