//! Which formats the process reads and writes: a short list in one word, set by `init`.

use super::{Extract, Incoming, Inject, b3, baggage, jaeger, tracecontext};
use crate::context::{Baggage, SpanContext};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// A format of headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Propagator {
    /// W3C trace context, level 2: `traceparent` and `tracestate`.
    TraceContext = 1,
    /// W3C baggage: `baggage`.
    Baggage = 2,
    /// B3 in the one header `b3`; several headers are read as well.
    B3 = 3,
    /// B3 in several headers, `x-b3-*`; the single one is read as well, and first.
    B3Multi = 4,
    /// Jaeger: `uber-trace-id` and `uberctx-*`.
    Jaeger = 5,
}

impl Propagator {
    const ALL: [Self; 5] =
        [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger];

    /// Its name in `OTEL_PROPAGATORS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
        }
    }

    /// The headers that it writes. Jaeger has one more for each entry of the baggage.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::TraceContext => &tracecontext::FIELDS,
            Self::Baggage => &baggage::FIELDS,
            Self::B3 => &b3::SINGLE_FIELDS,
            Self::B3Multi => &b3::MULTI_FIELDS,
            Self::Jaeger => &jaeger::FIELDS,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    fn inject(self, span: &SpanContext, baggage: &Baggage, carrier: &mut dyn Inject) {
        match self {
            Self::TraceContext => tracecontext::inject(span, carrier),
            Self::Baggage => baggage::inject(baggage, carrier),
            Self::B3 => b3::inject_single(span, carrier),
            Self::B3Multi => b3::inject_multi(span, carrier),
            Self::Jaeger => jaeger::inject(span, baggage, carrier),
        }
    }

    fn extract_span(self, carrier: &dyn Extract) -> Option<SpanContext> {
        match self {
            Self::TraceContext => tracecontext::extract(carrier),
            Self::Baggage => None,
            Self::B3 | Self::B3Multi => b3::extract(carrier),
            Self::Jaeger => jaeger::extract(carrier),
        }
    }

    fn extract_baggage(self, carrier: &dyn Extract) -> Baggage {
        match self {
            Self::Baggage => baggage::extract(carrier),
            Self::Jaeger => jaeger::extract_baggage(carrier),
            Self::TraceContext | Self::B3 | Self::B3Multi => Baggage::new(),
        }
    }
}

/// Formats in the order in which they are tried, none twice.
///
/// ```
/// use oxitel::propagate::{Propagator, Propagators};
///
/// let (propagators, warnings) = Propagators::parse("B3, w3c, b3");
/// assert_eq!(propagators.to_string(), "b3,tracecontext,baggage");
/// assert!(warnings.is_empty());
/// assert_eq!(Propagators::of(&[Propagator::B3]).fields().collect::<Vec<_>>(), ["b3"]);
/// ```
// The first format stands in the lowest four bits, the next above it; 0 is the end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Propagators(u32);

const BITS: u32 = 4;
const MASK: u32 = (1 << BITS) - 1;

impl Propagators {
    /// Nothing is read or written.
    pub const NONE: Self = Self(0);
    /// What is used when nothing else is said: W3C trace context and baggage.
    pub const DEFAULT: Self = Self::of(&[Propagator::TraceContext, Propagator::Baggage]);

    /// These formats; a second mention of one is passed over.
    pub const fn of(list: &[Propagator]) -> Self {
        let mut propagators = Self::NONE;
        let mut index = 0;
        while index < list.len() {
            propagators = propagators.with(list[index]);
            index += 1;
        }
        propagators
    }

    const fn with(self, propagator: Propagator) -> Self {
        let number = propagator as u32;
        let mut shift = 0;
        while self.0 >> shift != 0 {
            if self.0 >> shift & MASK == number {
                return self;
            }
            shift += BITS;
        }
        Self(self.0 | number << shift)
    }

    /// Reads a list as in `OTEL_PROPAGATORS`, and says what in it makes no sense.
    ///
    /// `w3c` is `tracecontext,baggage`, `none` alone is none. Where nothing known remains, it is
    /// the default.
    pub fn parse(list: &str) -> (Self, Vec<String>) {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let (mut propagators, mut warnings) = (Self::NONE, Vec::new());
        let is_none = |name: &str| name.eq_ignore_ascii_case("none");
        if names.clone().next().is_some() && names.clone().all(is_none) {
            return (Self::NONE, warnings);
        }
        for name in names {
            if let Some(propagator) = Propagator::named(name) {
                propagators = propagators.with(propagator);
            } else if name.eq_ignore_ascii_case("w3c") {
                propagators = propagators.with(Propagator::TraceContext).with(Propagator::Baggage);
            } else {
                warnings.push(complaint(name));
            }
        }
        let found = if propagators == Self::NONE { Self::DEFAULT } else { propagators };
        (found, warnings)
    }

    /// The formats in their order.
    pub fn iter(self) -> impl Iterator<Item = Propagator> {
        let numbers = (0..u32::BITS / BITS).map(move |index| self.0 >> (index * BITS) & MASK);
        numbers.map_while(|number| Propagator::ALL.into_iter().find(|p| *p as u32 == number))
    }

    /// The headers that are written; a carrier that is used again is freed of them before.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.iter().flat_map(|propagator| propagator.fields().iter().copied())
    }

    /// Writes span and baggage in every format. An invalid span and empty baggage write nothing.
    pub fn inject(self, span: &SpanContext, baggage: &Baggage, carrier: &mut dyn Inject) {
        for propagator in self.iter() {
            propagator.inject(span, baggage, carrier);
        }
    }

    /// Reads what the caller sent: the span from the first format that has a valid one, the
    /// baggage from all, where the first that has a name says its value.
    ///
    /// Formats that name the same span complete it: B3 has no trace state, W3C no debug flag.
    pub fn extract(self, carrier: &dyn Extract) -> Incoming {
        let mut spans = self.iter().filter_map(|propagator| propagator.extract_span(carrier));
        let span = spans.next().map(|first| spans.fold(first, SpanContext::completed_by));
        let mut baggage = Baggage::new();
        for propagator in self.iter() {
            baggage.complete(propagator.extract_baggage(carrier));
        }
        Incoming::new(span, baggage)
    }
}

fn complaint(name: &str) -> String {
    let known_elsewhere = ["xray", "ottrace"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if name.eq_ignore_ascii_case("none") {
        format!("{name:?} stands beside other propagators and is ignored")
    } else if known_elsewhere {
        format!("the propagator {name:?} is not supported and is ignored")
    } else {
        format!("{name:?} is no known propagator and is ignored")
    }
}

impl Default for Propagators {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// As in `OTEL_PROPAGATORS`.
impl fmt::Display for Propagators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        for (index, propagator) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", propagator.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Propagators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Propagators({self})")
    }
}

// Relaxed: the word is all there is, nothing is ordered by it.
static CURRENT: AtomicU32 = AtomicU32::new(Propagators::DEFAULT.0);

/// The formats that this process reads and writes; also without `init` it has the default ones.
pub fn propagators() -> Propagators {
    Propagators(CURRENT.load(Ordering::Relaxed))
}

/// From now on this process reads and writes these formats.
pub fn set(propagators: Propagators) {
    CURRENT.store(propagators.0, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::{Propagator, Propagators};

    fn parsed(list: &str) -> String {
        let (propagators, warnings) = Propagators::parse(list);
        std::iter::once(propagators.to_string()).chain(warnings).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_default_is_what_the_standard_says() {
        assert_eq!(Propagators::default().to_string(), "tracecontext,baggage");
        assert_eq!(parsed(""), "tracecontext,baggage");
        assert_eq!(parsed(" , "), "tracecontext,baggage");
    }

    #[test]
    fn names_are_read_in_any_case_in_order_and_once() {
        assert_eq!(parsed("B3, TraceContext ,b3,BAGGAGE"), "b3,tracecontext,baggage");
        let all = "jaeger,b3multi,b3,baggage,tracecontext";
        assert_eq!(parsed(all), all);
    }

    #[test]
    fn w3c_is_both_of_its_formats_in_its_place() {
        assert_eq!(parsed("w3c,b3"), "tracecontext,baggage,b3");
        assert_eq!(parsed("b3,W3C"), "b3,tracecontext,baggage");
        assert_eq!(parsed("baggage,w3c"), "baggage,tracecontext");
    }

    #[test]
    fn none_alone_is_none_and_beside_others_nothing() {
        assert_eq!(parsed("None"), "none");
        assert_eq!(parsed("none,none"), "none");
        assert_eq!(
            parsed("b3,none"),
            r#"b3; "none" stands beside other propagators and is ignored"#
        );
    }

    #[test]
    fn what_is_not_known_is_said_in_the_users_words_and_the_others_kept() {
        insta::assert_snapshot!(
            parsed("XRay,b3,ottrace,b4").replace("; ", "\n"),
            @r#"
        b3
        the propagator "XRay" is not supported and is ignored
        the propagator "ottrace" is not supported and is ignored
        "b4" is no known propagator and is ignored
        "#
        );
        assert_eq!(
            parsed("b4"),
            r#"tracecontext,baggage; "b4" is no known propagator and is ignored"#
        );
    }

    #[test]
    fn fields_are_those_of_all_formats() {
        let all = Propagators::of(&Propagator::ALL);
        insta::assert_snapshot!(
            all.fields().collect::<Vec<_>>().join(" "),
            @"traceparent tracestate baggage b3 x-b3-traceid x-b3-spanid x-b3-sampled x-b3-flags uber-trace-id"
        );
    }
}
