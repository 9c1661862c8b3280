//! Spans of a program that has a say in them: its own sampler, hooks, baggage as attributes.
//!
//! A detour around `pipeline::local`: what runs here is the program's, so nothing of the thread's
//! own is borrowed while it does. Programs without any of it never come here.

use super::builder::Details;
use super::contained::{self, Inside};
use super::hooks::Verdict;
use super::sampler::Rule;
use super::sampling::{Decision, Sampling};
use super::span::{Inner, Parent};
use super::span_ref::{SpanMut, SpanRef};
use crate::context::{Ids, SpanContext};
use crate::pipeline::local::{self, Prepared};
use crate::pipeline::scope::ScopeData;
use crate::pipeline::scratch::Scratch;
use crate::pipeline::settings::{self, Settings};
use crate::pipeline::state;
use std::sync::Arc;

/// Starts a span; the program is asked whether it is kept, and shown what was started.
pub(super) fn start(
    scope: &'static ScopeData,
    name: &str,
    parent: Parent<'_>,
    details: &Details<'_>,
) -> Inner {
    let current;
    let parent = match parent {
        Parent::Given(parent) => parent,
        Parent::Current => {
            current = local::current();
            &current
        }
    };
    if contained::is_muted() {
        return Inner::Off;
    }
    let Some((ids, settings)) = local::prepare(&parent.ids) else {
        return local::start_below(scope, name, parent);
    };
    start_as((ids, settings), scope, name, parent, details)
}

/// Starts a span with these ids.
pub(crate) fn start_as(
    (ids, settings): (Ids, &Settings),
    scope: &'static ScopeData,
    name: &str,
    parent: &SpanContext,
    details: &Details<'_>,
) -> Inner {
    let decision = decide(settings, parent, &ids, name, details);
    let trace_state = match &decision.trace_state {
        Some(changed) if changed.is_empty() => None,
        Some(changed) => Some(Arc::from(changed.as_str())),
        None => parent.trace_state.clone(),
    };
    let prepared = Prepared { ids, parent: parent.ids, trace_state, keep: decision.keep };
    let mut begun = local::begin_prepared(scope, name, prepared);
    if let Inner::Recorded(scratch) = &mut begun {
        baggage_to_attributes(settings, scratch);
        details.apply(scratch);
        for (key, value) in &decision.attributes {
            scratch.set_attribute(key, &value.as_value());
        }
        for hook in &settings.hooks.on_start {
            let _ = contained::call(Inside::Hook, || hook(&mut SpanMut::over(scratch), parent));
        }
    }
    begun
}

/// By the rule for this place; a sampler of the program's that fails leaves it to the parent.
fn decide(
    settings: &Settings,
    parent: &SpanContext,
    ids: &Ids,
    name: &str,
    details: &Details<'_>,
) -> Decision {
    let fallback = || Decision::keep_if(settings.sampler.keeps(&parent.ids, ids.trace_low));
    match settings.sampler.rule(&parent.ids) {
        Rule::On | Rule::Off | Rule::Ratio(_) => fallback(),
        Rule::Probability(probability) => {
            let (keep, state) = probability.decide(ids.trace_low, parent.trace_state());
            Decision::keep_if(keep).trace_state(state)
        }
        Rule::Custom(sampler) => {
            let sampling = Sampling {
                parent,
                trace_id: ids.trace_id(),
                name,
                kind: details.kind,
                attributes: details.attributes,
                links: details.links,
            };
            contained::call(Inside::Hook, || sampler.should_sample(&sampling))
                .unwrap_or_else(|_| fallback())
        }
    }
}

/// First of all: what the program sets on the span itself counts more.
fn baggage_to_attributes(settings: &Settings, scratch: &mut Scratch) {
    let allowing = &settings.hooks.baggage;
    if allowing.is_empty() {
        return;
    }
    // Collected first: the baggage is somebody else's, and borrowed while it is read.
    let mut entries = Vec::new();
    (settings.baggage)(&mut |name, value| entries.push((name.to_owned(), value.to_owned())));
    for (name, value) in &entries {
        let is_allowed =
            contained::call(Inside::Hook, || allowing.iter().any(|allows| allows(name)));
        if is_allowed == Ok(true) {
            scratch.set_attribute(name, &value.into());
        }
    }
}

/// Shows an ended span to the hooks; `false` when one of them drops it. One that panics keeps it.
pub(super) fn is_kept(scratch: &Scratch, end_ns: u64) -> bool {
    // Of another process, or too late: it is dealt with elsewhere, without the program.
    if scratch.epoch != state::epoch() || !state::is_on() {
        return true;
    }
    let Some(settings) = settings::current() else { return true };
    let span = SpanRef::ended(scratch, end_ns);
    settings.hooks.on_end.iter().all(|hook| {
        let verdict = contained::call(Inside::Hook, || hook(&span));
        verdict != Ok(Verdict::Drop)
    })
}

#[cfg(test)]
mod tests {
    use super::baggage_to_attributes;
    use crate::pipeline::scope::{Description, ScopeSlot};
    use crate::pipeline::scratch::Scratch;
    use crate::record::SpanRef;
    use crate::{Config, Value};

    static SLOT: ScopeSlot = ScopeSlot::empty();

    fn baggage(show: &mut dyn FnMut(&str, &str)) {
        for (name, value) in [("tenant", "blue"), ("session.token", "secret"), ("noise", "1")] {
            show(name, value);
        }
    }

    #[test]
    fn the_baggage_that_is_allowed_becomes_attributes_without_its_secrets() {
        let config = Config::default()
            .endpoint("http://localhost:1")
            .baggage_attributes(|name| name == "tenant")
            .baggage_attributes(|name| name.ends_with("token"));
        let mut settings = config.resolve().expect("a good endpoint").expect("an endpoint");
        assert!(settings.starts_are_asked());
        settings.baggage = baggage;
        let scope = Description { name: "baggage", version: "", schema_url: "", attributes: &[] };
        let mut scratch = Scratch::new(SLOT.get(&scope));
        scratch.set_attribute("first", &Value::I64(1));
        baggage_to_attributes(&settings, &mut scratch);
        let span = SpanRef::ended(&scratch, 0);
        let shown: Vec<_> =
            span.attributes().map(|(key, value)| format!("{key}={value:?}")).collect();
        let expected =
            ["first=I64(1)", "tenant=Str(\"blue\")", "session.token=Str(\"[redacted]\")"];
        assert_eq!(shown, expected);
    }
}
