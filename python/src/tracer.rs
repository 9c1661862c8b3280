//! Tracers: where spans begin.

use crate::api::{Api, api};
use crate::attributes::{MOST_VALUES, lend_pairs, owned_pairs, text};
use crate::current::CurrentSpan;
use crate::decide;
use crate::provider::PROVIDER;
use crate::span::{OnExit, Span, time_ns};
use crate::words::{Words, named};
use oxitel::binding::{LiveSpan, OwnedValue, RuntimeScope, Start, starts_are_asked};
use oxitel::{Kind, SpanContext};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// How a span is to begin, in the API's words.
pub(crate) struct Asked<'a, 'py> {
    pub(crate) name: &'a Bound<'py, PyString>,
    pub(crate) context: Bound<'py, PyAny>,
    pub(crate) kind: Option<&'a Bound<'py, PyAny>>,
    pub(crate) attributes: Option<&'a Bound<'py, PyAny>>,
    pub(crate) links: Option<&'a Bound<'py, PyAny>>,
    pub(crate) start_time: Option<&'a Bound<'py, PyAny>>,
    pub(crate) on_exit: OnExit,
}

/// In the order of `SpanKind`.
const KINDS: [Kind; 5] =
    [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];

type Linked = (SpanContext, Vec<(String, OwnedValue)>);

/// Makes spans of one instrumentation scope, which share it.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Tracer {
    pub(crate) scope: RuntimeScope,
    words: Words,
}

impl Tracer {
    /// That of spans that were begun elsewhere.
    pub(crate) fn nobody() -> Self {
        let words = Words::none();
        Self { scope: words.scope(), words }
    }

    /// The scope as the SDK shows it.
    pub(crate) fn scope_for_people<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Words { name, version, schema_url, attributes } = &self.words;
        api(py).scope_for_people(py, (name, version, schema_url), attributes)
    }

    /// Starts a span.
    pub(crate) fn begin<'py>(
        slf: &Bound<'py, Self>,
        asked: &Asked<'_, 'py>,
    ) -> PyResult<Bound<'py, Span>> {
        let (py, scope) = (slf.py(), slf.get().scope);
        let api = api(py);
        let parent = api.place_in(&asked.context);
        let name = text(asked.name);
        let kind = asked.kind.map_or(0, |kind| kind_number(api, kind));
        let given =
            |object: Option<&Bound<'py, PyAny>>| object.filter(|object| !object.is_none()).cloned();
        let links = given(asked.links).map_or_else(Vec::new, |links| linked(api, &links));
        let attributes = given(asked.attributes);
        let start = Start {
            kind: KINDS[kind],
            start_ns: time_ns(asked.start_time),
            links_follow: true,
            ..Start::default()
        };
        let deciders = PROVIDER.deciders();
        // Whoever looks at a start sees what it begins with.
        let are_set = deciders.is_none() && starts_are_asked();
        let mut decided = None;
        let live = if let Some(deciders) = &deciders {
            let (live, attributes) = decide::start(scope, deciders, asked, &parent, &start);
            decided = attributes;
            live
        } else if are_set {
            let targets: Vec<_> = links.iter().map(|(to, _)| to.clone()).collect();
            lend_pairs(owned_pairs(api, attributes.as_ref()), |attributes| {
                let start = Start { attributes, links: &targets, ..start };
                LiveSpan::start(scope, &name, &parent, &start)
            })
        } else {
            LiveSpan::start(scope, &name, &parent, &start)
        };
        let span = Span::new(
            live,
            parent,
            (asked.name.clone().unbind(), kind),
            asked.on_exit,
            slf.clone().unbind(),
        );
        if let Some(attributes) = decided.or(attributes).filter(|_| !are_set && span.is_live()) {
            span.set_all(&attributes);
        }
        for (to, pairs) in links {
            lend_pairs(pairs, |pairs| span.live().add_link(&to, pairs));
        }
        let span = Bound::new(py, span)?;
        let processors = PROVIDER.processors();
        if !processors.is_empty() && span.get().is_live() {
            processors.on_start(&span, &asked.context);
        }
        Ok(span)
    }
}

fn kind_number(api: &Api, kind: &Bound<'_, PyAny>) -> usize {
    api.span_kinds.iter().position(|known| known.is(kind)).unwrap_or(0)
}

/// The links that point anywhere, or say something.
fn linked(api: &Api, links: &Bound<'_, PyAny>) -> Vec<Linked> {
    let links = links.try_iter().into_iter().flatten().map_while(Result::ok).take(MOST_VALUES);
    let read = |link: Bound<'_, PyAny>| {
        let context = link.getattr(&api.names.context).ok()?;
        let attributes = link.getattr(&api.names.attributes).ok();
        let to = api.of_api(&context);
        let pairs = owned_pairs(api, attributes.as_ref());
        let says_anything = to.is_valid() || !pairs.is_empty() || !to.trace_state().is_empty();
        says_anything.then_some((to, pairs))
    };
    links.filter_map(read).collect()
}

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (name, version=None, schema_url=None, attributes=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        version: Option<&Bound<'_, PyAny>>,
        schema_url: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> Self {
        let words = Words::of(name, version, schema_url, attributes);
        Self { scope: words.scope(), words }
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None,
        start_time=None, record_exception=true, set_status_on_exception=true))]
    #[expect(clippy::too_many_arguments, reason = "the API's signature")]
    fn start_span<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        kind: Option<&Bound<'py, PyAny>>,
        attributes: Option<&Bound<'py, PyAny>>,
        links: Option<&Bound<'py, PyAny>>,
        start_time: Option<&Bound<'py, PyAny>>,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> PyResult<Bound<'py, Span>> {
        let context = api(slf.py()).given_or_current(slf.py(), context)?;
        let name = &named(name);
        let on_exit = OnExit { record_exception, set_status: set_status_on_exception };
        let asked = Asked { name, context, kind, attributes, links, start_time, on_exit };
        Self::begin(slf, &asked)
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None,
        start_time=None, record_exception=true, set_status_on_exception=true, end_on_exit=true))]
    #[expect(clippy::too_many_arguments, reason = "the API's signature")]
    fn start_as_current_span(
        slf: &Bound<'_, Self>,
        name: &Bound<'_, PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<Py<PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<Py<PyAny>>,
        record_exception: bool,
        set_status_on_exception: bool,
        end_on_exit: bool,
    ) -> CurrentSpan {
        let on_exit = OnExit { record_exception, set_status: set_status_on_exception };
        CurrentSpan::new(
            slf.clone().unbind(),
            named(name).unbind(),
            [context, kind, attributes, links, start_time],
            on_exit,
            end_on_exit,
        )
    }
}
