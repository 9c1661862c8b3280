//! The attributes of a measurement: the usual ones are lent as they lie in Python's memory.

use crate::api::Api;
use crate::attributes::{borrowed, lend_pairs, owned_pairs};
use oxitel::Value;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::array;

/// How many attributes are lent; more are copied.
const MOST: usize = 8;

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Calls `take` with the attributes of a measurement.
#[inline]
pub(super) fn with_pairs<R>(
    api: &Api,
    attributes: Option<&Bound<'_, PyAny>>,
    take: impl FnOnce(&[(&str, Value<'_>)]) -> R,
) -> R {
    let Some(attributes) = attributes.filter(|attributes| !attributes.is_none()) else {
        return take(&[]);
    };
    if let Ok(dict) = attributes.cast_exact::<PyDict>()
        && dict.len() <= MOST
    {
        let mut pairs = dict.iter();
        let held: [Option<Pair<'_>>; MOST] = array::from_fn(|_| pairs.next());
        let mut lent = [("", Value::Empty); MOST];
        if let Some(lent) = lend(&held, &mut lent) {
            return take(lent);
        }
    }
    lend_pairs(owned_pairs(api, Some(attributes)), take)
}

/// The pairs as ours, if all of them are plain.
#[inline]
fn lend<'a>(
    held: &'a [Option<Pair<'_>>; MOST],
    lent: &'a mut [(&'a str, Value<'a>); MOST],
) -> Option<&'a [(&'a str, Value<'a>)]> {
    let mut count = 0;
    for (key, value) in held.iter().map_while(Option::as_ref) {
        lent[count] = (key.cast_exact::<PyString>().ok()?.to_str().ok()?, borrowed(value)?);
        count += 1;
    }
    Some(&lent[..count])
}
