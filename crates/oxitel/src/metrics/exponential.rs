//! Base-2 exponential histograms: buckets that grow by the factor 2^(2^-scale), and a scale that
//! fits itself to the values.

use std::f64::consts::LOG2_E;

/// One histogram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exponential {
    max_size: u32,
    max_scale: i8,
    pub(crate) scale: i8,
    pub(crate) zeros: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
}

/// The buckets on one side of zero, from `offset` on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Side {
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

impl Exponential {
    pub(crate) fn new(max_size: u32, max_scale: i8) -> Self {
        Self {
            max_size,
            max_scale,
            scale: max_scale,
            zeros: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            positive: Side::default(),
            negative: Side::default(),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.zeros + self.positive.count() + self.negative.count()
    }

    /// Counts a value. No bucket holds an infinity or a NaN: it is left out.
    pub(crate) fn record(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if value == 0.0 {
            self.zeros += 1;
            return;
        }
        let index = index(value.abs(), self.scale);
        let max_size = self.max_size;
        let too_fine = self.side(value < 0.0).excess(index, index, max_size);
        self.coarsen(too_fine);
        let index = index >> too_fine;
        self.side(value < 0.0).add(index, 1);
    }

    /// What was counted; it begins from nothing.
    pub(crate) fn take(&mut self) -> Option<Self> {
        if self.zeros == 0 && self.has_no_buckets() {
            return None;
        }
        Some(std::mem::replace(self, Self::new(self.max_size, self.max_scale)))
    }

    /// Adds what another one counted, at the coarser of both scales or at one where all fits.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.zeros += other.zeros;
        if self.has_no_buckets() {
            self.scale = self.scale.min(other.scale);
        } else if other.scale < self.scale && !other.has_no_buckets() {
            self.coarsen(u32::from(self.scale.abs_diff(other.scale)));
        }
        for is_negative in [false, true] {
            self.merge_side(is_negative, other);
        }
    }

    fn has_no_buckets(&self) -> bool {
        self.positive.counts.is_empty() && self.negative.counts.is_empty()
    }

    fn merge_side(&mut self, is_negative: bool, other: &Self) {
        let theirs = if is_negative { &other.negative } else { &other.positive };
        if theirs.counts.is_empty() {
            return;
        }
        let shift = u32::from(other.scale.abs_diff(self.scale));
        let (first, last) = (theirs.offset >> shift, theirs.last() >> shift);
        let max_size = self.max_size;
        let too_fine = self.side(is_negative).excess(first, last, max_size);
        self.coarsen(too_fine);
        let shift = shift + too_fine;
        let side = self.side(is_negative);
        side.make_room(first >> too_fine, last >> too_fine);
        for (number, count) in theirs.counts.iter().enumerate() {
            if *count > 0 {
                side.add((theirs.offset + number as i32) >> shift, *count);
            }
        }
    }

    fn side(&mut self, is_negative: bool) -> &mut Side {
        if is_negative { &mut self.negative } else { &mut self.positive }
    }

    /// Makes both sides coarser by so many scales.
    fn coarsen(&mut self, by: u32) {
        if by > 0 {
            self.scale -= by as i8;
            self.positive.coarsen(by);
            self.negative.coarsen(by);
        }
    }
}

impl Side {
    fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn last(&self) -> i32 {
        self.offset + self.counts.len() as i32 - 1
    }

    /// By how many scales it has to become coarser to hold these buckets too.
    fn excess(&self, first: i32, last: i32, max_size: u32) -> u32 {
        let (mut low, mut high) = (first, last);
        if !self.counts.is_empty() {
            low = low.min(self.offset);
            high = high.max(self.last());
        }
        let mut by = 0;
        // Below scale -11 all positive numbers are in two buckets, and two always fit.
        while i64::from(high) - i64::from(low) >= i64::from(max_size) {
            low >>= 1;
            high >>= 1;
            by += 1;
        }
        by
    }

    fn add(&mut self, index: i32, count: u64) {
        self.make_room(index, index);
        if let Some(bucket) = self.counts.get_mut((index - self.offset) as usize) {
            *bucket += count;
        }
    }

    fn make_room(&mut self, first: i32, last: i32) {
        if self.counts.is_empty() {
            self.offset = first;
        }
        if first < self.offset {
            let more = (self.offset - first) as usize;
            self.counts.splice(..0, std::iter::repeat_n(0, more));
            self.offset = first;
        }
        if last > self.last() {
            self.counts.resize((last - self.offset + 1) as usize, 0);
        }
    }

    fn coarsen(&mut self, by: u32) {
        let Some(last) = self.counts.len().checked_sub(1) else { return };
        let first = self.offset >> by;
        for at in 0..=last {
            let to = (((self.offset + at as i32) >> by) - first) as usize;
            let count = std::mem::take(&mut self.counts[at]);
            self.counts[to] += count;
        }
        self.counts.truncate((((self.offset + last as i32) >> by) - first) as usize + 1);
        self.offset = first;
    }
}

/// The bucket of a finite value above zero: its lower bound is below the value.
fn index(value: f64, scale: i8) -> i32 {
    let (fraction, exponent) = split(value);
    let is_power_of_two = fraction.to_bits() == 0.5_f64.to_bits();
    if scale <= 0 {
        let bucket = exponent - if is_power_of_two { 2 } else { 1 };
        return bucket >> -i32::from(scale);
    }
    let first = (exponent - 1) << scale;
    if is_power_of_two {
        return first - 1;
    }
    // Rounding may reach into the neighbouring power of two, where the value is not.
    let factor = LOG2_E * f64::from(1_u32 << scale);
    let bucket = (exponent << scale) + (fraction.ln() * factor) as i32 - 1;
    bucket.clamp(first, (exponent << scale) - 1)
}

/// The value as `fraction * 2^exponent`, the fraction in 0.5..1.
fn split(value: f64) -> (f64, i32) {
    const BIAS: i32 = 1022;
    const EXPONENT: u64 = 0x7ff << 52;
    let bits = value.to_bits();
    let exponent = ((bits & EXPONENT) >> 52) as i32;
    if exponent == 0 {
        // Below the normal numbers: made normal first.
        let (fraction, exponent) = split(value * (1_u64 << 54) as f64);
        return (fraction, exponent - 54);
    }
    (f64::from_bits(bits & !EXPONENT | (BIAS as u64) << 52), exponent - BIAS)
}

#[cfg(test)]
mod tests {
    use super::{Exponential, index};

    fn of(values: &[f64]) -> Exponential {
        let mut histogram = Exponential::new(160, 20);
        for value in values {
            histogram.record(*value);
        }
        histogram
    }

    #[test]
    fn one_value_stands_at_the_finest_scale() {
        let histogram = of(&[4.0]);
        assert_eq!((histogram.scale, histogram.positive.counts), (20, vec![1]));
        assert_eq!(histogram.positive.offset, (2 << 20) - 1);
    }

    #[test]
    fn each_value_lies_between_the_bounds_of_its_bucket() {
        for scale in -10..=20_i8 {
            for value in [f64::MIN_POSITIVE, 5e-324, 0.3, 1.0, 1.5, 2.0, 1e9, 1e300, f64::MAX] {
                let index = f64::from(index(value, scale));
                let width = (-f64::from(scale)).exp2();
                let exact = value.log2();
                let slack = 1e-12 * exact.abs().max(1.0);
                assert!(index * width < exact + slack, "{value} at {scale}");
                assert!((index + 1.0) * width >= exact - slack, "{value} at {scale}");
            }
        }
    }

    #[test]
    fn the_whole_range_of_numbers_fits() {
        let histogram = of(&[5e-324, f64::MAX, -5e-324, -f64::MAX, 0.0, -0.0]);
        assert_eq!((histogram.count(), histogram.zeros), (6, 2));
        assert!(histogram.positive.counts.len() <= 160 && histogram.scale == -4);
        let mut two = Exponential::new(2, 20);
        two.record(f64::MAX);
        two.record(5e-324);
        assert_eq!(two.positive.counts, [1, 1]);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let histogram = of(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0]);
        assert_eq!((histogram.count(), histogram.sum, histogram.max), (1, 1.0, 1.0));
    }

    #[test]
    fn merging_gives_what_one_histogram_of_all_values_has() {
        let (fine, coarse) = ([1.0, 1.01, 1.02, -3.0], [0.001, 50.0, 7e8, 0.0]);
        let mut merged = of(&fine);
        merged.merge(&of(&coarse));
        let mut turned = of(&coarse);
        turned.merge(&of(&fine));
        let all = of(&[fine, coarse].concat());
        assert_eq!((merged.count(), merged.scale, &merged.positive), (8, all.scale, &all.positive));
        assert_eq!(
            (turned.scale, &turned.positive, &turned.negative),
            (all.scale, &all.positive, &all.negative)
        );
    }
}
