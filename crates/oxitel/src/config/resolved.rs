//! A configuration as a person reads it: each setting, its value, and who said so.

use super::origins::Origin;
use super::{Config, settings};
use std::fmt;

/// Every setting with its value and where it comes from, without secrets: values of headers,
/// credentials and queries of URLs are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    settings: Vec<ResolvedSetting>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedSetting {
    /// Its name, as it is a field of [`Config`].
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Resolved {
    /// The settings, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &ResolvedSetting> {
        self.settings.iter()
    }
}

/// One line a setting.
impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ResolvedSetting { name, value, origin } in &self.settings {
            writeln!(f, "{name} = {value} ({origin})")?;
        }
        Ok(())
    }
}

impl Config {
    /// What holds, and who said so.
    pub fn resolved(&self) -> Resolved {
        let settings = settings::all().map(|setting| ResolvedSetting {
            name: setting.name,
            value: (setting.shown)(self),
            origin: self.origin(setting),
        });
        Resolved { settings: settings.collect() }
    }
}

/// Without secrets, too.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Config");
        for setting in settings::all() {
            fields.field(setting.name, &format_args!("{}", (setting.shown)(self)));
        }
        fields.finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, LogLevel, Protocol};
    use std::time::Duration;

    #[test]
    fn each_setting_is_shown_with_its_origin_and_without_secrets() {
        let config = Config::from_lookup(|name| {
            let value = match name {
                "OTEL_SERVICE_NAME" => "by-variable",
                "OTEL_RESOURCE_ATTRIBUTES" => "team=a,zone=b",
                "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://me:hunter2@host:4318/x?token=hunter2",
                "OTEL_EXPORTER_OTLP_HEADERS" => "authorization=Bearer%20hunter2,x-tenant=hunter2",
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS" => "x-key=hunter2",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => "https://h/?hunter2",
                "OTEL_EXPORTER_OTLP_TIMEOUT" => "0",
                "OTEL_EXPORTER_OTLP_SPAN_INSECURE" => "true",
                "OTEL_BSP_MAX_QUEUE_SIZE" => "2048",
                "OTEL_TRACES_SAMPLER" => "traceidratio",
                "OTEL_TRACES_SAMPLER_ARG" => "0.25",
                "OTEL_ATTRIBUTE_COUNT_LIMIT" => "10",
                "OTEL_METRICS_EXPORTER" => "none",
                "OTEL_LOG_LEVEL" => "WARNING",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let mut config = config.service_name("shop").protocol(Protocol::HttpProtobuf);
        config.schedule_delay = Duration::from_millis(1500);
        config.log_level = LogLevel::Error;
        let (shown, debug) = (config.resolved().to_string(), format!("{config:?}"));
        assert!(!shown.contains("hunter2") && !debug.contains("hunter2"), "{shown}\n{debug}");
        let said: Vec<_> = shown.lines().filter(|line| !line.ends_with(" (default)")).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        service_name = shop (argument)
        resource_attributes = team=a,zone=b (variable OTEL_RESOURCE_ATTRIBUTES)
        log_level = error (argument)
        endpoint = http://…@host:4318/x?… (variable OTEL_EXPORTER_OTLP_ENDPOINT)
        protocol = http/protobuf (argument)
        headers = authorization=…,x-tenant=… (variable OTEL_EXPORTER_OTLP_HEADERS)
        export_timeout = no limit (variable OTEL_EXPORTER_OTLP_TIMEOUT)
        traces.endpoint = https://h/?… (variable OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
        traces.headers = x-key=… (variable OTEL_EXPORTER_OTLP_TRACES_HEADERS)
        traces.tls.insecure = true (variable OTEL_EXPORTER_OTLP_SPAN_INSECURE)
        sampler = TraceIdRatioBased{0.250000} (variable OTEL_TRACES_SAMPLER_ARG)
        limits.attributes = 10 (variable OTEL_ATTRIBUTE_COUNT_LIMIT)
        schedule_delay = 1.5s (argument)
        max_queue_size = 2048 (variable OTEL_BSP_MAX_QUEUE_SIZE)
        metrics.exporters = none (variable OTEL_METRICS_EXPORTER)
        log_records.attributes = 10 (variable OTEL_ATTRIBUTE_COUNT_LIMIT)
        ");
        let defaults = Config::default().resolved();
        assert!(defaults.to_string().lines().all(|line| line.ends_with(" (default)")));
    }
}
