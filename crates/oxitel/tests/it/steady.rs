//! Random spans, compared field by field with what an independent decoder reads.

use crate::session::{PATIENCE, Session};
use oxitel::testing::proto::common::v1::any_value::Value as Decoded;
use oxitel::{Redaction, Scope, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

static SCOPE: Scope = Scope::new("steady");

#[derive(Clone, Debug, PartialEq)]
enum Given {
    Text(String),
    Number(i64),
    Float(f64),
    Flag(bool),
    Bytes(Vec<u8>),
}

impl Given {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::Number(number) => Value::I64(*number),
            Self::Float(number) => Value::F64(*number),
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    fn decoded(value: Decoded) -> Self {
        match value {
            Decoded::StringValue(text) => Self::Text(text),
            Decoded::IntValue(number) => Self::Number(number),
            Decoded::DoubleValue(number) => Self::Float(number),
            Decoded::BoolValue(flag) => Self::Flag(flag),
            Decoded::BytesValue(bytes) => Self::Bytes(bytes),
            other => panic!("{other:?} was not given"),
        }
    }
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![
        ".{0,200}".prop_map(Given::Text),
        any::<i64>().prop_map(Given::Number),
        any::<f64>().prop_filter("comparable", |n| !n.is_nan()).prop_map(Given::Float),
        any::<bool>().prop_map(Given::Flag),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Given::Bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_span_is_decoded_as_it_was_set(
        name in ".{0,300}",
        pairs in proptest::collection::vec(("[a-z.]{1,40}", given()), 0..100),
        events in proptest::collection::vec(".{0,50}", 0..20),
    ) {
        // Any text can look like a secret.
        let session = Session::with(|config| config.redaction(Redaction::off()));
        {
            let mut span = SCOPE.span(&name);
            for (key, value) in &pairs {
                span.set_attribute(key, value.value());
            }
            for event in &events {
                span.add_event(event, &[("name", Value::Str(event))]);
            }
        }
        prop_assert_eq!(oxitel::flush(PATIENCE), Ok(()));
        let span = session.receiver.spans().remove(0).span;
        prop_assert_eq!(span.name, name);
        let names: Vec<_> = span.events.into_iter().map(|event| event.name).collect();
        prop_assert_eq!(names, events);
        let expected: BTreeMap<_, _> = pairs.into_iter().collect();
        let sent = span.attributes.into_iter().map(|pair| {
            let value = pair.value.and_then(|any| any.value).expect("a value");
            (pair.key, Given::decoded(value))
        });
        let sent: Vec<_> = sent.collect();
        prop_assert_eq!(sent.len(), expected.len(), "each key once");
        prop_assert_eq!(sent.into_iter().collect::<BTreeMap<_, _>>(), expected);
    }
}
