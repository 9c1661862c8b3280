//! The written name of a test, taken apart: `package::path::test#label` or `file.py::test#label`.

/// A test as `proofs.toml` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) test: Test,
    /// Text that one assertion of the test carries.
    pub(super) label: Option<String>,
}

/// Where a test lives; the same test with another label is the same `Test`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// `path` is the target or first module, the modules below it, the function.
    Rust { package: String, path: Vec<String> },
    /// `path` is the function, or a class and its method.
    Python { file: String, path: Vec<String> },
}

impl Reference {
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let (name, label) = match written.split_once('#') {
            Some((_, label)) if label.trim().is_empty() => {
                return Err("has an empty label; name an assertion or drop the `#`".to_owned());
            }
            Some((name, label)) => (name, Some(label.to_owned())),
            None => (written, None),
        };
        Ok(Self { test: Test::parse(name)?, label })
    }
}

impl Test {
    fn parse(name: &str) -> Result<Self, String> {
        let (head, path) = name.split_once("::").ok_or_else(shape)?;
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        if head.is_empty() || !path.iter().all(|segment| is_name(segment)) {
            return Err(shape());
        }
        let is_python = head.rsplit_once('.').is_some_and(|(_, extension)| extension == "py");
        if is_python && !head.starts_with('/') && !head.split('/').any(|part| part == "..") {
            return Ok(Self::Python { file: head.to_owned(), path });
        }
        if is_python || head.contains('/') {
            return Err(shape());
        }
        Ok(Self::Rust { package: head.to_owned(), path })
    }
}

fn shape() -> String {
    "is no name of a test; write `package::path::test` or `folder/test_file.py::test`".to_owned()
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty() && segment.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Vec<String> {
        segments.iter().map(|&segment| segment.to_owned()).collect()
    }

    #[test]
    fn a_rust_test_has_package_path_and_label() {
        let reference = Reference::parse("oxitel-desk::it::fork::once#two words");
        let test =
            Test::Rust { package: "oxitel-desk".to_owned(), path: path(&["it", "fork", "once"]) };
        assert_eq!(reference, Ok(Reference { test, label: Some("two words".to_owned()) }));
    }

    #[test]
    fn a_python_test_has_a_file() {
        let reference = Reference::parse("python/tests/test_a.py::TestB::test_c");
        let test = Test::Python {
            file: "python/tests/test_a.py".to_owned(),
            path: path(&["TestB", "test_c"]),
        };
        assert_eq!(reference, Ok(Reference { test, label: None }));
    }

    #[test]
    fn anything_else_is_refused() {
        for written in
            ["once", "a::", "::b", "a::b c", "a/b.rs::c", "../a.py::test_b", "/a.py::test_b"]
        {
            assert_eq!(Reference::parse(written), Err(shape()), "{written}");
        }
        assert!(Reference::parse("a::b# ").is_err_and(|reason| reason.contains("empty label")));
    }
}
