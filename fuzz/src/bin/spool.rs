//! `spool SECONDS [SEED]`: as many broken spool files as fit into the time.
//!
//! It ends with 1 at the first one that is read in a wrong way, and says by which number it comes
//! back: `spool 0 SEED` runs that one alone.

use oxitel_fuzz::{check_spool, spool_case};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    match arguments().and_then(|(time, seed)| run(time, seed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(Duration, u64), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    let (seconds, seed) = match &arguments[..] {
        [seconds] => (seconds, now()),
        [seconds, seed] => (seconds, number(seed)?),
        _ => return Err("usage: spool SECONDS [SEED]".to_owned()),
    };
    Ok((Duration::from_secs(number(seconds)?), seed))
}

/// Another start each time, where none was given.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn run(time: Duration, first: u64) -> Result<(), String> {
    let (start, mut seed) = (Instant::now(), first);
    loop {
        let case = spool_case(seed);
        let judged = catch_unwind(|| check_spool(&case));
        let outcome = judged.unwrap_or_else(|_| Err("it panicked".to_owned()));
        outcome.map_err(|problem| format!("{problem}\nagain: spool 0 {seed}"))?;
        seed = seed.wrapping_add(1);
        if start.elapsed() >= time {
            break;
        }
    }
    println!("spool: {} cases from seed {first} on, all well", seed.wrapping_sub(first));
    Ok(())
}
