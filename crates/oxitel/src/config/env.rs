//! Reads the standard variables by the standard's parsing rules: empty is unset, what makes no
//! sense is warned about and replaced by the default, and nothing here ever fails.

use super::Config;
use super::draft::Draft;
use super::parse::Fault;
use super::url;
use super::variables::{self, Kind, OBSOLETE, UNUSED, Variable};
#[cfg(feature = "otel")]
use crate::record::redact;

/// What the variables of this process say.
pub(super) fn of_this_process() -> Config {
    let mut config = read(|name| std::env::var(name).ok());
    for Variable { name, .. } in variables::all() {
        if std::env::var_os(name).is_some_and(|value| value.to_str().is_none()) {
            config.warnings.push(format!("{name} is not Unicode and is ignored"));
        }
    }
    config
}

/// Each variable once; messages show what the user wrote.
pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Config {
    let mut reader = Reader { lookup, draft: Draft::default(), warnings: Vec::new() };
    for variable in variables::all() {
        reader.take(variable);
    }
    for (name, instead) in UNUSED {
        if reader.text(name).is_some() {
            reader.warnings.push(format!("{name} is not used; set {instead}"));
        }
    }
    let mut config = reader.draft.config;
    config.warnings = reader.warnings;
    #[cfg(feature = "python")]
    {
        config.for_guests = super::joined::lines(&reader.lookup);
    }
    config.read_proxies(reader.lookup);
    config.remember_values();
    config
}

struct Reader<L> {
    lookup: L,
    draft: Draft,
    warnings: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    fn take(&mut self, variable: &'static Variable) {
        let Some((name, value)) = self.named(variable.name) else { return };
        let taken = (variable.take)(&mut self.draft, value.trim());
        if taken.is_ok() {
            for setting in variable.feeds {
                self.draft.config.origins.came_from(setting, name);
            }
        }
        let remark = self.draft.remark.take();
        if let Some(text) = taken.err().map(|fault| consequence(variable, fault)).or(remark) {
            self.warnings.push(warning(variable, name, &value, &text));
        }
    }

    /// The variable's text, also under a name that it had before; and the name.
    fn named(&mut self, name: &'static str) -> Option<(&'static str, String)> {
        let before = OBSOLETE.into_iter().find(|(_, today)| *today == name);
        let before = before.and_then(|(old, _)| self.text(old).map(|value| (old, value)));
        if let Some((old, _)) = &before {
            self.warnings.push(format!("{old} is obsolete; set {name}"));
        }
        self.text(name).map(|value| (name, value)).or(before)
    }
}

fn consequence(variable: &Variable, fault: Fault) -> String {
    match (fault, variable.default) {
        (Fault::Said(text), _) => text,
        (Fault::Default(problem), "none" | "not set") => format!("{problem} and is ignored"),
        (Fault::Default(problem), default) => format!("{problem}; {default} is used"),
    }
}

/// In the user's own words, but for secrets.
fn warning(variable: &Variable, name: &str, value: &str, text: &str) -> String {
    match variable.kind {
        Kind::SecretPairs => format!("{name} {text}"),
        #[cfg(feature = "otel")]
        Kind::Pairs => {
            let line = format!("{name}={value:?} {text}");
            redact::UNUSED.message(&line).unwrap_or(line)
        }
        Kind::Url => format!("{name}={:?} {text}", url::masked(value)),
        _ => format!("{name}={value:?} {text}"),
    }
}

#[cfg(test)]
mod tests;
