//! Reads the standard variables by the standard's parsing rules: empty is unset, what makes no
//! sense is warned about and replaced by the default, and nothing here ever fails.

use super::Config;
use crate::record::Sampler;
use std::time::Duration;

/// Each variable once; messages show what the user wrote.
pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Config {
    let mut reader = Reader { lookup, warnings: Vec::new() };
    let defaults = Config::default();
    let mut config = Config {
        disabled: reader.flag("OTEL_SDK_DISABLED"),
        service_name: reader.text("OTEL_SERVICE_NAME"),
        resource_attributes: reader.resource_attributes(),
        endpoint: reader.text("OTEL_EXPORTER_OTLP_ENDPOINT"),
        traces_endpoint: reader.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        protocol: reader.signal("PROTOCOL").map(|(_, protocol)| protocol),
        schedule_delay: reader.milliseconds("OTEL_BSP_SCHEDULE_DELAY", defaults.schedule_delay),
        export_timeout: reader.timeout(defaults.export_timeout),
        sampler: reader.sampler(),
        ..defaults
    };
    config.headers.0 = reader.headers();
    config.warnings = reader.warnings;
    config
}

struct Reader<L> {
    lookup: L,
    warnings: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The traces' own variable, else the general one, with its name.
    fn signal(&self, suffix: &str) -> Option<(String, String)> {
        ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"].iter().find_map(|prefix| {
            let name = format!("{prefix}{suffix}");
            self.text(&name).map(|value| (name, value))
        })
    }

    fn warn(&mut self, name: &str, value: &str, problem: &str) {
        self.warnings.push(format!("{name}={value:?} {problem}"));
    }

    /// Only `true` is true.
    fn flag(&mut self, name: &str) -> bool {
        let Some(value) = self.text(name) else { return false };
        let known = ["true", "false"].iter().any(|word| value.trim().eq_ignore_ascii_case(word));
        if !known {
            self.warn(name, &value, "is neither true nor false; taken as false");
        }
        value.trim().eq_ignore_ascii_case("true")
    }

    fn milliseconds(&mut self, name: &str, default: Duration) -> Duration {
        let Some(value) = self.text(name) else { return default };
        if let Ok(milliseconds) = value.trim().parse() {
            return Duration::from_millis(milliseconds);
        }
        let problem = format!("is no number of milliseconds; {} is used", default.as_millis());
        self.warn(name, &value, &problem);
        default
    }

    fn timeout(&mut self, default: Duration) -> Duration {
        let Some((name, _)) = self.signal("TIMEOUT") else { return default };
        self.milliseconds(&name, default)
    }

    fn sampler(&mut self) -> Sampler {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let Some(value) = self.text(NAME) else { return Sampler::default() };
        let name = value.trim().to_ascii_lowercase();
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name.as_str()),
        };
        let sampler = match root {
            "always_on" => Sampler::always_on(),
            "always_off" => Sampler::always_off(),
            "traceidratio" => Sampler::ratio(self.ratio()),
            _ => {
                self.warn(NAME, &value, "is no known sampler; parentbased_always_on is used");
                return Sampler::default();
            }
        };
        if parent_based { sampler.parent_based() } else { sampler }
    }

    fn ratio(&mut self) -> f64 {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(value) = self.text(NAME) else { return 1.0 };
        match value.trim().parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.warn(NAME, &value, "is no ratio between 0 and 1; 1 is used");
                1.0
            }
        }
    }

    /// Any error discards the whole value: half a description would be a wrong one.
    fn resource_attributes(&mut self) -> Vec<(String, String)> {
        const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let Some(value) = self.text(NAME) else { return Vec::new() };
        pairs(&value).unwrap_or_else(|member| {
            let problem = format!("is ignored as a whole: {member:?} is no key=value");
            self.warn(NAME, &value, &problem);
            Vec::new()
        })
    }

    /// Values may be secrets: the message names the variable alone.
    fn headers(&mut self) -> Vec<(String, String)> {
        let Some((name, value)) = self.signal("HEADERS") else { return Vec::new() };
        pairs(&value).unwrap_or_else(|_| {
            self.warnings.push(format!("{name} is ignored as a whole: it is no list of key=value"));
            Vec::new()
        })
    }
}

/// `key=value,key=value` with percent-encoding, or the member that is none.
fn pairs(list: &str) -> Result<Vec<(String, String)>, String> {
    list.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| pair(member).ok_or_else(|| member.to_owned()))
        .collect()
}

fn pair(member: &str) -> Option<(String, String)> {
    let (key, value) = member.split_once('=')?;
    let (key, value) = (percent_decoded(key.trim())?, percent_decoded(value.trim())?);
    (!key.is_empty()).then_some((key, value))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push((high << 4 | low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use crate::record::Sampler;
    use std::time::Duration;

    fn read(variables: &[(&str, &str)]) -> Config {
        Config::from_lookup(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn warnings(variables: &[(&str, &str)]) -> String {
        read(variables).warnings().join("\n")
    }

    #[test]
    fn an_empty_environment_is_the_default() {
        assert_eq!(read(&[]), Config::default());
        let empty = ["OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"];
        assert_eq!(read(&empty.map(|name| (name, " "))), Config::default());
    }

    #[test]
    fn service_endpoints_and_protocol_are_read() {
        let config = read(&[
            ("OTEL_SDK_DISABLED", "TRUE"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/exactly"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ]);
        let mut expected = Config::default().schedule_delay(Duration::from_millis(250));
        expected.disabled = true;
        expected.service_name = Some("shop".into());
        expected.endpoint = Some("http://base:4318".into());
        expected.traces_endpoint = Some("http://traces:4318/exactly".into());
        expected.protocol = Some("http/protobuf".into());
        assert_eq!(config, expected);
        let explicit = config.endpoint("http://explicit:4318");
        assert_eq!(explicit.traces_endpoint, None, "the argument wins over both variables");
    }

    #[test]
    fn resource_attributes_are_percent_decoded() {
        let config = read(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1, b%20c=%C3%BC%2C ,,d=")]);
        let expected = [("a", "1"), ("b c", "ü,"), ("d", "")];
        assert_eq!(config.resource_attributes, expected.map(|(k, v)| (k.into(), v.into())));
        assert!(config.warnings().is_empty());
    }

    #[test]
    fn one_wrong_resource_attribute_discards_them_all() {
        for wrong in ["a=1,b", "a=1,=x", "a=%zz", "a=%ff", "a=%2"] {
            let config = read(&[("OTEL_RESOURCE_ATTRIBUTES", wrong)]);
            assert!(config.resource_attributes.is_empty(), "{wrong}");
            assert_eq!(config.warnings().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn all_six_samplers_are_known() {
        let sampler = |name| {
            read(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")]).sampler
        };
        let ratio = Sampler::ratio(0.25);
        assert_eq!(sampler("always_on"), Sampler::always_on());
        assert_eq!(sampler("ALWAYS_OFF"), Sampler::always_off());
        assert_eq!(sampler("traceidratio"), ratio.clone());
        assert_eq!(sampler("parentbased_always_on"), Sampler::default());
        assert_eq!(sampler("parentbased_always_off"), Sampler::always_off().parent_based());
        assert_eq!(sampler("parentbased_traceidratio"), ratio.parent_based());
    }

    #[test]
    fn what_makes_no_sense_is_said_in_the_users_words() {
        insta::assert_snapshot!(
            warnings(&[
                ("OTEL_SDK_DISABLED", "yes"),
                ("OTEL_TRACES_SAMPLER", "Sometimes"),
                ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer hunter2"),
                ("OTEL_RESOURCE_ATTRIBUTES", "team"),
            ]),
            @r#"
        OTEL_SDK_DISABLED="yes" is neither true nor false; taken as false
        OTEL_RESOURCE_ATTRIBUTES="team" is ignored as a whole: "team" is no key=value
        OTEL_BSP_SCHEDULE_DELAY="-1" is no number of milliseconds; 5000 is used
        OTEL_EXPORTER_OTLP_TIMEOUT="10s" is no number of milliseconds; 10000 is used
        OTEL_TRACES_SAMPLER="Sometimes" is no known sampler; parentbased_always_on is used
        OTEL_EXPORTER_OTLP_HEADERS is ignored as a whole: it is no list of key=value
        "#
        );
        let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10%")];
        insta::assert_snapshot!(
            warnings(&ratio),
            @r#"OTEL_TRACES_SAMPLER_ARG="10%" is no ratio between 0 and 1; 1 is used"#
        );
    }

    #[test]
    fn the_signals_own_variable_comes_before_the_general_one() {
        let config = read(&[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "k=general"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "k=own%3D1"),
        ]);
        assert_eq!(config.export_timeout, Duration::ZERO);
        assert_eq!(config.headers.0, [("k".to_owned(), "own=1".to_owned())]);
        assert!(!format!("{config:?}").contains("own=1"), "header values are not shown");
    }
}
