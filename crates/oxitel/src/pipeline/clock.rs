//! Wall-clock times that cost one counter read, and durations that a clock jump cannot bend.
//!
//! An *anchor* pairs a monotonic counter with the wall clock and is renewed every second by
//! whoever reads the clock next. The counter is the CPU's time-stamp counter where the kernel
//! itself trusts it, else `CLOCK_MONOTONIC`. A span keeps the counter value of its start, so its
//! end is start plus elapsed counter. `OXITEL_CLOCK=system` reads the wall clock every time.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a reading comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Source {
    System,
    Monotonic,
    TimeStampCounter,
    /// Tests: every reading is one step later than the one before.
    Fixed,
}

/// The start of something: wall time, and the counter to measure its length with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) wall_ns: u64,
    ticks: u64,
    source: Source,
}

impl Stamp {
    /// A start that the caller names; its end must be named too, or is taken from the wall clock.
    pub(crate) fn at(wall_ns: u64) -> Self {
        Self { wall_ns, ticks: wall_ns, source: Source::System }
    }

    pub(crate) const ZERO: Self = Self { wall_ns: 0, ticks: 0, source: Source::System };

    /// The wall time now, never before the start.
    #[inline]
    pub(crate) fn end_ns(&self) -> u64 {
        let ticks = ticks_of(self.source);
        let elapsed = ticks.saturating_sub(self.ticks);
        match self.source {
            Source::TimeStampCounter => {
                self.wall_ns + scale(elapsed, ANCHOR.multiplier.load(Ordering::Relaxed))
            }
            Source::System | Source::Monotonic | Source::Fixed => self.wall_ns + elapsed,
        }
    }
}

/// A start stamp for now.
#[inline]
pub(crate) fn now() -> Stamp {
    match ANCHOR.read() {
        Some(stamp) => stamp,
        None => slow_now(),
    }
}

/// Chooses the clock; called by `init` before anything records.
pub(crate) fn start() {
    let system = std::env::var("OXITEL_CLOCK").is_ok_and(|value| value == "system");
    let mode = if system {
        Mode::System
    } else if kernel_trusts_tsc() {
        Mode::TimeStampCounter
    } else {
        Mode::Monotonic
    };
    MODE.store(mode as u8, Ordering::Relaxed);
    ANCHOR.invalidate();
}

/// Tests: from now on the clock reads `start_ns`, `start_ns + step_ns`, …
#[cfg(feature = "testing")]
pub(crate) fn fix(start_ns: u64, step_ns: u64) {
    FIXED_NEXT_NS.store(start_ns, Ordering::Relaxed);
    FIXED_STEP_NS.store(step_ns, Ordering::Relaxed);
    MODE.store(Mode::Fixed as u8, Ordering::Relaxed);
    ANCHOR.invalidate();
}

/// Repairs what a fork may have cut in half: an anchor whose writer is gone.
pub(crate) fn after_fork() {
    ANCHOR.invalidate();
}

/// Nanoseconds since 1970; a time before is 1970.
pub(crate) fn wall_ns_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn wall_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos() as u64)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    System,
    Monotonic,
    TimeStampCounter,
    Fixed,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Monotonic as u8);
static FIXED_NEXT_NS: AtomicU64 = AtomicU64::new(0);
static FIXED_STEP_NS: AtomicU64 = AtomicU64::new(0);

static ANCHOR: Anchor = Anchor {
    sequence: AtomicU32::new(0),
    writing: AtomicBool::new(false),
    source: AtomicU8::new(Source::System as u8),
    wall_ns: AtomicU64::new(0),
    ticks: AtomicU64::new(0),
    valid_ticks: AtomicU64::new(0),
    multiplier: AtomicU64::new(0),
    counter: AtomicU64::new(0),
    monotonic_ns: AtomicU64::new(0),
};

const VALID: Duration = Duration::from_secs(1);
/// How long the first anchor watches the counter before it trusts its rate.
const CALIBRATION: Duration = Duration::from_millis(20);

/// A sequence lock: readers retry nowhere, they take the slow road when a write is under way.
#[derive(Debug)]
struct Anchor {
    /// Even: stable. A reader that saw the same even number before and after read one anchor.
    sequence: AtomicU32,
    writing: AtomicBool,
    source: AtomicU8,
    wall_ns: AtomicU64,
    ticks: AtomicU64,
    /// The anchor holds for so many ticks; 0 means there is none.
    valid_ticks: AtomicU64,
    /// Nanoseconds per tick of the time-stamp counter, as a fraction of 2^32; 0: not known yet.
    multiplier: AtomicU64,
    /// Both counters when the anchor was set: what the rate is computed from.
    counter: AtomicU64,
    monotonic_ns: AtomicU64,
}

impl Anchor {
    #[inline]
    fn read(&self) -> Option<Stamp> {
        let sequence = self.sequence.load(Ordering::Acquire);
        let tsc = self.source.load(Ordering::Relaxed) == Source::TimeStampCounter as u8;
        let base_ns = self.wall_ns.load(Ordering::Relaxed);
        let base_ticks = self.ticks.load(Ordering::Relaxed);
        let valid = self.valid_ticks.load(Ordering::Relaxed);
        let multiplier = self.multiplier.load(Ordering::Relaxed);
        // Acquire fence: the loads above may not sink below the check.
        fence(Ordering::Acquire);
        if sequence % 2 == 1 || self.sequence.load(Ordering::Relaxed) != sequence || valid == 0 {
            return None;
        }
        let source = if tsc { Source::TimeStampCounter } else { Source::Monotonic };
        let ticks = ticks_of(source);
        let elapsed = ticks.wrapping_sub(base_ticks);
        if elapsed > valid {
            return None;
        }
        let elapsed_ns = if tsc { scale(elapsed, multiplier) } else { elapsed };
        Some(Stamp { wall_ns: base_ns + elapsed_ns, ticks, source })
    }

    /// Sets a new anchor, unless another thread is at it.
    fn renew(&self, tsc_wanted: bool) {
        if self.writing.swap(true, Ordering::Acquire) {
            return;
        }
        let Readings { counter, monotonic_ns, wall_ns } = Readings::together();
        let multiplier = if tsc_wanted { self.rate(counter, monotonic_ns) } else { None };

        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence | 1, Ordering::Relaxed);
        // Release fence: the odd number is seen before any of the stores below.
        fence(Ordering::Release);
        let (source, ticks, valid) = match multiplier {
            Some(multiplier) => {
                self.multiplier.store(multiplier, Ordering::Relaxed);
                let valid = ((VALID.as_nanos()) << 32) / u128::from(multiplier);
                (Source::TimeStampCounter, counter, valid as u64)
            }
            None if tsc_wanted => (Source::Monotonic, monotonic_ns, CALIBRATION.as_nanos() as u64),
            None => (Source::Monotonic, monotonic_ns, VALID.as_nanos() as u64),
        };
        self.source.store(source as u8, Ordering::Relaxed);
        self.wall_ns.store(wall_ns, Ordering::Relaxed);
        self.ticks.store(ticks, Ordering::Relaxed);
        self.valid_ticks.store(valid, Ordering::Relaxed);
        self.counter.store(counter, Ordering::Relaxed);
        self.monotonic_ns.store(monotonic_ns, Ordering::Relaxed);
        self.sequence.store((sequence | 1).wrapping_add(1), Ordering::Release);
        self.writing.store(false, Ordering::Release);
    }

    /// Nanoseconds per tick since the last anchor, once that is long enough ago to tell.
    fn rate(&self, counter: u64, monotonic_ns: u64) -> Option<u64> {
        if self.valid_ticks.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let elapsed_ns = monotonic_ns.checked_sub(self.monotonic_ns.load(Ordering::Relaxed))?;
        let elapsed_ticks = counter.checked_sub(self.counter.load(Ordering::Relaxed))?;
        if u128::from(elapsed_ns) < CALIBRATION.as_nanos() || elapsed_ticks == 0 {
            return None;
        }
        let rate = (u128::from(elapsed_ns) << 32) / u128::from(elapsed_ticks);
        u64::try_from(rate).ok().filter(|rate| *rate > 0)
    }

    fn invalidate(&self) {
        self.valid_ticks.store(0, Ordering::Relaxed);
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store((sequence | 1).wrapping_add(1), Ordering::Release);
        self.writing.store(false, Ordering::Release);
    }
}

/// All three clocks at one moment.
struct Readings {
    counter: u64,
    monotonic_ns: u64,
    wall_ns: u64,
}

impl Readings {
    /// Read again when the thread lost its processor in between: the next second of times would
    /// carry the gap.
    fn together() -> Self {
        const CLOSE_NS: u64 = 20_000;
        let mut attempts = 3;
        loop {
            let before_ns = monotonic_ns();
            let (counter, wall_ns) = (counter(), wall_ns());
            attempts -= 1;
            if monotonic_ns() - before_ns < CLOSE_NS || attempts == 0 {
                return Self { counter, monotonic_ns: before_ns, wall_ns };
            }
        }
    }
}

#[cold]
#[inline(never)]
fn slow_now() -> Stamp {
    let mode = MODE.load(Ordering::Relaxed);
    if mode == Mode::Fixed as u8 {
        let ticks = ticks_of(Source::Fixed);
        return Stamp { wall_ns: ticks, ticks, source: Source::Fixed };
    }
    if mode != Mode::System as u8 {
        ANCHOR.renew(mode == Mode::TimeStampCounter as u8);
        if let Some(stamp) = ANCHOR.read() {
            return stamp;
        }
    }
    Stamp::at(wall_ns())
}

#[inline(always)]
fn ticks_of(source: Source) -> u64 {
    match source {
        Source::TimeStampCounter => counter(),
        Source::Monotonic => monotonic_ns(),
        Source::System => wall_ns(),
        Source::Fixed => {
            FIXED_NEXT_NS.fetch_add(FIXED_STEP_NS.load(Ordering::Relaxed), Ordering::Relaxed)
        }
    }
}

#[inline(always)]
fn scale(ticks: u64, multiplier: u64) -> u64 {
    ((u128::from(ticks) * u128::from(multiplier)) >> 32) as u64
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: the instruction exists on every x86-64 CPU and touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn counter() -> u64 {
    0
}

#[cfg(unix)]
#[inline]
fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(not(unix))]
fn monotonic_ns() -> u64 {
    wall_ns()
}

/// Whether the kernel itself keeps time by the counter: then it is constant and the same on all
/// cores. A virtual machine that may move to another host says something else here.
fn kernel_trusts_tsc() -> bool {
    const CURRENT: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    cfg!(all(target_arch = "x86_64", target_os = "linux"))
        && std::fs::read_to_string(CURRENT).is_ok_and(|name| name.trim() == "tsc")
}

#[cfg(test)]
mod tests {
    use super::{ANCHOR, Source, now, start, wall_ns};
    use std::time::{Duration, Instant};

    #[test]
    fn readings_follow_the_wall_clock_across_renewed_anchors() {
        start();
        let begun = Instant::now();
        let mut sources = Vec::new();
        while begun.elapsed() < Duration::from_millis(1_300) {
            let (before, stamp, after) = (wall_ns(), now(), wall_ns());
            let slack = 1_000_000;
            assert!(
                stamp.wall_ns + slack >= before && stamp.wall_ns <= after + slack,
                "{} is not between {before} and {after}",
                stamp.wall_ns
            );
            let end = stamp.end_ns();
            assert!(end >= stamp.wall_ns && end - stamp.wall_ns < 1_000_000_000);
            if sources.last() != Some(&stamp.source) {
                sources.push(stamp.source);
            }
            std::thread::yield_now();
        }
        assert_ne!(sources.last(), Some(&Source::System));
        ANCHOR.invalidate();
        assert_ne!(now().source, Source::System, "a lost anchor is set again");
    }
}
