//! One level of a protobuf message at a time. Any bytes give fields or an error, never a panic;
//! time is linear in the bytes, and depth is the caller's own loop.

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: a string, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// Why bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A field ends after the message.
    #[error("the message ends in the middle of a field, {offset} bytes in")]
    Truncated {
        /// Where the field begins.
        offset: usize,
    },
    /// A varint of more than 64 bits.
    #[error("a number of more than 64 bits, {offset} bytes in")]
    Overlong {
        /// Where the field begins.
        offset: usize,
    },
    /// Field number 0 or beyond 2^29, or a wire type that OTLP does not use (groups).
    #[error("no valid field tag, {offset} bytes in")]
    BadTag {
        /// Where the field begins.
        offset: usize,
    },
}

/// The fields of one message, in order: `(number, content)`. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// Walks over `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    fn field(&mut self) -> Result<(u32, Content<'a>), WireError> {
        let offset = self.at;
        let tag = self.varint(offset)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or(WireError::BadTag { offset })?;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint(offset)?),
            1 => Content::Fixed64(u64::from_le_bytes(self.array(offset)?)),
            2 => {
                let length = self.varint(offset)?;
                let length =
                    usize::try_from(length).map_err(|_| WireError::Truncated { offset })?;
                Content::Bytes(self.take(length, offset)?)
            }
            5 => Content::Fixed32(u32::from_le_bytes(self.array(offset)?)),
            _ => return Err(WireError::BadTag { offset }),
        };
        Ok((number, content))
    }

    fn varint(&mut self, offset: usize) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array(offset)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(WireError::Overlong { offset });
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Overlong { offset })
    }

    fn array<const N: usize>(&mut self, offset: usize) -> Result<[u8; N], WireError> {
        let bytes = self.take(N, offset)?;
        bytes.try_into().map_err(|_| WireError::Truncated { offset })
    }

    fn take(&mut self, length: usize, offset: usize) -> Result<&'a [u8], WireError> {
        let rest = &self.message[self.at..];
        let taken = rest.get(..length).ok_or(WireError::Truncated { offset })?;
        self.at += length;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Content<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.message.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.message.len();
        }
        Some(field)
    }
}

/// The numbers of a packed field; ends at the first that is broken.
pub(crate) fn varints(packed: &[u8]) -> impl Iterator<Item = u64> {
    let mut rest = Fields::new(packed);
    std::iter::from_fn(move || rest.varint(rest.at).ok()).fuse()
}

/// The bits of a packed field whose numbers have 64.
pub(crate) fn fixed64s(packed: &[u8]) -> impl Iterator<Item = u64> {
    let (numbers, _) = packed.as_chunks::<8>();
    numbers.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::{Content, Fields, WireError};
    use proptest::prelude::*;

    #[test]
    fn every_wire_type_is_read() {
        let bytes = b"\x08\x96\x01\x11\x01\0\0\0\0\0\0\0\x1a\x02hi\x25\x02\0\0\0";
        let fields: Result<Vec<_>, _> = Fields::new(bytes).collect();
        let expected = vec![
            (1, Content::Varint(150)),
            (2, Content::Fixed64(1)),
            (3, Content::Bytes(b"hi")),
            (4, Content::Fixed32(2)),
        ];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn broken_bytes_say_where() {
        let error = |bytes: &[u8]| Fields::new(bytes).find_map(Result::err);
        assert_eq!(error(b"\x0a\x05abc"), Some(WireError::Truncated { offset: 0 }));
        assert_eq!(error(b"\x08\x01\x0b"), Some(WireError::BadTag { offset: 2 }));
        assert_eq!(error(b"\x00\x01"), Some(WireError::BadTag { offset: 0 }));
        let endless = [&[0x08][..], &[0xff; 10]].concat();
        assert_eq!(error(&endless), Some(WireError::Overlong { offset: 0 }));
        let huge = b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
        assert_eq!(error(huge), Some(WireError::Truncated { offset: 0 }));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let fields = Fields::new(&bytes).count();
            prop_assert!(fields <= bytes.len());
        }
    }
}
