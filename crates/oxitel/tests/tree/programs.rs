//! Random programs against a model: one stack of all that was entered or attached; the last that
//! is still there is current.
//!
//! `OXITEL_TREE_SEED=7` runs the programs of seed 7 only.

use crate::harness::{FRONT_ENDS, FrontEnd, Run, SCOPE, current, span, tracer};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    Span as _, SpanContext as ApiSpanContext, TraceContextExt, TraceState, Tracer,
};
use opentelemetry::{Context, ContextGuard, KeyValue};
use oxitel::bridge::{Activation, SpanExt};
use oxitel::context::{self, Attached, Captured};
use oxitel::{Entered, SpanContext};
use std::collections::{HashMap, VecDeque};

/// What a program may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Drops a guard: the last one, or any.
    Leave,
    Direct,
    Tracing,
    Api,
    Remote,
    Baggage,
    /// Attaches `Context::new()`.
    Empty,
    Root,
    WithParent,
    Capture,
    /// Attaches a Context of the API that was kept.
    ContextAgain,
    /// Attaches a place of ours that was kept.
    PlaceAgain,
    /// A span of the API in the current Context.
    InCurrent,
    /// A span of the API in a Context that was kept.
    InKept,
    /// A span of `tracing`, or of ours, not entered.
    Contextual,
}

use Step::{
    Api, Baggage, Capture, ContextAgain, Contextual, Direct, Empty, InCurrent, InKept, Leave,
    PlaceAgain, Remote, Root, Tracing, WithParent,
};

struct Mix {
    name: &'static str,
    /// Guards are dropped in the reverse order of their making.
    nested: bool,
    steps: &'static [Step],
}

const NESTED: Mix = Mix {
    name: "nested",
    nested: true,
    steps: &[
        Leave, Leave, Leave, Leave, Leave, Direct, Direct, Tracing, Tracing, Api, Remote, Baggage,
        Root, WithParent, Capture, PlaceAgain, InCurrent, Contextual,
    ],
};

const MIXES: [Mix; 5] = [
    NESTED,
    Mix {
        name: "nested, with empty Contexts",
        nested: true,
        steps: &[
            Leave, Leave, Leave, Leave, Direct, Direct, Tracing, Api, Remote, Baggage, Empty, Root,
            InCurrent, Contextual,
        ],
    },
    Mix {
        name: "nested, with Contexts of before",
        nested: true,
        steps: &[
            Leave,
            Leave,
            Leave,
            Leave,
            Direct,
            Tracing,
            Api,
            Remote,
            ContextAgain,
            PlaceAgain,
            InCurrent,
            InKept,
            Contextual,
        ],
    },
    Mix {
        name: "any order",
        nested: false,
        steps: &[
            Leave, Leave, Leave, Leave, Direct, Direct, Tracing, Tracing, Api, Remote, Capture,
            InCurrent, Contextual,
        ],
    },
    Mix {
        name: "any order, with all",
        nested: false,
        steps: &[
            Leave,
            Leave,
            Leave,
            Leave,
            Leave,
            Direct,
            Tracing,
            Api,
            Remote,
            Baggage,
            Empty,
            Root,
            WithParent,
            Capture,
            ContextAgain,
            PlaceAgain,
            InCurrent,
            InKept,
            Contextual,
        ],
    },
];

/// Trace id and span id; zeros outside of any trace.
type Ids = ([u8; 16], [u8; 8]);

const NOWHERE: Ids = ([0; 16], [0; 8]);

fn of_ours(context: &SpanContext) -> Ids {
    if !context.is_valid() {
        return NOWHERE;
    }
    (context.trace_id().to_bytes(), context.span_id().to_bytes())
}

fn of_api(context: &ApiSpanContext) -> Ids {
    (context.trace_id().to_bytes(), context.span_id().to_bytes())
}

/// What keeps a place current.
#[expect(dead_code, reason = "guards are there to be dropped")]
enum Open {
    Direct(Entered),
    Tracing(tracing::span::EnteredSpan),
    Api(ContextGuard),
    Place(Attached),
}

struct Program {
    random: u64,
    /// Contexts of the API follow: frames show themselves in them.
    exact: bool,
    open: Vec<(Ids, Step, Open)>,
    contexts: VecDeque<(Context, Ids)>,
    places: VecDeque<(Captured, Ids)>,
    /// Of each span that was made, the parent.
    parents: HashMap<[u8; 8], Ids>,
    checks: usize,
}

impl Program {
    fn new(seed: u64, exact: bool) -> Self {
        Self {
            random: seed.wrapping_mul(7919).wrapping_add(13),
            exact,
            open: Vec::new(),
            contexts: VecDeque::new(),
            places: VecDeque::new(),
            parents: HashMap::new(),
            checks: 0,
        }
    }

    /// Knuth's generator; its high bits are good enough.
    fn random(&mut self) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random() as usize % bound
    }

    fn expected(&self) -> Ids {
        self.open.last().map_or(NOWHERE, |(ids, ..)| *ids)
    }

    /// Does so many steps of this mix; a text says what went wrong.
    fn run(&mut self, mix: &Mix, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            let step =
                if self.open.len() > 12 { Leave } else { mix.steps[self.below(mix.steps.len())] };
            self.take(step, mix.nested);
            self.check().map_err(|wrong| format!("after {step:?}: {wrong}"))?;
        }
        while let Some(last) = self.open.pop() {
            drop(last);
            self.check().map_err(|wrong| format!("at the end: {wrong}"))?;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), String> {
        let expected = self.expected();
        self.compare("our current span", of_ours(&current()), expected)?;
        if self.exact {
            let seen = Context::map_current(|context| of_api(context.span().span_context()));
            self.compare("the API's current span", seen, expected)?;
        }
        Ok(())
    }

    fn compare(&mut self, what: &str, got: Ids, expected: Ids) -> Result<(), String> {
        self.checks += 1;
        if got == expected {
            return Ok(());
        }
        let open: Vec<_> =
            self.open.iter().map(|(ids, step, _)| format!("{step:?} {:02x?}", ids.1)).collect();
        Err(format!("{what} is {got:02x?}, not {expected:02x?}; open: {}", open.join(", ")))
    }

    fn take(&mut self, step: Step, nested: bool) {
        match step {
            Leave => self.leave(nested),
            Direct | Tracing | Api => self.enter(step),
            Remote | Baggage | Empty => self.attach(step),
            Root | WithParent | Capture => self.take_place(step),
            ContextAgain | PlaceAgain => self.again(step),
            InCurrent | InKept | Contextual => self.begin(step),
        }
        self.contexts.truncate(8);
        self.places.truncate(8);
    }

    fn leave(&mut self, nested: bool) {
        if self.open.is_empty() {
            return;
        }
        let index = if nested { self.open.len() - 1 } else { self.below(self.open.len()) };
        drop(self.open.remove(index));
    }

    fn enter(&mut self, step: Step) {
        let parent = self.expected();
        let (ids, open) = match step {
            Direct => {
                let entered = SCOPE.enter("direct");
                (of_ours(&entered.context()), Open::Direct(entered))
            }
            Tracing => {
                let entered = span("tracing").entered();
                (of_ours(&SpanExt::context(&*entered)), Open::Tracing(entered))
            }
            _ => {
                let span = tracer().start("api");
                let ids = of_api(span.span_context());
                let context = Context::current_with_span(span);
                self.contexts.push_front((context.clone(), ids));
                (ids, Open::Api(context.attach()))
            }
        };
        self.parents.insert(ids.1, parent);
        self.open.push((ids, step, open));
    }

    fn attach(&mut self, step: Step) {
        let (ids, context) = match step {
            Remote => {
                let remote = self.remote();
                let theirs = ApiSpanContext::new(
                    opentelemetry::TraceId::from_bytes(remote.0),
                    opentelemetry::SpanId::from_bytes(remote.1),
                    opentelemetry::TraceFlags::SAMPLED,
                    true,
                    TraceState::NONE,
                );
                (remote, Context::current().with_remote_span_context(theirs))
            }
            Baggage => {
                let baggage = [KeyValue::new("key", "value")];
                (self.expected(), Context::current_with_baggage(baggage))
            }
            _ => (NOWHERE, Context::new()),
        };
        self.open.push((ids, step, Open::Api(context.attach())));
    }

    fn take_place(&mut self, step: Step) {
        let (ids, place) = match step {
            Root => (NOWHERE, context::root()),
            WithParent => {
                let ids = self.remote();
                (ids, context::with_parent(&ours(ids)))
            }
            _ => {
                let place = context::capture();
                self.places.push_front((place.clone(), self.expected()));
                (self.expected(), place)
            }
        };
        self.open.push((ids, step, Open::Place(place.attach())));
    }

    fn again(&mut self, step: Step) {
        let number = self.random() as usize;
        if step == ContextAgain && !self.contexts.is_empty() {
            let (context, ids) = self.contexts[number % self.contexts.len()].clone();
            self.open.push((ids, step, Open::Api(context.attach())));
        } else if step == PlaceAgain && !self.places.is_empty() {
            let (place, ids) = self.places[number % self.places.len()].clone();
            self.open.push((ids, step, Open::Place(place.attach())));
        }
    }

    fn begin(&mut self, step: Step) {
        let number = self.random() as usize;
        let (child, parent) = match step {
            InKept if !self.contexts.is_empty() => {
                let (context, ids) = self.contexts[number % self.contexts.len()].clone();
                (of_api(tracer().start_with_context("in kept", &context).span_context()), ids)
            }
            Contextual if number.is_multiple_of(2) => {
                (of_ours(&SpanExt::context(&span("contextual"))), self.expected())
            }
            Contextual => (of_ours(&SCOPE.span("contextual").context()), self.expected()),
            _ => {
                let span = tracer().start_with_context("in current", &Context::current());
                (of_api(span.span_context()), self.expected())
            }
        };
        self.parents.insert(child.1, parent);
    }

    /// A caller's span.
    fn remote(&mut self) -> Ids {
        let (trace, span) = (self.random() | 1, self.random() | 1);
        (u128::from(trace).to_be_bytes(), span.to_be_bytes())
    }
}

fn ours((trace, span): Ids) -> SpanContext {
    let (trace, span) = (oxitel::TraceId::from_bytes(trace), oxitel::SpanId::from_bytes(span));
    SpanContext::remote(trace, span, oxitel::TraceFlags(oxitel::TraceFlags::SAMPLED), None)
}

/// The seeds to run: the first so many, or the one that is asked for.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("OXITEL_TREE_SEED") {
        Ok(seed) => vec![seed.parse().expect("OXITEL_TREE_SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

const STEPS: usize = 500;

/// Runs the programs and returns the number of checks; `each` sees a program that is done.
fn run_mix(run: &Run, mix: &Mix, count: u64, mut each: impl FnMut(&Program)) -> usize {
    let exact = run.activation != Activation::Off;
    let mut checks = 0;
    for seed in seeds(count) {
        let mut program = Program::new(seed, exact);
        let outcome = run.program(|| program.run(mix, STEPS));
        if let Err(wrong) = outcome {
            panic!("{}, {}, OXITEL_TREE_SEED={seed}: {wrong}", run.title(), mix.name);
        }
        checks += program.checks;
        each(&program);
    }
    checks
}

/// Ids alone are looked at: records are dropped as soon as they are there.
fn without_export(front_end: FrontEnd, activation: Activation) -> Run {
    let run = Run::with(front_end, activation, |config| config.queue_bytes(1));
    drop(tracer());
    run
}

fn all_seeds() -> bool {
    std::env::var_os("OXITEL_TREE_SEED").is_none()
}

#[test]
fn a_million_random_programs_know_their_current_span() {
    let mut checks = 0;
    for front_end in FRONT_ENDS {
        for (activation, count) in [(Activation::On, 100), (Activation::Auto, 10)] {
            let run = without_export(front_end, activation);
            for mix in &MIXES {
                checks += run_mix(&run, mix, count, |_| {});
            }
        }
    }
    assert!(checks >= 1_000_000 || !all_seeds(), "{checks}");
}

#[test]
fn nested_random_programs_know_their_current_span_without_activation() {
    let mut checks = 0;
    for front_end in FRONT_ENDS {
        checks += run_mix(&without_export(front_end, Activation::Off), &NESTED, 200, |_| {});
    }
    assert!(checks >= 200_000 || !all_seeds(), "{checks}");
}

#[test]
fn spans_of_random_programs_arrive_below_the_right_parents() {
    let all: Vec<&Mix> = MIXES.iter().collect();
    let programs = [(Activation::On, all.as_slice()), (Activation::Off, &[&NESTED])];
    for front_end in FRONT_ENDS {
        for (activation, mixes) in programs {
            let run = Run::start(front_end, activation);
            let mut parents = HashMap::new();
            for mix in mixes {
                run_mix(&run, mix, 4, |program| parents.extend(program.parents.clone()));
            }
            judge(&run, &parents);
        }
    }
}

fn judge(run: &Run, parents: &HashMap<[u8; 8], Ids>) {
    let spans = run.spans();
    assert_eq!(spans.len(), parents.len(), "{}", run.title());
    for record in spans {
        let span = &record.span;
        let id: [u8; 8] = span.span_id.as_slice().try_into().expect("eight bytes");
        let (trace, parent) = parents[&id];
        if parent == [0; 8] {
            assert!(span.parent_span_id.is_empty(), "{}: {} is a root", run.title(), span.name);
        } else {
            assert_eq!(span.parent_span_id, parent, "{}: {}", run.title(), span.name);
            assert_eq!(span.trace_id, trace, "{}: {}", run.title(), span.name);
        }
    }
}
