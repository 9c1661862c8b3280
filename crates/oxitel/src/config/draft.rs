//! A configuration while it is read: what needs more than one look, or a remark.

use super::parse::{Fault, Parsed, members, pairs, ratio};
use super::{Config, Exporters, variables};
use crate::propagate::Propagators;
use crate::record::Sampler;

/// What variables have said so far.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) config: Config,
    /// What is odd about the value at hand, which was taken all the same.
    pub(super) remark: Option<String>,
    /// A sampler that waits for its share; whether children follow their parents.
    ratio_of: Option<bool>,
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for every row of the table")]
impl Draft {
    fn remark(&mut self, text: impl Into<String>) {
        self.remark = Some(text.into());
    }

    /// Only `true` is true.
    fn boolean(&mut self, text: &str) -> bool {
        if !["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            self.remark("is neither true nor false; taken as false");
        }
        text.eq_ignore_ascii_case("true")
    }

    pub(super) fn disabled(&mut self, text: &str) -> Parsed<()> {
        self.config.disabled = self.boolean(text);
        Ok(())
    }

    pub(super) fn insecure(&mut self, text: &str) -> Parsed<()> {
        self.config.tls.insecure = Some(self.boolean(text));
        Ok(())
    }

    pub(super) fn traces_insecure(&mut self, text: &str) -> Parsed<()> {
        self.config.traces.tls.insecure = Some(self.boolean(text));
        Ok(())
    }

    pub(super) fn metrics_insecure(&mut self, text: &str) -> Parsed<()> {
        self.config.metrics.tls.insecure = Some(self.boolean(text));
        Ok(())
    }

    pub(super) fn logs_insecure(&mut self, text: &str) -> Parsed<()> {
        self.config.logs.tls.insecure = Some(self.boolean(text));
        Ok(())
    }

    /// Any error discards the whole value: half a description would be a wrong one.
    pub(super) fn resource_attributes(&mut self, list: &str) -> Parsed<()> {
        let pairs = pairs(list).map_err(|member| {
            Fault::Said(format!("is ignored as a whole: {member:?} is no key=value"))
        })?;
        self.config.origins.attributes_from_variable = pairs.len();
        self.config.resource_attributes = pairs;
        Ok(())
    }

    pub(super) fn value_length(&mut self, text: &str) -> Parsed<()> {
        let length = variables::length(text)?;
        self.config.limits.value_length = length;
        self.config.log_records.value_length = length;
        Ok(())
    }

    pub(super) fn attribute_count(&mut self, text: &str) -> Parsed<()> {
        let count = variables::count(text)?;
        self.config.limits.attributes = count;
        self.config.log_records.attributes = count;
        Ok(())
    }

    pub(super) fn propagators(&mut self, text: &str) -> Parsed<()> {
        let (found, complaints) = Propagators::parse(text);
        self.config.propagators = found;
        if !complaints.is_empty() {
            self.remark(format!("is not followed in all: {}", complaints.join("; ")));
        }
        Ok(())
    }

    pub(super) fn sampler(&mut self, text: &str) -> Parsed<()> {
        if let Some(share) = ratio(text) {
            self.config.sampler = Sampler::ratio(share).parent_based();
            self.remark(
                "is a number, which belongs into OTEL_TRACES_SAMPLER_ARG; \
                 taken as the share of parentbased_traceidratio",
            );
            return Ok(());
        }
        let name = text.to_ascii_lowercase();
        if ["jaeger_remote", "parentbased_jaeger_remote", "xray"].contains(&name.as_str()) {
            return Err(Fault::Default("is a sampler that this build does not have".to_owned()));
        }
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name.as_str()),
        };
        let sampler = match root {
            "always_on" => Sampler::always_on(),
            "always_off" => Sampler::always_off(),
            "traceidratio" => {
                self.ratio_of = Some(parent_based);
                Sampler::ratio(1.0)
            }
            _ => return Err(Fault::Default("is no known sampler".to_owned())),
        };
        self.config.sampler = if parent_based { sampler.parent_based() } else { sampler };
        Ok(())
    }

    pub(super) fn sampler_argument(&mut self, text: &str) -> Parsed<()> {
        let Some(parent_based) = self.ratio_of else {
            let problem = "has no effect: OTEL_TRACES_SAMPLER names no sampler with a share";
            return Err(Fault::Said(problem.to_owned()));
        };
        let no_ratio = || Fault::Default("is no ratio between 0 and 1".to_owned());
        let sampler = Sampler::ratio(ratio(text).ok_or_else(no_ratio)?);
        self.config.sampler = if parent_based { sampler.parent_based() } else { sampler };
        Ok(())
    }

    pub(super) fn traces_exporters(&mut self, list: &str) -> Parsed<()> {
        self.config.traces.exporters = self.exporters(list, &["console"])?;
        Ok(())
    }

    pub(super) fn metrics_exporters(&mut self, list: &str) -> Parsed<()> {
        self.config.metrics.exporters = self.exporters(list, &["console", "prometheus"])?;
        Ok(())
    }

    pub(super) fn logs_exporters(&mut self, list: &str) -> Parsed<()> {
        self.config.logs.exporters = self.exporters(list, &["console"])?;
        Ok(())
    }

    /// What is unknown is left out; `none` next to others is none.
    fn exporters(&mut self, list: &str, beside_otlp: &[&str]) -> Parsed<Exporters> {
        let is_known = |name: &&String| {
            ["otlp", "none"].contains(&name.as_str()) || beside_otlp.contains(&name.as_str())
        };
        let names = members(list);
        let (known, unknown): (Vec<_>, Vec<_>) = names.iter().partition(is_known);
        let has = |name: &str| known.iter().any(|known| *known == name);
        if known.is_empty() {
            return Err(Fault::Default("names no exporter that this build knows".to_owned()));
        }
        if has("none") && known.len() > 1 {
            self.remark("says none next to others; nothing is exported");
        } else if let Some(name) = unknown.first() {
            self.remark(format!("names {name:?}, which this build does not know and leaves out"));
        }
        if has("none") {
            return Ok(Exporters::NONE);
        }
        Ok(Exporters { otlp: has("otlp"), console: has("console"), prometheus: has("prometheus") })
    }

    pub(super) fn semconv(&mut self, list: &str) -> Parsed<()> {
        const AREAS: [&str; 3] = ["http", "database", "rpc"];
        let is_known = |name: &String| AREAS.contains(&name.strip_suffix("/dup").unwrap_or(name));
        let (known, unknown): (Vec<_>, Vec<_>) = members(list).into_iter().partition(is_known);
        if known.is_empty() {
            return Err(Fault::Default("names no known area".to_owned()));
        }
        if let Some(name) = unknown.first() {
            self.remark(format!("names {name:?}, which is no known area and is left out"));
        }
        self.config.semconv_opt_in = known;
        Ok(())
    }

    pub(super) fn exception_signal(&mut self, text: &str) -> Parsed<()> {
        let name = text.to_ascii_lowercase();
        if !["logs", "logs/dup"].contains(&name.as_str()) {
            return Err(Fault::Default("is neither logs nor logs/dup".to_owned()));
        }
        self.config.exception_signal = Some(name);
        Ok(())
    }
}
