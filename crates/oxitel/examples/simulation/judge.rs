//! Runs one seed and judges it: nothing lost uncounted, nothing twice without a reason, nobody
//! held up, one line a minute and cause.

use crate::weather;
use oxitel::testing::proto::collector::logs::v1::ExportLogsServiceRequest;
use oxitel::testing::proto::collector::trace::v1::ExportTraceServiceRequest;
use oxitel::testing::{Answer, Receiver, Request};
use prost::Message;
use std::collections::HashMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Beyond this a run hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) recorded: u64,
    pub(crate) broken: Vec<String>,
}

impl Verdict {
    pub(crate) fn text(&self) -> String {
        self.broken.iter().flat_map(|line| ["  ", line, "\n"]).collect()
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }
}

/// How each acceptance of a record was answered, by the record's id.
type Accepted = HashMap<Vec<u8>, Vec<Acceptance>>;

#[derive(Clone, Debug)]
struct Acceptance {
    /// For people.
    #[expect(dead_code, reason = "it is shown when something is broken")]
    answer: Answer,
    /// The sender may not have heard it.
    may_be_missed: bool,
}

/// A connection that is to be closed is gone after that.
const LAST_MOMENTS: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Sum {
    processes: usize,
    delivered: u64,
    given_up: u64,
    queued: u64,
}

pub(crate) fn run(seed: u64) -> Verdict {
    let receiver = Receiver::start();
    let over = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        scope.spawn(|| weather::blow(&receiver, seed, &over));
        let output = start(seed, &receiver.endpoint()).and_then(finish);
        over.store(true, Ordering::Relaxed);
        output
    });
    let requests = receiver.requests();
    drop(receiver);
    let mut verdict = Verdict::default();
    match output {
        Ok((told, said)) => judge(&mut verdict, &told, &said, &taken(&requests)),
        Err(error) => verdict.broken.push(error),
    }
    verdict
}

/// What the receiver took in, by what it answered.
fn taken(requests: &[Request]) -> Accepted {
    let mut accepted = Accepted::new();
    let mut doomed_until = None;
    for request in requests {
        let may_be_missed = weather::may_be_missed(&request.answer)
            || doomed_until.is_some_and(|until| request.arrived < until);
        if weather::ends_the_connection(&request.answer) {
            doomed_until = Some(request.arrived + LAST_MOMENTS);
        }
        let mut ids = if weather::takes_in(&request.answer) { ids(request) } else { Vec::new() };
        if let Answer::PartialSuccess { rejected, .. } = request.answer {
            let refused = usize::try_from(rejected).unwrap_or(0);
            ids.truncate(ids.len().saturating_sub(refused));
        }
        for id in ids {
            let acceptance = Acceptance { answer: request.answer.clone(), may_be_missed };
            accepted.entry(id).or_default().push(acceptance);
        }
    }
    accepted
}

/// The ids of the records, in order: of a span its own, of a log record what its body says.
fn ids(request: &Request) -> Vec<Vec<u8>> {
    const FRAME_HEAD_BYTES: usize = 5;
    let skipped = if request.grpc { FRAME_HEAD_BYTES } else { 0 };
    let message = request.body.get(skipped..).unwrap_or_default();
    let path = request.path.to_lowercase();
    if path.contains("trace") {
        let message = ExportTraceServiceRequest::decode(message).unwrap_or_default();
        let scopes = message.resource_spans.into_iter().flat_map(|group| group.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.span_id).collect()
    } else {
        let message = ExportLogsServiceRequest::decode(message).unwrap_or_default();
        let scopes = message.resource_logs.into_iter().flat_map(|group| group.scope_logs);
        let records = scopes.flat_map(|scope| scope.log_records);
        records.map(|record| format!("{:?}", record.body).into_bytes()).collect()
    }
}

fn start(seed: u64, endpoint: &str) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["program", &seed.to_string()]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| format!("it does not start: {error}"))
}

/// What it told and what it said on standard error; or that it did not end well, or at all.
fn finish(mut child: Child) -> Result<(String, String), String> {
    let give_up = Instant::now() + PATIENCE;
    let reader = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = String::new();
            // What could be read is what there is to judge.
            let _ = stream.map(|mut stream| stream.read_to_string(&mut text));
            text
        })
    };
    let told = reader(child.stdout.take().map(|stream| Box::new(stream) as _));
    let said = reader(child.stderr.take().map(|stream| Box::new(stream) as _));
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if Instant::now() > give_up => {
                // It is over for it either way.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it hangs for {PATIENCE:?}"));
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
    let (told, said) = (text(told), text(said));
    if status.success() { Ok((told, said)) } else { Err(format!("{status}: {said}{told}")) }
}

fn judge(verdict: &mut Verdict, told: &str, said: &str, accepted: &Accepted) {
    let mut sum = Sum::default();
    for line in told.lines() {
        match line.strip_prefix("ledger ") {
            Some(ledger) => add(verdict, &mut sum, ledger),
            None => verdict.broken.push(line.to_owned()),
        }
    }
    verdict.check(sum.processes > 0, || "there is no ledger".to_owned());
    verdict.check(sum.queued == 0, || format!("{} are still queued", sum.queued));
    let came = accepted.len() as u64;
    let (least, most) = (sum.delivered, sum.delivered + sum.given_up);
    verdict.check((least..=most).contains(&came), || {
        format!("{came} came, between {least} and {most} by the ledgers")
    });
    let without_reason = |acceptances: &&Vec<Acceptance>| {
        let mut before = acceptances.iter().rev().skip(1);
        before.any(|acceptance| !acceptance.may_be_missed)
    };
    let repeated: Vec<_> = accepted.values().filter(without_reason).collect();
    verdict.check(repeated.is_empty(), || {
        format!("{} records came again, such as {:?}", repeated.len(), repeated[0])
    });
    check_lines(verdict, said, sum.processes);
}

fn add(verdict: &mut Verdict, sum: &mut Sum, ledger: &str) {
    sum.processes += 1;
    for pair in ledger.split(' ') {
        let (name, count) = pair.split_once('=').unwrap_or((pair, ""));
        let count: u64 = count.parse().unwrap_or(u64::MAX / 8);
        match name {
            "recorded" => verdict.recorded += count,
            "delivered" => sum.delivered += count,
            "given_up" => sum.given_up += count,
            "queued" => sum.queued += count,
            other => verdict.broken.push(format!("an unknown count {other:?}")),
        }
    }
}

/// The words of each cause.
const CAUSES: &[&str] = &[
    "could not be sent to",
    " refused ",
    "accepted all but",
    "the memory for telemetry is full",
    "before the shutdown deadline",
    "after shutdown",
];

/// A run takes less than a minute, so each process has one line for a cause.
fn check_lines(verdict: &mut Verdict, said: &str, processes: usize) {
    for cause in CAUSES {
        let count = said.lines().filter(|line| line.contains(cause)).count();
        verdict.check(count <= processes, || format!("{count} lines say {cause:?}"));
    }
    for line in said.lines() {
        let known = CAUSES.iter().any(|cause| line.contains(cause));
        verdict.check(known, || format!("it said: {line}"));
    }
}
