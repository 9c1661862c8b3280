//! Cuts Rust source into words, string literals and marks, so that a `fn` in a comment or in a
//! string is never taken for code. Total: any text gives tokens.

/// A piece of source that means something to the item scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'source> {
    /// Identifier, keyword or number; raw identifiers keep their `r#`.
    Word(&'source str),
    /// Content of a string literal, escapes as written.
    Text(&'source str),
    /// Any other character.
    Mark(char),
}

/// The tokens of `source` without comments, lifetimes and character literals.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut cursor = Cursor { rest: source };
    let mut tokens = Vec::new();
    while let Some(letter) = cursor.rest.chars().next() {
        let token = match letter {
            '/' if cursor.rest.starts_with("//") => cursor.skip_line(),
            '/' if cursor.rest.starts_with("/*") => cursor.skip_block(),
            '"' => Some(cursor.text()),
            '\'' => cursor.skip_quote(),
            _ if is_word(letter) => Some(cursor.word()),
            _ => cursor.mark(letter),
        };
        tokens.extend(token);
    }
    tokens
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

struct Cursor<'source> {
    rest: &'source str,
}

impl<'source> Cursor<'source> {
    /// Moves on by `length` bytes, or to the end when the source ends early.
    fn take(&mut self, length: usize) -> &'source str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn skip_line(&mut self) -> Option<Token<'source>> {
        self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        None
    }

    fn skip_block(&mut self) -> Option<Token<'source>> {
        let mut depth = 0_u32;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.take(self.rest.chars().next().map_or(0, char::len_utf8));
            }
        }
        None
    }

    fn mark(&mut self, letter: char) -> Option<Token<'source>> {
        self.take(letter.len_utf8());
        (!letter.is_whitespace()).then_some(Token::Mark(letter))
    }

    /// A literal that starts with `"` and ends at the next one without a backslash.
    fn text(&mut self) -> Token<'source> {
        self.take(1);
        let end = unescaped(self.rest, '"').unwrap_or(self.rest.len());
        let text = self.take(end);
        self.take(1);
        Token::Text(text)
    }

    /// A character literal or a lifetime: only the former has a second quote.
    fn skip_quote(&mut self) -> Option<Token<'source>> {
        self.take(1);
        let mut letters = self.rest.chars();
        let first = letters.next()?;
        if first == '\\' {
            let end = unescaped(self.rest, '\'').unwrap_or(self.rest.len());
            self.take(end + 1);
        } else if letters.next() == Some('\'') {
            self.take(first.len_utf8() + 1);
        } else {
            self.take(self.rest.find(|letter| !is_word(letter)).unwrap_or(self.rest.len()));
        }
        None
    }

    fn word(&mut self) -> Token<'source> {
        let whole = self.rest;
        let word = self.take(whole.find(|letter| !is_word(letter)).unwrap_or(whole.len()));
        let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
        let quoted = self.rest[hashes..].starts_with('"');
        match word {
            "r" | "br" | "cr" if quoted => self.raw_text(hashes),
            "b" | "c" if quoted && hashes == 0 => self.text(),
            "r" if hashes == 1 => {
                let name = self.rest[1..].find(|letter| !is_word(letter));
                let length = name.map_or(self.rest.len(), |length| length + 1);
                self.take(length);
                Token::Word(&whole[..=length])
            }
            _ => Token::Word(word),
        }
    }

    fn raw_text(&mut self, hashes: usize) -> Token<'source> {
        self.take(hashes + 1);
        let end = format!("\"{}", "#".repeat(hashes));
        let text = self.take(self.rest.find(&end).unwrap_or(self.rest.len()));
        self.take(end.len());
        Token::Text(text)
    }
}

/// Where `quote` stands first without a backslash in front of it.
fn unescaped(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == quote && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::Token::{Mark, Text, Word};
    use super::*;

    #[test]
    fn comments_leave_nothing_behind() {
        let source = "a // fn b\n/* fn c /* nested */ \" */ /// doc \"\nd";
        assert_eq!(tokens(source), [Word("a"), Word("d")]);
    }

    #[test]
    fn strings_of_every_kind_are_texts() {
        for (source, text) in [
            (r#""a\"b""#, r#"a\"b"#),
            (r#""a\\""#, r"a\\"),
            (r#"r"a\""#, r"a\"),
            (r##"r#"a"b"#"##, r#"a"b"#),
            (r###"br##"a"#b"##"###, r##"a"#b"##),
            (r#"b"a""#, "a"),
            (r#"c"a""#, "a"),
            ("\"two\nlines\"", "two\nlines"),
        ] {
            let followed = format!("{source} next");
            assert_eq!(tokens(&followed), [Text(text), Word("next")], "{source}");
        }
    }

    #[test]
    fn quotes_in_characters_open_no_string() {
        assert_eq!(tokens(r#"'"' '\'' b'"' '\\' 'é' x"#), [Word("b"), Word("x")]);
    }

    #[test]
    fn lifetimes_are_told_from_characters() {
        let expected = [Mark('&'), Word("str"), Mark(','), Text("a")];
        assert_eq!(tokens("&'static str, 'a' \"a\""), expected);
    }

    #[test]
    fn raw_identifiers_are_no_keywords() {
        assert_eq!(
            tokens("r#mod r#fn(r)"),
            [Word("r#mod"), Word("r#fn"), Mark('('), Word("r"), Mark(')')]
        );
    }

    #[test]
    fn source_that_ends_early_still_gives_tokens() {
        for source in ["\"a", "r#\"a", "/* a", "'\\", "'", "b'", "r#", "\"\\", "'é"] {
            assert!(tokens(source).len() <= 2, "{source}");
        }
    }
}
