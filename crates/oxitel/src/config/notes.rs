//! What a configuration asks for and does not get: said once by `init`, never passed over.

use super::origins::Origin;
use super::settings::{self, Need};
use super::{Config, variables};

impl Config {
    /// One line for each cause.
    pub(super) fn notes(&self) -> Vec<String> {
        if self.disabled {
            return Vec::new();
        }
        let mut notes: Vec<_> = Need::ALL.into_iter().filter_map(|need| self.unmet(need)).collect();
        notes.extend(self.nowhere_to_send());
        let is_asked_for = self.is_asked_for("max_export_batch_size");
        if is_asked_for && self.max_export_batch_size > self.max_queue_size {
            let (batch, queue) = (self.max_export_batch_size, self.max_queue_size);
            notes.push(format!(
                "a batch of {batch} records does not fit into a queue of {queue}; {queue} is used"
            ));
        }
        notes
    }

    /// Settings that wait for something that this build does not have.
    fn unmet(&self, need: Need) -> Option<String> {
        let asked: Vec<_> = settings::all()
            .filter(|setting| setting.needs == Some(need))
            .filter_map(|setting| {
                let value = (setting.shown)(self);
                let name = match self.origin(setting) {
                    Origin::Default => return None,
                    // It has an effect elsewhere.
                    Origin::Variable(name) if feeds_more(name) => return None,
                    Origin::Variable(name) => name,
                    Origin::Argument => setting.name,
                };
                (!need.is_met_by(&value)).then(|| format!("{name}={value:?}"))
            })
            .collect();
        let verb = if asked.len() == 1 { "has" } else { "have" };
        (!asked.is_empty())
            .then(|| format!("{} {verb} no effect: {}", asked.join(", "), need.reason()))
    }

    /// The exporter was asked for by name, but has no place to send to.
    fn nowhere_to_send(&self) -> Option<String> {
        let setting = settings::named("traces.exporters")?;
        let Origin::Variable(name) = self.origin(setting) else { return None };
        let has_place = self.endpoint.is_some() || self.traces.endpoint.is_some();
        (self.traces.exporters.otlp && !has_place)
            .then(|| format!("{name}=otlp sends nothing: there is no OTEL_EXPORTER_OTLP_ENDPOINT"))
    }
}

fn feeds_more(variable: &str) -> bool {
    variables::named(variable).is_some_and(|variable| variable.feeds.len() > 1)
}
