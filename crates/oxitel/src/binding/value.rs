//! Values that own what they hold, and lend it as a [`Value`].

use crate::record::{Value, ValueRef};

/// What another language gave: copied, because its objects may change while we look at them.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedValue {
    /// Nothing.
    Empty,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// Text.
    Str(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// Key/value pairs.
    Map(Vec<(String, Self)>),
}

impl OwnedValue {
    /// A copy of what was recorded.
    pub fn of(value: &ValueRef<'_>) -> Self {
        match value {
            ValueRef::Empty => Self::Empty,
            ValueRef::Str(text) => Self::Str((*text).to_owned()),
            ValueRef::Bool(flag) => Self::Bool(*flag),
            ValueRef::I64(number) => Self::I64(*number),
            ValueRef::F64(number) => Self::F64(*number),
            ValueRef::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            ValueRef::Array(items) => {
                Self::List(items.clone().map(|item| Self::of(&item)).collect())
            }
            ValueRef::Map(pairs) => {
                let pairs = pairs.clone().map(|(key, value)| (key.to_owned(), Self::of(&value)));
                Self::Map(pairs.collect())
            }
        }
    }

    /// Calls `look` with the value. Lists and maps are laid out level by level, so that neither
    /// their number nor their length costs stack; their depth costs a frame each.
    pub fn lend<R>(&self, look: impl FnOnce(&Value<'_>) -> R) -> R {
        if let Some(value) = self.scalar() {
            return look(&value);
        }
        let levels = Level::all_of(self);
        let mut look = Some(look);
        let mut result = None;
        raise(&levels, &Made::default(), &mut |value| {
            result = look.take().map(|look| look(value));
        });
        result.expect("the topmost level has one value")
    }

    fn scalar(&self) -> Option<Value<'_>> {
        Some(match self {
            Self::Empty => Value::Empty,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::I64(number) => Value::I64(*number),
            Self::F64(number) => Value::F64(*number),
            Self::Str(text) => Value::Str(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::List(_) | Self::Map(_) => return None,
        })
    }
}

/// All values of one depth: those in lists, and those in maps.
#[derive(Default)]
struct Level<'a> {
    items: Vec<&'a OwnedValue>,
    pairs: Vec<(&'a str, &'a OwnedValue)>,
}

impl<'a> Level<'a> {
    /// The levels of a value, itself first.
    fn all_of(value: &'a OwnedValue) -> Vec<Self> {
        let mut levels = vec![Self { items: vec![value], pairs: Vec::new() }];
        loop {
            let mut below = Self::default();
            for value in levels.last().into_iter().flat_map(Self::values) {
                match value {
                    OwnedValue::List(list) => below.items.extend(list),
                    OwnedValue::Map(map) => {
                        below.pairs.extend(map.iter().map(|(key, value)| (key.as_str(), value)));
                    }
                    _ => {}
                }
            }
            if below.items.is_empty() && below.pairs.is_empty() {
                return levels;
            }
            levels.push(below);
        }
    }

    fn values(&self) -> impl Iterator<Item = &'a OwnedValue> {
        self.items.iter().copied().chain(self.pairs.iter().map(|(_, value)| *value))
    }
}

/// The values of the level below, as they are lent.
#[derive(Default)]
struct Made<'a> {
    items: Vec<Value<'a>>,
    pairs: Vec<(&'a str, Value<'a>)>,
}

/// From the lowest level up: what is made of one is borrowed by the one above.
fn raise(levels: &[Level<'_>], below: &Made<'_>, look: &mut dyn FnMut(&Value<'_>)) {
    let Some((level, above)) = levels.split_last() else {
        return below.items.first().map_or((), look);
    };
    let (mut items, mut pairs) = (below.items.as_slice(), below.pairs.as_slice());
    // In the order in which their contents were laid out.
    let made_items = level.items.iter().map(|value| lend(value, &mut items, &mut pairs)).collect();
    let made_pairs = level
        .pairs
        .iter()
        .map(|(key, value)| (*key, lend(value, &mut items, &mut pairs)))
        .collect();
    raise(above, &Made { items: made_items, pairs: made_pairs }, look);
}

/// A value whose contents are the next ones of those below.
fn lend<'a>(
    value: &'a OwnedValue,
    items: &mut &'a [Value<'a>],
    pairs: &mut &'a [(&'a str, Value<'a>)],
) -> Value<'a> {
    match value {
        OwnedValue::List(list) => Value::Array(take(items, list.len())),
        OwnedValue::Map(map) => Value::Map(take(pairs, map.len())),
        scalar => scalar.scalar().unwrap_or(Value::Empty),
    }
}

fn take<'a, T>(rest: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

#[cfg(test)]
mod tests {
    use super::OwnedValue as Owned;
    use crate::record::Value;

    fn text(text: &str) -> Owned {
        Owned::Str(text.to_owned())
    }

    #[test]
    fn lists_and_maps_inside_of_each_other_are_lent_in_their_order() {
        let value = Owned::List(vec![
            Owned::Map(vec![
                ("a".to_owned(), Owned::List(vec![Owned::I64(1), text("x")])),
                ("b".to_owned(), Owned::Empty),
            ]),
            Owned::List(Vec::new()),
            Owned::List(vec![Owned::Map(vec![("c".to_owned(), Owned::Bool(true))])]),
            Owned::F64(0.5),
        ]);
        let is_right = value.lend(|value| {
            *value
                == Value::Array(&[
                    Value::Map(&[
                        ("a", Value::Array(&[Value::I64(1), Value::Str("x")])),
                        ("b", Value::Empty),
                    ]),
                    Value::Array(&[]),
                    Value::Array(&[Value::Map(&[("c", Value::Bool(true))])]),
                    Value::F64(0.5),
                ])
        });
        assert!(is_right);
    }

    #[test]
    fn a_long_list_costs_no_stack() {
        let value = Owned::List(vec![Owned::List(vec![Owned::I64(7)]); 100_000]);
        let length = value.lend(|value| match value {
            Value::Array(items) => items.len(),
            _ => 0,
        });
        assert_eq!(length, 100_000);
    }
}
