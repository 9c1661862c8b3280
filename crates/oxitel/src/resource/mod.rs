//! Who sends: the attributes that every record of this process shares.

use crate::pipeline::encode::{self, tag};
use crate::record::Value;
use crate::record::redact::Rules;

/// The resource, complete but for the instance id, which a forked child has its own of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    attributes: Vec<(String, String)>,
    redacted: u64,
}

const SERVICE_NAME: &str = "service.name";
const SERVICE_INSTANCE_ID: &str = "service.instance.id";

impl Resource {
    /// Later values win over earlier ones, the service name over all; what the SDK says of itself
    /// is added.
    pub(crate) fn new(service_name: Option<&str>, given: &[(String, String)]) -> Self {
        let mut resource = Self { attributes: Vec::new(), redacted: 0 };
        resource.set("telemetry.sdk.language", "rust");
        resource.set("telemetry.sdk.name", "oxitel");
        resource.set("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        resource.set(SERVICE_NAME, &unknown_service());
        for (key, value) in given {
            resource.set(key, value);
        }
        if let Some(name) = service_name {
            resource.set(SERVICE_NAME, name);
        }
        resource
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

    /// The encoded `Resource` message of one process.
    pub(crate) fn encode(&self, instance_id: &str) -> Vec<u8> {
        let named = self.attributes.iter().any(|(key, _)| key == SERVICE_INSTANCE_ID);
        let instance = (!named).then_some((SERVICE_INSTANCE_ID, instance_id));
        let own = self.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut bytes = Vec::new();
        for (key, value) in own.chain(instance) {
            let value = Value::Str(value);
            encode::attribute(&mut bytes, tag::RESOURCE_ATTRIBUTE, key, &value, usize::MAX);
        }
        bytes
    }
}

fn unknown_service() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_name()?.to_str());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}
