//! Exporters in a process of their own. `exporters tree`: one small trace, to wherever the
//! environment says. `exporters files FOLDER`: two traces into files, and one of a forked child.
//! `exporters memory`: a forked child asks for the parent's requests in memory.

#![expect(unsafe_code, reason = "`fork` is")]

use oxitel::export::Memory;
use oxitel::{Config, Kind, Scope, Status};
use std::error::Error;
use std::io;
use std::time::Duration;

static SCOPE: Scope = Scope::new("exporters");
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tree"] => tree(),
        ["files", folder] => files(folder),
        ["memory"] => memory(),
        _ => Err(format!("{arguments:?}: see the first lines of the source").into()),
    }
}

fn tree() -> Result<(), Box<dyn Error>> {
    let _guard = oxitel::init(Config::new("exporters"))?;
    let mut order = SCOPE.build("order").kind(Kind::Server).enter();
    order.set_attribute("order.items", 3);
    drop(SCOPE.enter("reserve"));
    SCOPE.enter("charge").set_status(Status::Error("card declined"));
    Ok(())
}

fn files(folder: &str) -> Result<(), Box<dyn Error>> {
    let _guard = oxitel::init(Config::new("exporters").files(folder))?;
    drop(SCOPE.span("before the fork"));
    oxitel::flush(PATIENCE)?;
    fork(|| {
        drop(SCOPE.span("in the child"));
        oxitel::flush(PATIENCE).is_ok()
    })?;
    drop(SCOPE.span("after the fork"));
    Ok(())
}

fn memory() -> Result<(), Box<dyn Error>> {
    let memory = Memory::new();
    let _guard = oxitel::init(Config::new("exporters").memory(&memory))?;
    drop(SCOPE.span("before the fork"));
    oxitel::flush(PATIENCE)?;
    fork(|| {
        drop(SCOPE.span("in the child"));
        // Nobody takes it, and that is told.
        oxitel::flush(PATIENCE).is_err() && memory.requests().is_empty()
    })?;
    println!("{} records in memory", memory.records());
    Ok(())
}

/// Runs the function in a child, which ends well if it says `true`.
fn fork(child: impl FnOnce() -> bool) -> Result<(), Box<dyn Error>> {
    // SAFETY: the child calls `child`, which is ours, and leaves.
    let id = unsafe { libc::fork() };
    match id {
        -1 => Err(io::Error::last_os_error().into()),
        0 => std::process::exit(i32::from(!child())),
        _ => {
            let mut status = 0;
            // SAFETY: our own child, and a valid pointer.
            let waited = unsafe { libc::waitpid(id, &raw mut status, 0) };
            let is_well = waited == id && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            if is_well { Ok(()) } else { Err("the child did not end well".into()) }
        }
    }
}
