//! The stage `core`: a receiver and two services, `front` calling `back`, all from one program.
//!
//! The receiver's summary says what arrived, the ledgers of the services say what was sent; the
//! stage holds one against the other.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::child::Child;
use super::fleet::Fleet;
use super::said::Ledger;
use super::stage::Form;
use super::{http, ports};
use crate::{console, environment};

const RECEIVER: &str = "receiver";
/// Who calls comes first, and is stopped first.
const SERVICES: [&str; 2] = ["front", "back"];
/// What one order leaves behind.
const SPANS_OF_A_TRACE: u64 = 6;
/// Orders a second: enough to watch, too few to be in the way.
const RATE: &str = "2";
/// The usual delay of five seconds is long for somebody who waits for the first trace.
const DELAY_MS: &str = "500";
/// A process is ready within milliseconds; this is for a machine under heavy load.
const READY_LIMIT: Duration = Duration::from_secs(15);
/// Two services, one delay of the batches, and a slow machine.
const TRACE_LIMIT: Duration = Duration::from_secs(30);

/// What the receiver says at `/summary`.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) traces: u64,
    pub(super) spans: u64,
    services: Vec<String>,
    pub(super) latest: Option<Latest>,
}

/// The latest trace that is complete, else the latest one.
#[derive(Debug, Deserialize)]
pub(super) struct Latest {
    services: u64,
    spans: u64,
    complete: bool,
}

impl Latest {
    fn is_whole(&self) -> bool {
        self.complete && self.spans >= SPANS_OF_A_TRACE && self.services >= SERVICES.len() as u64
    }
}

/// Starts the three processes and returns when one whole trace has arrived.
pub(super) fn start(fleet: &mut Fleet, form: Form) -> anyhow::Result<()> {
    let program = fleet.program("first-light")?;
    let endpoint = start_receiver(fleet, &program, form)?;
    let back = service(&program, "back", &endpoint, &["--listen", "127.0.0.1:0"]);
    let back = start_ready(fleet, "back", back)?;
    let front = service(&program, "front", &endpoint, &["--back", &back, "--rate", RATE]);
    fleet.start("front", front)?;

    let latest = first_trace(fleet, &endpoint)?;
    self_check(fleet, &latest)?;
    println!("{}", http::get(&endpoint, "/tree")?.trim_end());
    Ok(())
}

/// Ends the traffic and holds the ledgers against what the receiver got.
pub(super) fn verify(fleet: &mut Fleet) -> anyhow::Result<()> {
    let endpoint = endpoint_of(fleet)?;
    for service in SERVICES {
        fleet.stop_named(service);
    }
    let ledgers = SERVICES.map(|service| fleet.named(service).and_then(Child::ledger));
    let ledgers: Vec<Ledger> = ledgers.into_iter().flatten().collect();
    if ledgers.len() != SERVICES.len() {
        bail!("of {} services only {} showed a ledger", SERVICES.len(), ledgers.len());
    }
    let summary = summary(&endpoint)?;
    let faults = faults(&ledgers, &summary);
    let good = faults.is_empty();
    let recorded: u64 = ledgers.iter().map(|ledger| ledger.recorded).sum();
    let lost: u64 = ledgers.iter().map(|ledger| ledger.lost()).sum();
    let Summary { spans, traces, .. } = summary;
    println!(
        "{} {recorded} spans recorded, {spans} arrived in {traces} traces, {lost} lost",
        console::mark(good)
    );
    if !good {
        bail!("the law of conservation is broken: {}", faults.join("; "));
    }
    Ok(())
}

/// What the receiver of this fleet has got so far, when it runs and answers.
pub(super) fn received(fleet: &Fleet) -> Option<Summary> {
    // The table only shows it; a receiver that died is shown there by its state.
    summary(fleet.named(RECEIVER)?.endpoint()?).ok()
}

fn first_trace(fleet: &mut Fleet, endpoint: &str) -> anyhow::Result<Latest> {
    let arrived = fleet.wait_for("the first trace", TRACE_LIMIT, |fleet| {
        let known = SERVICES.iter().all(|service| delivered_something(fleet, service));
        // A receiver that does not answer yet is asked again; the error below tells its reason.
        let latest = summary(endpoint).ok()?.latest?;
        (known && latest.is_whole()).then_some(latest)
    });
    arrived.with_context(|| match http::get(endpoint, "/summary") {
        Ok(summary) => format!("the receiver has {summary}"),
        Err(error) => format!("the receiver does not say what it has: {error:#}"),
    })
}

fn start_receiver(fleet: &mut Fleet, program: &Path, form: Form) -> anyhow::Result<String> {
    let addresses = addresses(form).context("no port for the receiver")?;
    let mut command = Command::new(program);
    environment::clean(&mut command).arg("receiver");
    for address in &addresses {
        command.args(["--http", &address.to_string()]);
    }
    let endpoint = start_ready(fleet, RECEIVER, command)?;
    // Only our own process says on its standard output that it is ready, so the port is ours.
    if !addresses.iter().any(|address| is_at(&endpoint, *address)) {
        bail!("the receiver answers at {endpoint}, but was told to use {addresses:?}");
    }
    let places: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
    println!("OTLP over HTTP is received at {}", places.join(" and "));
    Ok(endpoint)
}

fn addresses(form: Form) -> std::io::Result<Vec<SocketAddr>> {
    if form == Form::Scripted {
        return ports::free();
    }
    let addresses = ports::choose(ports::OTLP_HTTP)?;
    if addresses.iter().all(|address| address.port() != ports::OTLP_HTTP) {
        let port = ports::OTLP_HTTP;
        println!("port {port} belongs to somebody else and is left alone; a free one is taken");
    }
    Ok(addresses)
}

fn is_at(endpoint: &str, address: SocketAddr) -> bool {
    endpoint == format!("http://{address}")
}

fn service(program: &Path, name: &str, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    environment::clean(&mut command)
        .arg(name)
        .args(arguments)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_SERVICE_NAME", name)
        .env("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS);
    command
}

fn start_ready(fleet: &mut Fleet, name: &str, command: Command) -> anyhow::Result<String> {
    let number = fleet.start(name, command)?;
    fleet.wait_for(&format!("`{name}`"), READY_LIMIT, |fleet| {
        fleet.process(number).endpoint().map(str::to_owned)
    })
}

fn endpoint_of(fleet: &Fleet) -> anyhow::Result<String> {
    let endpoint = fleet.named(RECEIVER).and_then(|receiver| receiver.endpoint());
    Ok(endpoint.context("the receiver was not started")?.to_owned())
}

fn delivered_something(fleet: &Fleet, service: &str) -> bool {
    let ledger = fleet.named(service).and_then(Child::ledger);
    ledger.is_some_and(|ledger| ledger.delivered > 0)
}

fn summary(endpoint: &str) -> anyhow::Result<Summary> {
    let said = http::get(endpoint, "/summary")?;
    serde_json::from_str(&said).with_context(|| format!("the summary {said:?}"))
}

/// Says in one line that the first trace is whole, or that it is not.
fn self_check(fleet: &Fleet, latest: &Latest) -> anyhow::Result<()> {
    let ledgers = SERVICES.map(|service| fleet.named(service).and_then(Child::ledger));
    let lost: u64 = ledgers.into_iter().flatten().map(Ledger::lost).sum();
    let Latest { services, spans, .. } = latest;
    let good = *services == SERVICES.len() as u64 && *spans == SPANS_OF_A_TRACE && lost == 0;
    let line = format!("one trace, {services} services, {spans} spans, {lost} lost");
    println!("{} {line}", console::mark(good));
    if !good {
        bail!(
            "expected one trace, {} services, {SPANS_OF_A_TRACE} spans, 0 lost; got {line}",
            SERVICES.len()
        );
    }
    Ok(())
}

/// Every way in which the ledgers and the receiver disagree.
fn faults(ledgers: &[Ledger], summary: &Summary) -> Vec<String> {
    let mut faults = Vec::new();
    for (service, ledger) in SERVICES.iter().zip(ledgers) {
        if !ledger.is_balanced() {
            faults.push(format!("the ledger of `{service}` does not balance: {ledger:?}"));
        }
        if ledger.lost() + ledger.queued + ledger.live > 0 {
            faults.push(format!("`{service}` ended with records not delivered: {ledger:?}"));
        }
    }
    let delivered: u64 = ledgers.iter().map(|ledger| ledger.delivered).sum();
    if delivered != summary.spans {
        faults.push(format!("{delivered} spans were delivered, {} arrived", summary.spans));
    }
    let strangers = summary.services.iter().filter(|name| !SERVICES.contains(&name.as_str()));
    faults.extend(strangers.map(|name| format!("`{name}`, not one of ours, sent spans as well")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(recorded: u64) -> Ledger {
        Ledger { recorded, delivered: recorded, ..Ledger::default() }
    }

    fn arrived(spans: u64) -> Summary {
        let services = SERVICES.map(str::to_owned).to_vec();
        Summary { traces: spans / SPANS_OF_A_TRACE, spans, services, latest: None }
    }

    #[test]
    fn nothing_is_wrong_when_all_that_was_recorded_arrived() {
        assert_eq!(faults(&[ledger(20), ledger(10)], &arrived(30)), Vec::<String>::new());
    }

    #[test]
    fn a_span_that_did_not_arrive_is_found() {
        assert_eq!(
            faults(&[ledger(20), ledger(10)], &arrived(29)),
            ["30 spans were delivered, 29 arrived"]
        );
    }

    #[test]
    fn a_stranger_among_the_senders_is_named() {
        let mut arrived = arrived(30);
        arrived.services.push("shop".to_owned());
        assert_eq!(
            faults(&[ledger(20), ledger(10)], &arrived),
            ["`shop`, not one of ours, sent spans as well"]
        );
    }

    #[test]
    fn a_record_left_behind_is_found_with_its_service() {
        let left = Ledger { recorded: 21, delivered: 20, queued: 1, ..Ledger::default() };
        let faults = faults(&[left, ledger(10)], &arrived(30));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("`front` ended with records not delivered"), "{faults:?}");
    }

    #[test]
    fn a_ledger_that_does_not_balance_is_found() {
        let wrong = Ledger { recorded: 21, delivered: 20, ..Ledger::default() };
        let faults = faults(&[wrong, ledger(10)], &arrived(30));
        assert!(faults[0].contains("does not balance"), "{faults:?}");
    }

    #[test]
    fn an_endpoint_is_ours_only_with_host_and_port() {
        assert!(is_at("http://127.0.0.1:4318", "127.0.0.1:4318".parse().unwrap()));
        assert!(is_at("http://[::1]:4318", "[::1]:4318".parse().unwrap()));
        assert!(!is_at("http://127.0.0.1:43180", "127.0.0.1:4318".parse().unwrap()));
    }
}
