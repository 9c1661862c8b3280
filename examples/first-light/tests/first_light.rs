//! The whole sample as a stranger runs it: three processes, one trace, nothing lost.

mod process;

use std::time::Duration;

use process::{Ledger, Process, closed_port};

/// The time that a process has to end in; the engine's own limit is 2 seconds.
const END_LIMIT: Duration = Duration::from_millis(2_500);

struct Shop {
    receiver: Process,
    back: Process,
}

impl Shop {
    fn open() -> Shop {
        let receiver = Process::start(&["receiver"], "");
        let back = Process::start(&["back"], receiver.endpoint());
        Shop { receiver, back }
    }

    fn front(&self, arguments: &[&str]) -> Process {
        let fixed = ["front", "--back", self.back.endpoint()];
        Process::start_silent(&[&fixed, arguments].concat(), self.receiver.endpoint())
    }
}

#[test]
fn an_order_is_one_trace_over_two_processes() {
    let mut shop = Shop::open();
    let mut front = shop.front(&["--orders", "3", "--rate", "50"]);
    let sent = front.end_by_itself(Duration::from_secs(10));
    let done = shop.back.end("-TERM", END_LIMIT);
    assert_eq!(sent, Ledger { recorded: 9, delivered: 9, ..Ledger::default() });
    assert_eq!(done, Ledger { recorded: 9, delivered: 9, ..Ledger::default() });
    insta::assert_snapshot!(shop.receiver.get("/tree"), @r"
    front: order (internal) order.number=3 order.item=shutter order.quantity=4
      front: price (internal) price.cents=36176
      front: reserve (client) http.request.method=POST url.path=/reserve http.response.status_code=200
        back: POST /reserve (server) http.request.method=POST url.path=/reserve http.response.status_code=200
          back: read stock (internal) stock.item=shutter stock.left=100
          back: write journal (internal) journal.bytes=53
    ");
    let summary = shop.receiver.summary();
    assert_eq!((summary.traces, summary.spans), (3, 18));
    assert_eq!(summary.services, ["back", "front"]);
    let latest = summary.latest.expect("a latest trace");
    assert_eq!((latest.spans, latest.services, latest.complete), (6, 2, true));
    shop.receiver.end_without_ledger("-TERM", END_LIMIT);
}

#[test]
fn processes_that_are_asked_to_end_deliver_what_they_have() {
    let mut shop = Shop::open();
    let mut front = shop.front(&["--rate", "20"]);
    shop.receiver.wait_for_complete_trace(Duration::from_secs(10));
    let sent = front.end("-TERM", END_LIMIT);
    let done = shop.back.end("-INT", END_LIMIT);
    for ledger in [sent, done] {
        let all =
            Ledger { recorded: ledger.recorded, delivered: ledger.recorded, ..Ledger::default() };
        assert_eq!(ledger, all);
    }
    let summary = shop.receiver.summary();
    assert_eq!(summary.spans, sent.delivered + done.delivered);
    assert_eq!(summary.spans, summary.traces * 6);
    shop.receiver.end_without_ledger("-INT", END_LIMIT);
}

#[test]
fn without_a_receiver_the_shop_works_and_every_loss_is_counted() {
    let nobody = closed_port();
    let mut back = Process::start(&["back"], &nobody);
    let arguments = ["front", "--back", back.endpoint(), "--orders", "3", "--rate", "50"];
    let mut front = Process::start_silent(&arguments, &nobody);
    let sent = front.end_by_itself(Duration::from_secs(10));
    let done = back.end("-TERM", END_LIMIT);
    assert_eq!(sent, Ledger { recorded: 9, dropped: 9, ..Ledger::default() });
    assert_eq!(done, Ledger { recorded: 9, dropped: 9, ..Ledger::default() });
}
