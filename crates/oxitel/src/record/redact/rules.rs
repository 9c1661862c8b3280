//! The rules as the engine runs with them: one look at the key, one at the value.

use super::keys::{self, Class};
use super::text::{self, Extent, Speech, may_hold_url};
use super::{Redaction, sql};
use crate::pipeline::known_keys::KnownKeys;
use crate::record::contained::{self, Inside, NotRun};
use crate::record::{REDACTED, Value};
use std::borrow::Cow;

/// A [`Redaction`] and the keys it has already judged.
#[derive(Debug)]
pub(crate) struct Rules {
    redaction: Redaction,
    known: KnownKeys,
}

/// What is to be encoded in a value's place.
#[derive(Debug)]
pub(crate) enum Examined {
    /// The value itself.
    AsItIs,
    /// This text.
    Text(String),
    /// It is a list or a map: its parts are looked at when they are encoded.
    Parts(Class),
}

/// What an unused scratch points at; nothing is recorded with it.
pub(crate) static UNUSED: Rules = Rules {
    redaction: Redaction {
        is_off: false,
        keys: Vec::new(),
        patterns: Vec::new(),
        allowed: Vec::new(),
        values: Vec::new(),
    },
    known: KnownKeys::new(),
};

impl Rules {
    pub(crate) fn new(redaction: Redaction) -> Self {
        Self { redaction, known: KnownKeys::new() }
    }

    /// Whether the value can be encoded as it is: a number, or a short text without a URL under a
    /// key that is known to be harmless. `false` says nothing.
    #[inline(always)]
    pub(crate) fn passes(&self, key: &str, fingerprint: u32, value: &Value<'_>) -> bool {
        match *value {
            Value::Bool(_) | Value::I64(_) | Value::F64(_) => true,
            Value::Str(text) => {
                self.known.is_plain(fingerprint, key.as_bytes()) && !may_hold_url(text)
            }
            _ => false,
        }
    }

    /// Looks at an attribute that did not pass.
    pub(crate) fn examine(&self, key: &str, fingerprint: u32, value: &Value<'_>) -> Examined {
        match *value {
            Value::Empty | Value::Bool(_) | Value::I64(_) | Value::U64(_) | Value::F64(_) => {
                Examined::AsItIs
            }
            Value::Str(text) => {
                let scrubbed = self.scrubbed(self.class(key, fingerprint), key, text);
                scrubbed.map_or(Examined::AsItIs, Examined::Text)
            }
            Value::Bytes(_) if self.class(key, fingerprint) != Class::Secret => Examined::AsItIs,
            Value::Bytes(_) => Examined::Text(REDACTED.to_owned()),
            Value::Array(_) | Value::Map(_) => Examined::Parts(self.class(key, fingerprint)),
        }
    }

    /// The class of a key, remembered.
    fn class(&self, key: &str, fingerprint: u32) -> Class {
        if let Some(number) = self.known.find(fingerprint, key.as_bytes()) {
            return Class::from_number(number);
        }
        let class = self.judge(key);
        self.known.learn(fingerprint, key.as_bytes(), class as u8);
        class
    }

    /// The class of a key inside of a map; what its name does not say, the map's key does. All of
    /// a secret is secret.
    pub(crate) fn class_within(&self, outer: Class, key: &str) -> Class {
        match self.judge(key) {
            Class::Plain | Class::Watched => outer,
            _ if outer == Class::Secret => outer,
            class => class,
        }
    }

    /// The class of what follows `item` in a list: behind the argument `--password` it is one.
    pub(crate) fn class_behind(&self, class: Class, item: &Value<'_>) -> Class {
        match item {
            Value::Str(text) if class == Class::Message && self.is_secret_flag(text) => {
                Class::Secret
            }
            _ => class,
        }
    }

    fn is_secret_flag(&self, argument: &str) -> bool {
        !self.redaction.is_off && text::is_secret_flag(argument)
    }

    fn judge(&self, key: &str) -> Class {
        let Redaction { is_off, keys, patterns, allowed, values } = &self.redaction;
        let plain = if values.is_empty() { Class::Plain } else { Class::Watched };
        if *is_off {
            return plain;
        }
        let last = keys::last_part(key);
        let is_key = |name: &String| {
            name.eq_ignore_ascii_case(key)
                || name.eq_ignore_ascii_case(last)
                || ends_with_part(key, name)
        };
        let covers = |pattern: &String| keys::matches(pattern, key);
        match keys::class(key) {
            _ if allowed.iter().any(covers) => plain,
            _ if keys.iter().any(is_key) || patterns.iter().any(covers) => Class::Secret,
            Class::Plain => plain,
            class => class,
        }
    }

    /// What a text becomes; `None` when it stays.
    pub(crate) fn scrubbed(&self, class: Class, key: &str, text: &str) -> Option<String> {
        if self.redaction.is_off {
            return None;
        }
        let changed = match class {
            Class::Plain if !may_hold_url(text) => return None,
            Class::Secret if text.is_empty() || text == REDACTED => None,
            Class::Secret => Some(REDACTED.to_owned()),
            class => scrubbed_by_class(class, text),
        };
        self.shown_to_the_program(key, text, changed)
    }

    /// What the text of an attribute becomes that is set once; `None` when it stays.
    pub(crate) fn attribute(&self, key: &str, text: &str) -> Option<String> {
        self.scrubbed(self.judge(key), key, text)
    }

    /// A text for people: a status, an event's name.
    pub(crate) fn message(&self, text: &str) -> Option<String> {
        self.scrubbed(Class::Message, "message", text)
    }

    /// Whether functions of the program look at values.
    pub(crate) fn ask(&self) -> bool {
        !self.redaction.values.is_empty()
    }

    fn shown_to_the_program(
        &self,
        key: &str,
        text: &str,
        mut changed: Option<String>,
    ) -> Option<String> {
        for rule in &self.redaction.values {
            let now = changed.as_deref().unwrap_or(text);
            match contained::call(Inside::Value, || rule(key, now)) {
                Ok(None) => {}
                Ok(Some(other)) => changed = Some(other),
                Err(NotRun) => return Some(REDACTED.to_owned()),
            }
        }
        changed
    }
}

/// Whether `key` ends with a dot and `name`.
fn ends_with_part(key: &str, name: &str) -> bool {
    let start = key.len().checked_sub(name.len() + 1);
    start
        .and_then(|start| key.get(start..))
        .is_some_and(|end| end.starts_with('.') && end[1..].eq_ignore_ascii_case(name))
}

fn scrubbed_by_class(class: Class, text: &str) -> Option<String> {
    let urls: fn(&str) -> Option<String> = |text| text::urls(text, Extent::Word);
    let whole: fn(&str) -> Option<String> = |text| text::urls(text, Extent::Whole);
    let header: fn(&str) -> Option<String> = |text| text::schemes(text, Speech::Header);
    let sentence: fn(&str) -> Option<String> = |text| text::schemes(text, Speech::Sentence);
    let steps: &[fn(&str) -> Option<String>] = match class {
        Class::Plain | Class::Watched | Class::Secret => &[urls],
        Class::Url if !text.contains("://") => &[text::query],
        Class::Url => &[whole],
        Class::Query => &[text::query],
        Class::Connection => &[whole, text::assignments],
        Class::Statement => &[statement],
        Class::Header => &[header, urls],
        Class::Message if !text::may_tell_secrets(text) => &[],
        Class::Message => &[sentence, urls, text::assignments],
    };
    let mut changed: Option<String> = None;
    for step in steps {
        let now = changed.as_deref().unwrap_or(text);
        if let Some(next) = step(now) {
            changed = Some(next);
        }
    }
    changed
}

fn statement(text: &str) -> Option<String> {
    let without = sql::without_literals(text);
    (without != text).then_some(without)
}

/// The text itself, or what it becomes.
pub(crate) fn or_itself(changed: Option<String>, text: &str) -> Cow<'_, str> {
    changed.map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::Rules;
    use crate::record::Redaction;
    use proptest::prelude::*;

    fn sent(rules: &Rules, key: &str, text: &str) -> String {
        rules.attribute(key, text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn what_is_allowed_stays_and_what_is_denied_goes() {
        let redaction = Redaction::default().key("b.c").pattern("x*z").allow("*.token.kind");
        let rules = Rules::new(redaction);
        let gone = ["b.c", "a.B.C", "XYZ", "xz", "token.kind", "a.token"];
        let kept = ["c", "b", "ab.c", "xy", "a.token.kind"];
        assert!(gone.iter().all(|key| sent(&rules, key, "text") == "[redacted]"), "{gone:?}");
        assert!(kept.iter().all(|key| sent(&rules, key, "text") == "text"), "{kept:?}");
        let url = sent(&rules, "a.token.kind", "https://me:pw@host");
        assert_eq!(
            url, "https://REDACTED:REDACTED@host",
            "its URLs are no more allowed than others"
        );
    }

    /// Where a secret may stand, as a key and what is around the secret.
    const PLACES: &[(&str, &str, &str)] = &[
        ("http.request.header.authorization", "Bearer ", ""),
        ("rpc.request.metadata.x-other", "Basic ", ""),
        ("user.password", "", ""),
        ("url.full", "https://user:", "@host/path"),
        ("url.full", "https://host/path?a=b&sig=", "&c=d"),
        ("http.target", "/path?access_token=", ""),
        ("url.query", "x-amz-signature=", "&c=d"),
        ("db.connection_string", "host=db;password=", ";user=me"),
        ("db.query.text", "SELECT a FROM t WHERE b = '", "' AND c = 1"),
        ("exception.message", "refused: token=", ", sorry"),
        ("exception.message", "header authorization: Bearer ", ""),
        ("anything", "see https://", "@host for more"),
    ];

    proptest! {
        #[test]
        fn a_secret_never_stays(
            place in prop::sample::select(PLACES),
            secret in "[A-Za-z0-9_.~-]{6,24}",
            before in "[a-z ]{0,10}",
        ) {
            // What is looked for must not stand around the secret anyway.
            let secret = format!("S3cr{secret}");
            let (key, left, right) = place;
            let spoken = matches!(key, "exception.message" | "anything" | "user.password");
            let before = if spoken { format!("{before} ") } else { String::new() };
            let rules = Rules::new(Redaction::default());
            let shown = sent(&rules, key, &format!("{before}{left}{secret}{right}"));
            prop_assert!(!shown.contains(&secret), "{shown}");
            prop_assert_eq!(sent(&rules, key, &shown), shown.clone(), "a second time changes nothing");
        }

        #[test]
        fn ordinary_values_stay(
            key in "(http|app|user|net)[.](route|name|method|id|peer|zone)",
            text in "[a-zA-Z0-9 äöü.,!?/@()_=-]{0,40}",
        ) {
            let rules = Rules::new(Redaction::default());
            prop_assert_eq!(rules.attribute(&key, &text), None);
        }

        #[test]
        fn any_key_and_any_text_are_read(key in ".{0,20}", text in ".{0,60}") {
            let rules = Rules::new(Redaction::default().pattern("*a*b*"));
            let _ = sent(&rules, &key, &text);
            for (key, left, right) in PLACES {
                let _ = sent(&rules, key, &format!("{left}{text}{right}"));
            }
        }
    }
}
