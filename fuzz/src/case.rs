//! One request's headers, and their form in files: a line each, bytes that are no text escaped.

use oxitel::propagate::Propagators;
use std::fmt;
use std::str::FromStr;

/// The formats that a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// W3C trace context.
    TraceContext,
    /// W3C baggage.
    Baggage,
    /// B3, written in one header.
    B3,
    /// B3, written in several headers.
    B3Multi,
    /// Jaeger.
    Jaeger,
    /// All of them together.
    All,
    /// No headers: requests of OTLP, to be written as JSON.
    Json,
}

impl Codec {
    /// Those that are about headers.
    pub const HEADERS: [Self; 6] =
        [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger, Self::All];
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::TraceContext,
        Self::Baggage,
        Self::B3,
        Self::B3Multi,
        Self::Jaeger,
        Self::All,
        Self::Json,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::All => "all",
            Self::Json => "json",
        }
    }

    /// What reads and writes it.
    pub fn propagators(self) -> Propagators {
        match self {
            Self::All => Propagators::parse("tracecontext,baggage,b3,b3multi,jaeger").0,
            Self::Json => Propagators::parse("none").0,
            one => Propagators::parse(one.name()).0,
        }
    }
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|codec| codec.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{name:?} is no codec; there are {names}")
        })
    }
}

/// The headers of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case(pub Vec<(String, Vec<u8>)>);

impl Case {
    /// Their length together.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// As files have it: `name: value` in lines; `\xff` is a byte.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| {
            writeln!(f, "{}: {}", name.as_bytes().escape_ascii(), value.escape_ascii())
        })
    }
}

/// Lines without a colon are comments.
impl FromStr for Case {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            let name = String::from_utf8_lossy(&unescaped(name)).into_owned();
            Some((name, unescaped(value)))
        };
        Ok(Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(header).collect()))
    }
}

/// What `escape_ascii` made of the bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let (byte, behind) = match (first, others) {
            (b'\\', [b'x', digits @ ..]) => escaped(digits).unwrap_or((first, others)),
            (b'\\', [letter, behind @ ..]) => (control(*letter), behind),
            _ => (first, others),
        };
        bytes.push(byte);
        rest = behind;
    }
    bytes
}

fn escaped(digits: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, behind) = digits.split_at_checked(2)?;
    Some((u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?, behind))
}

fn control(letter: u8) -> u8 {
    match letter {
        b't' => b'\t',
        b'r' => b'\r',
        b'n' => b'\n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Codec};

    #[test]
    fn every_byte_survives_a_file() {
        let all: Vec<u8> = (0..=255).collect();
        let case = Case(vec![("name".into(), all), (String::new(), Vec::new())]);
        assert_eq!(case.to_string().parse(), Ok(case));
    }

    #[test]
    fn every_codec_is_known_by_its_name() {
        for codec in Codec::ALL {
            assert_eq!(codec.name().parse(), Ok(codec));
        }
        let error = "b4".parse::<Codec>().expect_err("unknown");
        assert!(error.contains("tracecontext, baggage, b3, b3multi, jaeger, all, json"), "{error}");
    }
}
