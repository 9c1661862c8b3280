//! The kinds of numbers that instruments take, and sums of them.

/// What an instrument counts in: `u64`, `i64` or `f64`.
pub trait Number: sealed::Sealed + Copy + Send + Sync + 'static {}

impl Number for u64 {}
impl Number for i64 {}
impl Number for f64 {}

pub(crate) use sealed::NumberType;

pub(crate) mod sealed {
    use super::AnyNumber;

    /// Which one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum NumberType {
        U64,
        I64,
        F64,
        /// Each measurement says whether it is an `i64` or an `f64`.
        Either,
    }

    /// A number as 64 bits.
    pub trait Sealed {
        const TYPE: NumberType;
        fn bits(self) -> u64;
        fn any(self) -> AnyNumber;
        fn to_float(self) -> f64;
        /// Whether it is no infinity and no NaN.
        fn finite(self) -> bool;
        fn negative(self) -> bool;
    }

    impl Sealed for u64 {
        const TYPE: NumberType = NumberType::U64;

        #[inline(always)]
        fn bits(self) -> u64 {
            self
        }

        #[inline(always)]
        fn any(self) -> AnyNumber {
            AnyNumber::U64(self)
        }

        #[inline(always)]
        fn to_float(self) -> f64 {
            self as f64
        }

        #[inline(always)]
        fn finite(self) -> bool {
            true
        }

        #[inline(always)]
        fn negative(self) -> bool {
            false
        }
    }

    impl Sealed for i64 {
        const TYPE: NumberType = NumberType::I64;

        #[inline(always)]
        fn bits(self) -> u64 {
            self as u64
        }

        #[inline(always)]
        fn any(self) -> AnyNumber {
            AnyNumber::I64(self)
        }

        #[inline(always)]
        fn to_float(self) -> f64 {
            self as f64
        }

        #[inline(always)]
        fn finite(self) -> bool {
            true
        }

        #[inline(always)]
        fn negative(self) -> bool {
            self < 0
        }
    }

    impl Sealed for f64 {
        const TYPE: NumberType = NumberType::F64;

        #[inline(always)]
        fn bits(self) -> u64 {
            self.to_bits()
        }

        #[inline(always)]
        fn any(self) -> AnyNumber {
            AnyNumber::F64(self)
        }

        #[inline(always)]
        fn to_float(self) -> f64 {
            self
        }

        #[inline(always)]
        fn finite(self) -> bool {
            self.is_finite()
        }

        #[inline(always)]
        fn negative(self) -> bool {
            self < 0.0
        }
    }
}

/// One number with its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnyNumber {
    /// Of an instrument of `u64`.
    U64(u64),
    /// Of an instrument of `i64`.
    I64(i64),
    /// Of an instrument of `f64`.
    F64(f64),
}

impl AnyNumber {
    pub(crate) fn zero(number: NumberType) -> Self {
        Self::from_bits(number, 0)
    }

    pub(crate) fn from_bits(number: NumberType, bits: u64) -> Self {
        match number {
            NumberType::U64 => Self::U64(bits),
            // A sum of those that were whole.
            NumberType::I64 | NumberType::Either => Self::I64(bits as i64),
            NumberType::F64 => Self::F64(f64::from_bits(bits)),
        }
    }

    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::U64(number) => number as f64,
            Self::I64(number) => number as f64,
            Self::F64(number) => number,
        }
    }

    /// The sum; where whole numbers end it stays at their end.
    pub(crate) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::U64(one), Self::U64(two)) => Self::U64(one.saturating_add(two)),
            (Self::I64(one), Self::I64(two)) => Self::I64(one.saturating_add(two)),
            (one, two) => Self::F64(one.as_f64() + two.as_f64()),
        }
    }

    /// The difference. A counter of `u64` that went back has begun again: it gives itself.
    pub(crate) fn minus(self, before: Self) -> Self {
        match (self, before) {
            (Self::U64(now), Self::U64(before)) => {
                Self::U64(now.checked_sub(before).unwrap_or(now))
            }
            (Self::I64(now), Self::I64(before)) => Self::I64(now.saturating_sub(before)),
            (now, before) => Self::F64(now.as_f64() - before.as_f64()),
        }
    }
}
