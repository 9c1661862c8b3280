//! The lines that a started process says on its standard output, one JSON object each.
//!
//! The samples say that they are ready and what their ledger holds; cargo says which programs it
//! built. Anything else is not for us.

use std::path::PathBuf;

use serde::Deserialize;

use crate::cargo;

/// One line, understood.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// The process answers at this address.
    Ready { http: String },
    /// The state of its ledger.
    Ledger(Ledger),
    /// Cargo built a program, or found it up to date.
    Built { program: PathBuf },
    /// Something that is not for us.
    Other,
}

/// What an engine says of its records: each is delivered, rejected, dropped or queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Ledger {
    pub(super) recorded: u64,
    pub(super) delivered: u64,
    pub(super) rejected: u64,
    pub(super) dropped: u64,
    pub(super) queued: u64,
    pub(super) live: u64,
}

impl Ledger {
    /// Records that will never arrive.
    pub(super) fn lost(self) -> u64 {
        self.rejected + self.dropped
    }

    /// Whether every record is accounted for.
    pub(super) fn is_balanced(self) -> bool {
        self.recorded == self.delivered + self.lost() + self.queued
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Ready { ready: bool, http: String },
    Ledger { ledger: Ledger },
}

impl Said {
    /// Reads one line.
    pub(super) fn read(line: &str) -> Said {
        match serde_json::from_str(line) {
            Ok(Line::Ready { ready: true, http }) => Said::Ready { http },
            Ok(Line::Ledger { ledger }) => Said::Ledger(ledger),
            _ => cargo::built_program(line).map_or(Said::Other, |program| Said::Built { program }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_ledger_and_built_lines_are_understood() {
        assert_eq!(
            Said::read(r#"{"ready":true,"http":"http://127.0.0.1:4318"}"#),
            Said::Ready { http: "http://127.0.0.1:4318".to_owned() }
        );
        let ledger =
            Ledger { recorded: 9, delivered: 6, rejected: 1, dropped: 1, queued: 1, live: 2 };
        assert_eq!(
            Said::read(
                r#"{"ledger":{"recorded":9,"delivered":6,"rejected":1,"dropped":1,"queued":1,"live":2}}"#
            ),
            Said::Ledger(ledger)
        );
        assert_eq!(
            Said::read(
                r#"{"reason":"compiler-artifact","executable":"/t/debug/first-light","fresh":true}"#
            ),
            Said::Built { program: "/t/debug/first-light".into() }
        );
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in
            ["", "hello", "{}", r#"{"ready":false,"http":"x"}"#, r#"{"ledger":{"recorded":1}}"#]
        {
            assert_eq!(Said::read(line), Said::Other, "{line:?}");
        }
        assert_eq!(
            Said::read(r#"{"reason":"compiler-artifact","executable":null}"#),
            Said::Other,
            "a library has no program"
        );
    }

    #[test]
    fn a_ledger_balances_only_when_no_record_is_missing() {
        let ledger =
            Ledger { recorded: 9, delivered: 6, rejected: 1, dropped: 1, queued: 1, live: 2 };
        assert!(ledger.is_balanced());
        assert_eq!(ledger.lost(), 2);
        assert!(!Ledger { recorded: 10, ..ledger }.is_balanced());
    }
}
