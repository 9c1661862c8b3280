//! Events as lines: JSON and text, with the ids of the span they happened in.

use crate::session::{PATIENCE, Session, example, run_example};
use oxitel::bridge::{Lines, json_lines, layer, lines_lost, subscriber, text_lines};
use oxitel::testing::Receiver;
use oxitel::{Redaction, Scope, TracingEvents};
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{Dispatch, debug, error, info, info_span, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("lines");

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn by(lines: Lines) -> (Lines, Self) {
        let written = Self::default();
        let kept = written.clone();
        let lines = lines.write_with(move |line| {
            kept.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
            Ok(())
        });
        (lines, written)
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("text")
    }

    /// Each line, read by somebody else's reader.
    fn objects(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).expect("each line is an object");
        self.text().lines().map(read).collect()
    }
}

/// Runs `action` with lines beside our layer, and as an option of our subscriber; returns what was
/// written by each.
fn written_by_each(lines: fn() -> Lines, action: impl Fn()) -> [Written; 2] {
    let (beside, first) = Written::by(lines());
    let registry = tracing_subscriber::registry().with(layer()).with(beside);
    tracing::subscriber::with_default(registry, &action);
    let (option, second) = Written::by(lines());
    let subscriber = subscriber().with_filter("debug").lines(option);
    tracing::subscriber::with_default(subscriber, &action);
    [first, second]
}

/// The text without what differs from run to run: times, and digits of ids.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.replace(&line[..27.min(line.len())], "<time>");
        let hidden = line.split("[trace:").enumerate().map(|(index, part)| {
            if index == 0 { part.to_owned() } else { format!("[trace:<8>{}", &part[8..]) }
        });
        let line: String = hidden.collect();
        let hidden = line.split("[span:").enumerate().map(|(index, part)| {
            if index == 0 { part.to_owned() } else { format!("[span:<8>{}", &part[8..]) }
        });
        out.extend(hidden);
        out.push('\n');
    }
    out
}

#[test]
fn a_json_line_has_what_a_log_record_has_and_the_ids_of_its_span() {
    let session = Session::with(|config| config.tracing_events(TracingEvents::LogRecords));
    let all = written_by_each(json_lines, || {
        info!("outside");
        info_span!("order").in_scope(|| {
            warn!(order.id = 17, paid = false, ratio = 0.5, name = "x", "late");
            let _direct = SCOPE.enter("direct");
            info!("below the direct API");
        });
        let named = info_span!("named");
        let _other = info_span!("other").entered();
        info!(parent: &named, "in the one it names");
        info!(parent: None, "in none");
        let error = io::Error::other("disk gone");
        error!(target: "shop::store", error = &error as &dyn std::error::Error);
    });
    oxitel::flush(PATIENCE).expect("everything is delivered");
    let lines: Vec<Value> = all.iter().flat_map(Written::objects).collect();
    let mut records = session.receiver.logs();
    records.sort_by_key(|log| log.record.time_unix_nano);
    assert_eq!((lines.len(), records.len()), (12, 12));
    for (line, log) in lines.iter().zip(&records) {
        let told = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(told("level"), log.record.severity_text, "{line}");
        assert_eq!(told("target"), log.scope.name, "{line}");
        assert_eq!(told("trace_id"), log.trace_id(), "{line}");
        assert_eq!(told("span_id"), log.span_id(), "{line}");
        let time = told("timestamp");
        assert!(time.len() == 27 && time.ends_with('Z') && &time[10..11] == "T", "{time}");
    }
    let late = &lines[1];
    assert_eq!(late["message"], "late");
    let fields = serde_json::json!({"order.id": 17, "paid": false, "ratio": 0.5, "name": "x"});
    assert_eq!(late["fields"], fields);
    assert!(lines[0].get("trace_id").is_none() && lines[0].get("fields").is_none());
    assert_eq!(lines[5]["fields"]["exception.message"], "disk gone");
}

#[test]
fn no_text_breaks_out_of_its_string_or_its_line() {
    let _session = Session::start();
    let text = "quote\" back\\slash\nline\r\ttab \u{0} \u{1b}[31m \u{7f} \u{2028} ü";
    let all = written_by_each(json_lines, || {
        info!(field = text, nan = f64::NAN, large = u64::MAX, bytes = &b"\x00\xff"[..], "{text}");
        info!(twice = 1, other = 2, twice = 3, "again");
    });
    for written in all {
        let lines = written.objects();
        assert_eq!(lines.len(), 2, "{}", written.text());
        assert_eq!(
            (&lines[0]["message"], &lines[0]["fields"]["field"]),
            (&text.into(), &text.into())
        );
        let others = serde_json::json!(["NaN", u64::MAX, "00ff"]);
        let told = &lines[0]["fields"];
        assert_eq!(serde_json::json!([told["nan"], told["large"], told["bytes"]]), others);
        assert!(written.text().contains(r#""fields":{"other":2,"twice":3}"#), "{}", written.text());
    }
}

#[test]
fn lines_tell_no_more_secrets_than_records_do() {
    let redaction = Redaction::default().key("employee.number");
    let _session = Session::with(|config| config.redaction(redaction));
    for form in [json_lines, text_lines] {
        let all = written_by_each(form, || {
            info!(user.password = "hunter2", url.full = "http://u:hunter2@h/", "token=hunter2");
            info!(employee.number = "hunter2");
            let inner = io::Error::other("password=hunter2");
            error!(error = &io::Error::other(inner) as &dyn std::error::Error, "failed");
        });
        for written in all {
            let text = written.text();
            assert!(!text.contains("hunter2") && text.contains("[redacted]"), "{text}");
            assert_eq!(text.lines().count(), 3, "{text}");
        }
    }
}

#[test]
fn a_text_line_has_the_first_digits_of_its_ids_behind_it() {
    let _session = Session::start();
    let all = written_by_each(text_lines, || {
        info!("outside");
        info_span!("order").in_scope(|| info!(order.id = 17, "Processing request"));
    });
    for written in all {
        insta::allow_duplicates! {
            insta::assert_snapshot!(masked(&written.text()), @r"
            <time> it::json_lines INFO - outside
            <time> it::json_lines INFO - Processing request order.id=17 [trace:<8>...] [span:<8>...]
            ");
        }
    }
}

#[test]
fn lines_are_written_while_telemetry_is_off_and_a_filter_holds_for_them_alone() {
    let _turn = crate::session::turn();
    let (lines, written) = Written::by(json_lines());
    let registry = tracing_subscriber::registry().with(layer());
    tracing::subscriber::with_default(registry.with(lines.with_filter(LevelFilter::INFO)), || {
        info_span!("order").in_scope(|| {
            info!("said");
            debug!("left out");
        });
    });
    let lines = written.objects();
    assert_eq!((lines.len(), &lines[0]["message"]), (1, &"said".into()));
    assert!(lines[0].get("trace_id").is_none(), "nothing is recorded");
}

#[test]
fn what_a_writer_refuses_is_counted_and_what_it_says_itself_is_not_written() {
    let before = lines_lost();
    let full = json_lines().write_with(|_| Err(io::ErrorKind::StorageFull.into()));
    let noisy = json_lines().write_with(|_| {
        warn!("written by the writer");
        Ok(())
    });
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(full).with(noisy));
    tracing::dispatcher::with_default(&dispatch, || (0..10).for_each(|_| info!("said")));
    assert!(lines_lost() - before >= 10);
}

#[test]
fn standard_output_gets_the_lines_and_a_reader_that_is_gone_does_no_harm() {
    let receiver = Receiver::start();
    for front_end in ["layer", "subscriber"] {
        let (output, _) = run_example("lines", &[front_end], &receiver.endpoint());
        let said = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert_eq!(lines.len(), 2, "{said}");
        let log = receiver.logs().pop().expect("delivered at the end");
        let ids = (log.trace_id(), log.span_id());
        let told = |key: &str| lines[1][key].as_str().unwrap_or_default().to_owned();
        assert_eq!((told("trace_id"), told("span_id")), ids);
        assert!(String::from_utf8_lossy(&output.stderr).contains("lost 0"), "{output:?}");
    }
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut deaf = example("lines", &[], &receiver.endpoint());
    let output = deaf.stdout(writer).output().expect("the example runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("lost 2"), "{said}");
    assert!(said.contains("a line of an event was not written"), "{said}");
}
