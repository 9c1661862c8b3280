//! Bodies made smaller on their way out, and answers made readable again.
//!
//! Flow: batch -> **compression** -> `body` -> receiver -> `body` -> **compression** -> `response`.

use super::body::{MAX_ANSWER, Unread, length};
use crate::config::Compression;
use ::http::HeaderValue;
use bytes::buf::Writer;
use bytes::{BufMut, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, Read, Write};

/// A smaller body goes as it is: two packets or one are the same to the network.
const WORTH_IT: usize = 1 << 10;
/// Memory that is kept for the next body.
const KEPT: usize = 1 << 20;
/// The fastest: telemetry repeats itself so much that the others gain little.
const GZIP_LEVEL: u32 = 1;

pub(super) const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Compresses the batches of one destination.
#[derive(Debug)]
pub(super) struct Packer {
    compression: Compression,
    /// Used again once the last body is gone.
    spare: BytesMut,
}

/// A body in its compressed form, and what that is called.
struct Packed {
    bytes: Bytes,
    coding: HeaderValue,
}

impl Packer {
    pub(super) fn new(compression: Compression) -> Self {
        Self { compression, spare: BytesMut::new() }
    }

    /// Whether answers may be compressed, too.
    pub(super) fn is_on(&self) -> bool {
        self.compression != Compression::None
    }

    /// The compressed form of these pieces and what it is called, or the pieces as they are.
    pub(super) fn pack_or_keep(&mut self, pieces: Vec<Bytes>) -> (Vec<Bytes>, Option<HeaderValue>) {
        match self.pack(&pieces) {
            Some(packed) => (vec![packed.bytes], Some(packed.coding)),
            None => (pieces, None),
        }
    }

    /// The compressed form of these pieces; `None` where they go as they are.
    fn pack(&mut self, pieces: &[Bytes]) -> Option<Packed> {
        let length = length(pieces) as usize;
        if length < WORTH_IT {
            return None;
        }
        let coding = match self.compression {
            Compression::Gzip => GZIP,
            #[cfg(feature = "zstd")]
            Compression::Zstd => HeaderValue::from_static("zstd"),
            _ => return None,
        };
        // A vector of its own never fails; should it, they go as they are.
        let written = self.write(pieces, length).is_ok();
        let bytes = self.spare.split().freeze();
        if bytes.len() > KEPT {
            self.spare = BytesMut::new();
        }
        (written && bytes.len() < length).then_some(Packed { bytes, coding })
    }

    fn write(&mut self, pieces: &[Bytes], length: usize) -> io::Result<()> {
        self.spare.clear();
        // Telemetry shrinks to a fifth or less.
        self.spare.reserve(length / 4);
        let out = (&mut self.spare).writer();
        match self.compression {
            #[cfg(feature = "zstd")]
            Compression::Zstd => write_zstd(out, pieces),
            _ => write_gzip(out, pieces),
        }
    }
}

fn write_gzip(out: Writer<&mut BytesMut>, pieces: &[Bytes]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL));
    for piece in pieces {
        encoder.write_all(piece)?;
    }
    encoder.finish().map(drop)
}

#[cfg(feature = "zstd")]
fn write_zstd(out: Writer<&mut BytesMut>, pieces: &[Bytes]) -> io::Result<()> {
    let mut encoder = zstd::stream::write::Encoder::new(out, 1)?;
    for piece in pieces {
        encoder.write_all(piece)?;
    }
    encoder.finish().map(drop)
}

/// An answer's bytes as they were before this coding; the bound holds for what comes out.
pub(super) fn unpack(coding: &HeaderValue, bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
    match coding.as_bytes().trim_ascii() {
        b"" | b"identity" => Ok(bytes),
        b"gzip" | b"x-gzip" => unpack_gzip(&bytes),
        _ => Err(Unread::Unknown),
    }
}

fn unpack_gzip(bytes: &[u8]) -> Result<Vec<u8>, Unread> {
    let mut whole = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(MAX_ANSWER as u64 + 1);
    decoder.read_to_end(&mut whole).map_err(|_| Unread::Unknown)?;
    if whole.len() > MAX_ANSWER {
        return Err(Unread::TooLong);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::{GZIP, MAX_ANSWER, Unread, unpack};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn an_answer_is_read_in_all_its_members_and_no_further_than_the_bound() {
        let members = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpack(&GZIP, members).ok(), Some(b"one two".to_vec()));
        let full = gzip(&vec![0; MAX_ANSWER]);
        assert_eq!(unpack(&GZIP, full).map(|bytes| bytes.len()).ok(), Some(MAX_ANSWER));
        let bomb = gzip(&vec![0; 1 << 20]).repeat(5);
        assert!(matches!(unpack(&GZIP, bomb), Err(Unread::TooLong)));
        let strange = HeaderValue::from_static("br");
        assert!(matches!(unpack(&strange, Vec::new()), Err(Unread::Unknown)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&GZIP, bytes.clone());
            // With a head that is right.
            let mut packed = gzip(b"some text");
            packed.truncate(10);
            let _ = unpack(&GZIP, [packed, bytes].concat());
        }
    }
}
