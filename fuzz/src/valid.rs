//! Valid headers to begin with, of every form that a format has.

use crate::case::{Case, Codec};
use crate::random::Random;
use std::fmt::Write as _;

/// What a friendly caller would send.
pub(crate) fn headers(codec: Codec, random: &mut Random) -> Case {
    let mut case = Case::default();
    let parts: &[fn(&mut Case, &mut Random)] = match codec {
        Codec::TraceContext => &[trace_context],
        Codec::Baggage => &[baggage],
        Codec::B3 => &[b3_single],
        Codec::B3Multi => &[b3_multi, b3_single],
        Codec::Jaeger => &[jaeger],
        Codec::Json => &[],
        Codec::All => &[trace_context, baggage, b3_single, b3_multi, jaeger],
    };
    for (index, part) in parts.iter().enumerate() {
        if index == 0 || !random.once_in(3) {
            part(&mut case, random);
        }
    }
    case
}

fn trace_context(case: &mut Case, random: &mut Random) {
    let version = *random.pick(&["00", "00", "00", "01", "cc"]);
    let flags = *random.pick(&["00", "01", "02", "03", "ff"]);
    let (trace, span) = (hex(random, 32), hex(random, 16));
    let mut parent = format!("{version}-{trace}-{span}-{flags}");
    if version != "00" && random.once_in(2) {
        parent += "-more";
    }
    add(case, "traceparent", parent);
    for _ in 0..random.below(3) {
        let count = random.below(20);
        let members: Vec<_> = (0..count)
            .map(|_| format!("{}={}", word(random, "abc0@_-*/"), word(random, "vV0 !~")))
            .collect();
        add(case, "tracestate", members.join(*random.pick(&[",", ", ", "\t,", ",,"])));
    }
}

fn baggage(case: &mut Case, random: &mut Random) {
    for _ in 0..=random.below(2) {
        let mut header = String::new();
        for index in 0..random.below(30) {
            let comma = if index == 0 { "" } else { *random.pick(&[",", " , "]) };
            let value = *random.pick(&["", "v", "a%20b", "%C3%BC", "x=y", "%25", "!#$&'()*+"]);
            let _ = write!(header, "{comma}{}={value}", word(random, "abcK!#-_~"));
            if random.once_in(4) {
                header += *random.pick(&[";p", ";p=1;q", "; ttl = 3", ";"]);
            }
        }
        add(case, "baggage", header);
    }
}

fn b3_single(case: &mut Case, random: &mut Random) {
    let digits = *random.pick(&[16, 32]);
    let mut header = format!("{}-{}", hex(random, digits), hex(random, 16));
    if !random.once_in(4) {
        header += *random.pick(&["-0", "-1", "-d", "-true"]);
        if random.once_in(3) {
            header = format!("{header}-{}", hex(random, 16));
        }
    }
    add(case, "b3", header);
}

fn b3_multi(case: &mut Case, random: &mut Random) {
    let digits = *random.pick(&[16, 32]);
    add(case, "X-B3-TraceId", hex(random, digits));
    add(case, "X-B3-SpanId", hex(random, 16));
    if random.once_in(3) {
        add(case, "X-B3-ParentSpanId", hex(random, 16));
    }
    if !random.once_in(3) {
        add(case, "X-B3-Sampled", (*random.pick(&["0", "1", "true", "false"])).to_owned());
    }
    if random.once_in(3) {
        add(case, "X-B3-Flags", (*random.pick(&["0", "1"])).to_owned());
    }
}

fn jaeger(case: &mut Case, random: &mut Random) {
    let colon = *random.pick(&[":", ":", "%3A"]);
    let digits = 1 + random.below(32);
    let parts = [hex(random, digits), hex(random, 16), "0".into()];
    let flags = *random.pick(&["0", "1", "3", "02", "ff"]);
    add(case, "uber-trace-id", format!("{}{colon}{flags}", parts.join(colon)));
    for _ in 0..random.below(4) {
        let name = format!("uberctx-{}", word(random, "abcK-_"));
        add(case, &name, (*random.pick(&["", "v", "a+b", "%C3%BC", "a%2Bb"])).to_owned());
    }
}

fn add(case: &mut Case, name: &str, value: String) {
    case.0.push((name.to_owned(), value.into_bytes()));
}

fn hex(random: &mut Random, digits: usize) -> String {
    (0..digits).map(|_| char::from(*random.pick(b"0123456789abcdef"))).collect()
}

fn word(random: &mut Random, letters: &str) -> String {
    let length = 1 + random.below(6);
    (0..length).map(|_| char::from(*random.pick(letters.as_bytes()))).collect()
}
