//! How long a receiver's wish for silence is: to the word, and never a burst.

use crate::grpc::{lost, over_grpc};
use crate::session::{PATIENCE, Session};
use oxitel::Scope;
use oxitel::testing::{Answer, Request};
use std::time::{Duration, Instant, SystemTime};

static SCOPE: Scope = Scope::new("waits");

/// An attempt comes so much after its time at most, on a machine that does something else, too.
const LATE: Duration = Duration::from_millis(300);

/// The waits between the attempts when the receiver throttles with this text so often.
fn waits(times: usize, status: u16, retry_after: &str) -> Vec<Duration> {
    let session = Session::start();
    let answer = Answer::Throttle { status, retry_after: retry_after.to_owned() };
    session.receiver.script(vec![answer; times]);
    drop(SCOPE.span("record"));
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0), "{retry_after}");
    session.verify();
    between(&session.receiver.requests())
}

fn between(requests: &[Request]) -> Vec<Duration> {
    requests.windows(2).map(|pair| pair[1].arrived - pair[0].arrived).collect()
}

#[test]
fn seconds_are_waited_to_the_tenth() {
    for status in [429, 503] {
        for seconds in [1, 2] {
            let asked = Duration::from_secs(seconds);
            let [waited] = waits(1, status, &seconds.to_string())[..] else { panic!("one wait") };
            assert!(waited >= asked && waited < asked + LATE, "{status}: {waited:?} of {asked:?}");
        }
    }
}

#[test]
fn a_date_is_waited_for() {
    let session = Session::start();
    let asked = SystemTime::now() + Duration::from_secs(2);
    let retry_after = http_date(asked);
    session.receiver.script([Answer::Throttle { status: 503, retry_after }]);
    drop(SCOPE.span("record"));
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    let second = session.receiver.requests()[1].arrived;
    let arrived = SystemTime::now() - second.elapsed();
    // A date has no fractions of a second.
    let date = asked - Duration::from_millis(u64::from(subsecond_ms(asked)));
    let early = date.duration_since(arrived).unwrap_or_default();
    let late = arrived.duration_since(date).unwrap_or_default();
    assert!(early < Duration::from_millis(100) && late < LATE, "{early:?} early, {late:?} late");
}

#[test]
fn what_says_nothing_gets_growing_waits_and_never_a_burst() {
    let nothing = ["0", "soon", "-1", "1.5", "", "Thu, 01 Jan 1970 00:00:00 GMT", "9e99"];
    for retry_after in nothing {
        let waited = waits(3, 503, retry_after);
        let least = [100, 200, 400].map(Duration::from_millis);
        for (waited, least) in waited.iter().zip(least) {
            // A backoff is between half and all of its ceiling.
            assert!(*waited >= least && *waited < least * 2 + LATE, "{retry_after:?}: {waited:?}");
        }
        assert_eq!(waited.len(), 3, "{retry_after:?}");
    }
}

#[test]
fn a_billion_seconds_end_at_the_export_timeout_with_one_attempt() {
    let timeout = Duration::from_millis(400);
    for retry_after in ["1000000000", "Fri, 31 Dec 9999 23:59:59 GMT", "18446744073709551615"] {
        let session = Session::with(|config| config.export_timeout(timeout));
        let retry_after = retry_after.to_owned();
        session.receiver.script([Answer::Throttle { status: 429, retry_after }]);
        drop(SCOPE.span("record"));
        let begun = Instant::now();
        assert_eq!(lost(oxitel::flush(PATIENCE)), (1, 0));
        assert!(begun.elapsed() < timeout + LATE * 3, "{:?}", begun.elapsed());
        assert_eq!(session.receiver.requests().len(), 1);
        assert_eq!(session.ledger().dropped.unreachable, 1);
        assert!(session.ledger().is_balanced());
    }
}

#[test]
fn over_grpc_the_delay_is_waited_and_without_one_waits_grow() {
    let session = Session::with(over_grpc);
    let coded = |delay| Answer::Code { code: 14, message: String::new(), retry_delay: delay };
    let asked = Duration::from_millis(1_500);
    session.receiver.script([coded(Some(asked))]);
    drop(SCOPE.span("record"));
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    let [waited] = between(&session.receiver.requests())[..] else { panic!("one wait") };
    assert!(waited >= asked && waited < asked + LATE, "{waited:?}");

    session.receiver.script([coded(None), coded(Some(Duration::ZERO)), coded(None)]);
    drop(SCOPE.span("record"));
    assert_eq!(lost(oxitel::flush(PATIENCE)), (0, 0));
    let waited = between(&session.receiver.requests()[2..]);
    let least = [100, 200, 400].map(Duration::from_millis);
    let grow = waited.iter().zip(least).all(|(waited, least)| *waited >= least);
    assert!(grow && waited.len() == 3, "{waited:?}");
    session.verify();
}

/// A shutdown does not wait for a silence that is longer than its deadline.
#[test]
fn a_shutdown_in_the_middle_of_a_silence_keeps_its_deadline() {
    let session = Session::start();
    let wait = Answer::Throttle { status: 503, retry_after: "30".to_owned() };
    session.receiver.answer(wait);
    drop(SCOPE.span("record"));
    assert_eq!(lost(oxitel::flush(Duration::from_millis(100))), (0, 1));
    let begun = Instant::now();
    assert_eq!(lost(oxitel::shutdown(Duration::from_millis(300))), (1, 0));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    let ledger = session.ledger();
    assert_eq!((ledger.dropped.shutdown_deadline, ledger.queued), (1, 0), "{ledger}");
}

fn subsecond_ms(time: SystemTime) -> u32 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").subsec_millis()
}

fn http_date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}
