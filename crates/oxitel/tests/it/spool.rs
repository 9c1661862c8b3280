//! Batches on the disk: what was accepted reaches the receiver, whatever happens to the process,
//! the network and the disk meanwhile.

use crate::session::{PATIENCE, Session, example, printed_ledger, turn};
use oxitel::export::{ExportError, Request};
use oxitel::testing::{Answer, Receiver, SpanRecord};
use oxitel::{Config, Scope};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static SCOPE: Scope = Scope::new("spool");

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxitel-it-spool-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("text")
    }

    fn segments(&self, slot: &str) -> usize {
        let Ok(names) = std::fs::read_dir(self.0.join("traces").join(slot)) else { return 0 };
        let is_segment = |name: PathBuf| name.extension().is_some_and(|it| it == "segment");
        names.filter(|name| name.as_ref().is_ok_and(|name| is_segment(name.path()))).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address")
}

fn start(address: SocketAddr, folder: &Folder) -> oxitel::Guard {
    let config = Config::default()
        .service_name("it")
        .endpoint(format!("http://{address}"))
        .schedule_delay(PATIENCE)
        .metrics(false)
        .spool(&folder.0);
    oxitel::init(config).expect("telemetry starts")
}

/// Spans of these names, a request each.
fn record(names: std::ops::Range<u32>) {
    for name in names {
        drop(SCOPE.span(&name.to_string()));
        assert_eq!(oxitel::flush(PATIENCE), Ok(()), "the disk has it");
    }
}

fn names(spans: &[SpanRecord]) -> Vec<String> {
    spans.iter().map(|record| record.span.name.clone()).collect()
}

fn counted(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: {}", oxitel::stats());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_receiver_that_appears_late_gets_everything_in_order() {
    let (_turn, folder, address) = (turn(), Folder::new(), nobody());
    let before = oxitel::stats();
    let guard = start(address, &folder);
    record(0..5);
    let stats = oxitel::stats();
    assert_eq!((stats.spooled - before.spooled, stats.queued), (5, 0), "{stats}");
    assert!(stats.is_balanced(), "{stats}");
    let receiver = Receiver::listen(&[address]).expect("the port is free");
    assert_eq!(names(&receiver.wait_for_spans(5, PATIENCE)), counted(0..5));
    wait_until("the disk lets go", || oxitel::stats().spooled == before.spooled);
    let stats = oxitel::stats();
    assert_eq!((stats.delivered - before.delivered, stats.is_balanced()), (5, true), "{stats}");
    drop(guard);
    assert_eq!(folder.segments("0"), 1, "one is kept for what comes");
}

#[test]
fn a_restart_during_an_outage_loses_nothing_and_is_fast() {
    let (_turn, folder, address) = (turn(), Folder::new(), nobody());
    let guard = start(address, &folder);
    record(0..4);
    let begun = Instant::now();
    assert_eq!(oxitel::shutdown(Duration::from_secs(20)), Ok(()), "it is on the disk");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(guard);
    let before = oxitel::stats();

    let guard = start(address, &folder);
    record(4..6);
    wait_until("it finds them", || oxitel::stats().recovered == before.recovered + 4);
    let receiver = Receiver::listen(&[address]).expect("the port is free");
    assert_eq!(names(&receiver.wait_for_spans(6, PATIENCE)), counted(0..6));
    assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
    let stats = oxitel::stats();
    assert_eq!(stats.delivered, before.delivered + 6, "{stats}");
    assert!(stats.is_balanced(), "{stats}");
    drop(guard);
}

#[test]
fn a_receiver_that_works_gets_each_span_once() {
    let folder = Folder::new();
    let session = Session::with(|config| config.spool(&folder.0));
    for _ in 0..3 {
        for _ in 0..500 {
            drop(SCOPE.span("one"));
        }
        assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    }
    session.receiver.wait_for_spans(1500, PATIENCE);
    wait_until("the disk lets go", || session.ledger().spooled == 0);
    session.verify();
}

#[test]
fn a_batch_that_can_be_sent_does_not_wait_for_the_next_look_at_the_disk() {
    let folder = Folder::new();
    let session = Session::with(|config| config.spool(&folder.0).metrics(false));
    for _ in 0..100 {
        let begun = Instant::now();
        record(0..3);
        wait_until("it is sent", || session.ledger().spooled == 0);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    session.verify();
}

#[test]
fn a_shutdown_leaves_nothing_on_the_disk_that_the_receiver_takes() {
    let (_turn, folder, address) = (turn(), Folder::new(), nobody());
    let _receiver = Receiver::listen(&[address]).expect("the port is free");
    for _ in 0..30 {
        let before = oxitel::stats();
        let guard = start(address, &folder);
        drop(SCOPE.span("last"));
        assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
        drop(guard);
        let stats = oxitel::stats();
        assert_eq!((stats.spooled, stats.delivered), (before.spooled, before.delivered + 1));
    }
}

#[test]
fn a_request_that_was_under_way_at_the_end_comes_again_under_its_old_name() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    receiver.answer(Answer::Hang);
    let mut running =
        Running::of(&mut example("spooler", &[folder.text(), "a", "3"], &receiver.endpoint()));
    assert_eq!(running.wait_for(3).len(), 3, "a receiver that hangs holds up no flush");
    receiver.wait_for_requests(1, PATIENCE);
    running.kill();
    receiver.answer(Answer::Accept);
    drain(&folder, &receiver);
    let ids: Vec<_> = receiver.requests().iter().map(batch_id).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert_eq!(ids[0], ids[1], "the one that was cut off");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3, "{ids:?}");
    assert_eq!(names(&receiver.spans()), ["a-0", "a-1", "a-2"]);
}

fn batch_id(request: &oxitel::testing::Request) -> String {
    let id = request.headers.get("oxitel-batch-id").expect("each batch has a name");
    id.to_str().expect("text").to_owned()
}

#[test]
fn records_that_another_exporter_takes_too_are_booked_once() {
    let (_turn, folder, address) = (turn(), Folder::new(), nobody());
    let (sent, taken) = std::sync::mpsc::channel();
    let before = oxitel::stats();
    let config = Config::default()
        .service_name("it")
        .endpoint(format!("http://{address}"))
        .schedule_delay(PATIENCE)
        .metrics(false)
        .exporter("slow", move |_| {
            let sent = sent.clone();
            move |request: &Request<'_>| {
                std::thread::sleep(Duration::from_millis(50));
                sent.send(request.records())
                    .map_err(|error| ExportError::Refused(error.to_string()))
            }
        })
        .spool(&folder.0);
    let guard = oxitel::init(config).expect("telemetry starts");
    record(0..6);
    assert_eq!(taken.iter().take(6).sum::<u64>(), 6);
    let stats = oxitel::stats();
    let waiting = stats.queued + stats.spooled - before.spooled;
    assert_eq!((waiting, stats.is_balanced()), (6, true), "{stats}");
    let receiver = Receiver::listen(&[address]).expect("the port is free");
    assert_eq!(names(&receiver.wait_for_spans(6, PATIENCE)), counted(0..6));
    wait_until("all are delivered", || oxitel::stats().delivered == before.delivered + 6);
    wait_until("nothing waits", || oxitel::stats().spooled == before.spooled);
    let stats = oxitel::stats();
    assert_eq!((stats.queued, stats.is_balanced()), (0, true), "{stats}");
    drop(guard);
}

#[test]
fn the_folder_is_for_this_user_alone() {
    let (_turn, folder, address) = (turn(), Folder::new(), nobody());
    let guard = start(address, &folder);
    record(0..1);
    let mode = |path: &Path| {
        let found = std::fs::symlink_metadata(path).expect("it is there");
        found.permissions().mode() & 0o777
    };
    let slot = folder.0.join("traces/0");
    assert_eq!((mode(&folder.0.join("traces")), mode(&slot)), (0o700, 0o700));
    for entry in std::fs::read_dir(&slot).expect("a folder") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
    drop(guard);
}

#[test]
fn processes_share_a_folder_and_take_over_what_dead_ones_left() {
    let (folder, address) = (Folder::new(), nobody());
    let mut running: Vec<_> = ["a", "b"].map(|name| Running::start(&folder, name, address)).into();
    let accepted: Vec<_> = running.iter_mut().map(|one| one.wait_for(3)).collect();
    assert!(folder.segments("0") > 0 && folder.segments("1") > 0, "each has a slot of its own");
    running.into_iter().for_each(Running::kill);
    let accepted: BTreeSet<_> = accepted.into_iter().flatten().collect();
    let receiver = Receiver::start();
    let output = drain(&folder, &receiver);
    let arrived: BTreeSet<_> = names(&receiver.spans()).into_iter().collect();
    assert!(accepted.is_subset(&arrived), "{accepted:?} {arrived:?} {output:?}");
    assert_eq!((folder.segments("0"), folder.segments("1")), (0, 0), "nothing is left");
}

/// What `spooler` says that it accepted, as long as it lives.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(folder: &Folder, name: &str, address: SocketAddr) -> Self {
        let endpoint = format!("http://{address}");
        Self::of(&mut example("spooler", &[folder.text(), name, "100000"], &endpoint))
    }

    fn of(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the example runs");
        let output = child.stdout.take().expect("it is piped");
        Self { child, lines: BufReader::new(output).lines() }
    }

    /// The names of the spans that were accepted, until there are so many.
    fn wait_for(&mut self, count: usize) -> Vec<String> {
        let lines = self.lines.by_ref().map_while(Result::ok);
        lines
            .filter_map(|line| Some(line.strip_prefix("accepted ")?.to_owned()))
            .take(count)
            .collect()
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

fn drain(folder: &Folder, receiver: &Receiver) -> Output {
    let mut example = example("spooler", &[folder.text(), "drain"], &receiver.endpoint());
    let output = example.output().expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    output
}

/// How often the process is killed; `OXITEL_TEST_KILLS` asks for more.
fn kills() -> u32 {
    let asked = std::env::var("OXITEL_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(20)
}

#[test]
fn kill_minus_nine_loses_nothing_that_was_accepted() {
    let (folder, address) = (Folder::new(), nobody());
    let mut accepted = BTreeSet::new();
    for round in 0..kills() {
        let mut running = Running::start(&folder, &format!("r{round}"), address);
        let child = running.child.id();
        // Somewhere in its work, also before it has begun.
        let moment = Duration::from_micros(u64::from(round * 7919 % 80_000));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(moment + Duration::from_millis(5));
            Command::new("kill").args(["-9", &child.to_string()]).status().expect("kill is there")
        });
        accepted.extend(running.wait_for(usize::MAX));
        assert!(killer.join().expect("no panic").success());
        running.child.wait().expect("it has ended");
    }
    assert!(accepted.len() > kills() as usize / 4, "it had time to accept {}", accepted.len());
    let receiver = Receiver::start();
    let output = drain(&folder, &receiver);
    let arrived: BTreeSet<_> = names(&receiver.spans()).into_iter().collect();
    let lost: Vec<_> = accepted.difference(&arrived).collect();
    assert!(lost.is_empty(), "{lost:?} of {} are lost: {output:?}", accepted.len());
    let ledger = printed_ledger(&output);
    assert_eq!(ledger.dropped.damaged, 0, "{output:?}");
}

#[test]
fn a_copy_of_the_lock_in_a_child_does_not_outlive_the_parent() {
    let (folder, address) = (Folder::new(), nobody());
    let endpoint = format!("http://{address}");
    let mut parent = Running::of(&mut example("spooler", &[folder.text(), "fork"], &endpoint));
    let mut lines: Vec<_> = (0..4).map(|_| parent.line()).collect();
    lines.sort();
    let [child, one, two, own] = &lines[..] else { panic!("{lines:?}") };
    assert!(one == "flush Ok(())" && two == one && own.starts_with("parent"), "{lines:?}");
    assert!(folder.segments("1") > 0, "the child has a slot of its own");
    let child = child.strip_prefix("child ").expect("its number").to_owned();
    parent.kill();
    let receiver = Receiver::start();
    let output = drain(&folder, &receiver);
    assert_eq!(names(&receiver.spans()), ["parent-0"], "the child lives: {output:?}");
    let killed = Command::new("kill").args(["-9", &child]).status().expect("kill is there");
    assert!(killed.success());
    drain(&folder, &receiver);
    assert_eq!(names(&receiver.spans()), ["parent-0", "child-0"]);
}

/// Runs `spooler` behind a mount that only it sees.
fn behind_mount(mount: &str, folder: &Folder, count: u32, receiver: &Receiver) -> Output {
    let program = example("spooler", &[], "").get_program().to_owned();
    let script = format!("{mount} && exec \"$0\" \"$1\" burst {count}");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(program)
        .arg(&folder.0)
        .env("FOLDER", &folder.0)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint());
    let output = command.output().expect("unshare is there");
    let said = String::from_utf8_lossy(&output.stderr);
    let is_forbidden = said.contains("unshare:") || said.contains("mount:");
    assert!(!is_forbidden, "this test needs a kernel that lets users mount: {said}");
    assert!(output.status.success(), "{output:?}");
    output
}

fn spool_lines(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines().filter(|line| line.contains("the spool")).map(str::to_owned).collect()
}

#[test]
fn a_full_disk_loses_nothing_while_memory_lasts() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    receiver.script((0..4).map(|_| Answer::Status(503)));
    let mount = "mount -t tmpfs -o size=1m none \"$FOLDER\"";
    let output = behind_mount(mount, &folder, 100, &receiver);
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.delivered), (100, 100), "{output:?}");
    assert_eq!(receiver.spans().len(), 100);
    let lines = spool_lines(&output);
    assert_eq!(lines.len(), 1, "one line a minute: {lines:?}");
    assert!(lines[0].contains("No space left"), "{lines:?}");
}

#[test]
fn a_disk_that_cannot_be_written_is_said_once_and_memory_does() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let mount = "mount -t tmpfs -o ro none \"$FOLDER\"";
    let output = behind_mount(mount, &folder, 20, &receiver);
    let ledger = printed_ledger(&output);
    assert_eq!((ledger.recorded, ledger.delivered), (20, 20), "{output:?}");
    assert_eq!(receiver.spans().len(), 20);
    let lines = spool_lines(&output);
    assert_eq!(lines.len(), 1, "one line a minute: {lines:?}");
    assert!(lines[0].contains("Read-only file system"), "{lines:?}");
}
