//! How measurements become one value. Also of builds without the engine, by path.

/// What becomes of an instrument's measurements.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Aggregation {
    /// Nothing: they are not recorded.
    Drop,
    /// What the instrument is made for.
    Default,
    /// Their sum.
    Sum,
    /// The last one.
    LastValue,
    /// Counts in buckets with these bounds; `None`: those that the instrument advises, else the
    /// usual ones.
    ExplicitHistogram {
        /// The upper bounds of all buckets but the last, in rising order.
        bounds: Option<Vec<f64>>,
        /// Whether the least and the largest value are kept.
        min_max: bool,
    },
    /// Counts in buckets that grow by a factor, and fit themselves to the values.
    ExponentialHistogram {
        /// The most buckets on each side of zero.
        max_size: u32,
        /// The finest scale: the factor is 2^(2^-scale).
        max_scale: i8,
        /// Whether the least and the largest value are kept.
        min_max: bool,
    },
}

impl Aggregation {
    /// A histogram with the bounds that the instrument advises, else the usual ones.
    pub fn explicit() -> Self {
        Self::ExplicitHistogram { bounds: None, min_max: true }
    }

    /// A histogram of at most 160 buckets on each side, as fine as the values allow.
    pub fn exponential() -> Self {
        Self::ExponentialHistogram { max_size: 160, max_scale: 20, min_max: true }
    }
}
