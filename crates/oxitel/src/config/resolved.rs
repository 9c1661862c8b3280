//! A configuration as a person reads it: each setting, its value, and who said so.

use super::origins::Origin;
use super::{Config, settings};
use std::fmt;

/// Every setting with its value and where it comes from, without secrets: values of headers,
/// credentials and queries of URLs are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    settings: Vec<ResolvedSetting>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedSetting {
    /// Its name, as it is a field of [`Config`].
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Resolved {
    /// The settings, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &ResolvedSetting> {
        self.settings.iter()
    }
}

/// One line a setting.
impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ResolvedSetting { name, value, origin } in &self.settings {
            writeln!(f, "{name} = {value} ({origin})")?;
        }
        Ok(())
    }
}

impl Config {
    /// What holds, and who said so.
    pub fn resolved(&self) -> Resolved {
        let settings = settings::all().map(|setting| ResolvedSetting {
            name: setting.name,
            value: (setting.shown)(self),
            origin: self.origin(setting),
        });
        Resolved { settings: settings.collect() }
    }
}

/// Without secrets, too.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Config");
        for setting in settings::all() {
            fields.field(setting.name, &format_args!("{}", (setting.shown)(self)));
        }
        fields.finish()
    }
}
