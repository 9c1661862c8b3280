//! The table for people: costs of every candidate, then the goals.

use super::versions::version;
use crate::engine::{COMPARISONS, Candidate, Case, Comparison, Metric, Results, Spread};
use std::fmt::Write;
use std::time::Duration;

/// Says on what machine the numbers come to be.
pub(crate) fn begin() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    eprintln!("bench engine: {cores} cores, load {}, clock source {}", load(), clock_source());
}

/// Says how far it is.
pub(crate) fn progress(round: usize, rounds: usize, elapsed: Duration) {
    eprintln!("round {round} of {rounds}, {} s, load {}", elapsed.as_secs(), load());
}

/// Prints everything observed.
pub(crate) fn table(results: &Results) {
    let mut text = String::new();
    for case in Case::ALL {
        costs(&mut text, case, results);
    }
    goals(&mut text, results);
    eprint!("{text}");
}

const COLUMNS: [(Metric, &str); 5] = [
    (Metric::Caller, "caller ns"),
    (Metric::Total, "process ns"),
    (Metric::Allocations, "allocations"),
    (Metric::Wire, "wire bytes"),
    (Metric::Lost, "lost %"),
];

fn costs(text: &mut String, case: Case, results: &Results) {
    put(text, format_args!("\n{}: {}", case.name(), case.description()));
    put(text, format_args!("per span, median (least..most) of {} rounds", results.rounds));
    let mut heading = format!("{:32}", "");
    for (_, title) in COLUMNS {
        let _ = write!(heading, "{title:>22}");
    }
    put(text, format_args!("{heading}"));
    for &candidate in case.candidates() {
        let mut row = format!("{:32}", title(candidate));
        for (metric, _) in COLUMNS {
            let cell = results.spread(case, candidate, metric).map_or("-".to_owned(), cell);
            let _ = write!(row, "{cell:>22}");
        }
        put(text, format_args!("{row}"));
    }
}

fn goals(text: &mut String, results: &Results) {
    put(text, format_args!("\ngoals, as a share of the peer's cost"));
    for comparison in COMPARISONS {
        let Comparison { case, ours, metric, peer, goal } = *comparison;
        let median = |who| results.spread(case, who, metric).map(|spread| spread.median);
        let (Some(our_cost), Some(their_cost)) = (median(ours), median(peer)) else { continue };
        let mark = match comparison.is_met(our_cost, their_cost) {
            Some(true) => "✓",
            Some(false) => "✗",
            None => " ",
        };
        let ratio = if their_cost > 0.0 {
            format!("{:.3}", our_cost / their_cost)
        } else {
            format!("{} of {}", number(our_cost), number(their_cost))
        };
        let goal = goal.map_or("-".to_owned(), |goal| format!("{goal}"));
        let what = format!("{}, {}, {}", case.name(), title(ours), metric.name());
        put(text, format_args!("{mark} {what:54} {ratio:>10}  goal {goal:>4}  {}", peer.name()));
    }
}

fn title(candidate: Candidate) -> String {
    if candidate.is_ours() {
        return format!("oxitel {}", candidate.name());
    }
    format!("{} {}", candidate.name(), version(candidate.package()).unwrap_or(""))
}

/// The median, and how far the rounds lie apart where that shows in the figures.
fn cell(spread: Spread) -> String {
    let [median, least, most] = [spread.median, spread.least, spread.most].map(number);
    if least == most { median } else { format!("{median} ({least}..{most})") }
}

/// Three figures are as many as mean something.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if value < 1.0 => format!("{value:.3}"),
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// How many processes wanted a core over the last minute.
fn load() -> String {
    first_word("/proc/loadavg")
}

fn clock_source() -> String {
    first_word("/sys/devices/system/clocksource/clocksource0/current_clocksource")
}

fn first_word(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_three_figures_and_a_spread_only_where_there_is_one() {
        let spread = |median, least, most| cell(Spread { median, least, most });
        assert_eq!(spread(0.0, 0.0, 0.0), "0");
        assert_eq!(spread(0.004, 0.0, 0.01), "0.004 (0..0.010)");
        assert_eq!(spread(79.96, 72.0, 101.2), "80.0 (72.0..101)");
        assert_eq!(spread(185.2, 185.1, 185.3), "185");
    }
}
