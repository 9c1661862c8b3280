//! `propagators CODEC SECONDS [SEED]`: as many cases as fit into the time. The codec `json` is about
//! requests of OTLP, all others about headers.
//!
//! It ends with 1 at the first case that fails, and says by which number it comes back:
//! `propagators CODEC 0 SEED` runs that one alone. The headers are in a file then, which goes into
//! `fuzz/corpus` once the fault is mended.

use oxitel_fuzz::{Case, Codec, case, check};
use std::fs;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So much of what is wrong is said; headers can be long.
const MAX_SAID: usize = 500;

const USAGE: &str = "usage: propagators CODEC SECONDS [SEED]";

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

struct Arguments {
    codec: Codec,
    time: Duration,
    seed: u64,
}

fn arguments() -> Result<Arguments, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    let (codec, seconds, seed) = match &arguments[..] {
        [codec, seconds] => (codec, seconds, now()),
        [codec, seconds, seed] => (codec, seconds, number(seed)?),
        _ => return Err(USAGE.to_owned()),
    };
    let time = Duration::from_secs(number(seconds)?);
    Ok(Arguments { codec: codec.parse()?, time, seed })
}

/// Another start each time, where none was given.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let Arguments { codec, time, seed: first } = *arguments;
    let start = Instant::now();
    let (mut seed, mut bytes) = (first, 0);
    let mut slowest = (Duration::ZERO, first);
    loop {
        let case = case(codec, seed);
        let began = Instant::now();
        judge(codec, seed, &case)?;
        slowest = slowest.max((began.elapsed(), seed));
        bytes += case.bytes();
        seed = seed.wrapping_add(1);
        if start.elapsed() >= time {
            break;
        }
    }
    let (cases, name) = (seed.wrapping_sub(first), codec.name());
    println!(
        "{name}: {cases} cases, {bytes} bytes from seed {first} on, all well; \
         the slowest took {:?}: {name} 0 {}",
        slowest.0, slowest.1
    );
    Ok(())
}

fn judge(codec: Codec, seed: u64, case: &Case) -> Result<(), String> {
    let problem = match catch_unwind(|| check(codec, case)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(problem)) => problem,
        Err(_) => "it panicked".to_owned(),
    };
    let name = codec.name();
    let file = std::env::temp_dir().join(format!("oxitel-fuzz-{name}-{seed}.txt"));
    let kept = match fs::write(&file, case.to_string()) {
        Ok(()) => format!("the headers are in {}", file.display()),
        Err(error) => format!("the headers could not be written to {}: {error}", file.display()),
    };
    let problem: String = problem.chars().take(MAX_SAID).collect();
    Err(format!("{problem}\nagain: propagators {name} 0 {seed}\n{kept}"))
}
