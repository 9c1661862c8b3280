//! What the user sees while the parts work: a table drawn anew in place on a terminal, plain
//! lines now and then elsewhere.

use std::io::Write;
use std::time::{Duration, Instant};

use super::child::{Child, Role};
use super::fleet::Fleet;
use super::said::Ledger;
use super::sample;
use crate::console::{self, Colour};

/// How often the table on a terminal is drawn anew.
const REDRAW: Duration = Duration::from_millis(500);
/// How often plain lines are written.
const PLAIN: Duration = Duration::from_secs(10);

const HEAD: [&str; 6] = ["service", "recorded", "delivered", "lost", "queued", "state"];

/// Remembers what is on the screen.
pub(super) struct View {
    terminal: bool,
    drawn_lines: usize,
    next: Instant,
}

impl View {
    pub(super) fn new() -> View {
        View { terminal: console::is_terminal(), drawn_lines: 0, next: Instant::now() }
    }

    /// Shows news at once, and the table when it is time.
    pub(super) fn show(&mut self, fleet: &mut Fleet) {
        let news = fleet.news();
        if news.is_empty() && Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + if self.terminal { REDRAW } else { PLAIN };
        self.clear();
        for line in news {
            println!("{line}");
        }
        let mut lines = table(fleet);
        lines.push(footer(fleet));
        self.draw(&lines);
    }

    /// The table once more, after everything has stopped.
    pub(super) fn last(fleet: &Fleet) {
        println!("{}", table(fleet).join("\n"));
    }

    /// Takes the table away, so that lines can be written in its place.
    pub(super) fn clear(&mut self) {
        if self.terminal && self.drawn_lines > 0 {
            // Up to the first line of the table, then everything below is erased.
            print!("\x1b[{}A\x1b[J", self.drawn_lines);
        }
        self.drawn_lines = 0;
    }

    fn draw(&mut self, lines: &[String]) {
        let text = lines.join("\n");
        if self.terminal {
            // Without automatic wrap a narrow terminal cuts lines and the count stays right.
            println!("\x1b[?7l{text}\x1b[?7h");
        } else {
            println!("{text}");
        }
        self.drawn_lines = lines.len();
        // A closed terminal is noticed by the signal it sends.
        let _ = std::io::stdout().flush();
    }
}

fn table(fleet: &Fleet) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        fleet.processes().filter(|child| is_shown(child)).map(row).collect();
    console::columns(&HEAD, &rows, &[0, 5])
}

/// A build is shown while it runs, and when it failed.
fn is_shown(child: &Child) -> bool {
    child.role() == Role::Service || !child.has_ended() || child.failed()
}

fn row(child: &Child) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or("–".to_owned(), |number| number.to_string());
    let ledger = child.ledger();
    vec![
        child.name().to_owned(),
        number(ledger.map(|ledger| ledger.recorded)),
        number(ledger.map(|ledger| ledger.delivered)),
        number(ledger.map(Ledger::lost)),
        number(ledger.map(|ledger| ledger.queued)),
        child.state(),
    ]
}

fn footer(fleet: &Fleet) -> String {
    let arrived = sample::received(fleet).map_or(String::new(), |summary| {
        format!("{} spans arrived in {} traces; ", summary.spans, summary.traces)
    });
    console::paint(Colour::Grey, &format!("{arrived}Ctrl-C stops all"))
}
