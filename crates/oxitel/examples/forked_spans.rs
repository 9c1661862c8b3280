//! `tracing` spans that are alive across a fork. `forked_spans layer` or `forked_spans
//! subscriber`: another thread of the parent is busy with its spans at every fork, and each child
//! uses those of the parent and its own.

#![expect(unsafe_code, reason = "`fork` is")]

use oxitel::Config;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tracing::{Span, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

const CHILDREN: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _guard = oxitel::init(Config::new("forked spans"))?;
    if std::env::args().nth(1).as_deref() == Some("layer") {
        let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
        tracing::subscriber::set_global_default(subscriber)?;
    } else {
        oxitel::bridge::subscriber().try_init()?;
    }
    let entered = info_span!("entered before", late = tracing::field::Empty).entered();
    let mut waiting = Some(info_span!("made before"));
    // One that the parent's other thread works on without a pause.
    let busy = info_span!("busy", round = tracing::field::Empty);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for round in 0..100_u64 {
                    busy.record("round", round);
                    busy.in_scope(|| {});
                    drop(busy.clone());
                }
                busy.in_scope(|| drop(info_span!("below busy")));
                thread::sleep(Duration::from_micros(200));
            }
        });
        let forked = (0..CHILDREN).try_for_each(|_| fork(|| in_child(&mut waiting, &busy)));
        done.store(true, Ordering::Relaxed);
        forked
    })?;
    drop(entered);
    Ok(())
}

fn in_child(waiting: &mut Option<Span>, busy: &Span) {
    Span::current().record("late", "only in the child's copy");
    info!("only in the child's copy");
    info_span!("below the entered one").in_scope(|| info!("an event"));
    if let Some(waiting) = waiting.take() {
        waiting.record("late", true);
        waiting.in_scope(|| drop(info_span!("below the waiting one")));
        drop(waiting.clone());
    }
    // The other thread may have held its lock at the fork: it is not waited for.
    busy.record("round", 0_u64);
    busy.in_scope(|| {});
    drop(busy.clone());
    for _ in 0..100 {
        info_span!(parent: None, "many").in_scope(|| {});
    }
}

/// Runs `child` in a forked process that then exits, and waits for it, ten seconds at most.
fn fork(child: impl FnOnce()) -> io::Result<()> {
    // SAFETY: the child only records and exits, as programs with forked workers do.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: a child that hangs is ended by its alarm.
            unsafe { libc::alarm(10) };
            child();
            std::process::exit(0);
        }
        pid => {
            let mut status = 0;
            // SAFETY: the pointer is valid for the call.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            if status == 0 { Ok(()) } else { Err(io::Error::other(format!("child: {status:#x}"))) }
        }
    }
}
