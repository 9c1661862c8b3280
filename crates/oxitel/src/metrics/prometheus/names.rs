//! Names of metrics and labels.

use super::{Style, units};
use crate::metrics::InstrumentKind;

/// A metric family's name, and the unit that it ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FamilyName {
    pub(super) name: String,
    pub(super) unit: Option<String>,
}

/// The name of an instrument's family, with all suffixes.
pub(super) fn family(name: &str, unit: &str, kind: InstrumentKind, style: Style) -> FamilyName {
    let translation = style.translation;
    let escaped = if escapes(style) { underscores(name) } else { name.to_owned() };
    if !translation.has_suffixes() {
        return FamilyName { name: escaped, unit: None };
    }
    let is_counter = matches!(kind, InstrumentKind::Counter | InstrumentKind::ObservableCounter);
    let is_gauge = matches!(kind, InstrumentKind::Gauge | InstrumentKind::ObservableGauge);
    let unit = match units::words(unit) {
        None if unit == "1" && is_gauge => Some("ratio".to_owned()),
        words => words.map(|words| underscores(&words)),
    };
    // The suffix for counters comes last, also when the name has it already.
    let base =
        if is_counter { escaped.strip_suffix("_total").unwrap_or(&escaped) } else { &escaped };
    let mut name = base.to_owned();
    if let Some(unit) = &unit
        && !ends_with_word(&name, unit)
    {
        name = format!("{name}_{unit}");
    }
    if is_counter {
        name.push_str("_total");
    }
    FamilyName { name, unit }
}

/// Whether names have to do with the letters that Prometheus always knew.
pub(super) fn escapes(style: Style) -> bool {
    style.translation.escapes() || !style.answer.takes_utf8
}

fn ends_with_word(name: &str, word: &str) -> bool {
    name.strip_suffix(word).is_some_and(|before| before.is_empty() || before.ends_with(['_', '.']))
}

/// Letters, digits, `_` and `:`; each run of anything else becomes one `_`.
pub(super) fn underscores(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len() + 1);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        escaped.push('_');
    }
    for char in name.chars() {
        if char.is_ascii_alphanumeric() || char == ':' {
            escaped.push(char);
        } else if !escaped.ends_with('_') {
            escaped.push('_');
        }
    }
    escaped
}

/// A label's name: as [`underscores`], without colons.
pub(super) fn label(key: &str, style: Style) -> String {
    if escapes(style) { underscores(&key.replace(':', "_")) } else { key.to_owned() }
}

/// Whether a name can stand without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
}
