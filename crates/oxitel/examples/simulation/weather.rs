//! What the receiver answers: mostly the truth, now and then a fault, in gusts.

use crate::random::Random;
use oxitel::testing::{Answer, Receiver};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Changes the receiver's mind until `over`.
pub(crate) fn blow(receiver: &Receiver, seed: u64, over: &AtomicBool) {
    let mut random = Random::new(seed, 0x3ea7);
    while !over.load(Ordering::Relaxed) {
        if random.once_in(3) {
            let gust = 1 + random.below(4);
            let answers: Vec<_> = (0..gust).map(|_| answer(&mut random)).collect();
            receiver.script(answers);
        }
        thread::sleep(Duration::from_millis(5 + random.below(25)));
    }
}

fn answer(random: &mut Random) -> Answer {
    let words = |content_type: &str, body: &[u8]| Answer::Words {
        content_type: content_type.to_owned(),
        body: body.to_vec(),
    };
    match random.below(19) {
        0 => Answer::Status(random.pick(&[429, 502, 503, 504])),
        1 => Answer::Status(random.pick(&[400, 401, 404, 413, 500])),
        2 => Answer::Throttle {
            status: random.pick(&[429, 503]),
            retry_after: random.pick(&["0", "1", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"]).into(),
        },
        3 => Answer::Code {
            // Not 0: that would be a lie.
            code: 1 + random.below(17) as i32,
            message: "as the seed says".to_owned(),
            retry_delay: random.once_in(2).then(|| Duration::from_millis(random.below(200))),
        },
        4 => Answer::PartialSuccess {
            rejected: random.below(20) as i64 - 4,
            message: "some".to_owned(),
        },
        5 => Answer::Hang,
        6 => Answer::Deaf,
        7 => Answer::Reset,
        8 => Answer::ResetEarly,
        9 => Answer::ResetStream,
        10 => Answer::GoAway,
        11 => Answer::AcceptAndClose,
        12 => Answer::Endless,
        13 => Answer::Slow { bytes_per_second: random.pick(&[1, 1_000, 100_000]) },
        14 => words("application/x-protobuf", b"\xff\xff\xff"),
        15 => words("text/html", b"<html>welcome</html>"),
        _ => Answer::Accept,
    }
}

/// Whether the receiver keeps what came.
pub(crate) fn takes_in(answer: &Answer) -> bool {
    ends_the_connection(answer)
        || matches!(answer, Answer::Accept | Answer::PartialSuccess { .. } | Answer::Endless)
        || matches!(answer, Answer::Slow { .. } | Answer::Words { .. })
}

/// Whether the sender may miss that this was an acceptance.
pub(crate) fn may_be_missed(answer: &Answer) -> bool {
    ends_the_connection(answer)
        || matches!(answer, Answer::Endless | Answer::Slow { .. } | Answer::Words { .. })
}

/// Whether what comes next over the same connection may lose its answer.
pub(crate) fn ends_the_connection(answer: &Answer) -> bool {
    matches!(answer, Answer::AcceptAndClose | Answer::GoAway)
}
