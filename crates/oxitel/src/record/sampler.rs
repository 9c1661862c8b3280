//! Which traces are kept. The decision falls once, at the root, and travels with the context.

/// The samplers of the OpenTelemetry specification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    parent_based: bool,
    root: Root,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Root {
    On,
    Off,
    /// Keeps trace ids whose lower 63 bits are below the bound.
    Below(u64),
}

impl Default for Sampler {
    fn default() -> Self {
        Self::always_on().parent_based()
    }
}

impl Sampler {
    /// Keeps every span.
    pub const fn always_on() -> Self {
        Self { parent_based: false, root: Root::On }
    }

    /// Keeps none.
    pub const fn always_off() -> Self {
        Self { parent_based: false, root: Root::Off }
    }

    /// Keeps this share of all traces, the same ones in every process. Below 0 is 0, above 1 is
    /// 1, and what is no number keeps everything.
    pub fn ratio(ratio: f64) -> Self {
        let root = if ratio >= 1.0 || ratio.is_nan() {
            Root::On
        } else {
            Root::Below((ratio.max(0.0) * (1_u64 << 63) as f64) as u64)
        };
        Self { parent_based: false, root }
    }

    /// Asks this sampler for root spans only; a child follows its parent.
    #[must_use]
    pub const fn parent_based(self) -> Self {
        Self { parent_based: true, ..self }
    }

    #[cfg(feature = "otel")]
    pub(crate) fn is_parent_based(&self) -> bool {
        self.parent_based
    }

    /// `parent` is the parent's decision, if there is a parent.
    #[cfg(any(feature = "otel", test))]
    #[inline(always)]
    pub(crate) fn keeps(&self, parent: Option<bool>, trace_low: u64) -> bool {
        match (parent, self.root) {
            (Some(sampled), _) if self.parent_based => sampled,
            (_, Root::On) => true,
            (_, Root::Off) => false,
            (_, Root::Below(bound)) => trace_low >> 1 < bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;

    fn kept(sampler: Sampler, parent: Option<bool>) -> usize {
        (0..10_000_u64)
            .filter(|i| sampler.keeps(parent, i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .count()
    }

    #[test]
    fn a_ratio_keeps_its_share_and_a_larger_one_keeps_the_same_traces_too() {
        assert_eq!(kept(Sampler::ratio(0.0), None), 0);
        assert!((900..1100).contains(&kept(Sampler::ratio(0.1), None)));
        assert_eq!(kept(Sampler::ratio(1.0), None), 10_000);
        assert_eq!(kept(Sampler::ratio(f64::NAN), None), 10_000);
        for id in (0..10_000_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let (tenth, half) = (Sampler::ratio(0.1), Sampler::ratio(0.5));
            assert!(!tenth.keeps(None, id) || half.keeps(None, id));
        }
    }

    #[test]
    fn children_follow_the_parent_only_when_asked_to() {
        let off = Sampler::always_off();
        assert_eq!(kept(off.parent_based(), Some(true)), 10_000);
        assert_eq!(kept(off, Some(true)), 0);
        assert_eq!(kept(Sampler::always_on().parent_based(), Some(false)), 0);
    }
}
