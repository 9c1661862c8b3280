//! Trace ids, span ids and flags.

use std::fmt;

/// Identifies a trace; all zeros is no trace.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

/// Identifies a span within its trace; all zeros is no span.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId([u8; 8]);

macro_rules! id {
    ($name:ident, $length:literal) => {
        impl $name {
            /// From the bytes on the wire.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// As bytes on the wire.
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }

            /// Whether it identifies anything.
            pub fn is_valid(self) -> bool {
                self.0 != [0; $length]
            }
        }

        /// Lower-case hexadecimal; a precision (`{:.8}`) is the number of digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut text = [0; 2 * $length];
                for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    pair[0] = DIGITS[usize::from(byte >> 4)];
                    pair[1] = DIGITS[usize::from(byte & 0xf)];
                }
                f.pad(str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

/// The flags of W3C trace context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(pub u8);

impl TraceFlags {
    /// The trace is kept.
    pub const SAMPLED: u8 = 1;
    /// The trace id is random in its last 7 bytes.
    pub const RANDOM: u8 = 2;

    /// Whether the trace is kept.
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED != 0
    }
}

/// A span's place as the hot path carries it: plain numbers in one thread-local cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace_high: u64,
    pub(crate) trace_low: u64,
    pub(crate) span: u64,
    /// W3C flags, [`Ids::REMOTE`] and [`Ids::DEBUG`].
    pub(crate) flags: u32,
}

impl Ids {
    pub(crate) const NONE: Self = Self { trace_high: 0, trace_low: 0, span: 0, flags: 0 };
    /// Below it nothing is recorded or propagated: the engine's own thread.
    #[cfg(feature = "otel")]
    pub(crate) const SUPPRESSED: Self = Self { flags: u32::MAX, ..Self::NONE };
    /// The span lives in another process. The bit is OTLP's.
    pub(crate) const REMOTE: u32 = 0x200;
    /// Somebody looks for a fault in this trace: the debug flag of B3 and Jaeger. The bit is
    /// ours, and in no format's flags.
    pub(crate) const DEBUG: u32 = 0x1_0000;
    /// What spans below take over.
    #[cfg(feature = "otel")]
    pub(crate) const INHERITED: u32 = 0xff | Self::DEBUG;

    /// The flags that OTLP has.
    #[cfg(feature = "otel")]
    #[inline(always)]
    pub(crate) fn otlp_flags(&self) -> u32 {
        self.flags & (0xff | Self::REMOTE)
    }

    #[inline(always)]
    pub(crate) fn is_valid(&self) -> bool {
        self.span != 0 && (self.trace_high | self.trace_low) != 0
    }

    #[cfg(feature = "otel")]
    #[inline(always)]
    pub(crate) fn is_suppressed(&self) -> bool {
        self.flags == u32::MAX
    }

    #[inline(always)]
    pub(crate) fn is_sampled(&self) -> bool {
        self.flags & u32::from(TraceFlags::SAMPLED) != 0
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        let number = u128::from(self.trace_high) << 64 | u128::from(self.trace_low);
        TraceId(number.to_be_bytes())
    }

    pub(crate) fn span_id(&self) -> SpanId {
        SpanId(self.span.to_be_bytes())
    }

    pub(crate) fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags, remote: bool) -> Self {
        let trace = u128::from_be_bytes(trace_id.0);
        Self {
            trace_high: (trace >> 64) as u64,
            trace_low: trace as u64,
            span: u64::from_be_bytes(span_id.0),
            flags: u32::from(flags.0) | if remote { Self::REMOTE } else { 0 },
        }
    }
}
