//! What must hold for any headers: they are read without a panic, what is passed on is bounded and
//! stands in headers, and whoever receives it reads what we read.

use crate::case::{Case, Codec};
use crate::requests;
use oxitel::context::Baggage;
use oxitel::propagate::Incoming;

/// The longest trace state that travels.
const MAX_STATE: usize = 4096;
/// Jaeger encodes `+`, which the baggage counts as one byte.
const MAX_VALUE: usize = 3 * Baggage::MAX_BYTES;

/// What is wrong with how these headers are read and passed on, or with the JSON of a request; a panic goes through.
pub fn check(codec: Codec, case: &Case) -> Result<(), String> {
    if codec == Codec::Json {
        return requests::check(case);
    }
    let propagators = codec.propagators();
    let incoming = propagators.extract(&case.0);
    bounded(&incoming)?;

    let mut sent: Vec<(String, String)> = Vec::new();
    propagators.inject(incoming.span_context(), incoming.baggage(), &mut sent);
    sent.iter().try_for_each(|(name, value)| header(name, value))?;
    let bytes: usize = sent.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_STATE + Baggage::MAX_BYTES + MAX_VALUE + 1024 {
        return Err(format!("{bytes} bytes of headers are sent"));
    }

    let again = propagators.extract(&sent);
    if again.span_context() != incoming.span_context() {
        return Err(format!("the next one reads another span: {incoming:?}, then {again:?}"));
    }
    if sorted(again.baggage()) != sorted(incoming.baggage()) {
        let entries = (sorted(incoming.baggage()), sorted(again.baggage()));
        return Err(format!("the next one reads other baggage: {entries:?}"));
    }
    Ok(())
}

fn bounded(incoming: &Incoming) -> Result<(), String> {
    let state = incoming.span_context().trace_state().len();
    if state > MAX_STATE {
        return Err(format!("{state} bytes of trace state travel"));
    }
    let baggage = incoming.baggage();
    let lengths = baggage.iter().map(|(name, value, metadata)| [name, value, metadata]);
    let bytes: usize = lengths.flatten().map(str::len).sum();
    if bytes > Baggage::MAX_BYTES || baggage.len() > Baggage::MAX_ENTRIES {
        return Err(format!("{bytes} bytes of baggage in {} entries travel", baggage.len()));
    }
    Ok(())
}

/// A name in lower case and a value that cannot break out of its header.
fn header(name: &str, value: &str) -> Result<(), String> {
    let in_name = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b':';
    let in_value = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    let is_header = !name.is_empty() && name.bytes().all(in_name) && value.bytes().all(in_value);
    if is_header { Ok(()) } else { Err(format!("no header: {name:?}: {value:?}")) }
}

/// Headers of their own keep no order.
fn sorted(baggage: &Baggage) -> Vec<(&str, &str, &str)> {
    let mut entries: Vec<_> = baggage.iter().collect();
    entries.sort_unstable();
    entries
}
