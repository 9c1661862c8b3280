//! Where we differ on purpose.

use super::Allowed;

const ANY: &str = "*";
const ABSENT: &str = super::ABSENT;

/// Each has a reason.
pub(super) const ALLOWED: &[Allowed] = &[
    Allowed {
        shape: ANY,
        span: ANY,
        field: "attribute busy_ns",
        peer: "int *",
        ours: ABSENT,
        reason: "time that a span was entered is no attribute of any convention, and costs a \
                 reading of the clock at each entering",
    },
    Allowed {
        shape: ANY,
        span: ANY,
        field: "attribute idle_ns",
        peer: "int *",
        ours: ABSENT,
        reason: "as for busy_ns",
    },
    Allowed {
        shape: ANY,
        span: ANY,
        field: "*attribute code.module.name",
        peer: "text *",
        ours: ABSENT,
        reason: "no name of the semantic conventions; with the location come the file and the line",
    },
    Allowed {
        shape: ANY,
        span: ANY,
        field: "attribute target",
        peer: "text \"it::differential::shapes\"",
        ours: ABSENT,
        reason: "the target of a span is a matter of filters; an event, which has no other \
                 source, keeps it on both sides",
    },
    Allowed {
        shape: "field types",
        span: "types",
        field: "attribute unsigned",
        peer: "text \"7\"",
        ours: "int 7",
        reason: "an unsigned number is a number, and text only where it does not fit",
    },
    Allowed {
        shape: "instrument",
        span: ANY,
        field: "attribute *",
        peer: "text \"*",
        ours: "int *",
        reason: "as for unsigned numbers of other spans",
    },
    Allowed {
        shape: "late fields",
        span: "late",
        field: "attribute * (again)",
        peer: ANY,
        ours: ABSENT,
        reason: "a field that is recorded again replaces its value; OTLP wants keys to be unique",
    },
    Allowed {
        shape: "otel fields",
        span: "late name",
        field: ANY,
        peer: ANY,
        ours: ABSENT,
        reason: "a name that is recorded after the span was entered counts as well",
    },
    Allowed {
        shape: "otel fields",
        span: "renamed late",
        field: ANY,
        peer: ABSENT,
        ours: ANY,
        reason: "as for the name: this is the same span",
    },
    Allowed {
        shape: "status",
        span: "ok then error",
        field: "status",
        peer: "error \"\"",
        ours: "ok",
        reason: "ok is a final word, as the specification says",
    },
    Allowed {
        shape: "status",
        span: "unknown",
        field: "attribute otel.status_code",
        peer: ABSENT,
        ours: "text \"whatever\"",
        reason: "what is no status is kept as what the program wrote, instead of vanishing",
    },
    Allowed {
        shape: "threads",
        span: "on the worker",
        field: "attribute thread.id",
        peer: "int *",
        ours: "int *",
        reason: "each run has a thread of its own",
    },
];
