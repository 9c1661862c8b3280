//! What a `logging.LogRecord` says. It is read, never changed.

use super::names::{COUNT, Field};
use super::{Raised, Surroundings, logger, place_of, processors};
use crate::api::Api;
use crate::attributes::{borrowed, key_text, lend_pairs, owned, printed, text};
use crate::span::{Span, is_error};
use oxitel::binding::{OwnedValue, RuntimeScope, about, time_of};
use oxitel::{ForeignRecord, SpanContext, Value, forward_log};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use std::borrow::Cow;

/// A record's attributes, sorted.
pub(super) struct StandardRecord<'py> {
    record: Bound<'py, PyAny>,
    fields: [Option<Bound<'py, PyAny>>; COUNT],
    extras: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
}

/// Extras that name the record instead of describing it, the better one last.
const EVENT_NAMES: [&str; 2] = ["event.name", "otel.event.name"];
/// Where the program was, as `stack_info` asks for it.
const STACK: &str = "code.stacktrace";

impl<'py> StandardRecord<'py> {
    /// Reads it; `None` if it is no record.
    pub(super) fn read(api: &Api, record: &Bound<'py, PyAny>) -> Option<Self> {
        let attributes = record.getattr(&api.logging.instance_dict).ok()?;
        let attributes = attributes.cast_into::<PyDict>().ok()?;
        let mut fields = [const { None }; COUNT];
        let mut extras = Vec::new();
        let mut expected = 0;
        for (key, value) in attributes.iter() {
            if let Some(index) = api.logging.field(&key, expected) {
                expected = index + 1;
                fields[index] = Some(value);
            } else {
                extras.push((key, value));
            }
        }
        Some(Self { record: record.clone(), fields, extras })
    }

    fn field(&self, field: Field) -> Option<&Bound<'py, PyAny>> {
        self.fields[field as usize].as_ref().filter(|value| !value.is_none())
    }

    fn text(&self, field: Field) -> Cow<'_, str> {
        let value = self.field(field).and_then(|value| value.cast::<PyString>().ok());
        value.map_or(Cow::Borrowed(""), |value| text(value))
    }

    fn number<T>(&self, field: Field) -> T
    where
        T: for<'a> FromPyObject<'a, 'py> + Default,
    {
        self.field(field).and_then(|value| value.extract().ok()).unwrap_or_default()
    }

    /// Whether its logger may not be forwarded: what it says may come from sending records.
    pub(super) fn is_of_telemetry(&self) -> bool {
        let name = self.text(Field::Name);
        let is_in = |parent: &str| {
            let rest = name.strip_prefix(parent);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        (name.starts_with('o'))
            && (is_in("oxitel") || is_in("opentelemetry.sdk") || is_in("opentelemetry.exporter"))
    }

    /// Its message with its arguments, as `getMessage` makes it; without them if they do not fit.
    /// Only what must end the program is raised.
    pub(super) fn message(&self, api: &Api) -> PyResult<Bound<'py, PyString>> {
        let py = self.record.py();
        match self.merged(api).and_then(|message| Ok(message.cast_into::<PyString>()?)) {
            Ok(message) => Ok(message),
            Err(error) if !is_error(error.value(py)) => Err(error),
            Err(_) => {
                let raw = self.field(Field::Message).map(printed).unwrap_or_default();
                Ok(PyString::new(py, &raw))
            }
        }
    }

    fn merged(&self, api: &Api) -> PyResult<Bound<'py, PyAny>> {
        let py = self.record.py();
        if !self.record.get_type().is(&api.logging.record_type) {
            // Its class may make its message in a way of its own.
            return Ok(self.record.call_method0(&api.logging.get_message)?.str()?.into_any());
        }
        let message = match &self.fields[Field::Message as usize] {
            Some(message) if message.is_exact_instance_of::<PyString>() => message.clone(),
            Some(message) => message.str()?.into_any(),
            None => PyString::new(py, "").into_any(),
        };
        match self.field(Field::Args) {
            Some(args) if args.is_truthy()? => message.rem(args),
            _ => Ok(message),
        }
    }

    /// Forwards it with this message: into the span as an event if `as_event`, else as a log
    /// record.
    pub(super) fn forward(&self, api: &Api, message: &Bound<'py, PyString>, as_event: bool) {
        let Ok(context) = api.runtime.current(self.record.py()) else { return };
        let Surroundings::In(span) = Surroundings::of(api, &context) else { return };
        let place = place_of(api, span.as_ref());
        let message = text(message);
        let raised = self.raised(api);
        let exception = raised.as_ref().map_or(["", "", ""], |raised| {
            [&raised.kind, &raised.message, &raised.stack].map(String::as_str)
        });
        let time_ns = self.created_ns();
        let event_of = span.as_ref().filter(|_| as_event);
        let event_of = event_of.and_then(|span| span.cast_exact::<Span>().ok());
        let event_of = event_of.map(Bound::get).filter(|span| span.is_live());
        self.with_record(&message, exception, &place, time_ns, |record| {
            if event_of.is_none()
                && processors::are_there()
                && let Ok(Some(changed)) = self.processed(api, &record, &message, &context)
            {
                let scope = RuntimeScope::of(self.logger_name().as_ref(), "", "", &[]);
                return logger::log_object(api, scope, &changed);
            }
            self.with_extras(api, |extras, event_name| {
                let record = record.extras(extras).event_name(event_name);
                if !event_of.is_some_and(|span| span.live().add_log(&record, time_ns)) {
                    forward_log(&record);
                }
            });
        });
    }

    /// What the processors of the program make of it.
    fn processed(
        &self,
        api: &Api,
        record: &ForeignRecord<'_>,
        message: &str,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = context.py();
        let (told, attributes) = (PyDict::new(py), PyDict::new(py));
        about(record, |text, pairs| {
            told.set_item("severity_text", text)?;
            pairs.iter().try_for_each(|(key, value)| match value {
                Value::Str(text) => attributes.set_item(key, text),
                Value::I64(number) => attributes.set_item(key, number),
                Value::U64(number) => attributes.set_item(key, number),
                _ => Ok(()),
            })
        })?;
        let stack = self.text(Field::Stack);
        if !stack.is_empty() {
            attributes.set_item(STACK, stack.as_ref())?;
        }
        for (key, value) in &self.extras {
            let name = key_text(key);
            if EVENT_NAMES.contains(&name.as_str()) && value.is_instance_of::<PyString>() {
                let is_better = name == EVENT_NAMES[1] || !told.contains("event_name")?;
                if is_better {
                    told.set_item("event_name", value)?;
                }
            } else {
                attributes.set_item(name, value)?;
            }
        }
        told.set_item("severity_number", record.severity().number())?;
        told.set_item("body", message)?;
        told.set_item("context", context)?;
        told.set_item("timestamp", self.created_ns())?;
        told.set_item("attributes", attributes)?;
        let scope = api.scope_for_people(py, (self.logger_name().as_ref(), "", ""), &[])?;
        Ok(processors::processed(&scope, None, &told))
    }

    fn logger_name(&self) -> Cow<'_, str> {
        let name = self.text(Field::Name);
        if name.is_empty() { Cow::Borrowed("python") } else { name }
    }

    fn with_record(
        &self,
        message: &str,
        [kind, said, stack]: [&str; 3],
        place: &SpanContext,
        time_ns: Option<u64>,
        take: impl FnOnce(ForeignRecord<'_>),
    ) {
        let (logger, module) = (self.text(Field::Name), self.text(Field::Module));
        let thread = self.text(Field::ThreadName);
        let level_name = self.text(Field::LevelName);
        let record = ForeignRecord::new(self.number(Field::Level), message)
            // As OpenTelemetry spells it.
            .level_name(if level_name == "WARNING" { "WARN" } else { &level_name })
            .logger(&logger)
            .module(&module)
            .line(self.number(Field::Line))
            .thread(&thread)
            .thread_id(self.number(Field::Thread))
            .exception(kind, said, stack)
            .in_span(place);
        take(match time_ns {
            Some(time_ns) => record.time(time_of(time_ns)),
            None => record,
        });
    }

    /// When it was made, in nanoseconds since 1970.
    fn created_ns(&self) -> Option<u64> {
        let seconds: f64 = self.number(Field::Created);
        // A cast takes what is beyond the largest number for that one.
        (seconds > 0.0).then_some((seconds * 1e9) as u64)
    }

    /// What was raised; the text of it if the record came from elsewhere and has no more.
    fn raised(&self, api: &Api) -> Option<Raised> {
        let Some(info) = self.field(Field::Exception) else {
            let stack = self.text(Field::ExceptionText);
            let (kind, message) = (String::new(), String::new());
            return (!stack.is_empty()).then(|| Raised { kind, message, stack: stack.into() });
        };
        let info = info.cast::<PyTuple>().ok()?;
        let item = |index| info.get_item(index).ok();
        let kind = item(0)?.cast_into::<PyType>().ok()?;
        Some(Raised::of(api, &kind, &item(1)?, &item(2)?))
    }

    /// Calls `take` with what it has beside the fields of every record, and the name of the event
    /// among that.
    fn with_extras(&self, api: &Api, take: impl FnOnce(&[(&str, Value<'_>)], &str)) {
        let stack = self.text(Field::Stack);
        match self.plain_extras(&stack) {
            Some(pairs) => take(&pairs, ""),
            None => self.with_copied_extras(api, &stack, take),
        }
    }

    /// The extras, if none of them has to be copied and none names the event.
    fn plain_extras<'a>(&'a self, stack: &'a str) -> Option<Vec<(&'a str, Value<'a>)>> {
        let stack = (!stack.is_empty()).then_some((STACK, Value::Str(stack)));
        let extras = self.extras.iter().map(|(key, value)| {
            let key = key.cast::<PyString>().ok()?.to_str().ok()?;
            (!EVENT_NAMES.contains(&key)).then_some((key, borrowed(value)?))
        });
        stack.map(Some).into_iter().chain(extras).collect()
    }

    fn with_copied_extras(
        &self,
        api: &Api,
        stack: &str,
        take: impl FnOnce(&[(&str, Value<'_>)], &str),
    ) {
        let mut pairs = Vec::with_capacity(self.extras.len() + 1);
        let mut names = [const { None }; EVENT_NAMES.len()];
        if !stack.is_empty() {
            pairs.push((STACK.to_owned(), OwnedValue::Str(stack.to_owned())));
        }
        for (key, value) in &self.extras {
            let key = key_text(key);
            let value = owned(api, value);
            match (EVENT_NAMES.iter().position(|name| *name == key), value) {
                (Some(index), OwnedValue::Str(name)) => names[index] = Some(name),
                (_, value) => pairs.push((key, value)),
            }
        }
        let name = names.into_iter().rev().flatten().next().unwrap_or_default();
        lend_pairs(pairs, |pairs| take(pairs, &name));
    }
}
