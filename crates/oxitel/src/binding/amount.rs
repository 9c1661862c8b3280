//! Numbers that say each what they are.

use crate::metrics::{AnyNumber, Number, NumberType, sealed::Sealed};

/// A number of a language whose instruments take whole numbers and others alike. A point is a
/// whole number as long as all that was measured was whole, and sums of whole numbers are exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A whole number.
    Whole(i64),
    /// Any other.
    Float(f64),
}

impl Number for Amount {}

impl Sealed for Amount {
    const TYPE: NumberType = NumberType::Either;

    /// Which of the two they are is said by [`any`](Sealed::any).
    #[inline(always)]
    fn bits(self) -> u64 {
        match self {
            Self::Whole(number) => number.bits(),
            Self::Float(number) => number.bits(),
        }
    }

    #[inline(always)]
    fn any(self) -> AnyNumber {
        match self {
            Self::Whole(number) => number.any(),
            Self::Float(number) => number.any(),
        }
    }

    #[inline(always)]
    fn to_float(self) -> f64 {
        match self {
            Self::Whole(number) => number.to_float(),
            Self::Float(number) => number,
        }
    }

    #[inline(always)]
    fn finite(self) -> bool {
        self.to_float().is_finite()
    }

    #[inline(always)]
    fn negative(self) -> bool {
        self.to_float() < 0.0
    }
}
