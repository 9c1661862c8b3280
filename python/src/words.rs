//! What a program says of who records: the scope of a tracer, a meter or a logger.

use crate::api::api;
use crate::attributes::{key_text, lend_pairs, owned_pairs};
use oxitel::binding::{OwnedValue, RuntimeScope};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The words of a scope. Programs pass what they have: all of it becomes text, nothing raises.
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) schema_url: String,
    pub(crate) attributes: Vec<(String, OwnedValue)>,
}

impl Words {
    pub(crate) fn of(
        name: &Bound<'_, PyAny>,
        version: Option<&Bound<'_, PyAny>>,
        schema_url: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> Self {
        let text = |given: Option<&Bound<'_, PyAny>>| {
            given.filter(|given| !given.is_none()).map_or_else(String::new, key_text)
        };
        Self {
            name: text(Some(name)),
            version: text(version),
            schema_url: text(schema_url),
            attributes: owned_pairs(api(name.py()), attributes),
        }
    }

    /// Nobody's.
    pub(crate) const fn none() -> Self {
        Self {
            name: String::new(),
            version: String::new(),
            schema_url: String::new(),
            attributes: Vec::new(),
        }
    }

    /// The scope that they name.
    pub(crate) fn scope(&self) -> RuntimeScope {
        lend_pairs(self.attributes.clone(), |attributes| {
            RuntimeScope::of(&self.name, &self.version, &self.schema_url, attributes)
        })
    }
}

/// A name as text of Python.
pub(crate) fn named<'py>(name: &Bound<'py, PyAny>) -> Bound<'py, PyString> {
    match name.cast::<PyString>() {
        Ok(name) => name.clone(),
        Err(_) => PyString::new(name.py(), &key_text(name)),
    }
}
