//! Python's values as ours, by one table; nothing here raises.
//!
//! | Python | OTLP |
//! |---|---|
//! | `None` | a value without content |
//! | `bool`, `float`, `str`, `bytes` and what is derived from them | the same |
//! | `int` | whole number; its digits as text beyond 64 bits |
//! | `Sequence` (list, tuple, range, …) | list |
//! | `Mapping` | key/value list; a key that is no text by its `str()` |
//! | what has a `dtype`, and a `tolist()` of at most 10,000 items (numpy, pandas) | number or list |
//! | anything else | its `str()`, if its type has one; else no content |
//!
//! Text that is no UTF-8 (lone surrogates) travels with replacement characters. What is beyond
//! 10,000 values in one attribute is left out, and lists inside of 46 others, or maps inside of 30,
//! travel empty. The program's own code (`__str__`, `__iter__`) runs here, before anything of ours
//! is locked; when it fails, a text says so.

use crate::api::Api;
use crate::provider::interrupts;
use oxitel::Value;
use oxitel::binding::OwnedValue;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::borrow::Cow;
use std::collections::HashSet;

/// How deep lists and maps go: deeper than any that is sent.
const MOST_DEEP: usize = 64;
/// How many values one attribute has, with all that is inside of it.
pub(crate) const MOST_VALUES: usize = 10_000;

/// Text of Python as ours.
pub(crate) fn text<'a>(text: &'a Bound<'_, PyString>) -> Cow<'a, str> {
    text.to_str().map_or_else(|_| text.to_string_lossy(), Cow::Borrowed)
}

/// The `str()` of an object; a text that says so when it has none.
pub(crate) fn printed(object: &Bound<'_, PyAny>) -> String {
    match object.str() {
        Ok(printed) => text(&printed).into_owned(),
        Err(error) => {
            interrupts(object.py(), &error);
            unprintable(object)
        }
    }
}

fn unprintable(object: &Bound<'_, PyAny>) -> String {
    let name = object.get_type().name();
    let name = name.as_ref().map_or(Cow::Borrowed("object"), text);
    format!("<{name} that cannot be printed>")
}

/// Calls `take` with the value.
#[inline]
pub(crate) fn with_value<R>(
    api: &Api,
    value: &Bound<'_, PyAny>,
    take: impl FnOnce(&Value<'_>) -> R,
) -> R {
    match borrowed(value) {
        Some(value) => take(&value),
        None => owned(api, value).lend(take),
    }
}

/// The value, where no copy of it is needed.
#[inline]
pub(crate) fn borrowed<'a>(value: &'a Bound<'_, PyAny>) -> Option<Value<'a>> {
    if let Ok(value) = value.cast_exact::<PyString>() {
        return value.to_str().ok().map(Value::Str);
    }
    if let Ok(value) = value.cast_exact::<PyBool>() {
        return Some(Value::Bool(value.is_true()));
    }
    if value.is_exact_instance_of::<PyInt>() {
        return value.extract().ok().map(Value::I64);
    }
    value.cast_exact::<PyFloat>().ok().map(|value| Value::F64(value.value()))
}

/// A copy of the value.
pub(crate) fn owned(api: &Api, value: &Bound<'_, PyAny>) -> OwnedValue {
    Copier { api, left: MOST_VALUES }.copy(value, 0)
}

/// Calls `take` with the pairs of a mapping, at most so many as one attribute may have. What is no
/// mapping has none.
pub(crate) fn each_pair(
    api: &Api,
    mapping: &Bound<'_, PyAny>,
    take: &mut dyn FnMut(&Bound<'_, PyAny>, &Bound<'_, PyAny>),
) {
    if let Ok(dict) = mapping.cast_exact::<PyDict>() {
        // Code that runs while a value is looked at may change the dict: this is what it was.
        for (key, value) in pairs_of(dict) {
            take(&key, &value);
        }
        return;
    }
    let items = mapping.call_method0(&api.names.items).and_then(|items| items.try_iter());
    let pairs = items.into_iter().flatten().map_while(Result::ok);
    // Nobody knows its length before its end.
    for pair in pairs.take(MOST_VALUES) {
        if let Ok((key, value)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() {
            take(&key, &value);
        }
    }
}

fn pairs_of<'py>(dict: &Bound<'py, PyDict>) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    dict.iter().take(MOST_VALUES).collect()
}

/// The pairs of a mapping, copied.
pub(crate) fn owned_pairs(
    api: &Api,
    mapping: Option<&Bound<'_, PyAny>>,
) -> Vec<(String, OwnedValue)> {
    let mut pairs = Vec::new();
    if let Some(mapping) = mapping.filter(|mapping| !mapping.is_none()) {
        each_pair(api, mapping, &mut |key, value| {
            pairs.push((key_text(key), owned(api, value)));
        });
    }
    pairs
}

/// Calls `take` with pairs that were copied.
pub(crate) fn lend_pairs<R>(
    pairs: Vec<(String, OwnedValue)>,
    take: impl FnOnce(&[(&str, Value<'_>)]) -> R,
) -> R {
    if pairs.is_empty() {
        return take(&[]);
    }
    OwnedValue::Map(pairs).lend(|value| match value {
        Value::Map(pairs) => take(pairs),
        _ => take(&[]),
    })
}

/// A key as text.
pub(crate) fn key_text(key: &Bound<'_, PyAny>) -> String {
    match key.cast::<PyString>() {
        Ok(key) => text(key).into_owned(),
        Err(_) => printed(key),
    }
}

struct Copier<'a> {
    api: &'a Api,
    left: usize,
}

impl Copier<'_> {
    fn copy(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> OwnedValue {
        if let Some(scalar) = scalar(value) {
            return scalar;
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            return self.list(list.iter(), depth);
        }
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return self.list(tuple.iter(), depth);
        }
        let py = value.py();
        if value.is_instance(self.api.sequence.bind(py)).unwrap_or(false) {
            return match value.try_iter() {
                Ok(items) => self.list(items.map_while(Result::ok), depth),
                Err(_) => OwnedValue::Str(unprintable(value)),
            };
        }
        if value.is_instance_of::<PyDict>()
            || value.is_instance(self.api.mapping.bind(py)).unwrap_or(false)
        {
            return self.map(value, depth);
        }
        if let Some(listed) = self.listed(value, depth) {
            return listed;
        }
        if has_text(value) { OwnedValue::Str(printed(value)) } else { OwnedValue::Empty }
    }

    fn list<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> OwnedValue {
        let mut list = Vec::new();
        if depth < MOST_DEEP {
            for item in items {
                if !self.has_room() {
                    break;
                }
                list.push(self.copy(&item, depth + 1));
            }
        }
        OwnedValue::List(list)
    }

    /// A number or array of numpy and its like. A long one is better told by its `str()`.
    fn listed(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Option<OwnedValue> {
        let names = &self.api.names;
        let part = |name| value.getattr_opt(name).transpose().and_then(answered);
        part(&names.dtype)?;
        let size: usize = part(&names.size)?.extract().ok()?;
        if size > MOST_VALUES {
            return None;
        }
        let listed = answered(value.call_method0(&names.tolist))?;
        match listed.cast_exact::<PyList>() {
            Ok(list) => Some(self.list(list.iter(), depth)),
            Err(_) => scalar(&listed),
        }
    }

    fn map(&mut self, mapping: &Bound<'_, PyAny>, depth: usize) -> OwnedValue {
        let mut map = Vec::new();
        let mut are_texts = mapping.is_exact_instance_of::<PyDict>();
        if depth < MOST_DEEP {
            let api = self.api;
            each_pair(api, mapping, &mut |key, value| {
                if self.has_room() {
                    are_texts &= key.is_exact_instance_of::<PyString>();
                    map.push((key_text(key), self.copy(value, depth + 1)));
                }
            });
        }
        if !are_texts {
            keep_last(&mut map);
        }
        OwnedValue::Map(map)
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_room
    }
}

/// Of two pairs with one key, such as `1` and `"1"`, the last one counts.
fn keep_last(map: &mut Vec<(String, OwnedValue)>) {
    let mut seen = HashSet::new();
    map.reverse();
    map.retain(|(key, _)| seen.insert(key.clone()));
    map.reverse();
}

/// What an object answers. An interrupt goes on to the program.
fn answered(answer: PyResult<Bound<'_, PyAny>>) -> Option<Bound<'_, PyAny>> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            Python::attach(|py| interrupts(py, &error));
            None
        }
    }
}

fn scalar(value: &Bound<'_, PyAny>) -> Option<OwnedValue> {
    if value.is_none() {
        return Some(OwnedValue::Empty);
    }
    // Before `int`, which it is derived from.
    if let Ok(value) = value.cast::<PyBool>() {
        return Some(OwnedValue::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast::<PyString>() {
        return Some(OwnedValue::Str(text(value).into_owned()));
    }
    if value.is_instance_of::<PyInt>() {
        let digits = || OwnedValue::Str(printed(value));
        return Some(value.extract().map_or_else(|_| digits(), OwnedValue::I64));
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return Some(OwnedValue::F64(value.value()));
    }
    let bytes = value.cast::<PyBytes>().ok()?;
    Some(OwnedValue::Bytes(bytes.as_bytes().to_vec()))
}

/// Whether its type says how it is printed; what `object` says of it helps nobody.
fn has_text(value: &Bound<'_, PyAny>) -> bool {
    let py = value.py();
    let object = py.get_type::<PyAny>();
    let its_own = |name: &str| match (value.get_type().getattr(name), object.getattr(name)) {
        (Ok(own), Ok(usual)) => !own.is(&usual),
        _ => true,
    };
    its_own("__str__") || its_own("__repr__")
}
