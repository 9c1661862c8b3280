//! Settings that are one of a few words, as the standard spells them.

/// An enum whose variants have a spelling.
macro_rules! choices {
    ($(#[$about:meta])* $Name:ident { $($(#[$one:meta])* $Variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Name { $($(#[$one])* $Variant,)+ }

        impl $Name {
            /// Each of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$Variant,)+];

            /// As the standard spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $text,)+ }
            }

            /// By its name, in any case.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use choices;

choices! {
    /// How OTLP travels.
    Protocol {
        /// gRPC, usually at port 4317.
        Grpc = "grpc",
        /// Protobuf over HTTP, usually at port 4318.
        HttpProtobuf = "http/protobuf",
        /// JSON over HTTP: larger and slower, for receivers that read nothing else.
        HttpJson = "http/json",
    }
}

choices! {
    /// How the bodies of requests are compressed.
    Compression {
        /// As they are. The default.
        None = "none",
        /// By gzip.
        Gzip = "gzip",
        /// By zstd, in builds with the feature `zstd`.
        Zstd = "zstd",
    }
}

choices! {
    /// What `tracing` events become.
    TracingEvents {
        /// Log records, with the ids of the span they happen in. The default.
        LogRecords = "log_records",
        /// Events of the span they happen in; outside of any recorded span, nothing.
        SpanEvents = "span_events",
    }
}

choices! {
    /// Which of the engine's own lines are written to standard error.
    LogLevel {
        /// None.
        Off = "off",
        /// Data was lost.
        Error = "error",
        /// And: something is done in another way than was asked for.
        Warn = "warn",
        /// And: rare and of interest. The default.
        Info = "info",
        /// As `info`: there are no such lines yet.
        Debug = "debug",
        /// As `info`: there are no such lines yet.
        Trace = "trace",
    }
}

choices! {
    /// Where the exporter `console` writes.
    Stream {
        /// Standard output. The default.
        Output = "stdout",
        /// Standard error.
        Error = "stderr",
    }
}

choices! {
    /// Which measurements may become exemplars.
    ExemplarFilter {
        /// All.
        AlwaysOn = "always_on",
        /// None.
        AlwaysOff = "always_off",
        /// Those made inside a sampled span. The default.
        TraceBased = "trace_based",
    }
}

choices! {
    /// What a metric's numbers count from.
    Temporality {
        /// From the start. The default.
        Cumulative = "cumulative",
        /// From the report before, but for what goes up and down.
        Delta = "delta",
        /// Whatever needs the least memory.
        LowMemory = "lowmemory",
    }
}

choices! {
    /// What a histogram's buckets are.
    HistogramAggregation {
        /// Given bounds. The default.
        ExplicitBuckets = "explicit_bucket_histogram",
        /// Powers of two.
        Base2Exponential = "base2_exponential_bucket_histogram",
    }
}

#[cfg(feature = "otel")]
impl Protocol {
    /// What a port is usually used for.
    pub(crate) fn usual_at(port: u16) -> Option<Self> {
        match port {
            4317 => Some(Self::Grpc),
            4318 => Some(Self::HttpProtobuf),
            _ => None,
        }
    }
}

impl LogLevel {
    /// By the names that the languages' own SDKs know as well.
    pub(super) fn known_as(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Some(Self::Off),
            "warning" => Some(Self::Warn),
            "verbose" | "all" => Some(Self::Trace),
            name => Self::named(name),
        }
    }
}
