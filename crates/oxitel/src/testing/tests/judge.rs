//! The judge names the law that broke, and no other.

use super::*;
use crate::testing::judge::judge_records;
use crate::{Dropped, Stats};

fn spans(ids: &[u8]) -> Vec<SpanRecord> {
    ids.iter().map(|&id| record("front", span("order", id, 0))).collect()
}

/// A balanced ledger.
fn delivered(count: u64) -> Stats {
    Stats { recorded: count, delivered: count, ..Stats::default() }
}

#[test]
fn ledgers_that_agree_with_the_receiver_are_clean() {
    let lost = Dropped { unreachable: 3, queue_full: 1, ..Dropped::default() };
    let lossy = Stats { recorded: 7, delivered: 1, rejected: 2, dropped: lost, ..Stats::default() };
    let verdict = judge_records(&spans(&[1, 2, 3]), 0, &[delivered(2), lossy]);
    verdict.expect_clean();
}

#[test]
fn a_ledger_that_does_not_add_up_is_named() {
    let hole = Stats { recorded: 3, delivered: 2, ..Stats::default() };
    let verdict = judge_records(&spans(&[1, 2, 3]), 0, &[delivered(1), hole]);
    insta::assert_snapshot!(verdict, @"- ledger 1 is not balanced: recorded 3 · delivered 2 · rejected 0 · dropped 0 · queued 0 · live 0");
}

#[test]
fn a_span_called_delivered_that_never_came_is_missed() {
    let verdict = judge_records(&spans(&[1]), 0, &[delivered(1), delivered(1)]);
    insta::assert_snapshot!(verdict, @"- ledgers: 2 delivered, receiver: 1 accepted");
}

#[test]
fn a_span_that_came_twice_is_named_and_counts_once() {
    let verdict = judge_records(&spans(&[1, 2, 1]), 0, &[delivered(2)]);
    insta::assert_snapshot!(verdict, @r#"- span "order" (0101010101010101) was accepted 2 times"#);
}

#[test]
fn a_span_without_a_valid_id_is_named() {
    let mut zero = span("zero", 0, 0);
    zero.trace_id.truncate(3);
    let verdict = judge_records(&[record("front", zero)], 0, &[delivered(1)]);
    insta::assert_snapshot!(verdict, @r#"- span "zero" has no valid id: trace id "010101", span id "0000000000000000""#);
}

#[test]
#[should_panic(expected = "conservation is broken:\n- ledgers: 1 delivered, receiver: 0 accepted")]
fn expecting_a_clean_verdict_panics_with_the_breach() {
    judge_records(&[], 0, &[delivered(1)]).expect_clean();
}
