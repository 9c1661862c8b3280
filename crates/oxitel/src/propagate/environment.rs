//! The environment as carrier: a program that starts another takes it into its trace.
//!
//! ```no_run
//! use oxitel::propagate::{self, environment::Variables};
//! use std::process::Command;
//!
//! // The parent's side, inside of a span: TRACEPARENT and the others for the child alone.
//! let mut child = Command::new("worker");
//! propagate::inject_into(&mut child);
//! child.spawn()?;
//!
//! // The child's side, at its start.
//! let caller = propagate::extract_from(&Variables::of_process());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Names are normalised: upper-case letters, digits and underscores, no digit first. Values are
//! passed through as they are.

use super::{Extract, Inject};
use std::ffi::OsStr;
use std::fmt;
use std::process::Command;

/// A process's variables, as they were when they were read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(Vec<(String, String)>);

impl Variables {
    /// This process's own. Those whose names are not normalised are none of ours.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }
}

/// Any pairs of name and value; those whose names are not normalised are left out.
impl<K: AsRef<OsStr>, V: AsRef<OsStr>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let text = |(name, value): (K, V)| {
            let name = name.as_ref().to_str().filter(|name| is_normalized(name))?;
            Some((name.to_owned(), value.as_ref().to_string_lossy().into_owned()))
        };
        Self(variables.into_iter().filter_map(text).collect())
    }
}

impl Extract for Variables {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        let name = normalized(name);
        for (_, value) in self.0.iter().filter(|(known, _)| *known == name) {
            each(value);
        }
    }

    /// Names as headers spell them: in lower case, with hyphens.
    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        for (name, value) in &self.0 {
            each(&name.to_ascii_lowercase().replace('_', "-"), value);
        }
    }
}

/// The names alone: an environment is full of secrets.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables ")?;
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Into the environment of the process that it will start.
impl Inject for Command {
    fn set(&mut self, name: &str, value: &str) {
        self.env(normalized(name), value);
    }
}

/// The name of the variable that a header becomes: `TRACEPARENT`, `X_B3_TRACEID`.
pub fn normalized(header: &str) -> String {
    let normal = |character: char| match character.to_ascii_uppercase() {
        letter @ ('A'..='Z' | '0'..='9') => letter,
        _ => '_',
    };
    let mut name: String = header.chars().map(normal).collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

fn is_normalized(name: &str) -> bool {
    let within = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
    name.bytes().all(within) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Variables, normalized};
    use crate::propagate::{Extract, Inject, Propagators};
    use std::process::Command;

    #[test]
    fn names_are_normalised() {
        for (header, variable) in [
            ("traceparent", "TRACEPARENT"),
            ("x-b3-traceid", "X_B3_TRACEID"),
            ("uberctx-user.näme", "UBERCTX_USER_N_ME"),
            ("3d", "_3D"),
            ("", "_"),
            ("ß", "_"),
        ] {
            assert_eq!(normalized(header), variable);
            assert_eq!(normalized(variable), variable, "once");
        }
    }

    #[test]
    fn a_child_reads_what_its_parent_set() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let headers = [("traceparent", parent), ("tracestate", "a=1"), ("baggage", "k=%C3%BC")];
        let caller = Propagators::DEFAULT.extract(&headers);
        let mut child = Command::new("worker");
        Propagators::DEFAULT.inject(caller.span_context(), caller.baggage(), &mut child);
        let variables = child.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let mut variables: Vec<_> = variables.map(|(k, v)| (k.to_str(), v.to_str())).collect();
        variables.sort_unstable();
        let expected = [("BAGGAGE", "k=%C3%BC"), ("TRACEPARENT", parent), ("TRACESTATE", "a=1")];
        assert_eq!(variables, expected.map(|(name, value)| (Some(name), Some(value))));
        let variables: Variables = expected.into_iter().collect();
        assert_eq!(Propagators::DEFAULT.extract(&variables), caller);
    }

    #[test]
    fn values_are_opaque_and_other_names_none_of_ours() {
        let variables: Variables =
            [("K", " \u{1}=ü "), ("k", "lower"), ("3K", "digit"), ("", "empty"), ("A_B", "1")]
                .into_iter()
                .collect();
        let mut seen = Vec::new();
        variables.get_all("k", &mut |value| seen.push(value.to_owned()));
        assert_eq!(seen, [" \u{1}=ü "]);
        let mut names = Vec::new();
        variables.visit(&mut |name, _| names.push(name.to_owned()));
        assert_eq!(names, ["k", "a-b"]);
        assert_eq!(format!("{variables:?}"), r#"Variables ["K", "A_B"]"#);
    }

    #[test]
    fn a_command_replaces_what_the_parent_itself_was_given() {
        let mut child = Command::new("worker");
        child.env("TRACEPARENT", "the parent's own");
        child.set("traceparent", "the parent's span");
        assert_eq!(child.get_envs().count(), 1);
    }
}
