//! Attribute values as text that tells types apart: `1` is a number, `"1"` a string.
//!
//! Flow: `decode` -> **value** -> `tree`.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::decode::hex;

/// Attributes as ` key=value key=value`, each with a space in front, in the order they came.
pub(super) fn attributes(attributes: &[KeyValue]) -> String {
    attributes.iter().flat_map(|attribute| [" ".to_owned(), key_value(attribute)]).collect()
}

/// Text that stands as it is when it cannot be taken for anything else, quoted otherwise.
pub(super) fn quoted_when_needed(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || "_-./:@+%?&*<>~".contains(c);
    let is_other_type = matches!(text, "true" | "false" | "null")
        || text.starts_with("0x")
        || text.parse::<f64>().is_ok();
    if text.is_empty() || is_other_type || !text.chars().all(is_word) {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}

fn key_value(attribute: &KeyValue) -> String {
    format!("{}={}", quoted_when_needed(&attribute.key), any_value(attribute.value.as_ref()))
}

pub(super) fn any_value(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => "null".to_owned(),
        Some(Value::StringValue(text)) => quoted_when_needed(text),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        // Debug keeps the point of whole numbers: 1.0, not 1.
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::BytesValue(bytes)) => format!("0x{}", hex(bytes)),
        Some(Value::ArrayValue(array)) => {
            let items: Vec<_> = array.values.iter().map(|item| any_value(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(Value::KvlistValue(list)) => {
            let items: Vec<_> = list.values.iter().map(key_value).collect();
            format!("{{{}}}", items.join(", "))
        }
        // An index into the string table of a profile, which spans do not have.
        Some(Value::StringValueStrindex(index)) => format!("string#{index}"),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    use super::*;

    fn text(value: Value) -> String {
        any_value(Some(&AnyValue { value: Some(value) }))
    }

    #[test]
    fn values_of_different_types_never_look_alike() {
        let strings =
            ["POST", "/a?b=1", "two words", "1", "1.0", "NaN", "true", "null", "0xff", ""]
                .map(|string| text(Value::StringValue(string.to_owned())));
        insta::assert_snapshot!(
            strings.join(" "),
            @r#"POST "/a?b=1" "two words" "1" "1.0" "NaN" "true" "null" "0xff" """#
        );
        let others = [
            Value::IntValue(1),
            Value::DoubleValue(1.0),
            Value::DoubleValue(f64::NAN),
            Value::BoolValue(true),
            Value::BytesValue(vec![255]),
        ]
        .map(text);
        insta::assert_snapshot!(others.join(" "), @"1 1.0 NaN true 0xff");
        assert_eq!(any_value(None), "null");
    }

    #[test]
    fn lists_and_maps_are_shown_with_their_items() {
        let item = AnyValue { value: Some(Value::IntValue(1)) };
        let entry =
            KeyValue { key: "a".to_owned(), value: Some(item.clone()), ..KeyValue::default() };
        let array = Value::ArrayValue(ArrayValue { values: vec![item, AnyValue::default()] });
        let list = Value::KvlistValue(KeyValueList { values: vec![entry] });
        insta::assert_snapshot!(format!("{} {}", text(array), text(list)), @"[1, null] {a=1}");
    }
}
