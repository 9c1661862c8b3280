//! Which spans and events are looked at: `info,my_crate=debug,hyper=off`.
//!
//! The form is the one of `RUST_LOG` with targets and levels. A directive that names a span or a
//! field (`target[span{field}]=level`) would have to be asked anew for every span; it is refused.

use std::fmt::Write as _;
use tracing::Metadata;
use tracing::metadata::LevelFilter;

/// What is read when the program names no filter of its own.
const VARIABLE: &str = "RUST_LOG";

/// Directives in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directives {
    /// The longest target first.
    targets: Vec<(String, LevelFilter)>,
    /// Where no target fits.
    other: LevelFilter,
    /// What was left out, as one line for people.
    complaint: Option<String>,
}

impl Directives {
    /// What the environment says.
    pub(super) fn from_environment() -> Self {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::parse(&text, VARIABLE),
            Err(std::env::VarError::NotPresent) => Self::parse("", VARIABLE),
            Err(error) => {
                let complaint = Some(format!("{VARIABLE}: {error}; using \"info\""));
                Self { complaint, ..Self::parse("", VARIABLE) }
            }
        }
    }

    /// Reads what is well-formed. Without any directive the level is `info`; with some, what none
    /// of them names is off.
    pub(super) fn parse(text: &str, source: &str) -> Self {
        let mut directives = Self { targets: Vec::new(), other: LevelFilter::OFF, complaint: None };
        let mut any = false;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match Directive::parse(part) {
                Ok(directive) => {
                    any = true;
                    directives.add(directive);
                }
                Err(reason) => directives.complain(source, part, reason),
            }
        }
        if !any {
            directives.other = LevelFilter::INFO;
        }
        // Stable, so that of equally long targets none is preferred to an equal one.
        directives.targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        directives
    }

    /// What was left out, if anything was.
    pub(super) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    #[inline]
    pub(super) fn enables(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level_of(metadata.target())
    }

    /// The most that any of them lets through.
    pub(super) fn most(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).chain([self.other]).max().unwrap_or(self.other)
    }

    fn level_of(&self, target: &str) -> LevelFilter {
        let fitting = self.targets.iter().find(|(start, _)| target.starts_with(start.as_str()));
        fitting.map_or(self.other, |(_, level)| *level)
    }

    /// The last word on a target counts.
    fn add(&mut self, directive: Directive<'_>) {
        let Directive { target, level } = directive;
        let Some(target) = target else {
            self.other = level;
            return;
        };
        self.targets.retain(|(known, _)| known != target);
        self.targets.push((target.to_owned(), level));
    }

    fn complain(&mut self, source: &str, part: &str, reason: &str) {
        let told = self.complaint.get_or_insert_with(|| format!("{source}: left out"));
        let separator = if told.ends_with("left out") { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(told, "{separator} {part:?} ({reason})");
    }
}

#[derive(Clone, Copy, Debug)]
struct Directive<'a> {
    target: Option<&'a str>,
    level: LevelFilter,
}

impl<'a> Directive<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text.contains(['[', ']', '{', '}']) {
            return Err("directives for spans and fields are not supported");
        }
        let Some((target, level)) = text.split_once('=') else {
            return Ok(match level_named(text) {
                Some(level) => Self { target: None, level },
                None => Self { target: Some(text), level: LevelFilter::TRACE },
            });
        };
        let level = level_named(level.trim()).ok_or("not a level")?;
        match target.trim() {
            "" => Err("no target before \"=\""),
            target => Ok(Self { target: Some(target), level }),
        }
    }
}

fn level_named(name: &str) -> Option<LevelFilter> {
    let levels = [
        ("off", LevelFilter::OFF),
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("info", LevelFilter::INFO),
        ("debug", LevelFilter::DEBUG),
        ("trace", LevelFilter::TRACE),
    ];
    let found = levels.iter().enumerate().find(|(number, (known, _))| {
        name.eq_ignore_ascii_case(known) || name.parse() == Ok(*number)
    });
    found.map(|(_, (_, level))| *level)
}

#[cfg(test)]
mod tests {
    use super::Directives;
    use tracing::metadata::LevelFilter;

    fn levels(text: &str, targets: &[&str]) -> Vec<String> {
        let directives = Directives::parse(text, "filter");
        assert_eq!(directives.complaint(), None, "{text}");
        targets.iter().map(|target| directives.level_of(target).to_string()).collect()
    }

    #[test]
    fn the_longest_fitting_target_decides_and_the_last_word_on_it_counts() {
        let targets = ["my_crate", "my_crate::db", "hyper_util", "other"];
        let table: [(&str, [&str; 4]); 10] = [
            ("", ["info"; 4]),
            (" , ", ["info"; 4]),
            ("warn", ["warn"; 4]),
            ("WARN,Error", ["error"; 4]),
            ("4", ["debug"; 4]),
            ("my_crate=debug", ["debug", "debug", "off", "off"]),
            ("my_crate", ["trace", "trace", "off", "off"]),
            ("info, my_crate = debug ,hyper=off", ["debug", "debug", "off", "info"]),
            ("my_crate::db=trace,my_crate=error,info", ["error", "trace", "info", "info"]),
            ("my_crate=trace,my_crate=warn", ["warn", "warn", "off", "off"]),
        ];
        for (text, expected) in table {
            assert_eq!(levels(text, &targets), expected, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_with_one_line_and_the_rest_stands() {
        let text = "debug,my_crate[request{id}]=trace,hyper=loud,=info,h2=off";
        let directives = Directives::parse(text, "RUST_LOG");
        insta::assert_snapshot!(directives.complaint().unwrap_or_default(), @r#"RUST_LOG: left out "my_crate[request{id}]=trace" (directives for spans and fields are not supported), "hyper=loud" (not a level), "=info" (no target before "=")"#);
        assert_eq!(directives.level_of("h2::frame"), LevelFilter::OFF);
        assert_eq!(directives.level_of("my_crate"), LevelFilter::DEBUG);
        assert_eq!(directives.most(), LevelFilter::DEBUG);
        let nothing_left = Directives::parse("a[b]=info", "RUST_LOG");
        assert_eq!(nothing_left.level_of("a"), LevelFilter::INFO, "as if nothing had been said");
    }
}
