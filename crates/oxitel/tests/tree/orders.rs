//! Every order in which the three APIs can be nested.

use crate::harness::{Names, Run, SCOPE, current, each_run, header_of, span, tracer};
use opentelemetry::trace::{TraceContextExt, Tracer, mark_span_as_active};
use opentelemetry::{Context, global};
use oxitel::SpanContext;
use oxitel::testing::SpanRecord;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tracing::info;

/// How a level of nesting is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Tracing,
    Api,
    ApiAttached,
    ApiMarked,
    Direct,
    DirectCurrent,
}

/// One of each API.
pub(crate) const BASE: [Step; 3] = [Step::Tracing, Step::Api, Step::Direct];
const ALL: [Step; 6] = [
    Step::Tracing,
    Step::Api,
    Step::ApiAttached,
    Step::ApiMarked,
    Step::Direct,
    Step::DirectCurrent,
];

/// Every sequence of `depth` steps.
pub(crate) fn orders(steps: &[Step], depth: usize) -> Vec<Vec<Step>> {
    (0..depth).fold(vec![vec![]], |orders, _| {
        let longer = |order: &Vec<Step>, step: &Step| [order.as_slice(), &[*step]].concat();
        orders.iter().flat_map(|order| steps.iter().map(move |step| longer(order, step))).collect()
    })
}

/// What a program says about itself, to be compared with what arrived.
#[derive(Default)]
pub(crate) struct Claims {
    ids: Mutex<Vec<Claim>>,
    /// Events said inside of a `tracing` span.
    events: AtomicUsize,
}

struct Claim {
    what: &'static str,
    /// The span that was current.
    span: String,
    trace_id: String,
    span_id: String,
}

/// Where a program is: its name, and how deep in its nesting.
///
/// Spans of levels are called `program/0`, those of probes `program/0/probe`: each stands below
/// the span that its name without the last word names, and a level below the level before.
#[derive(Clone)]
pub(crate) struct Level {
    pub(crate) program: Arc<str>,
    pub(crate) depth: usize,
    pub(crate) order: Arc<[Step]>,
    pub(crate) claims: Arc<Claims>,
}

impl Level {
    /// The outermost of a program, which is told from others of the same order by its number.
    pub(crate) fn outermost(order: &[Step], number: usize, claims: &Arc<Claims>) -> Self {
        let program = format!("{} {number}", word(order)).into();
        Self { program, depth: 0, order: order.into(), claims: Arc::clone(claims) }
    }

    pub(crate) fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    /// How it is made; `None` below the innermost.
    pub(crate) fn step(&self) -> Option<Step> {
        self.order.get(self.depth).copied()
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.program, self.depth)
    }

    pub(crate) fn probe(&self, probe: &str) -> String {
        format!("{}/{probe}", self.name())
    }

    /// Everything that could ask which span is current asks.
    pub(crate) fn probes(&self) {
        drop(span(&self.probe("tracing")));
        drop(tracer().start(self.probe("start")));
        drop(tracer().start_with_context(self.probe("start_with_context"), &Context::current()));
        tracer().in_span(self.probe("in_span"), |_| {});
        drop(SCOPE.enter(&self.probe("enter")));
        drop(SCOPE.span(&self.probe("span")));
        info!("{}", self.probe("event"));
        if self.order[..=self.depth].contains(&Step::Tracing) {
            self.claims.events.fetch_add(1, Ordering::Relaxed);
        }
        self.quiet_probes();
    }

    /// Those that make no span.
    pub(crate) fn quiet_probes(&self) {
        let current = current();
        self.claims.add("capture", self.name(), &current);
        let mut ours = HashMap::new();
        oxitel::propagate::inject_into(&mut ours);
        let mut theirs = HashMap::new();
        global::get_text_map_propagator(|propagator| propagator.inject(&mut theirs));
        let of_context = header_of(&Context::current());
        let headers = [
            ("propagate::inject", ours.remove("traceparent")),
            ("the global propagator", theirs.remove("traceparent")),
            ("the global propagator with Context::current()", of_context),
        ];
        for (what, header) in headers {
            self.claims.add_header(what, self.name(), header.as_deref());
        }
    }

    /// Runs the rest of the order inside of this level.
    fn nest(&self) {
        let Some(step) = self.step() else { return };
        let inside = || {
            self.probes();
            self.deeper().nest();
            self.probes();
        };
        match step {
            Step::Tracing => span(&self.name()).in_scope(inside),
            Step::Api => tracer().in_span(self.name(), |_| inside()),
            Step::ApiAttached => {
                let context = Context::current_with_span(tracer().start(self.name()));
                let _attached = context.attach();
                inside();
            }
            Step::ApiMarked => {
                let _active = mark_span_as_active(tracer().start(self.name()));
                inside();
            }
            Step::Direct => {
                let _entered = SCOPE.enter(&self.name());
                inside();
            }
            Step::DirectCurrent => {
                let span = SCOPE.span(&self.name());
                let _current = span.enter();
                inside();
            }
        }
    }
}

impl Claims {
    fn add(&self, what: &'static str, span: String, current: &SpanContext) {
        let (trace_id, span_id) = (current.trace_id().to_string(), current.span_id().to_string());
        self.ids.lock().expect("no panic").push(Claim { what, span, trace_id, span_id });
    }

    fn add_header(&self, what: &'static str, span: String, header: Option<&str>) {
        let mut parts = header.unwrap_or_default().split('-').map(str::to_owned).skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (trace_id, span_id) = (next(), next());
        self.ids.lock().expect("no panic").push(Claim { what, span, trace_id, span_id });
    }

    /// What is wrong with them.
    fn wrong<'a>(&'a self, names: &'a Names<'a>) -> Vec<String> {
        let claims = self.ids.lock().expect("no panic");
        assert!(!claims.is_empty(), "nobody claimed anything");
        claims
            .iter()
            .map(|claim| (claim, names.name(&claim.trace_id, &claim.span_id)))
            .filter(|(claim, got)| claim.span != *got)
            .map(|(claim, got)| format!("{} in {} gave {got}", claim.what, claim.span))
            .collect()
    }
}

/// Compares what arrived with the names: see [`Level`].
#[track_caller]
pub(crate) fn judge(run: &Run, claims: &Claims, expected_spans: usize) {
    let spans = run.spans();
    assert_eq!(spans.len(), expected_spans, "{}", run.title());
    let names = Names::of(&spans);
    let mut wrong = claims.wrong(&names);
    for record in &spans {
        let (name, got) = (&record.span.name, names.parent(record));
        if expected_parent(name) != got {
            wrong.push(format!("{name} under {got}"));
        }
        wrong
            .extend(record.span.events.iter().filter_map(|event| wrong_event(record, &event.name)));
    }
    let events: usize = spans.iter().map(|record| record.span.events.len()).sum();
    assert_eq!(events, claims.events.load(Ordering::Relaxed), "{}", run.title());
    let count = wrong.len();
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}: {count} wrong, such as\n{}", run.title(), wrong.join("\n"));
}

fn expected_parent(name: &str) -> String {
    let (before, last) = name.rsplit_once('/').expect("a name has parts");
    match last.parse::<usize>() {
        Ok(0) => "-".to_owned(),
        Ok(level) => format!("{before}/{}", level - 1),
        Err(_) => before.to_owned(),
    }
}

/// An event is on the innermost `tracing` span: others have no place for it.
fn wrong_event(record: &SpanRecord, event: &str) -> Option<String> {
    let at = event.strip_suffix("/event").expect("of a probe");
    let (program, level) = at.rsplit_once('/').expect("a level");
    let level: usize = level.parse().expect("a number");
    let (order, _) = program.split_once(' ').unwrap_or((program, ""));
    let innermost = order.as_bytes()[..=level].iter().rposition(|step| *step == b'T');
    let expected = innermost.map_or_else(String::new, |level| format!("{program}/{level}"));
    (record.span.name != expected).then(|| format!("{event} on {}", record.span.name))
}

/// As one word: `T`, `O` and `D`, the variants in other letters.
fn word(order: &[Step]) -> String {
    let letter = |step: &Step| match step {
        Step::Tracing => 'T',
        Step::Api => 'O',
        Step::ApiAttached => 'A',
        Step::ApiMarked => 'M',
        Step::Direct => 'D',
        Step::DirectCurrent => 'C',
    };
    order.iter().map(letter).collect()
}

/// Runs each order; a level with its probes, before and after, makes 13 spans.
fn run_orders(orders: &[Vec<Step>]) {
    each_run(|run| {
        let claims = Arc::default();
        run.program(|| {
            for (number, order) in orders.iter().enumerate() {
                let level = Level::outermost(order, number, &claims);
                level.nest();
                assert!(!current().is_valid(), "{} leaves nothing behind", level.program);
            }
        });
        let levels: usize = orders.iter().map(Vec::len).sum();
        judge(&run, &claims, 13 * levels);
    });
}

#[test]
fn three_levels_of_three_apis_in_each_order_make_one_tree() {
    let orders = orders(&BASE, 3);
    assert_eq!(orders.len(), 27);
    run_orders(&orders);
}

#[test]
fn three_levels_in_each_way_to_make_a_span_current_make_one_tree() {
    let orders = orders(&ALL, 3);
    assert_eq!(orders.len(), 216);
    run_orders(&orders);
}

#[test]
fn four_levels_of_three_apis_in_each_order_make_one_tree() {
    let orders = orders(&BASE, 4);
    assert_eq!(orders.len(), 81);
    run_orders(&orders);
}
