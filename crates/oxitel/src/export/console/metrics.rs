//! A point of a metric as a line; a histogram has its buckets below it.

use super::page::{BOLD, DIM, Page, last_number, shown, time_of_day};
use super::read::{Group, bits, messages};
use crate::wire::{Content, Fields, fixed64s, varints};

/// The longest bar of a histogram.
const BAR: usize = 30;
/// So many buckets are shown; the empty ones at the ends are not.
const MOST_BUCKETS: usize = 40;

/// Writes each metric of the resource.
pub(super) fn write(page: &mut Page, group: &Group<'_>) {
    for (_, records) in &group.scopes {
        for record in records {
            metric(page, group.service, record);
        }
    }
}

/// What is the same for all points of a metric.
struct Metric<'a> {
    service: &'a [u8],
    name: String,
    unit: String,
}

fn metric(page: &mut Page, service: &[u8], message: &[u8]) {
    let text = |number| messages(message, number).last().map(shown).unwrap_or_default();
    let metric = Metric { service, name: text(1), unit: text(3) };
    for (number, content) in Fields::new(message).flatten() {
        let Content::Bytes(data) = content else { continue };
        for point in messages(data, 1) {
            match number {
                5 | 7 => number_point(page, &metric, point),
                9 => histogram(page, &metric, point),
                10 => exponential(page, &metric, point),
                11 => summary(page, &metric, point),
                _ => {}
            }
        }
    }
}

/// Time, service, name and attributes: the beginning of each line.
fn head(page: &mut Page, metric: &Metric<'_>, point: &[u8], attributes: u32) {
    page.painted(DIM, time_of_day(last_number(point, 3).unwrap_or(0)));
    page.push(" ");
    page.painted(BOLD, shown(metric.service));
    page.push("  ");
    page.painted(BOLD, &metric.name);
    page.attributes(messages(point, attributes));
    page.push("  ");
}

fn number_point(page: &mut Page, metric: &Metric<'_>, point: &[u8]) {
    head(page, metric, point, 7);
    let value = Fields::new(point).flatten().filter_map(|field| match field {
        (4, Content::Fixed64(bits)) => Some(f64::from_bits(bits).to_string()),
        (6, Content::Fixed64(bits)) => Some((bits as i64).to_string()),
        _ => None,
    });
    page.push(&value.last().unwrap_or_else(|| "–".to_owned()));
    page.push(&unit(metric));
    page.push("\n");
}

fn unit(metric: &Metric<'_>) -> String {
    if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) }
}

/// Count, sum and range, as far as the point has them.
fn totals(page: &mut Page, metric: &Metric<'_>, point: &[u8], [low, high]: [u32; 2]) {
    page.push(&format!("count {}", last_number(point, 4).unwrap_or(0)));
    for (name, number) in [("sum", 5), ("min", low), ("max", high)] {
        if let Some(bits) = last_number(point, number) {
            page.push(&format!(", {name} {}{}", f64::from_bits(bits), unit(metric)));
        }
    }
    page.push("\n");
}

fn histogram(page: &mut Page, metric: &Metric<'_>, point: &[u8]) {
    head(page, metric, point, 9);
    totals(page, metric, point, [11, 12]);
    let counts: Vec<u64> = numbers(point, 6, |packed| fixed64s(packed).collect());
    let bounds: Vec<u64> = numbers(point, 7, |packed| fixed64s(packed).collect());
    let upper =
        |index: usize| bounds.get(index).map_or(f64::INFINITY, |bits| f64::from_bits(*bits));
    table(page, &counts, upper);
}

fn exponential(page: &mut Page, metric: &Metric<'_>, point: &[u8]) {
    head(page, metric, point, 1);
    totals(page, metric, point, [12, 13]);
    let signed = |bits: u64| (bits as u32 >> 1) as i32 ^ -((bits & 1) as i32);
    let scale = signed(last_number(point, 6).unwrap_or(0));
    let zeros = last_number(point, 7).unwrap_or(0);
    if zeros > 0 {
        page.push(&format!("{:>16}  {zeros}\n", "zero"));
    }
    for (number, sign) in [(9, -1.0), (8, 1.0)] {
        let Some(buckets) = messages(point, number).last() else { continue };
        let offset = f64::from(signed(last_number(buckets, 1).unwrap_or(0)));
        let counts: Vec<u64> = numbers(buckets, 2, |packed| varints(packed).collect());
        let width = 2_f64.powi(scale.saturating_neg());
        table(page, &counts, |index| sign * 2_f64.powf((offset + index as f64 + 1.0) * width));
    }
}

fn summary(page: &mut Page, metric: &Metric<'_>, point: &[u8]) {
    head(page, metric, point, 7);
    totals(page, metric, point, [0, 0]);
    for quantile in messages(point, 6) {
        let double = |number| f64::from_bits(last_number(quantile, number).unwrap_or(0));
        page.push(&format!("{:>16}  {}\n", format!("q{}", double(1)), double(2)));
    }
}

/// A list of numbers, packed or not.
fn numbers(message: &[u8], number: u32, unpack: impl Fn(&[u8]) -> Vec<u64>) -> Vec<u64> {
    let fields = Fields::new(message).flatten().filter(|(found, _)| *found == number);
    let lists = fields.map(|(_, content)| match content {
        Content::Bytes(packed) => unpack(packed),
        content => vec![bits(content)],
    });
    lists.flatten().collect()
}

/// In ten letters or so.
fn rounded(value: f64) -> String {
    let exact = value.to_string();
    match value.abs() {
        _ if exact.len() <= 10 => exact,
        0.01..1e6 => format!("{value:.4}"),
        _ => format!("{value:.4e}"),
    }
}

/// Buckets with the bounds above them; those at the ends that are empty are left out.
fn table(page: &mut Page, counts: &[u64], upper: impl Fn(usize) -> f64) {
    let Some(first) = counts.iter().position(|count| *count > 0) else { return };
    let end = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    let most = counts.iter().max().copied().unwrap_or(1).max(1);
    for (index, count) in counts[..end].iter().enumerate().skip(first).take(MOST_BUCKETS) {
        let bar = (*count as f64 / most as f64 * BAR as f64).ceil() as usize;
        page.push(&format!("{:>16}  {count:>8}", format!("≤ {}", rounded(upper(index)))));
        if bar > 0 {
            page.painted(DIM, format_args!(" {}", "▪".repeat(bar.min(BAR))));
        }
        page.push("\n");
    }
    if end - first > MOST_BUCKETS {
        page.painted(DIM, format_args!("{:>16}\n", "…"));
    }
}
