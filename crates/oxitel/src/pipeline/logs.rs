//! The road of a log record: bytes at once, into this thread's chunk of logs.
//!
//! Flow: **log** -> chunk -> queue -> send. A record that is under way lies in a scratch of this
//! thread, out of its place while functions of the program look at values.

use super::encode::{self, Log, MAX_RECORD, Treatment};
use super::engine::Engine;
use super::registry::Shard;
use super::scope::ScopeData;
use super::scratch::Attributes;
use super::settings::Settings;
use super::{clock, local, state};
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
    redacted: u32,
}

/// Whether log records go anywhere.
#[inline(always)]
pub(crate) fn are_wanted() -> bool {
    state::are_logs_wanted() && state::is_running()
}

/// Records it, below the span it names or the current one.
pub(crate) fn emit(scope: &'static ScopeData, record: &LogRecord<'_>) {
    let ids = record.span.map_or_else(local::current_ids, |span| span.ids);
    if ids.is_suppressed() {
        return;
    }
    let Some(settings) = local::settings() else { return };
    let now_ns = clock::now().wall_ns;
    let mut scratch = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    scratch.fill(record, settings);
    let severity_text =
        record.severity_text.unwrap_or_else(|| record.severity.map_or("", Severity::name));
    let (attributes, dropped) = scratch.attributes.settled();
    let log = Log {
        time_ns: record.time.map_or(now_ns, clock::wall_ns_of),
        observed_ns: record.observed.map_or(now_ns, clock::wall_ns_of),
        severity: record.severity.map_or(0, Severity::number),
        severity_text,
        body: record.body.is_some().then_some(&scratch.body),
        attributes,
        dropped,
        ids: &ids,
        event_name: record.event_name,
    };
    let redacted = scratch.redacted;
    local::with_shard(|engine, shard| commit(engine, shard, scope, &log, redacted));
    scratch.give_back();
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
    fn fill(&mut self, record: &LogRecord<'_>, settings: &'static Settings) {
        let limit = settings.log_limit;
        let rules = &settings.rules;
        for (key, value) in record.about.iter().chain(record.attributes) {
            let tag = encode::tag::LOG_ATTRIBUTE;
            self.attributes.set(tag, key, value, (limit, rules), &mut self.redacted);
        }
        match record.body {
            // No limit cuts a body.
            Some(Value::Str(text)) => {
                let changed = rules.message(text);
                self.redacted += u32::from(changed.is_some());
                encode::message(&mut self.body, 0x0a, or_itself(changed, text).as_bytes());
            }
            Some(value) => {
                let rules = Some(rules);
                let how = Treatment { rules, class: Class::Message, length: usize::MAX };
                self.redacted += encode::any_value(&mut self.body, &value, how).unwrap_or(0);
            }
            None => {}
        }
    }

    fn give_back(mut self: Box<Self>) {
        if self.attributes.capacity() + self.body.capacity() <= KEPT_BYTES {
            self.attributes.clear();
            self.body.clear();
            self.redacted = 0;
            // Past its thread-locals a thread keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }
}
