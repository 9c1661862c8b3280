//! Units as UCUM writes them, in the words that Prometheus uses.

/// The suffix for a unit; `None` when there is none. What stands in braces is for people.
pub(super) fn words(unit: &str) -> Option<String> {
    let unit = without_braces(unit);
    let unit = unit.trim();
    let (unit, per) = match unit.split_once('/') {
        Some((unit, per)) => (unit.trim(), Some(per.trim())),
        None => (unit, None),
    };
    let mut words = if unit == "1" { String::new() } else { plural(unit).to_owned() };
    if let Some(per) = per.filter(|per| !per.is_empty()) {
        let gap = if words.is_empty() { "" } else { "_" };
        words = format!("{words}{gap}per_{}", singular(per));
    }
    (!words.is_empty()).then_some(words)
}

fn without_braces(unit: &str) -> String {
    let mut depth = 0_u32;
    let outside = unit.chars().filter(|char| {
        match char {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    });
    outside.collect()
}

fn plural(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" | "kBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        other => other,
    }
}

fn singular(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "ms" => "millisecond",
        "us" => "microsecond",
        "ns" => "nanosecond",
        "min" | "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn units_become_words() {
        for (unit, expected) in [
            ("s", Some("seconds")),
            ("By", Some("bytes")),
            ("KiBy", Some("kibibytes")),
            ("m/s", Some("meters_per_second")),
            ("{request}/s", Some("per_second")),
            ("By/min", Some("bytes_per_minute")),
            ("{request}", None),
            ("1", None),
            ("", None),
            ("furlong", Some("furlong")),
            ("%", Some("percent")),
        ] {
            assert_eq!(words(unit).as_deref(), expected, "{unit}");
        }
    }
}
