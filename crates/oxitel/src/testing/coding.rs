//! What a receiver makes of compressed bodies, within its bound.
//!
//! Flow: `server` -> **coding** -> `answer`.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::answer::Refusal;
use super::server::MAX_BODY_BYTES;

/// Whether bodies in this coding are read here.
pub(super) fn is_known(coding: &str) -> bool {
    ["", "identity", "gzip"].contains(&coding) || (coding == "zstd" && cfg!(feature = "zstd"))
}

/// The body as it was before this coding; the bound holds for what comes out, too.
pub(super) fn decoded(coding: &str, body: &Bytes) -> Result<Bytes, Refusal> {
    match coding {
        "" | "identity" => Ok(body.clone()),
        "gzip" => limited(MultiGzDecoder::new(&**body)),
        #[cfg(feature = "zstd")]
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::new(&**body);
            limited(decoder.map_err(|error| Refusal::new(400, error.to_string()))?)
        }
        other => {
            let text = format!("content encoding {other:?} is not read here: use gzip or none");
            Err(Refusal::new(415, text))
        }
    }
}

fn limited(decoder: impl Read) -> Result<Bytes, Refusal> {
    let mut whole = Vec::new();
    let read = decoder.take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut whole);
    read.map_err(|error| Refusal::new(400, format!("the body does not decompress: {error}")))?;
    if whole.len() > MAX_BODY_BYTES {
        let text = format!("the body is larger than {MAX_BODY_BYTES} bytes when decompressed");
        return Err(Refusal::new(413, text));
    }
    Ok(Bytes::from(whole))
}
