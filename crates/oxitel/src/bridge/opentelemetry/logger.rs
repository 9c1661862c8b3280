//! Loggers: appenders that are written against the OpenTelemetry API make our log records.

use super::any_value::{Budget, with_pairs, with_value};
use super::convert::interned;
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};
use crate::pipeline::scope::{self, ScopeData};
use crate::pipeline::{local, logs};
use crate::record;
use opentelemetry::logs::{self as api, AnyValue, Severity};
use opentelemetry::{InstrumentationScope, Key};
use std::borrow::Cow;
use std::time::SystemTime;

/// Makes loggers whose records are ours. The API has no global one: it is handed to an appender.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggerProvider(());

impl LoggerProvider {
    /// The provider of this process.
    pub const fn new() -> Self {
        Self(())
    }
}

impl api::LoggerProvider for LoggerProvider {
    type Logger = Logger;

    fn logger_with_scope(&self, scope: InstrumentationScope) -> Logger {
        Logger { scope: interned(&scope) }
    }
}

/// Makes log records of one instrumentation scope.
#[derive(Clone, Copy, Debug)]
pub struct Logger {
    scope: &'static ScopeData,
}

impl api::Logger for Logger {
    type LogRecord = LogRecord;

    fn create_log_record(&self) -> LogRecord {
        LogRecord::default()
    }

    fn emit(&self, record: LogRecord) {
        if logs::are_wanted() {
            // An appender names scopes after itself; what it says of the source names them better.
            let target = record.target.as_deref().filter(|target| !target.is_empty());
            let scope = target.map_or(self.scope, |target| scope::intern(target, "", "", &[]));
            record.emit(scope);
        }
    }

    fn event_enabled(&self, _: Severity, _: &str, _: Option<&str>) -> bool {
        logs::are_wanted() && !local::is_suppressed()
    }
}

/// A record that an appender fills.
#[derive(Clone, Debug, Default)]
pub struct LogRecord {
    event_name: &'static str,
    target: Option<Cow<'static, str>>,
    time: Option<SystemTime>,
    observed: Option<SystemTime>,
    severity: Option<Severity>,
    severity_text: Option<&'static str>,
    body: Option<AnyValue>,
    attributes: Vec<(Key, AnyValue)>,
    span: Option<SpanContext>,
}

impl api::LogRecord for LogRecord {
    fn set_event_name(&mut self, name: &'static str) {
        self.event_name = name;
    }

    fn set_target<T: Into<Cow<'static, str>>>(&mut self, target: T) {
        self.target = Some(target.into());
    }

    fn set_timestamp(&mut self, timestamp: SystemTime) {
        self.time = Some(timestamp);
    }

    fn set_observed_timestamp(&mut self, timestamp: SystemTime) {
        self.observed = Some(timestamp);
    }

    fn set_severity_text(&mut self, text: &'static str) {
        self.severity_text = Some(text);
    }

    fn set_severity_number(&mut self, number: Severity) {
        self.severity = Some(number);
    }

    fn set_body(&mut self, body: AnyValue) {
        self.body = Some(body);
    }

    fn add_attributes<I, K, V>(&mut self, attributes: I)
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<Key>,
        V: Into<AnyValue>,
    {
        let pairs = attributes.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.attributes.extend(pairs);
    }

    fn add_attribute<K: Into<Key>, V: Into<AnyValue>>(&mut self, key: K, value: V) {
        self.attributes.push((key.into(), value.into()));
    }

    fn set_trace_context(
        &mut self,
        trace_id: opentelemetry::TraceId,
        span_id: opentelemetry::SpanId,
        trace_flags: Option<opentelemetry::TraceFlags>,
    ) {
        self.span = Some(SpanContext::remote(
            TraceId::from_bytes(trace_id.to_bytes()),
            SpanId::from_bytes(span_id.to_bytes()),
            TraceFlags(trace_flags.unwrap_or_default().to_u8()),
            None,
        ));
    }
}

impl LogRecord {
    fn emit(&self, scope: &'static ScopeData) {
        let left = Budget::of_a_record();
        let pairs = self.attributes.iter().map(|(key, value)| (key.as_str(), value));
        let pairs: Vec<_> = pairs.collect();
        with_pairs(&pairs, Vec::with_capacity(pairs.len()), &left, &mut |attributes| {
            let record = record::LogRecord {
                severity: self.severity.and_then(|it| record::Severity::from_number(it as u8)),
                severity_text: self.severity_text,
                event_name: self.event_name,
                attributes,
                time: self.time,
                observed: self.observed,
                span: self.span.as_ref(),
                ..record::LogRecord::EMPTY
            };
            match &self.body {
                None => logs::emit(scope, &record),
                Some(body) => with_value(body, &left, &mut |body| {
                    logs::emit(scope, &record::LogRecord { body: Some(body), ..record });
                }),
            }
        });
    }
}
