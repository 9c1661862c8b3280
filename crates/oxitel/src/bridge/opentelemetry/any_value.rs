//! Values of the API's log records as ours, which borrow: lists and maps live on the stack while
//! they are looked at.

use crate::record::Value;
use opentelemetry::logs::AnyValue;
use std::cell::Cell;

/// Lists and maps inside of one record: each lies on the stack until the record is written.
const MOST_NESTED: usize = 64;

/// What stands for a list or map that is one too many.
const TOO_MANY: Value<'static> = Value::Str("[too many lists and maps]");

/// Takes the pairs of a map or of a record.
pub(super) type TakePairs<'a> = &'a mut dyn FnMut(&[(&str, Value<'_>)]);

/// How many more lists and maps a record may have.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn of_a_record() -> Self {
        Self(Cell::new(MOST_NESTED))
    }

    fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    fn spend(&self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Calls `then`, once, with the value as one of ours.
pub(super) fn with_value(value: &AnyValue, left: &Budget, then: &mut dyn FnMut(Value<'_>)) {
    if let Some(value) = plain(value, left) {
        return then(value);
    }
    left.spend();
    match value {
        AnyValue::ListAny(items) => {
            with_items(items, Vec::new(), left, &mut |items| then(Value::Array(items)));
        }
        AnyValue::Map(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().map(|(key, item)| (key.as_str(), item)).collect();
            // The API's map has no order of its own.
            pairs.sort_by_key(|(key, _)| *key);
            with_pairs(&pairs, Vec::new(), left, &mut |pairs| then(Value::Map(pairs)));
        }
        // A kind that this build does not know.
        _ => then(TOO_MANY),
    }
}

/// A value that is no list and no map, or one too many.
fn plain<'a>(value: &'a AnyValue, left: &Budget) -> Option<Value<'a>> {
    match value {
        AnyValue::Int(number) => Some(Value::I64(*number)),
        AnyValue::Double(number) => Some(Value::F64(*number)),
        AnyValue::String(text) => Some(Value::Str(text.as_str())),
        AnyValue::Boolean(flag) => Some(Value::Bool(*flag)),
        AnyValue::Bytes(bytes) => Some(Value::Bytes(bytes)),
        _ => left.is_spent().then_some(TOO_MANY),
    }
}

/// `made` are those before `rest`.
fn with_items<'a>(
    rest: &'a [AnyValue],
    mut made: Vec<Value<'a>>,
    left: &Budget,
    then: &mut dyn FnMut(&[Value<'_>]),
) {
    for (at, item) in rest.iter().enumerate() {
        let Some(item) = plain(item, left) else {
            return with_value(item, left, &mut |item| {
                let mut made = made.clone();
                made.push(item);
                with_items(&rest[at + 1..], made, left, then);
            });
        };
        made.push(item);
    }
    then(&made);
}

/// The same for pairs.
pub(super) fn with_pairs<'a>(
    rest: &[(&'a str, &'a AnyValue)],
    mut made: Vec<(&'a str, Value<'a>)>,
    left: &Budget,
    then: TakePairs<'_>,
) {
    for (at, (key, item)) in rest.iter().enumerate() {
        let Some(item) = plain(item, left) else {
            return with_value(item, left, &mut |item| {
                let mut made = made.clone();
                made.push((key, item));
                with_pairs(&rest[at + 1..], made, left, then);
            });
        };
        made.push((key, item));
    }
    then(&made);
}
