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
