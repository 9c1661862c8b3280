//! Where settings come from: what a method was called for is the program's; else a value is still
//! what its variable said, or the default; or it was changed in its field, which is the program's
//! as well.

use super::Config;
use super::settings::{self, Setting};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The program.
    Argument,
    /// The variable of this name.
    Variable(&'static str),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("argument"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What is known about the origin of a configuration's values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Origins {
    /// The last variable that fed a setting, and what the value was then.
    variables: BTreeMap<&'static str, (&'static str, u64)>,
    /// Settings, or groups of them, that a method was called for.
    arguments: BTreeSet<&'static str>,
    /// So many resource attributes, the first, are the variable's.
    pub(super) attributes_from_variable: usize,
}

impl Origins {
    pub(super) fn came_from(&mut self, setting: &'static str, variable: &'static str) {
        self.variables.insert(setting, (variable, 0));
    }

    pub(super) fn argument(&mut self, setting: &'static str) {
        self.arguments.insert(setting);
    }

    /// Whether a method was called for it, or for the group that it belongs to.
    fn is_argument(&self, setting: &str) -> bool {
        let group = setting.split_once('.').map_or(setting, |(group, _)| group);
        self.arguments.contains(setting) || self.arguments.contains(group)
    }
}

impl Config {
    /// Notes what the variables made of their settings, to see later what was changed.
    pub(super) fn remember_values(&mut self) {
        let mut variables = std::mem::take(&mut self.origins.variables);
        for (name, (_, value)) in &mut variables {
            if let Some(setting) = settings::named(name) {
                *value = setting.fingerprint(self);
            }
        }
        self.origins.variables = variables;
    }

    /// Where the setting of this name comes from.
    pub(super) fn origin(&self, setting: &Setting) -> Origin {
        if self.origins.is_argument(setting.name) {
            return Origin::Argument;
        }
        let now = setting.fingerprint(self);
        match self.origins.variables.get(setting.name) {
            Some((name, then)) if *then == now => Origin::Variable(name),
            None if setting.fingerprint(&Self::default()) == now => Origin::Default,
            _ => Origin::Argument,
        }
    }

    /// Where the setting of this name comes from, if there is one of this name.
    #[cfg(feature = "otel")]
    pub(super) fn origin_of(&self, name: &str) -> Option<Origin> {
        settings::named(name).map(|setting| self.origin(setting))
    }

    /// Whether somebody asked for it: by a variable, or by a value that is not the default.
    pub(super) fn is_asked_for(&self, name: &str) -> bool {
        settings::named(name).is_some_and(|setting| {
            matches!(self.origin(setting), Origin::Variable(_))
                || setting.fingerprint(self) != setting.fingerprint(&Self::default())
        })
    }
}

impl Setting {
    /// Values are compared by this: some are secrets, which are not kept twice.
    fn fingerprint(&self, config: &Config) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.exact)(config).hash(&mut hasher);
        hasher.finish()
    }
}
