//! Spans that a sampler of the program decides about, or that have ids of its generator.

use crate::api::{Api, api};
use crate::attributes::text;
use crate::provider::{Deciders, said};
use crate::tracer::Asked;
use oxitel::binding::{Candidate, Fate, LiveSpan, RuntimeScope, Start};
use oxitel::{SpanContext, SpanId, TraceId};
use pyo3::prelude::*;

/// What the sampler said.
struct Verdict<'py> {
    fate: Fate,
    trace_state: Option<String>,
    /// Those that the span begins with, instead of the given ones.
    attributes: Bound<'py, PyAny>,
}

/// Starts a span, and returns the attributes that the sampler wants on it.
pub(crate) fn start<'py>(
    scope: RuntimeScope,
    deciders: &Deciders,
    asked: &Asked<'_, 'py>,
    parent: &SpanContext,
    start: &Start<'_>,
) -> (LiveSpan, Option<Bound<'py, PyAny>>) {
    let py = asked.name.py();
    let name = text(asked.name);
    let Some(mut candidate) = Candidate::below(parent) else {
        return (LiveSpan::start(scope, &name, parent, start), None);
    };
    if let Some(ids) = &deciders.ids {
        match generated(api(py), ids.bind(py), parent) {
            Ok((trace_id, span_id, is_random)) => {
                candidate = candidate.with_ids(trace_id, span_id, is_random);
            }
            // The engine's own ids are as good.
            Err(error) => said(py, "the id generator", error),
        }
    }
    let verdict = deciders.sampler.as_ref().and_then(|sampler| {
        let verdict = ask(api(py), sampler.bind(py), asked, &candidate);
        verdict.map_err(|error| said(py, "the sampler", error)).ok()
    });
    // Without a word of its own it is as if there were no sampler.
    let Some(Verdict { fate, trace_state, attributes }) = verdict else {
        return (candidate.start_as_usual(scope, &name, start), None);
    };
    let decision = (fate, trace_state.as_deref());
    (candidate.start(scope, &name, decision, start), Some(attributes))
}

fn ask<'py>(
    api: &Api,
    sampler: &Bound<'py, PyAny>,
    asked: &Asked<'_, 'py>,
    candidate: &Candidate,
) -> PyResult<Verdict<'py>> {
    let py = sampler.py();
    let kind = asked.kind.map_or_else(|| api.span_kinds[0].bind(py).clone(), Clone::clone);
    let trace_id = u128::from_be_bytes(candidate.trace_id().to_bytes());
    let (attributes, links) = (asked.attributes, asked.links);
    let context = &asked.context;
    let result = sampler.call_method1(
        &api.names.should_sample,
        (context, trace_id, asked.name, kind, attributes, links),
    )?;
    let decision = result.getattr(&api.names.decision)?;
    let state = result.getattr(&api.names.trace_state)?;
    let trace_state = if state.is_none() {
        None
    } else {
        Some(state.call_method0(&api.names.to_header)?.extract()?)
    };
    Ok(Verdict {
        fate: fate_of(api, &decision)?,
        trace_state,
        attributes: result.getattr(&api.names.attributes)?,
    })
}

fn fate_of(api: &Api, decision: &Bound<'_, PyAny>) -> PyResult<Fate> {
    if decision.call_method0(&api.names.is_sampled)?.is_truthy()? {
        return Ok(Fate::Sent);
    }
    let is_recording = decision.getattr_opt(&api.names.is_recording)?;
    let is_read = match is_recording {
        Some(is_recording) => is_recording.call0()?.is_truthy()?,
        None => false,
    };
    Ok(if is_read { Fate::ReadHere } else { Fate::Dropped })
}

fn generated(
    api: &Api,
    ids: &Bound<'_, PyAny>,
    parent: &SpanContext,
) -> PyResult<(TraceId, SpanId, bool)> {
    let names = &api.names;
    let (trace_id, is_random): (u128, bool) = if parent.is_valid() {
        (0, false)
    } else {
        let is_random = ids.call_method0(&names.is_trace_id_random);
        let is_random = is_random.and_then(|random| random.is_truthy()).unwrap_or(false);
        (ids.call_method0(&names.generate_trace_id)?.extract()?, is_random)
    };
    let span_id: u64 = ids.call_method0(&names.generate_span_id)?.extract()?;
    let trace_id = TraceId::from_bytes(trace_id.to_be_bytes());
    Ok((trace_id, SpanId::from_bytes(span_id.to_be_bytes()), is_random))
}
