//! What must not leave the process: secrets in attributes, URLs, statements and messages.
//!
//! Flow: a front end sets a value -> **redact** -> encode. It sits where values become bytes, so
//! every front end goes through it. What a key says is in `keys`, what lies inside of texts in
//! `text` and `sql`. On by default; [`Redaction`] is what a program sets, [`Rules`] what the
//! engine runs with.

#[cfg(feature = "otel")]
mod keys;
#[cfg(feature = "otel")]
mod rules;
#[cfg(feature = "otel")]
mod sql;
#[cfg(feature = "otel")]
mod text;

#[cfg(feature = "otel")]
pub(crate) use {
    keys::Class,
    rules::{Examined, Rules, UNUSED, or_itself},
    text::may_hold_url,
};

use std::fmt;
use std::sync::Arc;

/// A function that looks at a text: `None` leaves it as it is.
type ValueRule = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// Which values are replaced before anything is sent; see the guide to privacy.
///
/// The default replaces what has the name of a secret (`authorization`, `cookie`, `*password*`,
/// `*secret*`, `*token*`, `*api_key*`, `*credential*` …), takes credentials and signatures out of
/// URLs, and literals out of SQL. Numbers and booleans are never replaced.
///
/// ```
/// use oxitel::Redaction;
///
/// let redaction = Redaction::default()
///     .key("employee.number")
///     .pattern("*iban*")
///     .allow("page.token")
///     .value(|_key, text| text.contains("@example.org").then(|| "[mail]".to_owned()));
/// assert_ne!(redaction, Redaction::default());
/// ```
#[derive(Clone, Default)]
pub struct Redaction {
    is_off: bool,
    keys: Vec<String>,
    patterns: Vec<String>,
    allowed: Vec<String>,
    values: Vec<ValueRule>,
}

impl Redaction {
    /// Everything is sent as it is, secrets too.
    pub fn off() -> Self {
        Self { is_off: true, ..Self::default() }
    }

    /// Whether it was switched off.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Replaces the values of this key too, and of keys that end with a dot and it. Case does
    /// not matter.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Replaces the values of keys that this pattern covers, in which `*` stands for any text.
    /// Case does not matter.
    #[must_use]
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Lets the keys that this pattern covers through, whatever their names say. Credentials in
    /// URLs are taken out of them nevertheless.
    #[must_use]
    pub fn allow(mut self, pattern: impl Into<String>) -> Self {
        self.allowed.push(pattern.into());
        self
    }

    /// Shows every text with its key to this function, after everything else was replaced. It
    /// returns the text to send instead, or `None`. A text over which it panics is replaced.
    ///
    /// It runs on the recording thread, for each text: it should be fast. Telemetry that it makes
    /// itself is not recorded, and `tracing` spans that were made elsewhere do not hear it.
    #[must_use]
    pub fn value(
        mut self,
        rule: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.values.push(Arc::new(rule));
        self
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("is_off", &self.is_off)
            .field("keys", &self.keys)
            .field("patterns", &self.patterns)
            .field("allowed", &self.allowed)
            .field("values", &self.values.len())
            .finish()
    }
}

/// Functions are equal when they are the same one.
impl PartialEq for Redaction {
    fn eq(&self, other: &Self) -> bool {
        let same = |(one, two): (&ValueRule, &ValueRule)| Arc::ptr_eq(one, two);
        self.is_off == other.is_off
            && self.keys == other.keys
            && self.patterns == other.patterns
            && self.allowed == other.allowed
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(same)
    }
}
