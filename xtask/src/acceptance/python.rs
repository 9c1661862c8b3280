//! Finds a Python test in its file, as pytest with its usual names would: functions `test…`, or
//! such methods of a class `Test…`.

use std::mem::take;

/// The string literals of the test at `path` in `source`, or why there is no such test.
pub(super) fn find(file: &str, source: &str, path: &[String]) -> Result<Vec<String>, String> {
    let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".py");
    if !stem.starts_with("test_") && !stem.ends_with("_test") {
        return Err(format!("is not collected by pytest: rename {file} to `test_….py`"));
    }
    let lines = logical_lines(source);
    if lines.iter().any(|line| line.indent == 0 && skips_module(&line.code)) {
        return Err(useless(&format!("{file} is skipped as a whole")));
    }
    search(file, &lines, path)
}

fn search(file: &str, block: &[Line], path: &[String]) -> Result<Vec<String>, String> {
    let missing = |name: &str| format!("does not exist: no `{name}` in {file}");
    let (Some((name, below)), Some(first)) = (path.split_first(), block.first()) else {
        return Err(missing(&path.join(".")));
    };
    let is_class = !below.is_empty();
    if !name.starts_with(if is_class { "Test" } else { "test" }) {
        return Err(format!("is not collected by pytest: `{name}` does not start with \"test\""));
    }
    let is_wanted = |line: &Line| line.indent == first.indent && line.defines(name, is_class);
    // A later definition of the same name replaces the earlier one.
    let at = block.iter().rposition(is_wanted).ok_or_else(|| missing(name))?;
    if let Some(decorator) = decorators(&block[..at], first.indent).find(|line| skips(&line.code)) {
        return Err(useless(&format!("it carries `{}`", decorator.code.trim())));
    }
    let end = block[at + 1..].iter().position(|line| line.indent <= first.indent);
    let body = &block[at + 1..end.map_or(block.len(), |length| at + 1 + length)];
    if is_class {
        return search(file, body, below);
    }
    let lines = block[at..=at].iter().chain(body);
    Ok(lines.flat_map(|line| line.texts.iter().cloned()).collect())
}

fn decorators(before: &[Line], indent: usize) -> impl Iterator<Item = &Line> {
    let is_decorator = move |line: &&Line| line.indent == indent && line.code.starts_with('@');
    before.iter().rev().take_while(is_decorator)
}

fn useless(reason: &str) -> String {
    format!("proves nothing: {reason}; make it run or take it from the list")
}

fn skips(code: &str) -> bool {
    code.contains("skip") || code.contains("xfail")
}

fn skips_module(code: &str) -> bool {
    code.starts_with("pytest.skip(") || (code.starts_with("pytestmark") && skips(code))
}

/// A line as Python counts it: brackets and backslashes join what an editor shows as several.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    indent: usize,
    /// Without indentation, comments and the content of strings.
    code: String,
    texts: Vec<String>,
}

impl Line {
    fn defines(&self, name: &str, is_class: bool) -> bool {
        let code = self.code.strip_prefix("async ").unwrap_or(&self.code).trim_start();
        let word = if is_class { "class " } else { "def " };
        code.strip_prefix(word).map(str::trim_start).is_some_and(|rest| {
            rest.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['(', ':']))
        })
    }
}

fn logical_lines(source: &str) -> Vec<Line> {
    let mut reader = Reader { rest: source, ..Reader::default() };
    while let Some(letter) = reader.rest.chars().next() {
        reader.step(letter);
    }
    reader.end_line();
    reader.lines
}

#[derive(Default)]
struct Reader<'source> {
    rest: &'source str,
    lines: Vec<Line>,
    line: Line,
    /// Open brackets.
    depth: usize,
}

impl<'source> Reader<'source> {
    fn take(&mut self, length: usize) -> &'source str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn step(&mut self, letter: char) {
        match letter {
            '#' => {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
                return;
            }
            '"' | '\'' => return self.text(),
            '\\' if self.rest.starts_with("\\\n") => {
                self.take(2);
                return;
            }
            '\n' if self.depth == 0 => self.end_line(),
            ' ' | '\t' if self.line.code.is_empty() => self.line.indent += 1,
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.take(letter.len_utf8());
        let is_indent = letter.is_whitespace() && self.line.code.is_empty();
        if letter != '\n' && !is_indent {
            self.line.code.push(letter);
        }
    }

    /// A string in any kind of quotes; prefixes such as `rb` stay behind in the code.
    fn text(&mut self) {
        let triples = ["\"\"\"", "'''"];
        let triple = triples.into_iter().find(|quote| self.rest.starts_with(quote));
        let quote = triple.unwrap_or(&self.rest[..1]);
        self.take(quote.len());
        let end = closing(self.rest, quote).unwrap_or(self.rest.len());
        let text = self.take(end);
        self.take(quote.len());
        self.line.texts.push(text.to_owned());
        self.line.code.push_str("\"\"");
    }

    fn end_line(&mut self) {
        let line = take(&mut self.line);
        if !line.code.is_empty() {
            self.lines.push(line);
        }
    }
}

/// Where `quote` stands first without a backslash in front of it.
fn closing(text: &str, quote: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = !is_escaped && text[at..].starts_with(quote);
        is_escaped = letter == '\\' && !is_escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(source: &str, path: &str) -> Result<Vec<String>, String> {
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        find("tests/test_a.py", source, &path)
    }

    #[test]
    fn functions_and_methods_are_found() {
        let source = "import a\n\n@a.mark(\n    1,\n)\n# words\nasync def test_a():\n    pass\n\n\
                      class TestB(Base):\n    x = 1\n\n    def test_c(self) -> None:\n        pass\n";
        assert_eq!(look(source, "test_a"), Ok(Vec::new()));
        assert_eq!(look(source, "TestB::test_c"), Ok(Vec::new()));
        for path in ["test_c", "TestB::test_a", "test", "TestB::test_d"] {
            let reason = look(source, path).expect_err(path);
            assert!(reason.starts_with("does not exist"), "{reason}");
        }
    }

    #[test]
    fn a_test_that_is_not_code_does_not_exist() {
        for source in [
            "# def test_a(): pass\n",
            "x = '''\ndef test_a(): pass\n'''\n",
            "x = \"\"\"it's \\\"\"\"\ndef test_a(): pass\n\"\"\"\n",
            "def outer():\n    def test_a():\n        pass\n",
            "if slow:\n    def test_a():\n        pass\n",
            "def test_ab():\n    pass\n",
        ] {
            let reason = look(source, "test_a").expect_err(source);
            assert!(reason.starts_with("does not exist"), "{source}: {reason}");
        }
    }

    #[test]
    fn a_skipped_test_proves_nothing() {
        for source in [
            "@pytest.mark.skip\ndef test_a(): pass\n",
            "@other\n@pytest.mark.skipif(\n    old, reason='def'\n)\n@third\ndef test_a(): pass\n",
            "@pytest.mark.xfail\nasync def test_a(): pass\n",
            "pytestmark = pytest.mark.skip\ndef test_a(): pass\n",
            "pytest.skip('no', allow_module_level=True)\ndef test_a(): pass\n",
        ] {
            let reason = look(source, "test_a").expect_err(source);
            assert!(reason.starts_with("proves nothing"), "{source}: {reason}");
        }
        let class = "@unittest.skip('x')\nclass TestB:\n    def test_a(self): pass\n";
        assert!(look(class, "TestB::test_a").is_err_and(|reason| reason.contains("@unittest")));
    }

    #[test]
    fn a_decorator_of_another_function_does_not_reach_the_next_one() {
        let source = "@pytest.mark.skip\ndef test_b(): pass\n\n@x('skip')\ndef test_a(): pass\n";
        assert_eq!(look(source, "test_a"), Ok(Vec::new()));
    }

    #[test]
    fn names_that_pytest_does_not_collect_are_refused() {
        assert!(look("def check(): pass\n", "check").is_err_and(|why| why.contains("collected")));
        let path = ["test_a".to_owned()];
        let helper = find("tests/helper.py", "def test_a(): pass\n", &path);
        assert!(helper.is_err_and(|reason| reason.contains("rename tests/helper.py")));
    }

    #[test]
    fn the_texts_of_the_body_are_returned() {
        let source = "def test_b():\n    'other'\ndef test_a():\n    # 'no'\n    assert x, (\n\
                      f'one {x}' \\\n  r\"two\\\"\")\n\n    '''three'''\ny = 'later'\n";
        let expected = ["one {x}", "two\\\"", "three"].map(str::to_owned);
        assert_eq!(look(source, "test_a"), Ok(expected.to_vec()));
    }
}
