//! The sender: one thread with a runtime of its own, never the host's.
//!
//! Flow: record -> chunk -> queue -> **send**. `dispatch` is what it does all the time, `outlet`
//! what it does for each exporter. What it gives up, it counts.

use super::dispatch::Session;
use super::engine::Engine;
use super::parcel::Parcel;
use super::settings::Settings;
use super::thread;
use crate::context;
use crate::diagnose::{self, Cause};
use crate::export::{Outcome, SignalKind};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub(super) fn spawn(engine: &'static Engine, settings: &'static Settings) -> io::Result<()> {
    thread::spawn(c"oxitel-send", move || {
        let _ended = ReportEnd(engine);
        if let Some(runtime) = runtime(engine) {
            run(&runtime, engine, settings);
            // A resolver that hangs must not hold the thread.
            runtime.shutdown_background();
        }
    })
}

/// Works until the engine ends; a panic does not end it.
fn run(runtime: &Runtime, engine: &'static Engine, settings: &'static Settings) {
    let mut session = runtime.block_on(async { Session::open(engine, settings) });
    let mut work = || runtime.block_on(session.work());
    while catch_unwind(AssertUnwindSafe(&mut work)).is_err() {
        diagnose::warn(Cause::Panic, &"the sender panicked and starts again; please report it");
    }
}

/// Tells those who wait, also when the thread unwinds.
struct ReportEnd(&'static Engine);

impl Drop for ReportEnd {
    fn drop(&mut self) {
        for lane in SignalKind::ALL.map(|signal| self.0.lane(signal)) {
            for buffer in lane.take_all() {
                Parcel::new(buffer, lane, 1).settle(Outcome::ShutdownDeadline);
            }
        }
        self.0.control.ended();
    }
}

/// The thread's runtime; out of descriptors, it is tried again until there are some or the
/// engine ends.
fn runtime(engine: &Engine) -> Option<Runtime> {
    loop {
        let mut builder = Builder::new_current_thread();
        // The helper, too, records nothing.
        builder.enable_all().max_blocking_threads(1).on_thread_start(context::suppress_thread);
        let built = builder.build();
        engine.control.sender_is_ready();
        match built {
            Ok(runtime) => return Some(runtime),
            Err(error) => {
                diagnose::warn(Cause::NoRuntime, &format_args!("cannot send yet: {error}"));
                if engine.control.stop_asked_within(Duration::from_secs(1)) {
                    return None;
                }
            }
        }
    }
}
