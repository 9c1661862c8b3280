//! The strategies by which names are translated. Also of builds without the engine, by path.

/// How names of instruments become names of metrics for Prometheus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Translation {
    /// `foo.bar` in bytes, a counter: `foo_bar_bytes_total`.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// The same: `foo_bar`.
    UnderscoreEscapingWithoutSuffixes,
    /// The same: `foo.bar_bytes_total`. Scrapers that do not ask for UTF-8 get underscores.
    NoUtf8EscapingWithSuffixes,
    /// The same: `foo.bar`. Scrapers that do not ask for UTF-8 get underscores.
    NoTranslation,
}

impl Translation {
    /// As configuration files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }

    /// By the name that configuration files use.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "UnderscoreEscapingWithSuffixes" => Some(Self::UnderscoreEscapingWithSuffixes),
            "UnderscoreEscapingWithoutSuffixes" => Some(Self::UnderscoreEscapingWithoutSuffixes),
            "NoUTF8EscapingWithSuffixes" => Some(Self::NoUtf8EscapingWithSuffixes),
            "NoTranslation" => Some(Self::NoTranslation),
            _ => None,
        }
    }
}

impl std::fmt::Display for Translation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
