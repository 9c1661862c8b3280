//! What programs do at the borders of threads and processes. The first argument names it, the
//! second the front end of `tracing`: `layer` or `subscriber`.
//!
//! `destructors`: spans in destructors of thread-locals, with and without what the thread kept
//! before. `fork`: forks while other threads change the parent's spans through Contexts of the
//! OpenTelemetry API. `scopes`: more instrumentation scopes than a program has.

#![expect(unsafe_code, reason = "`fork` is")]

use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use oxitel::bridge::Activation;
use oxitel::{Config, Entered, Scope};
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("borders");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (what, front_end) = (arguments.next(), arguments.next());
    let config = Config::new("borders").activate_otel_context(Activation::On);
    let _guard = oxitel::init(config)?;
    match front_end.as_deref() {
        Some("layer") => {
            let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
            tracing::subscriber::set_global_default(subscriber)?;
        }
        Some("subscriber") => oxitel::bridge::subscriber().with_filter("info").try_init()?,
        other => return Err(format!("{other:?} is no front end").into()),
    }
    match what.as_deref() {
        Some("destructors") => destructors(),
        Some("fork") => (0..20).try_for_each(|_| fork_while_spans_change())?,
        Some("scopes") => scopes(),
        other => return Err(format!("{other:?} is nothing this program does").into()),
    }
    Ok(())
}

/// A thread-local whose destructor makes spans.
struct Last(&'static str);

impl Drop for Last {
    fn drop(&mut self) {
        let _entered = info_span!("of tracing", otel.name = self.0).entered();
        info!("said");
        drop(SCOPE.enter("direct"));
    }
}

thread_local! {
    static BEFORE_ALL: Last = const { Last("all is gone") };
    static BEFORE_API: Last = const { Last("the API's is gone") };
}

fn destructors() {
    let all = thread::spawn(|| {
        // Made first, dropped last: ours and the API's are gone by then.
        BEFORE_ALL.with(|_| ());
        drop(Context::current());
        drop(SCOPE.enter("before"));
    });
    all.join().expect("no panic");
    let api = thread::spawn(|| {
        // Ours is made in the destructor, when the API's is gone.
        BEFORE_API.with(|_| ());
        drop(Context::current());
    });
    api.join().expect("no panic");
}

/// Threads change spans of the parent while it forks; the child owns copies of them.
fn fork_while_spans_change() -> io::Result<()> {
    let mut direct = SCOPE.enter("direct");
    let of_tracing = info_span!("of tracing", child = tracing::field::Empty);
    let of_tracing = of_tracing.entered();
    let context = Context::current();
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        for key in ["a", "b"] {
            let (context, stop) = (context.clone(), &stop);
            threads.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    context.span().set_attribute(KeyValue::new(key, true));
                }
            });
        }
        let forked = fork(|| child(&mut direct));
        stop.store(true, Ordering::Relaxed);
        forked
    })?;
    drop(of_tracing);
    direct.set_attribute("whole", true);
    Ok(())
}

/// Changes and ends its copies as their owner, and records on its own.
fn child(direct: &mut Entered) {
    direct.set_attribute("in the child", true);
    tracing::Span::current().record("child", true);
    let _entered = info_span!("in the child").entered();
    Context::current().span().set_attribute(KeyValue::new("reached", true));
    drop(SCOPE.enter("direct in the child"));
    let tracer = global::tracer("in the child");
    tracer.in_span("of the API in the child", |_| {});
}

fn fork(child: impl FnOnce()) -> io::Result<()> {
    // SAFETY: the child uses the engine and the allocator only, which survive a fork, and exits.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: a child that hangs is ended by its alarm.
            unsafe { libc::alarm(10) };
            child();
            let flushed = oxitel::flush(Duration::from_secs(5));
            // SAFETY: ends the process at once, without the parent's destructors.
            unsafe { libc::_exit(i32::from(flushed.is_err())) }
        }
        pid => wait(pid),
    }
}

fn wait(pid: i32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the status is ours.
    if unsafe { libc::waitpid(pid, &raw mut status, 0) } != pid {
        return Err(io::Error::last_os_error());
    }
    if status == 0 { Ok(()) } else { Err(io::Error::other(format!("the child: {status:#x}"))) }
}

fn scopes() {
    for number in 0..5_000 {
        drop(global::tracer(format!("library {number}")).start("span"));
    }
    drop(global::tracer("library 7").start("known"));
}
