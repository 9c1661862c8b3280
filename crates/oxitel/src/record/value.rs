//! Attribute values: borrowed, so that setting one copies it exactly once, into its encoding.

/// What an attribute can hold. Most callers never name it: `set_attribute` takes anything that
/// converts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing: the key is there and says no more.
    Empty,
    /// Text.
    Str(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A whole number that may exceed `i64`; then it travels as decimal text.
    U64(u64),
    /// A floating-point number; NaN and infinities travel as they are.
    F64(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A list; inside of 46 others it travels empty, because decoders refuse what is deeper.
    Array(&'a [Value<'a>]),
    /// Key/value pairs; inside of 30 other maps, or 46 lists, they travel empty.
    Map(&'a [(&'a str, Value<'a>)]),
}

macro_rules! from {
    ($($source:ty => $variant:ident as $target:ty),* $(,)?) => {$(
        impl From<$source> for Value<'_> {
            #[inline]
            fn from(value: $source) -> Self {
                Self::$variant(<$target>::from(value))
            }
        }
    )*};
}

from! {
    bool => Bool as bool,
    i8 => I64 as i64, i16 => I64 as i64, i32 => I64 as i64, i64 => I64 as i64,
    u8 => I64 as i64, u16 => I64 as i64, u32 => I64 as i64, u64 => U64 as u64,
    f32 => F64 as f64, f64 => F64 as f64,
}

impl From<usize> for Value<'_> {
    #[inline]
    fn from(value: usize) -> Self {
        Self::U64(value as u64)
    }
}

impl From<isize> for Value<'_> {
    #[inline]
    fn from(value: isize) -> Self {
        Self::I64(value as i64)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    #[inline]
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    #[inline]
    fn from(value: &'a String) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    #[inline]
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a [Value<'a>]> for Value<'a> {
    #[inline]
    fn from(value: &'a [Value<'a>]) -> Self {
        Self::Array(value)
    }
}
