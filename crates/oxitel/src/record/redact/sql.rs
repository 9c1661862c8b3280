//! Literals out of SQL: numbers, texts and comments; names and structure stay.
//!
//! One pass, in linear time, over any text. Dialects disagree on what is a text, and where they
//! do, more is taken out: a statement that cannot be read to its end ends with its first doubt.

/// What stands for a literal.
const LITERAL: char = '?';

/// The statement without its literals.
pub(super) fn without_literals(statement: &str) -> String {
    let mut reader = Reader {
        text: statement,
        at: 0,
        out: String::with_capacity(statement.len()),
        words: ["", ""],
        names_may_follow: false,
        blank: 0,
    };
    while reader.at < statement.len() {
        reader.step();
    }
    reader.out
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// The two words before, if nothing but spaces came since.
    words: [&'a str; 2],
    /// After `.`, and after a word such as `FROM`: what is in double quotes is a name.
    names_may_follow: bool,
    /// How much of `out`, from its beginning, is white space.
    blank: usize,
}

/// A name in double quotes follows these, whatever the dialect.
const BEFORE_NAMES: &[&str] =
    &["from", "join", "into", "update", "table", "as", "only", "index", "schema", "database"];
/// Redis sends secrets as plain words: after these as the first word, anywhere after the others.
const SECRETS_FOLLOW: &[&str] = &["auth", "hello"];
const BEFORE_SECRETS: &[&str] = &["requirepass", "masterauth"];

impl Reader<'_> {
    fn step(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        match rest {
            [b'\'', ..] => self.quoted(b'\'', false),
            [b'"', ..] => self.double_quoted(),
            [b'`', ..] => self.name_in(b'`'),
            [b'-', b'-', ..] => self.skip_line(),
            [b'#', next, ..] if *next != b'>' => self.skip_line(),
            [b'/', b'*', ..] => self.skip_comment(),
            [b'$', ..] => self.dollar(),
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => self.number(),
            [b':' | b'@', next, ..] if is_word(*next) && !self.follows_word() => self.parameter(),
            [byte, ..] if is_word(*byte) => self.word(),
            _ => self.other(),
        }
    }

    /// A character without a meaning of its own.
    fn other(&mut self) {
        let Some(character) = self.text[self.at..].chars().next() else { return };
        self.at += character.len_utf8();
        let begins = self.out.len() == self.blank;
        self.out.push(character);
        if character.is_whitespace() {
            self.blank = if begins { self.out.len() } else { self.blank };
        } else {
            self.words = ["", ""];
            self.names_may_follow = character == '.';
        }
    }

    fn word(&mut self) {
        let (start, end) = (self.at, self.end_of(is_word));
        let word = &self.text[start..end];
        let quote = self.text.as_bytes().get(end).copied();
        let has = |known: &[&str]| known.iter().any(|one| one.eq_ignore_ascii_case(word));
        let is_first = self.out.len() == self.blank;
        self.at = end;
        match quote {
            Some(b'\'') if has(&["q", "nq"]) => return self.oracle_quoted(),
            Some(b'\'') if has(&["e"]) => return self.quoted(b'\'', true),
            Some(b'\'') if word.len() <= 2 || word.starts_with('_') => {
                return self.quoted(b'\'', false);
            }
            _ => {}
        }
        if self.is_secret_next() {
            return self.literal();
        }
        self.out.push_str(word);
        self.words = [self.words[1], word];
        self.names_may_follow = has(BEFORE_NAMES);
        if is_first && has(SECRETS_FOLLOW) {
            self.out.push(' ');
            self.give_up();
        }
    }

    /// Whether a plain word is a secret here: `IDENTIFIED BY word`, `CONFIG SET requirepass word`.
    fn is_secret_next(&self) -> bool {
        let [second, last] = self.words;
        BEFORE_SECRETS.iter().any(|one| one.eq_ignore_ascii_case(last))
            || second.eq_ignore_ascii_case("identified") && last.eq_ignore_ascii_case("by")
    }

    fn literal(&mut self) {
        self.out.push(LITERAL);
        self.words = ["", ""];
        self.names_may_follow = false;
    }

    /// From here on nothing is certain.
    fn give_up(&mut self) {
        self.literal();
        self.at = self.text.len();
    }

    /// A text; a doubled quote stands for itself.
    fn quoted(&mut self, quote: u8, escapes: bool) {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if escapes => at += 2,
                // Where a backslash escapes, the text goes on behind the quote; elsewhere not.
                b'\\' if bytes.get(at + 1) == Some(&quote) => return self.give_up(),
                byte if *byte != quote => at += 1,
                _ if bytes.get(at + 1) == Some(&quote) => at += 2,
                _ => {
                    self.at = at + 1;
                    return self.literal();
                }
            }
        }
        self.give_up();
    }

    /// A name for the standard, a text for others: a name where only a name makes sense.
    fn double_quoted(&mut self) {
        let bytes = self.text.as_bytes();
        let closing = bytes[self.at + 1..].iter().position(|byte| *byte == b'"');
        let end = closing.map(|length| self.at + 1 + length + 1);
        let is_name = end.is_some_and(|end| {
            let plain = bytes[self.at..end].iter().all(|byte| *byte != b'\\');
            let next = bytes.get(end);
            let qualifies = next == Some(&b'.') && bytes.get(end + 1) != Some(&b' ');
            plain && next != Some(&b'"') && (self.names_may_follow || qualifies)
        });
        match end {
            Some(end) if is_name => {
                self.out.push_str(&self.text[self.at..end]);
                self.at = end;
                self.words = ["", ""];
                self.names_may_follow = false;
            }
            _ => self.quoted(b'"', false),
        }
    }

    fn name_in(&mut self, quote: u8) {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let Some(length) = rest.iter().position(|byte| *byte == quote) else {
            return self.give_up();
        };
        let end = self.at + length + 2;
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
        self.words = ["", ""];
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// Comments nest for some; for the others a bit more is left out.
    fn skip_comment(&mut self) {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        while self.at < bytes.len() {
            match &bytes[self.at..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// `$1` is a parameter, `$tag$…$tag$` a text.
    fn dollar(&mut self) {
        let rest = &self.text[self.at + 1..];
        let tag = rest.bytes().take_while(|byte| is_word(*byte) && *byte != b'$').count();
        if rest.as_bytes().get(tag) != Some(&b'$') {
            return self.parameter();
        }
        let delimiter = &self.text[self.at..self.at + tag + 2];
        let body = self.at + delimiter.len();
        match self.text[body..].find(delimiter) {
            Some(length) => {
                self.at = body + length + delimiter.len();
                self.literal();
            }
            None => self.give_up(),
        }
    }

    /// `q'[…]'`: the text ends with the delimiter's partner and a quote.
    fn oracle_quoted(&mut self) {
        let rest = &self.text[self.at + 1..];
        let Some(open) = rest.chars().next() else { return self.give_up() };
        let close = match open {
            '[' => ']',
            '{' => '}',
            '(' => ')',
            '<' => '>',
            other => other,
        };
        let body = &rest[open.len_utf8()..];
        let end = body.match_indices(close).map(|(at, _)| at + close.len_utf8());
        match end.into_iter().find(|at| body.as_bytes().get(*at) == Some(&b'\'')) {
            Some(length) => {
                self.at += 1 + open.len_utf8() + length + 1;
                self.literal();
            }
            None => self.give_up(),
        }
    }

    fn number(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while let Some(byte) = bytes.get(at) {
            let signed = matches!(byte, b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E');
            if !is_word(*byte) && *byte != b'.' && !(signed && at > self.at) {
                break;
            }
            at += 1;
        }
        self.at = at;
        self.literal();
    }

    /// Its name stays: values are elsewhere.
    fn parameter(&mut self) {
        let start = self.at;
        self.at += 1;
        let end = self.end_of(is_word);
        self.out.push_str(&self.text[start..end]);
        self.at = end;
        self.words = ["", ""];
        self.names_may_follow = false;
    }

    fn follows_word(&self) -> bool {
        let before = self.text.as_bytes()[..self.at].last();
        before.is_some_and(|byte| is_word(*byte) || matches!(byte, b']' | b')' | b'\'' | b'"'))
    }

    fn end_of(&self, is_part: fn(u8) -> bool) -> usize {
        let rest = self.text[self.at..].bytes();
        self.at + rest.take_while(|byte| is_part(*byte)).count()
    }
}

/// Part of a name or a number. Letters beyond ASCII are: their bytes are never cut apart.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::without_literals;
    use proptest::prelude::*;

    #[test]
    fn literals_leave_and_structure_stays() {
        let cases = [
            "SELECT * FROM users WHERE id = 42 AND name = 'O''Brien'",
            "SELECT t1.c2, -1.5e-10, .5, 0xFF FROM t1 LIMIT 10",
            r#"SELECT "u"."id" AS "user" FROM "users" WHERE "u"."name" = "secret""#,
            r"SELECT E'it\'s', N'x', x'FF' FROM `my table`",
            "SELECT $1, :name, @p1, a::int, 'x'::text, arr[1]",
            "SELECT $body$ secret $ $body$, $$x$$",
            "SELECT 1 -- secret\n, 2 /* se /* cr */ et */ + 3 # secret",
            "SELECT data #>> '{a,b}', q'[it's]' FROM dual",
            "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')",
            "CREATE USER u IDENTIFIED BY secret PASSWORD 'secret'",
            "SELECT password FROM auth WHERE a IN ('b')",
            "AUTH user secret",
            "config set requirepass secret",
            "SELECT _utf8'x', grüße FROM ünï WHERE a='ü'",
        ];
        let shown = cases.map(without_literals).join("\n");
        insta::assert_snapshot!(shown, @r#"
        SELECT * FROM users WHERE id = ? AND name = ?
        SELECT t1.c2, -?, ?, ? FROM t1 LIMIT ?
        SELECT "u"."id" AS "user" FROM "users" WHERE "u"."name" = ?
        SELECT ?, ?, ? FROM `my table`
        SELECT $1, :name, @p1, a::int, ?::text, arr[?]
        SELECT ?, ?
        SELECT ? 
        , ?  + ? 
        SELECT data #>> ?, ? FROM dual
        INSERT INTO t (a, b) VALUES (?, ?), (?, ?)
        CREATE USER u IDENTIFIED BY ? PASSWORD ?
        SELECT password FROM auth WHERE a IN (?)
        AUTH ?
        config set requirepass ?
        SELECT ?, grüße FROM ünï WHERE a=?
        "#);
    }

    #[test]
    fn where_dialects_disagree_the_rest_is_left_out() {
        let shown = [
            r"SELECT 'C:\' , secret",
            "SELECT 'no end, secret",
            "SELECT $tag$ no end, secret",
            "SELECT 1 /* no end, secret",
            r#"SELECT "it\"s" , secret"#,
            "SELECT `no end, secret",
            "SELECT q'[no end, secret",
        ]
        .map(without_literals)
        .join("\n");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn the_time_is_linear_in_the_statement_also_behind_much_white_space() {
        let begun = std::time::Instant::now();
        let statement = " ".repeat(4 << 20) + &"a ".repeat(1 << 20);
        assert_eq!(without_literals(&statement).len(), statement.len());
        // In quadratic time it is many minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!(without_literals(" \n auth secret"), " \n auth ?");
    }

    proptest! {
        #[test]
        fn any_text_ends_and_a_quoted_secret_never_stays(
            before in "[a-z =(,.0-9]{0,20}",
            quote in prop::sample::select(vec!["'", "E'", "N'", "$$", "$t$", "\""]),
            inner in "[a-z '\"\\\\$-]{0,12}",
            after in ".{0,20}",
        ) {
            let close = if quote.starts_with('$') { quote } else { &quote[quote.len() - 1..] };
            let escaped = inner.replace('\\', "").replace(close, "");
            let statement = format!("{before} = {quote}hunter2{escaped}hunter2{close} {after}");
            let shown = without_literals(&statement);
            prop_assert!(!shown.contains("hunter2"), "{shown}");
        }

        #[test]
        fn any_bytes_of_text_are_read_to_their_end(statement in ".{0,200}") {
            let shown = without_literals(&statement);
            prop_assert!(shown.len() <= statement.len() + 1);
        }
    }
}
