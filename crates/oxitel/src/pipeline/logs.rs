//! The road of a log record: bytes at once, into this thread's chunk of logs.
//!
//! Flow: **log** -> chunk -> queue -> send. A record that is under way lies in a scratch of this
//! thread, out of its place while functions of the program look at values.

use super::encode::{self, Log, MAX_RECORD, Treatment};
use super::engine::Engine;
#[cfg(feature = "tracing")]
use super::located;
use super::registry::Shard;
use super::scope::ScopeData;
use super::scratch::Attributes;
use super::settings::Settings;
use super::{clock, local, state};
use crate::context::Ids;
use crate::diagnose::{self, Cause};
use crate::record::redact::{Class, or_itself};
use crate::record::{LogRecord, Severity, Value};
use std::cell::Cell;

/// A scratch that grew beyond this is freed instead of kept.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    static SPARE: Cell<Option<Box<LogScratch>>> = const { Cell::new(None) };
}

/// The parts of a record as bytes.
#[derive(Debug, Default)]
struct LogScratch {
    attributes: Attributes,
    body: Vec<u8>,
    has_body: bool,
    redacted: u32,
}

/// Whether log records go anywhere.
#[inline(always)]
pub(crate) fn are_wanted() -> bool {
    state::are_logs_wanted() && state::is_running()
}

/// Records it, below the span it names or the current one.
pub(crate) fn emit(scope: &'static ScopeData, record: &LogRecord<'_>) {
    emit_filled(scope, record, |filling| {
        for (key, value) in record.about.iter().chain(record.attributes) {
            filling.attribute(key, value);
        }
        if let Some(body) = &record.body {
            filling.say(body);
        }
        true
    });
}

/// Records it with the attributes and the body that `fill` adds; if that returns `false`, nothing
/// is recorded. Code of the program may run in it.
#[inline]
pub(crate) fn emit_filled(
    scope: &'static ScopeData,
    record: &LogRecord<'_>,
    fill: impl FnOnce(&mut Filling<'_>) -> bool,
) {
    let named = record.span.map(|span| span.ids);
    let Some((ids, settings)) = local::place_to_log(named) else { return };
    let mut scratch = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    if fill(&mut Filling { scratch: &mut scratch, settings }) {
        // What a value recorded while it was printed came before.
        scratch.commit(scope, record, &ids, clock::now().wall_ns);
    }
    scratch.give_back();
}

/// A record that is being filled.
pub(crate) struct Filling<'a> {
    scratch: &'a mut LogScratch,
    settings: &'static Settings,
}

impl Filling<'_> {
    #[inline(always)]
    pub(crate) fn attribute(&mut self, key: &str, value: &Value<'_>) {
        let how = (self.settings.log_limit, &self.settings.rules);
        let LogScratch { attributes, redacted, .. } = &mut *self.scratch;
        attributes.set(encode::tag::LOG_ATTRIBUTE, key, value, how, redacted);
    }

    /// Adds, last of all, the attributes that `locate` tells of the place with this address: the same
    /// each time.
    #[cfg(feature = "tracing")]
    #[inline]
    pub(crate) fn place<'a>(
        &mut self,
        address: usize,
        locate: impl Fn(&mut dyn FnMut(&'static str, Value<'a>)),
    ) {
        let limit = self.settings.log_limit;
        if let Some(prepared) = located::prepared(address, self.settings, &locate)
            && self.scratch.attributes.append_prepared(prepared, limit)
        {
            self.scratch.redacted += prepared.redacted;
        } else {
            locate(&mut |key, value| self.attribute(key, &value));
        }
    }

    /// Sets the body, which no limit cuts; the last one counts.
    pub(crate) fn say(&mut self, body: &Value<'_>) {
        let (scratch, rules) = (&mut *self.scratch, &self.settings.rules);
        scratch.body.clear();
        scratch.has_body = true;
        if let Value::Str(text) = body {
            let changed = rules.message(text);
            scratch.redacted += u32::from(changed.is_some());
            encode::message(&mut scratch.body, 0x0a, or_itself(changed, text).as_bytes());
        } else {
            let how = Treatment { rules: Some(rules), class: Class::Message, length: usize::MAX };
            scratch.redacted += encode::any_value(&mut scratch.body, body, how).unwrap_or(0);
        }
    }
}

/// Appends the record to the thread's chunk, or counts why not.
fn commit(engine: &Engine, shard: &Shard, scope: &'static ScopeData, log: &Log<'_>, redacted: u32) {
    let (lane, strand) = (&engine.lanes.logs, &shard.logs);
    let length = log.length();
    if redacted != 0 {
        lane.ledger.redacted(u64::from(redacted));
    }
    strand.chunk.with(|chunk| {
        strand.recorded.increment();
        // Inside the lock, as for spans: nothing slips into a chunk that was collected for good.
        if !state::is_running() {
            lane.ledger.dropped_already_shutdown(1);
        } else if length > MAX_RECORD {
            lane.ledger.dropped_too_large(1);
        } else {
            chunk.append(lane, scope, encode::field_length(length), |bytes| {
                log.write(bytes, length);
            });
            strand.open.set(chunk.open_records());
        }
    });
    if log.dropped != 0 {
        let text = "a log record has more attributes than the limit allows; what came last was \
                    left out and is counted in the record";
        diagnose::warn(Cause::LogLimit, &text);
    }
}

impl LogScratch {
    fn commit(
        &mut self,
        scope: &'static ScopeData,
        record: &LogRecord<'_>,
        ids: &Ids,
        now_ns: u64,
    ) {
        let severity_text =
            record.severity_text.unwrap_or_else(|| record.severity.map_or("", Severity::name));
        let (attributes, dropped) = self.attributes.settled();
        let log = Log {
            time_ns: record.time.map_or(now_ns, clock::wall_ns_of),
            observed_ns: record.observed.map_or(now_ns, clock::wall_ns_of),
            severity: record.severity.map_or(0, Severity::number),
            severity_text,
            body: self.has_body.then_some(&self.body),
            attributes,
            dropped,
            ids,
            event_name: record.event_name,
        };
        let redacted = self.redacted;
        local::with_shard(|engine, shard| commit(engine, shard, scope, &log, redacted));
    }

    fn give_back(mut self: Box<Self>) {
        if self.attributes.capacity() + self.body.capacity() <= KEPT_BYTES {
            self.attributes.clear();
            self.body.clear();
            self.has_body = false;
            self.redacted = 0;
            // Past its thread-locals a thread keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }
}
