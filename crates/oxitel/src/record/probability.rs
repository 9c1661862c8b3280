//! Consistent probability sampling: 56 bits of randomness against a rejection threshold, both of
//! which travel in the trace state (`ot=rv:…;th:…`).

/// A share of all traces as a threshold: a trace is kept when its randomness reaches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Probability {
    share: f64,
    threshold: u64,
}

/// One more than the largest randomness.
const RANGE: u64 = 1 << 56;
/// Hexadecimal digits of a threshold: enough for any practical share, short on the wire.
const PRECISION: u32 = 4;

impl Probability {
    pub(crate) fn new(share: f64) -> Self {
        let exact = ((1.0 - share) * RANGE as f64).round() as u64;
        Self { share, threshold: rounded(exact) }
    }

    pub(crate) fn share(self) -> f64 {
        self.share
    }
}

/// To [`PRECISION`] digits behind those that are `f`: near 1, where shares are small, it is the
/// digits behind that count.
fn rounded(threshold: u64) -> u64 {
    let leading_ones = (threshold << 8).leading_ones() / 4;
    let digits = (leading_ones + PRECISION).min(14);
    let unit = 1_u64 << (56 - 4 * digits);
    let up = threshold.saturating_add(unit / 2) / unit * unit;
    if up >= RANGE { threshold / unit * unit } else { up }
}

#[cfg(feature = "otel")]
mod asked {
    use super::{Probability, RANGE};

    /// The name of our member in the trace state.
    const VENDOR: &str = "ot";
    /// How long our member's value may be, and how many members there may be.
    const MAX_VALUE: usize = 256;
    const MAX_MEMBERS: usize = 32;

    impl Probability {
        /// Whether to keep a trace, and the trace state that says so.
        pub(crate) fn decide(self, trace_low: u64, trace_state: &str) -> (bool, String) {
            let ours = value(trace_state);
            let explicit = ours.and_then(|value| sub_value(value, "rv")).and_then(randomness);
            let randomness = explicit.unwrap_or(trace_low & (RANGE - 1));
            // A threshold of the whole range would have no digits; it keeps nothing.
            let keep = self.threshold < RANGE && randomness >= self.threshold;
            let threshold = keep.then(|| digits(self.threshold));
            (keep, with_threshold(trace_state, threshold.as_deref()))
        }
    }

    /// Our member's value.
    fn value(trace_state: &str) -> Option<&str> {
        members(trace_state).find_map(|member| member.strip_prefix(VENDOR)?.strip_prefix('='))
    }

    fn members(trace_state: &str) -> impl Iterator<Item = &str> {
        trace_state.split(',').map(str::trim).filter(|member| !member.is_empty())
    }

    fn sub_value<'a>(value: &'a str, key: &str) -> Option<&'a str> {
        value.split(';').find_map(|pair| pair.strip_prefix(key)?.strip_prefix(':'))
    }

    /// Exactly 14 hexadecimal digits.
    fn randomness(text: &str) -> Option<u64> {
        let is_hex = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    }

    /// Without trailing zeros; 0 is one digit.
    fn digits(threshold: u64) -> String {
        let all = format!("{threshold:014x}");
        let kept = all.trim_end_matches('0');
        if kept.is_empty() { "0".to_owned() } else { kept.to_owned() }
    }

    /// The trace state with this threshold, or with none; our member comes first when it changes.
    fn with_threshold(trace_state: &str, threshold: Option<&str>) -> String {
        let ours = value(trace_state).unwrap_or("");
        let kept = ours.split(';').filter(|pair| !pair.is_empty() && !pair.starts_with("th:"));
        let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
        if let Some(threshold) = threshold {
            pairs.insert(0, format!("th:{threshold}"));
        }
        let changed = pairs.join(";");
        if changed == ours || changed.len() > MAX_VALUE {
            return trace_state.to_owned();
        }
        let is_other =
            |member: &&str| member.strip_prefix(VENDOR).is_none_or(|rest| !rest.starts_with('='));
        let own = (!changed.is_empty()).then(|| format!("{VENDOR}={changed}"));
        let others = members(trace_state).filter(is_other).map(str::to_owned);
        own.into_iter().chain(others).take(MAX_MEMBERS).collect::<Vec<_>>().join(",")
    }

    #[cfg(test)]
    mod tests {
        use super::Probability;
        use proptest::prelude::*;

        fn told(share: f64) -> String {
            Probability::new(share).decide(u64::MAX, "").1
        }

        #[test]
        fn thresholds_are_written_as_the_specification_writes_them() {
            assert_eq!(told(1.0), "ot=th:0");
            assert_eq!(told(0.5), "ot=th:8");
            assert_eq!(told(0.25), "ot=th:c");
            assert_eq!(told(1.0 / 3.0), "ot=th:aaab");
            assert_eq!(told(0.001), "ot=th:ffbe77");
            assert_eq!(Probability::new(0.0).decide(u64::MAX, "a=1"), (false, "a=1".to_owned()));
        }

        #[test]
        fn randomness_comes_from_the_trace_state_or_from_the_trace_id() {
            let half = Probability::new(0.5);
            let edge = 0x80_0000_0000_0000_u64;
            assert!(half.decide(edge, "").0 && !half.decide(edge - 1, "").0);
            assert!(half.decide(0xff << 56 | edge, "").0, "the upper byte does not count");
            let rv = |digits: &str| half.decide(0, &format!("x=1,ot=rv:{digits};p:1")).0;
            assert!(rv("80000000000000") && !rv("7fffffffffffff"));
            assert!(!rv("8"), "no randomness: the trace id's, which is 0 here");
        }

        #[test]
        fn other_members_stay_and_an_old_threshold_goes() {
            let half = Probability::new(0.5);
            let state = "a=1,ot=th:c;rv:90000000000000,b=2";
            assert_eq!(half.decide(0, state), (true, "ot=th:8;rv:90000000000000,a=1,b=2".into()));
            let rejected = half.decide(0, "a=1,ot=th:8,b=2");
            assert_eq!(rejected, (false, "a=1,b=2".into()), "what is not kept has no threshold");
            let many = (0..32).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
            let (_, state) = half.decide(u64::MAX, &many);
            assert!(state.starts_with("ot=th:8,k0=v") && state.ends_with("k30=v"), "{state}");
        }

        proptest! {
            #[test]
            fn a_larger_share_keeps_what_a_smaller_one_keeps(
                one in 0.0..1.0_f64,
                two in 0.0..1.0_f64,
                id: u64,
            ) {
                let (less, more) = (one.min(two), one.max(two));
                let keeps = |share| Probability::new(share).decide(id, "").0;
                prop_assert!(!keeps(less) || keeps(more));
            }

            #[test]
            fn any_trace_state_is_read(state in ".{0,80}", share in 0.0..1.0_f64) {
                let _ = Probability::new(share).decide(1, &state);
            }
        }
    }
}
