//! The host's runtime is never needed, and never in the way.

use crate::session::{PATIENCE, Session};
use oxitel::Scope;
use tokio::runtime::{Builder, Runtime};

static SCOPE: Scope = Scope::new("runtimes");

fn record_hundred() {
    for _ in 0..100 {
        drop(SCOPE.span("record"));
    }
}

fn delivered(session: &Session) {
    assert_eq!(session.receiver.spans().len(), 100);
    session.verify();
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn on_a_current_thread_runtime_a_flush_delivers_100_of_100() {
    let session = Session::start();
    current_thread().block_on(async {
        record_hundred();
        assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    });
    delivered(&session);
}

#[test]
fn on_a_single_worker_a_flush_inside_a_task_delivers() {
    let session = Session::start();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let task = runtime.spawn(async {
        record_hundred();
        oxitel::flush(PATIENCE)
    });
    assert_eq!(runtime.block_on(task).expect("no panic"), Ok(()));
    delivered(&session);
}

#[test]
fn inside_spawn_blocking_a_shutdown_delivers() {
    let session = Session::start();
    current_thread().block_on(async {
        let blocking = tokio::task::spawn_blocking(|| {
            record_hundred();
            oxitel::shutdown(PATIENCE)
        });
        assert_eq!(blocking.await.expect("no panic"), Ok(()));
    });
    delivered(&session);
}

#[test]
fn a_runtime_that_is_gone_first_is_not_missed() {
    let session = Session::start();
    let runtime = current_thread();
    runtime.block_on(async { record_hundred() });
    drop(runtime);
    assert_eq!(oxitel::shutdown(PATIENCE), Ok(()));
    delivered(&session);
}

#[test]
fn without_any_runtime_it_works_as_well() {
    let session = Session::start();
    record_hundred();
    assert_eq!(oxitel::flush(PATIENCE), Ok(()));
    delivered(&session);
}
