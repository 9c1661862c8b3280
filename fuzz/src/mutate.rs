//! What goes wrong with headers on their way: bytes, members and whole headers.

use crate::case::Case;
use crate::random::Random;

/// Pieces that mean something to one format or another.
const PIECES: [&[u8]; 40] = [
    b"",
    b",",
    b";",
    b"=",
    b"-",
    b":",
    b"%",
    b"%3A",
    b"%2c",
    b"%ff",
    b"%C3",
    b"%zz",
    b"%2",
    b"@",
    b"\"",
    b"\\",
    b" ",
    b"\t",
    b"\r\n",
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3\xbc",
    b"+",
    b"0",
    b"00",
    b"ff",
    b"FF",
    b"d",
    b"1",
    b"true",
    b"00000000000000000000000000000000",
    b"-01",
    b"--",
    b",,",
    b"a=1",
    b";p=1",
    b"\xef\xbf\xbd",
    b"baggage",
];

const NAMES: [&str; 12] = [
    "traceparent",
    "tracestate",
    "TraceState",
    "baggage",
    "BAGGAGE",
    "b3",
    "x-b3-sampled",
    "x-b3-flags",
    "x-b3-traceid",
    "uber-trace-id",
    "uberctx-",
    "Uberctx-a",
];

/// The longest value that is made.
const MAX_VALUE: usize = 64 * 1024;

/// Some changes, or none: valid cases must hold as well.
pub(crate) fn mutate(case: &mut Case, random: &mut Random) {
    for _ in 0..random.below(6) {
        let change = random.below(12);
        if case.0.is_empty() || change == 0 {
            add_header(case, random);
        } else if change < 4 {
            change_headers(case, random);
        } else {
            let index = random.below(case.0.len());
            change_value(&mut case.0[index].1, random);
        }
    }
}

fn add_header(case: &mut Case, random: &mut Random) {
    let value = PIECES[random.below(PIECES.len())].to_vec();
    case.0.push(((*random.pick(&NAMES)).to_owned(), value));
}

fn change_headers(case: &mut Case, random: &mut Random) {
    let index = random.below(case.0.len());
    match random.below(6) {
        0 => _ = case.0.remove(index),
        1 => case.0.push(case.0[index].clone()),
        2 => {
            let other = random.below(case.0.len());
            case.0.swap(index, other);
        }
        3 => case.0[index].0.make_ascii_uppercase(),
        4 => {
            let other = random.below(case.0.len());
            case.0[index].0 = case.0[other].0.clone();
        }
        _ => split(case, index),
    }
}

/// A list in two headers.
fn split(case: &mut Case, index: usize) {
    let (name, value) = case.0[index].clone();
    if let Some(comma) = value.iter().position(|byte| *byte == b',') {
        case.0[index].1.truncate(comma);
        case.0.insert(index + 1, (name, value[comma + 1..].to_vec()));
    }
}

pub(crate) fn change_value(value: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(value.len() + 1);
    let end = at + random.below(value.len() - at + 1);
    match random.below(9) {
        0 => insert(value, at, PIECES[random.below(PIECES.len())]),
        1 => _ = value.drain(at..end),
        2 => {
            let part = value[at..end].to_vec();
            insert(value, at, &part);
        }
        3 => flip(value, at, random),
        4 => value.truncate(at),
        5 => value.make_ascii_uppercase(),
        6 => {
            let piece = PIECES[random.below(PIECES.len())];
            value.splice(at..end, piece.iter().copied());
        }
        7 => repeat(value, at, end, random),
        _ => value[at..end].reverse(),
    }
    value.truncate(MAX_VALUE);
}

fn flip(value: &mut [u8], at: usize, random: &mut Random) {
    if let Some(byte) = value.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

/// A part many times: long lists, long keys, long values.
fn repeat(value: &mut Vec<u8>, at: usize, end: usize, random: &mut Random) {
    let times = *random.pick(&[2, 33, 65, 257, 3000]);
    let part = value[at..end].to_vec();
    if !part.is_empty() {
        let times = times.min(MAX_VALUE / part.len());
        insert(value, at, &part.repeat(times));
    }
}

fn insert(value: &mut Vec<u8>, at: usize, piece: &[u8]) {
    value.splice(at..at, piece.iter().copied());
}
