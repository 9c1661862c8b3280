//! What stands behind a word on the command line.
//!
//! A word takes its flags and values out one by one and ends with `finish`, so that anything left
//! over is an error and never silently ignored.

/// The arguments of one word.
#[derive(Debug)]
pub(crate) struct Arguments {
    left: Vec<String>,
}

/// The command line asks for something that does not exist; the exit code is 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl Arguments {
    /// The arguments that follow the word.
    pub(crate) fn new(given: impl IntoIterator<Item = String>) -> Arguments {
        Arguments { left: given.into_iter().collect() }
    }

    /// Whether the flag `name` was given.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|argument| argument != name);
        self.left.len() < before
    }

    /// The value of the option `name`, as `--name value` or `--name=value`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>, UsageError> {
        let joined = format!("{name}=");
        for position in 0..self.left.len() {
            if let Some(value) = self.left[position].strip_prefix(&joined) {
                let value = value.to_owned();
                self.left.remove(position);
                return Ok(Some(value));
            }
            if self.left[position] == name {
                if position + 1 == self.left.len() {
                    return Err(UsageError(format!("{name} needs a value")));
                }
                self.left.remove(position);
                return Ok(Some(self.left.remove(position)));
            }
        }
        Ok(None)
    }

    /// The next argument that is not an option.
    pub(crate) fn positional(&mut self) -> Option<String> {
        let position = self.left.iter().position(|argument| !argument.starts_with('-'))?;
        Some(self.left.remove(position))
    }

    /// Everything that is left, for a word that reads its arguments itself.
    pub(crate) fn rest(self) -> Vec<String> {
        self.left
    }

    /// Ends the reading: whatever is left was not understood.
    pub(crate) fn finish(self) -> Result<(), UsageError> {
        match self.left.first() {
            None => Ok(()),
            Some(unknown) => Err(UsageError(format!("{unknown:?} is not understood here"))),
        }
    }
}

/// `value` when it is one of `known`, else an error that lists them.
pub(crate) fn one_of(what: &str, value: &str, known: &[&str]) -> Result<(), UsageError> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(UsageError(format!("{what} {value:?} is not known; there are: {}", known.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(given: &[&str]) -> Arguments {
        Arguments::new(given.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn flags_values_and_names_are_found_in_any_order() {
        let mut given = arguments(&["--quick", "engine", "--only", "core", "--limit=3"]);
        assert!(given.flag("--quick"));
        assert!(!given.flag("--full"));
        assert_eq!(given.value("--only").unwrap().as_deref(), Some("core"));
        assert_eq!(given.value("--limit").unwrap().as_deref(), Some("3"));
        assert_eq!(given.positional().as_deref(), Some("engine"));
        given.finish().unwrap();
    }

    #[test]
    fn what_is_not_understood_is_quoted_in_the_error() {
        let error = arguments(&["--quick"]).finish().unwrap_err();
        assert_eq!(error.to_string(), "\"--quick\" is not understood here");
    }

    #[test]
    fn an_option_without_its_value_is_an_error() {
        let error = arguments(&["--only"]).value("--only").unwrap_err();
        assert_eq!(error.to_string(), "--only needs a value");
    }

    #[test]
    fn an_unknown_choice_lists_the_known_ones() {
        let error = one_of("--only", "rost", &["rust", "python"]).unwrap_err();
        assert_eq!(error.to_string(), "--only \"rost\" is not known; there are: rust, python");
    }
}
