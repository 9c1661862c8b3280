//! A clean environment for everything that is started from here.
//!
//! A developer's own `OTEL_*` variables would send the samples and the tests to a stranger's
//! collector, so no child ever inherits them.

use std::process::Command;

/// Takes every inherited telemetry variable from `command`; what is set on it afterwards stays.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(steers_telemetry) {
            command.env_remove(name);
        }
    }
    command
}

fn steers_telemetry(name: &str) -> bool {
    ["OTEL_", "OAAS_", "OXITEL_"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_steer_telemetry_are_taken_away() {
        assert!(steers_telemetry("OTEL_EXPORTER_OTLP_ENDPOINT"));
        assert!(steers_telemetry("OAAS_TELEMETRY"));
        assert!(steers_telemetry("OXITEL_CLOCK"));
        assert!(!steers_telemetry("PATH"));
        assert!(!steers_telemetry("MY_OTEL_NOTES"));
    }
}
