//! Families as lines.

use super::Style;
use super::families::{Family, Sample, Type};
use super::labels::{self, Labels};
use super::names;
use super::negotiate::Format;
use crate::metrics::exemplar::Exemplar;
use crate::metrics::number::AnyNumber;
use crate::metrics::total::Total;
use std::fmt::Write;

/// The page with the resource's `target_info` first.
pub(super) fn page(resource: &[u8], families: &[Family], style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    page.target_info(resource);
    for family in families {
        page.family(family);
    }
    if page.is_open_metrics() {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    style: Style,
}

/// Writing to a `String` does not fail.
macro_rules! put {
    ($page:expr, $($what:tt)*) => {{ let _ = write!($page.text, $($what)*); }};
}

impl Page {
    fn is_open_metrics(&self) -> bool {
        self.style.answer.format == Format::OpenMetrics
    }

    fn target_info(&mut self, resource: &[u8]) {
        let mut all = Labels::new();
        labels::add(&mut all, resource, "", self.style);
        if all.is_empty() {
            return;
        }
        let (family, kind) =
            if self.is_open_metrics() { ("target", "info") } else { ("target_info", "gauge") };
        self.comment("HELP", family, "Target metadata");
        self.comment("TYPE", family, kind);
        self.sample("target_info", &all, None, "1", None);
    }

    fn family(&mut self, family: &Family) {
        let name = &family.name.name;
        let open_metrics = self.is_open_metrics();
        // OpenMetrics names a counter's family without the suffix that its samples must have.
        let base = name.strip_suffix("_total").filter(|_| family.kind == Type::Counter);
        let (shown, kind) = match (family.kind, base) {
            (Type::Counter, Some(base)) if open_metrics => (base, "counter"),
            (Type::Counter, None) if open_metrics => (name.as_str(), "unknown"),
            (Type::Counter, _) => (name.as_str(), "counter"),
            (Type::Gauge, _) => (name.as_str(), "gauge"),
            (Type::Histogram, _) => (name.as_str(), "histogram"),
        };
        if !family.help.is_empty() {
            let help = escaped(&family.help, open_metrics);
            self.comment("HELP", shown, &help);
        }
        self.comment("TYPE", shown, kind);
        if let Some(unit) = family.name.unit.as_ref().filter(|_| open_metrics)
            && shown.ends_with(&format!("_{unit}"))
        {
            self.comment("UNIT", shown, unit);
        }
        for sample in &family.samples {
            self.point(name, sample, kind);
        }
    }

    fn comment(&mut self, word: &str, name: &str, text: &str) {
        let name = if names::is_plain(name) { name.to_owned() } else { quoted(name) };
        put!(self, "# {word} {name} {text}\n");
    }

    fn point(&mut self, name: &str, sample: &Sample, kind: &str) {
        let exemplars = &sample.point.exemplars;
        match &sample.point.total {
            Total::Sum(value) | Total::Last(value) => {
                let exemplar = exemplars.first().filter(|_| kind == "counter");
                self.sample(name, &sample.labels, None, &number(*value), exemplar);
            }
            Total::Explicit(buckets) => {
                let bounds = sample.bounds.iter().copied().chain([f64::INFINITY]);
                let (mut count, mut below) = (0, f64::NEG_INFINITY);
                for (bound, in_bucket) in bounds.zip(&buckets.counts) {
                    count += in_bucket;
                    let is_in =
                        |it: &&Exemplar| (below < it.value.as_f64()) && it.value.as_f64() <= bound;
                    self.bucket(name, sample, bound, count, exemplars.iter().find(is_in));
                    below = bound;
                }
                self.sum_and_count(name, sample, buckets.sum, count);
            }
            Total::Exponential(histogram) => {
                // The text formats have no buckets that change: all values are in the last one.
                let count = histogram.count();
                self.bucket(name, sample, f64::INFINITY, count, exemplars.first());
                self.sum_and_count(name, sample, histogram.sum, count);
            }
        }
    }

    fn bucket(
        &mut self,
        name: &str,
        sample: &Sample,
        bound: f64,
        count: u64,
        exemplar: Option<&Exemplar>,
    ) {
        let bound = self.bound(bound);
        let name = format!("{name}_bucket");
        self.sample(&name, &sample.labels, Some(&bound), &count.to_string(), exemplar);
    }

    fn sum_and_count(&mut self, name: &str, sample: &Sample, sum: f64, count: u64) {
        if sample.has_sum {
            self.sample(&format!("{name}_sum"), &sample.labels, None, &float(sum), None);
        } else if self.is_open_metrics() {
            // It wants both or none.
            return;
        }
        self.sample(&format!("{name}_count"), &sample.labels, None, &count.to_string(), None);
    }

    /// `OpenMetrics` wants a point or an exponent in every bound.
    fn bound(&self, bound: f64) -> String {
        let text = float(bound);
        let is_whole = !text.contains(['.', 'e', 'I']);
        if is_whole && self.is_open_metrics() { text + ".0" } else { text }
    }

    fn sample(
        &mut self,
        name: &str,
        labels: &Labels,
        bound: Option<&str>,
        value: &str,
        exemplar: Option<&Exemplar>,
    ) {
        let is_plain = names::is_plain(name);
        let mut parts = Vec::new();
        if is_plain {
            self.text.push_str(name);
        } else {
            parts.push(quoted(name));
        }
        for (key, value) in labels {
            // Colons are for names of metrics.
            let is_plain = names::is_plain(key) && !key.contains(':');
            let key = if is_plain { key.clone() } else { quoted(key) };
            parts.push(format!("{key}={}", quoted(value)));
        }
        parts.extend(bound.map(|bound| format!("le=\"{bound}\"")));
        if !parts.is_empty() {
            put!(self, "{{{}}}", parts.join(","));
        }
        put!(self, " {value}");
        if let Some(exemplar) = exemplar.filter(|_| self.is_open_metrics()) {
            self.exemplar(exemplar);
        }
        self.text.push('\n');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        /// Of all names and values together.
        const MOST_CHARACTERS: usize = 128;
        let mut pairs = Vec::new();
        if let Some(span) = exemplar.span {
            pairs.push(("trace_id".to_owned(), span.trace_id().to_string()));
            pairs.push(("span_id".to_owned(), span.span_id().to_string()));
        }
        let mut left_out = Labels::new();
        labels::add(&mut left_out, &exemplar.left_out, "", self.style);
        left_out.retain(|name, _| name != "trace_id" && name != "span_id");
        pairs.extend(left_out);
        let mut characters = 0;
        pairs.retain(|(name, value)| {
            let own = name.chars().count() + value.chars().count();
            let fits = characters + own <= MOST_CHARACTERS;
            characters += if fits { own } else { 0 };
            fits
        });
        let pairs = pairs.iter().map(|(name, value)| {
            let name = if names::is_plain(name) { name.clone() } else { quoted(name) };
            format!("{name}={}", quoted(value))
        });
        let pairs = pairs.collect::<Vec<_>>().join(",");
        let (seconds, rest) =
            (exemplar.time_ns / 1_000_000_000, exemplar.time_ns % 1_000_000_000 / 1_000_000);
        put!(self, " # {{{pairs}}} {} {seconds}.{rest:03}", number(exemplar.value));
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text, true))
}

fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

fn number(value: AnyNumber) -> String {
    match value {
        AnyNumber::U64(number) => number.to_string(),
        AnyNumber::I64(number) => number.to_string(),
        AnyNumber::F64(number) => float(number),
    }
}

/// As all clients of Prometheus write it, after Go's `%g`: a bound that is written in another way
/// is another series.
fn float(number: f64) -> String {
    if number == f64::INFINITY {
        return "+Inf".to_owned();
    }
    if number == f64::NEG_INFINITY {
        return "-Inf".to_owned();
    }
    let text = format!("{number:e}");
    let parts = text.split_once('e');
    match parts.and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?))) {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn numbers_are_written_as_by_all_clients() {
        for (number, text) in [
            (0.0, "0"),
            (-0.25, "-0.25"),
            (0.0001, "0.0001"),
            (0.000_05, "5e-05"),
            (-1.5e-10, "-1.5e-10"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (-1_234_567.5, "-1.2345675e+06"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(number), text);
        }
    }
}
