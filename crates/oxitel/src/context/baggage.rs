//! Baggage: what a program tells all the services behind it, name by name.
//!
//! It knows the limits of the W3C's header, so that what it accepts also travels; how it is
//! written and read is the matter of `propagate::baggage` and `propagate::jaeger`.

use std::fmt;

/// Names, values and their metadata, in order.
///
/// It takes 64 entries and 8192 bytes, counted as the `baggage` header writes them. What goes
/// beyond is refused and the caller told.
///
/// ```
/// use oxitel::context::Baggage;
///
/// let mut baggage = Baggage::new();
/// assert!(baggage.insert("tenant", "acme corp"));
/// assert_eq!(baggage.get("tenant"), Some("acme corp"));
/// assert!(!baggage.insert("novel", "x".repeat(8192)), "too long to travel");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage {
    entries: Vec<Entry>,
    /// All entries as the header writes them, each with a comma.
    bytes: usize,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    value: String,
    metadata: String,
}

impl Baggage {
    /// The most entries that it takes; what the standard asks every service to pass on.
    pub const MAX_ENTRIES: usize = 64;
    /// The longest header that it makes; what the standard asks every service to pass on.
    pub const MAX_BYTES: usize = 8192;

    /// No entries.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), bytes: 0 }
    }

    /// Sets a value, in the place of the one that the name had; `false` when it has no room or
    /// no name, and nothing changed.
    ///
    /// Any text can be a name, but only tokens of HTTP (`user-id`, `tenant.name`) travel.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) -> bool {
        self.insert_with_metadata(name, value, "")
    }

    /// As [`insert`](Self::insert), with properties as the header has them: `ttl=3;private`.
    ///
    /// What cannot stand in a header is percent-encoded in them.
    pub fn insert_with_metadata(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
        metadata: &str,
    ) -> bool {
        let (name, value) = (name.into(), value.into());
        let entry = Entry { name, value, metadata: properties(metadata) };
        let place = self.entries.iter().position(|known| known.name == entry.name);
        let freed = place.map_or(0, |index| self.entries[index].bytes());
        let bytes = self.bytes - freed + entry.bytes();
        let is_full = place.is_none() && self.is_full();
        // The last comma is not written.
        if entry.name.is_empty() || is_full || bytes > Self::MAX_BYTES + 1 {
            return false;
        }
        self.bytes = bytes;
        match place {
            Some(index) => self.entries[index] = entry,
            None => self.entries.push(entry),
        }
        true
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_with_metadata(name).map(|(value, _)| value)
    }

    /// The value of a name and its properties.
    pub fn get_with_metadata(&self, name: &str) -> Option<(&str, &str)> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some((&entry.value, &entry.metadata))
    }

    /// Takes a name out and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        let entry = self.entries.remove(index);
        self.bytes -= entry.bytes();
        Some(entry.value)
    }

    /// Name, value and metadata of each entry, in the order of their insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let parts = |entry| {
            let Entry { name, value, metadata }: &Entry = entry;
            (name.as_str(), value.as_str(), metadata.as_str())
        };
        self.entries.iter().map(parts)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it takes no further name.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= Self::MAX_ENTRIES
    }

    /// Adds the names of `other` that are not here yet, as far as there is room. Case does not
    /// make a name another one: not every format keeps it.
    pub(crate) fn complete(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        for Entry { name, value, metadata } in other.entries {
            if !self.entries.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
                self.insert_with_metadata(name, value, &metadata);
            }
        }
    }
}

/// The names alone: values may be nobody else's business.
impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.entries.iter().map(|entry| &entry.name);
        f.write_str("Baggage ")?;
        f.debug_list().entries(names).finish()
    }
}

impl Entry {
    /// Its length in a header, with a comma.
    fn bytes(&self) -> usize {
        let value: usize = self.value.bytes().map(|byte| if is_octet(byte) { 1 } else { 3 }).sum();
        let metadata = if self.metadata.is_empty() { 0 } else { 1 + self.metadata.len() };
        self.name.len() + 1 + value + metadata + 1
    }
}

/// Whether a byte of a value stands for itself in the `baggage` header.
pub(crate) fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%' | b',' | b';' | b'\\')
}

/// Properties as a header can carry them.
fn properties(metadata: &str) -> String {
    let travels = |byte| is_octet(byte) || matches!(byte, b' ' | b'\t' | b';' | b'%');
    let mut text = String::new();
    for &byte in metadata.trim_matches([' ', '\t']).as_bytes() {
        if travels(byte) {
            text.push(char::from(byte));
        } else {
            push_encoded(&mut text, byte);
        }
    }
    text
}

/// Writes a byte as `%2C`.
pub(crate) fn push_encoded(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = [byte >> 4, byte & 0xf].map(|digit| char::from(DIGITS[usize::from(digit)]));
    text.extend(['%', digits[0], digits[1]]);
}

#[cfg(test)]
mod tests {
    use super::Baggage;

    fn entries(baggage: &Baggage) -> Vec<(&str, &str, &str)> {
        baggage.iter().collect()
    }

    #[test]
    fn entries_keep_their_order_and_a_name_its_place() {
        let mut baggage = Baggage::new();
        assert!(baggage.is_empty());
        assert!(baggage.insert("b", "1") && baggage.insert("a", "2"));
        assert!(baggage.insert_with_metadata("b", "3", " ttl=1; x "));
        assert_eq!(entries(&baggage), [("b", "3", "ttl=1; x"), ("a", "2", "")]);
        assert_eq!(baggage.remove("b").as_deref(), Some("3"));
        assert_eq!((baggage.remove("b"), baggage.get("b"), baggage.len()), (None, None, 1));
    }

    #[test]
    fn sixty_four_entries_fit_and_no_more() {
        let mut baggage = Baggage::new();
        for number in 0..64 {
            assert!(baggage.insert(format!("k{number}"), "v"), "{number}");
        }
        assert!(!baggage.insert("k64", "v"));
        assert_eq!(baggage.get("k64"), None);
        assert!(baggage.insert("k0", "changed"), "a name that is there can be changed");
        assert!(baggage.remove("k1").is_some() && baggage.insert("k64", "v"));
    }

    #[test]
    fn a_header_of_8192_bytes_fits_and_no_more() {
        let mut baggage = Baggage::new();
        assert!(baggage.insert("a", "x".repeat(4000)));
        let room = 8192 - "a=,b=;m".len() - 4000;
        assert!(!baggage.insert_with_metadata("b", "x".repeat(room + 1), "m"));
        assert!(baggage.insert_with_metadata("b", "x".repeat(room), "m"));
        assert!(!baggage.insert("a", "x".repeat(4001)), "the change is refused");
        assert_eq!(baggage.get("a").map(str::len), Some(4000), "and the old value kept");
        assert!(!baggage.insert("c", ""));
        assert!(baggage.remove("a").is_some() && baggage.insert("c", "ü".repeat(600)));
        assert!(!baggage.insert("d", "ü".repeat(200)), "counted as it is written: %C3%BC");
    }

    #[test]
    fn an_entry_needs_a_name() {
        let mut baggage = Baggage::new();
        assert!(!baggage.insert("", "value"));
        assert!(baggage.insert("no token: ü", ""), "any other text is one");
    }

    #[test]
    fn metadata_cannot_break_out_of_its_entry() {
        let mut baggage = Baggage::new();
        assert!(baggage.insert_with_metadata("a", "1", "x,evil=1\r\nheader: \"ü\""));
        let metadata = "x%2Cevil=1%0D%0Aheader: %22%C3%BC%22";
        assert_eq!(baggage.get_with_metadata("a"), Some(("1", metadata)));
        let again = metadata.to_owned();
        assert!(baggage.insert_with_metadata("a", "1", &again));
        assert_eq!(entries(&baggage), [("a", "1", metadata)], "encoded once");
    }

    #[test]
    fn debug_shows_names_only() {
        let mut baggage = Baggage::new();
        assert!(baggage.insert_with_metadata("user", "hunter2", "secret"));
        assert_eq!(format!("{baggage:?}"), r#"Baggage ["user"]"#);
    }
}
