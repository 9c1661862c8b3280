//! When to try again: growing waits with jitter, and never before the receiver asked for.

use crate::pipeline::local::random;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// A receiver that asks for more is asked again after this: a header that is wrong by a few digits
/// would silence it for years.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// The waits between the attempts of one batch.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    attempts: u32,
}

impl Schedule {
    /// How long to wait now; `asked` is the receiver's own wish.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.attempts.min(10)).min(LONGEST);
        self.attempts += 1;
        // Half fixed, half random: retries of many processes do not arrive together.
        let share = (random() >> 11) as f64 / (1_u64 << 53) as f64;
        let backoff = ceiling.mul_f64(0.5 + share / 2.0);
        let asked = asked.filter(|asked| !asked.is_zero());
        asked.map_or(backoff, |asked| asked.min(LONGEST_SILENCE))
    }
}

/// `Retry-After` as seconds or as a date; a date in the past says nothing.
pub(super) fn retry_after(header: &str) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_SILENCE));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    let silence = date.duration_since(std::time::SystemTime::now()).ok();
    silence.map(|silence| silence.min(LONGEST_SILENCE))
}

#[cfg(test)]
mod tests {
    use super::{Schedule, retry_after};
    use std::time::{Duration, SystemTime};

    #[test]
    fn waits_grow_with_jitter_up_to_a_bound() {
        let mut schedule = Schedule::default();
        let waits: Vec<_> = (0..8).map(|_| schedule.next(None)).collect();
        assert!(waits[0] >= Duration::from_millis(100) && waits[0] < Duration::from_millis(200));
        assert!(waits[3] >= Duration::from_millis(800) && waits[3] < Duration::from_millis(1600));
        assert!(waits[7] >= Duration::from_millis(2500) && waits[7] < Duration::from_secs(5));
    }

    #[test]
    fn the_receivers_wish_comes_first_unless_it_is_already_over() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.next(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert!(schedule.next(Some(Duration::ZERO)) >= Duration::from_millis(200));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("3"), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("1000000000"), Some(Duration::from_secs(600)));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), None);
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
        let wait = retry_after(&date).expect("a date in the future");
        let far = retry_after("Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(far, Some(Duration::from_secs(600)));
        assert!(wait > Duration::from_secs(57) && wait <= Duration::from_secs(60), "{wait:?}");
    }
}
