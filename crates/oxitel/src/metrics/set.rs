//! Attribute sets: each key once, in the order of keys, encoded, secrets replaced.

use crate::pipeline::encode::{self, Treatment};
use crate::pipeline::scratch::fingerprint;
use crate::record::Value;
use crate::record::redact::{Class, Examined, Rules};

/// A set of attributes as it was given to one call or bound to one handle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Set {
    pairs: Vec<Pair>,
    /// How many texts were replaced.
    pub(crate) redacted: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair {
    key: Box<str>,
    /// The content of a `KeyValue` message.
    message: Box<[u8]>,
}

impl Set {
    /// Of these pairs; of two with one key the later one counts.
    pub(crate) fn of(attributes: &[(&str, Value<'_>)], rules: &Rules) -> Self {
        let mut set = Self::default();
        for (key, value) in attributes {
            set.insert(key, value, rules);
        }
        set
    }

    fn insert(&mut self, key: &str, value: &Value<'_>, rules: &Rules) {
        let Some((message, redacted)) = message(key, value, rules) else { return };
        self.redacted += redacted;
        match self.pairs.binary_search_by(|pair| (*pair.key).cmp(key)) {
            Ok(at) => self.pairs[at].message = message,
            Err(at) => self.pairs.insert(at, Pair { key: key.into(), message }),
        }
    }

    /// The pairs that stay as fields with this tag, and the others as fields of an exemplar.
    pub(crate) fn split(&self, tag: u8, stays: impl Fn(&str) -> bool) -> (Vec<u8>, Vec<u8>) {
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for pair in &self.pairs {
            if stays(&pair.key) {
                encode::message(&mut kept, tag, &pair.message);
            } else {
                encode::message(&mut left_out, EXEMPLAR_ATTRIBUTE, &pair.message);
            }
        }
        (kept, left_out)
    }
}

/// `Exemplar.filtered_attributes`.
const EXEMPLAR_ATTRIBUTE: u8 = 7 << 3 | 2;

/// The content of a `KeyValue`, and how many texts in it were replaced; `None` when it is longer
/// than any request.
fn message(key: &str, value: &Value<'_>, rules: &Rules) -> Option<(Box<[u8]>, u32)> {
    const TAG: u8 = 0x0a;
    let plain = Treatment { rules: None, class: Class::Plain, length: usize::MAX };
    let mut field = Vec::new();
    let redacted = match rules.examine(key, fingerprint(key.as_bytes()), value) {
        Examined::AsItIs => encode::treated_attribute(&mut field, TAG, key, value, plain),
        Examined::Text(text) => {
            let text = Value::Str(&text);
            encode::treated_attribute(&mut field, TAG, key, &text, plain).map(|_| 1)
        }
        Examined::Parts(class) => {
            let treatment = Treatment { rules: Some(rules), class, length: usize::MAX };
            encode::treated_attribute(&mut field, TAG, key, value, treatment)
        }
    }?;
    let header = field.len() - content_length(&field);
    Some((field[header..].into(), redacted))
}

/// The length of the content of the one field that these bytes are.
fn content_length(field: &[u8]) -> usize {
    let total = field.len();
    (1..=10)
        .find(|digits| encode::field_length(total - 1 - digits) == total)
        .map_or(0, |digits| total - 1 - digits)
}
