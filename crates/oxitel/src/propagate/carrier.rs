//! What a trace travels in: the headers of a request, a message or a call, as the codecs see them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

/// Headers to read from.
///
/// Implemented for maps, for lists of pairs with text or bytes as values, and with the feature
/// `otel` for `http::HeaderMap`; [`getter`] makes one of a closure.
pub trait Extract {
    /// Hands over each value under a name, whatever its case, in the order of the headers.
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str));

    /// Hands over every name with its value, for formats that know only how their names begin.
    fn visit(&self, each: &mut dyn FnMut(&str, &str));
}

/// Headers to write to.
///
/// Implemented for maps, for lists of pairs, for `std::process::Command` (its environment), and
/// with the feature `otel` for `http::HeaderMap`; [`setter`] makes one of a closure.
pub trait Inject {
    /// Sets a header; what stood under the name, whatever its case, is replaced.
    ///
    /// Names are lower-case tokens, values visible ASCII characters, spaces and tabs.
    fn set(&mut self, name: &str, value: &str);
}

impl<C: Extract + ?Sized> Extract for &C {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        (**self).get_all(name, each);
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        (**self).visit(each);
    }
}

impl<C: Inject + ?Sized> Inject for &mut C {
    fn set(&mut self, name: &str, value: &str) {
        (**self).set(name, value);
    }
}

/// Several headers of one name are several values. A value that is no UTF-8 has U+FFFD in the
/// place of what is none.
impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for [(K, V)] {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for (known, value) in self {
            if known.as_ref().eq_ignore_ascii_case(name) {
                each(&text(value.as_ref()));
            }
        }
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        for (name, value) in self {
            each(name.as_ref(), &text(value.as_ref()));
        }
    }
}

/// As a slice.
impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for Vec<(K, V)> {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.as_slice().get_all(name, each);
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        self.as_slice().visit(each);
    }
}

/// As a slice.
impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> Extract for [(K, V); N] {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.as_slice().get_all(name, each);
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        self.as_slice().visit(each);
    }
}

/// Takes the place of the first header of the name; further ones go.
impl<K, V> Inject for Vec<(K, V)>
where
    K: AsRef<str> + for<'a> From<&'a str>,
    V: for<'a> From<&'a str>,
{
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|(known, _)| !known.as_ref().eq_ignore_ascii_case(name));
        self.push((name.into(), value.into()));
    }
}

/// A map has one value under a name: the one in lower case, else the first by spelling.
macro_rules! extract_from_map {
    ($name:ident, $value:ident) => {
        fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
            let spellings = self.iter().filter(|(k, _)| k.as_ref().eq_ignore_ascii_case(name));
            let chosen = spellings.min_by(|(one, _), (other, _)| {
                let order = |key: &$name| key.as_ref() != name;
                let same = || one.as_ref().cmp(other.as_ref());
                order(one).cmp(&order(other)).then_with(same)
            });
            if let Some((_, value)) = chosen {
                each(&text(value.as_ref()));
            }
        }

        fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
            for (name, value) in self {
                each(name.as_ref(), &text(value.as_ref()));
            }
        }
    };
}

/// One value under a name: the one in lower case, else the first by spelling.
impl<K: AsRef<str>, V: AsRef<[u8]>, S> Extract for HashMap<K, V, S> {
    extract_from_map!(K, V);
}

/// One value under a name: the one in lower case, else the first by spelling.
impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for BTreeMap<K, V> {
    extract_from_map!(K, V);
}

impl<S: BuildHasher> Inject for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), value.to_owned());
    }
}

impl Inject for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), value.to_owned());
    }
}

#[cfg(feature = "otel")]
impl Extract for http::HeaderMap {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for value in self.get_all(name) {
            each(&text(value.as_bytes()));
        }
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str)) {
        for (name, value) in self {
            each(name.as_str(), &text(value.as_bytes()));
        }
    }
}

/// A map that is full, at 32,768 headers, stays as it is.
#[cfg(feature = "otel")]
impl Inject for http::HeaderMap {
    fn set(&mut self, name: &str, value: &str) {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
            let _ = self.try_insert(name, value);
        }
    }
}

/// Headers behind a closure that finds one by its name; made by [`getter`].
pub struct Getter<F>(F);

/// Reads headers through a closure: for a carrier that is none of the known ones.
///
/// The closure is asked for lower-case names. It cannot say which names there are, so Jaeger's
/// baggage, whose names are the user's, is not found this way.
pub fn getter<'a, F: Fn(&str) -> Option<&'a str>>(get: F) -> Getter<F> {
    Getter(get)
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Extract for Getter<F> {
    fn get_all(&self, name: &str, each: &mut dyn FnMut(&str)) {
        if let Some(value) = (self.0)(name) {
            each(value);
        }
    }

    fn visit(&self, _each: &mut dyn FnMut(&str, &str)) {}
}

/// Headers behind a closure that sets them; made by [`setter`].
pub struct Setter<F>(F);

/// Writes headers through a closure: for a carrier that is none of the known ones.
pub fn setter<F: FnMut(&str, &str)>(set: F) -> Setter<F> {
    Setter(set)
}

impl<F: FnMut(&str, &str)> Inject for Setter<F> {
    fn set(&mut self, name: &str, value: &str) {
        (self.0)(name, value);
    }
}

impl<F> fmt::Debug for Getter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Getter")
    }
}

impl<F> fmt::Debug for Setter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setter")
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Reads the only value under a name, without the white space around it. Of several none is
/// right, and the first might be a stranger's.
pub(super) fn only<T>(
    carrier: &dyn Extract,
    name: &str,
    mut read: impl FnMut(&str) -> Option<T>,
) -> Option<T> {
    let (mut values, mut found) = (0_usize, None);
    carrier.get_all(name, &mut |value| {
        values += 1;
        if values == 1 {
            found = read(trim(value));
        }
    });
    found.filter(|_| values == 1)
}

/// Without the optional white space of HTTP around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::{Extract, Inject, getter, only, setter};
    use std::collections::{BTreeMap, HashMap};

    fn values(carrier: &dyn Extract, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        carrier.get_all(name, &mut |value| values.push(value.to_owned()));
        values
    }

    /// All of a carrier, in the order of its names.
    fn all(carrier: &dyn Extract) -> Vec<(String, String)> {
        let mut all = Vec::new();
        carrier.visit(&mut |name, value| all.push((name.to_owned(), value.to_owned())));
        all.sort();
        all
    }

    #[test]
    fn lists_have_several_values_under_a_name_of_any_case_in_order() {
        let list = vec![("Baggage", "a=1"), ("other", "x"), ("BAGGAGE", "b=2")];
        assert_eq!(values(&list, "baggage"), ["a=1", "b=2"]);
        assert_eq!(values(&&list[1..], "baggage"), ["b=2"]);
        assert_eq!(all(&list).len(), 3);
    }

    #[test]
    fn bytes_that_are_no_text_lose_only_themselves() {
        let record = vec![("baggage".to_owned(), b"a=1,b=\xff,c=3".to_vec())];
        assert_eq!(values(&record, "baggage"), ["a=1,b=\u{fffd},c=3"]);
    }

    #[test]
    fn maps_have_one_value_under_a_name_and_lower_case_comes_first() {
        let pairs = [("traceparent", "lower"), ("Traceparent", "mixed"), ("TRACEPARENT", "upper")];
        assert_eq!(values(&HashMap::from(pairs), "traceparent"), ["lower"]);
        assert_eq!(values(&BTreeMap::from(pairs), "traceparent"), ["lower"]);
        let others = [pairs[1], pairs[2]];
        assert_eq!(values(&HashMap::from(others), "traceparent"), ["upper"], "in every process");
        assert_eq!(values(&BTreeMap::from(others), "traceparent"), ["upper"]);
        assert_eq!(all(&HashMap::from(pairs)), all(&BTreeMap::from(pairs)));
    }

    #[test]
    fn what_is_set_replaces_every_spelling() {
        let spellings = [("TraceParent", "old"), ("kept", "1"), ("traceparent", "old")];
        let spellings = spellings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = [("kept", "1"), ("traceparent", "new")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bytes = |(name, value): &(String, String)| (name.clone(), value.clone().into_bytes());

        let mut list = spellings.to_vec();
        let mut record: Vec<(String, Vec<u8>)> = spellings.iter().map(bytes).collect();
        let mut map = HashMap::from(spellings.clone());
        let mut tree = BTreeMap::from(spellings);
        let mut carriers: [&mut dyn Inject; 4] = [&mut list, &mut record, &mut map, &mut tree];
        for carrier in &mut carriers {
            carrier.set("traceparent", "new");
        }
        let carriers: [&dyn Extract; 4] = [&list, &record, &map, &tree];
        for carrier in carriers {
            assert_eq!(all(carrier), expected);
        }
    }

    #[cfg(feature = "otel")]
    #[test]
    fn http_headers_are_read_and_replaced() {
        let mut headers = http::HeaderMap::new();
        headers.append("baggage", http::HeaderValue::from_static("a=1"));
        headers.append("baggage", http::HeaderValue::from_bytes(b"b=\xfc").expect("valid in HTTP"));
        assert_eq!(values(&headers, "Baggage"), ["a=1", "b=\u{fffd}"]);
        Inject::set(&mut headers, "baggage", "c=3");
        assert_eq!(all(&headers), [("baggage".to_owned(), "c=3".to_owned())]);
    }

    #[test]
    fn closures_are_carriers_too() {
        let found = getter(|name| (name == "b3").then_some("0"));
        assert_eq!((values(&found, "b3"), values(&found, "other")), (vec!["0".into()], vec![]));
        assert!(all(&found).is_empty());
        let mut sent = String::new();
        setter(|name, value| sent = format!("{name}: {value}")).set("b3", "0");
        assert_eq!(sent, "b3: 0");
    }

    #[test]
    fn only_a_value_that_stands_alone_is_read() {
        let read = |list: &[(&str, &str)]| only(&list, "b3", |value| value.parse::<u8>().ok());
        assert_eq!(read(&[("B3", "\t1 ")]), Some(1));
        assert_eq!(read(&[("b3", "1"), ("b3", "1")]), None);
        assert_eq!(read(&[("b3", "x"), ("b3", "1")]), None);
        assert_eq!(read(&[]), None);
    }
}
