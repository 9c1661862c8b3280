//! Our own exporters beside OTLP, in processes that are started as users start theirs.

use crate::session::{PATIENCE, Session, example, turn};
use oxitel::export::{Files, Memory, SignalKind};
use oxitel::testing::Receiver;
use oxitel::{Config, Scope};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

static SCOPE: Scope = Scope::new("exporters");

/// The example, with these variables and no others of the standard.
fn program(arguments: &[&str], endpoint: &str, variables: &[(&str, &str)]) -> Command {
    let mut program = example("exporters", arguments, endpoint);
    if endpoint.is_empty() {
        program.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    }
    program.envs(variables.iter().copied());
    program
}

/// What it prints, without what differs from run to run.
fn printed(text: &[u8]) -> String {
    let text = String::from_utf8(text.to_vec()).expect("UTF-8");
    let lines = text.lines().map(|line| {
        let words = line.split_whitespace().map(|word| match word.parse::<f64>() {
            Ok(_) => "N",
            Err(_) if word.len() == 32 && !word.contains('.') => "ID",
            Err(_) if word.len() == 12 && word.matches(':').count() == 2 => "TIME",
            Err(_) if ["ns", "µs", "ms", "s"].contains(&word) => "UNIT",
            Err(_) => word,
        });
        words.collect::<Vec<_>>().join(" ") + "\n"
    });
    lines.collect()
}

const TREE: &str = "\
TIME exporters trace ID
order N UNIT server order.items=N
├─ reserve N UNIT
└─ charge N UNIT error: card declined
";

fn tree(text: &[u8]) -> String {
    printed(text).replace("order.items=3", "order.items=N")
}

#[test]
fn otlp_and_the_console_both_get_the_trace() {
    let receiver = Receiver::start();
    let variables = [("OTEL_TRACES_EXPORTER", "otlp,console")];
    let output = program(&["tree"], &receiver.endpoint(), &variables).output().expect("it runs");
    assert_eq!(tree(&output.stdout), TREE);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(receiver.spans().len(), 3);
}

#[test]
fn the_console_alone_needs_no_endpoint_and_dials_nobody() {
    let receiver = Receiver::start();
    for endpoint in ["", &receiver.endpoint()] {
        let variables = [("OTEL_TRACES_EXPORTER", "Console"), ("OTEL_METRICS_EXPORTER", "none")];
        let output = program(&["tree"], endpoint, &variables).output().expect("it runs");
        assert_eq!(tree(&output.stdout), TREE);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
fn without_an_exporter_nothing_is_printed_or_sent() {
    let receiver = Receiver::start();
    let variables = ["TRACES", "METRICS", "LOGS"].map(|signal| format!("OTEL_{signal}_EXPORTER"));
    let variables: Vec<_> = variables.iter().map(|name| (name.as_str(), "none")).collect();
    let output = program(&["tree"], &receiver.endpoint(), &variables).output().expect("it runs");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    assert_eq!(receiver.requests().len(), 0);
}

/// `program | head`: whoever reads has gone. The program goes on, and says what is lost.
#[cfg(unix)]
#[test]
fn a_console_whose_reader_has_gone_does_no_harm() {
    let receiver = Receiver::start();
    let variables = [("OTEL_TRACES_EXPORTER", "otlp,console")];
    let mut program = program(&["tree"], &receiver.endpoint(), &variables);
    let mut child =
        program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(r#"the exporter "console" refused 3 records: stdout: "#), "{said}");
    assert_eq!(receiver.spans().len(), 3);
}

/// A folder of the test's own, which goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("oxitel-it-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// The names of spans in the file of traces, a line each.
    fn names(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.join("traces.jsonl")).expect("the file");
        let names = text.lines().map(|line| {
            let whole: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let spans = &whole["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans[0]["name"].as_str().expect("a name").to_owned()
        });
        names.collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_forked_child_writes_to_the_same_file_by_an_exporter_of_its_own() {
    let folder = Folder::new("forked");
    let path = folder.0.to_str().expect("UTF-8");
    let output = program(&["files", path], "", &[]).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(folder.names(), ["before the fork", "in the child", "after the fork"]);
}

#[test]
fn a_forked_child_has_no_part_in_its_parents_memory() {
    let output = program(&["memory"], "", &[]).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 records in memory\n");
}

#[test]
fn a_file_that_cannot_be_written_costs_its_own_part_and_is_counted() {
    let session = Session::with(|config| {
        let timeout = std::time::Duration::from_millis(300);
        config.export_timeout(timeout).files(Files::new("/dev/null/no/folder"))
    });
    drop(SCOPE.span("kept by one"));
    let lost = oxitel::flush(PATIENCE).expect_err("one of two did not take it");
    assert_eq!((lost.lost, session.ledger().dropped.unreachable), (1, 1));
    assert_eq!(session.receiver.spans().len(), 1);
}

#[test]
fn several_exporters_of_one_process_get_the_same_bytes() {
    let _turn = turn();
    let (receiver, folder) = (Receiver::start(), Folder::new("several"));
    let (one, other) = (Memory::new(), Memory::new());
    let config = Config::default()
        .endpoint(receiver.endpoint())
        .own_metrics(false)
        .memory(&one)
        .memory(&other)
        .files(folder.0.as_path());
    let guard = oxitel::init(config).expect("telemetry starts");
    drop(SCOPE.span("shared"));
    oxitel::flush(PATIENCE).expect("all of them take it");
    let kept = one.requests();
    assert_eq!((kept.len(), kept[0].signal, kept[0].records), (1, SignalKind::Traces, 1));
    assert_eq!(other.requests(), kept);
    assert_eq!(receiver.requests()[0].body, kept[0].bytes);
    assert_eq!(folder.names(), ["shared"]);
    drop(guard);
}
