//! The end by a signal, or by a panic that aborts: what is queued is sent first.

use crate::session::{PATIENCE, example, run_example};
use oxitel::testing::{Answer, Receiver};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

/// Starts `leaves signal HOW`, which waits, and reads its first line.
fn waiting(how: &str, endpoint: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut program = example("leaves", &["signal", how], endpoint);
    let mut child = program.stdout(Stdio::piped()).spawn().expect("the example starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("it says something");
    (child, lines, line.trim().to_owned())
}

fn send(signal: libc::c_int, process: u32) {
    let kill = std::process::Command::new("kill")
        .args([format!("-{signal}"), process.to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
}

#[test]
fn a_signal_that_ends_the_process_ends_telemetry_first() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let receiver = Receiver::start();
        let (mut child, _lines, said) = waiting("", &receiver.endpoint());
        assert_eq!(said, "ready 2");
        send(signal, child.id());
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(signal), "by the signal, as everybody expects");
        assert_eq!(receiver.spans().len(), 100);
    }
}

#[test]
fn a_signal_ends_a_process_within_the_timeout_when_nobody_answers() {
    let receiver = Receiver::start();
    receiver.answer(Answer::Hang);
    let (mut child, _lines, _) = waiting("", &receiver.endpoint());
    let begun = Instant::now();
    send(libc::SIGTERM, child.id());
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    assert!(begun.elapsed() < Duration::from_secs(3 * 2), "{:?}", begun.elapsed());
}

#[test]
fn a_signal_that_somebody_handles_stays_theirs() {
    let receiver = Receiver::start();
    let (mut child, _lines, said) = waiting("handled", &receiver.endpoint());
    assert_eq!(said, "ready 1", "SIGINT alone is watched");
    send(libc::SIGTERM, child.id());
    send(libc::SIGINT, child.id());
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(libc::SIGINT), "SIGTERM was ignored, as the program said");
    assert_eq!(receiver.spans().len(), 100);
}

#[test]
fn a_forked_child_dies_of_the_signal_and_its_parent_goes_on() {
    let receiver = Receiver::start();
    let (mut parent, mut lines, said) = waiting("forked", &receiver.endpoint());
    let mut said = vec![said];
    let mut next = String::new();
    lines.read_line(&mut next).expect("the other of the two speaks");
    said.push(next.trim().to_owned());
    let child = said.iter().find_map(|line| line.strip_prefix("child "));
    let child: u32 = child.and_then(|id| id.parse().ok()).expect("the parent names the child");
    assert!(said.contains(&"ready 2".to_owned()), "{said:?}");
    send(libc::SIGTERM, child);
    let mut end = String::new();
    lines.read_line(&mut end).expect("the parent saw it");
    assert_eq!(end.trim(), format!("signal {}", libc::SIGTERM));
    assert!(parent.wait().expect("it ends").success());
    assert_eq!(receiver.spans().len(), 100, "the parent's, at its own end");
}

#[test]
fn a_panic_that_aborts_is_flushed_before() {
    let receiver = Receiver::start();
    let (output, _) = run_example("leaves", &["abort"], &receiver.endpoint());
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    assert_eq!(receiver.spans().len(), 100);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the end"), "the hook from before spoke: {said}");
}

#[test]
fn a_panic_waits_no_longer_than_it_was_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", listener.local_addr().expect("its address"));
    let (output, took) = run_example("leaves", &["abort"], &silent);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert!(took < PATIENCE, "{took:?}");
}
