//! In its steady state a recording thread allocates nothing.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use http::{HeaderMap, Request, Response};
use http_body_util::Empty;
use oxitel::middleware::HttpServerLayer;
use oxitel::testing::{Answer, Receiver};
use oxitel::{Config, Scope, Value};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static SCOPE: Scope = Scope::new("no allocation");

fn trace(number: i64) {
    let mut root = SCOPE.enter("root");
    root.set_attribute("number", number).set_attribute("text", "a value of some length");
    for step in 0..10 {
        let mut child = SCOPE.enter("child");
        child.set_attribute("step", step).set_attribute("text", "first");
        child.set_attribute("text", "and then another");
        child.add_event("event", &[("key", Value::Bool(true))]);
    }
    root.set_attribute("late", true);
}

/// A burst fills several chunks, so the hand-over to the sender is part of what is measured.
fn burst() {
    for number in 0..500 {
        trace(number);
    }
}

/// Serves a request, and says how many allocations it made for that.
fn serve(layer: &HttpServerLayer, headers: HeaderMap) -> u64 {
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    let before = ALLOCATIONS.get();
    let answer = || Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new()));
    {
        let mut served = pin!(layer.handle(request, |_| std::future::ready(answer())));
        let polled = served.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_recording_thread_allocates_nothing_in_its_steady_state() {
    let receiver = Receiver::start();
    let config = Config::default().endpoint(receiver.endpoint());
    let guard = oxitel::init(config).expect("telemetry starts");
    let flush = || oxitel::flush(Duration::from_secs(10)).expect("delivered");
    // While the first request waits for its second attempt, the rest of the burst queues up:
    // no later burst needs more buffers than this one.
    receiver.script([Answer::Status(503)]);
    for _ in 0..3 {
        burst();
        flush();
    }
    let before = ALLOCATIONS.get();
    burst();
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations for 5,500 spans");
    flush();
    assert_eq!(receiver.spans().len(), 4 * 5_500);

    let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let header = ("traceparent".parse().expect("a name"), unsampled.parse().expect("a value"));
    let layer = HttpServerLayer::new().route(|_| unreachable!("nobody asks for it"));
    serve(&layer, HeaderMap::from_iter([header.clone()]));
    let allocations = serve(&layer, HeaderMap::from_iter([header]));
    assert_eq!(allocations, 0, "allocations for a request that is not sampled");
    drop(guard);
}
