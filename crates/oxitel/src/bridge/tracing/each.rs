//! The fields of a span that nobody else can reach yet: handed on one by one, not collected.

use super::fields::{EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, chain_name, printed, sources};
use crate::record::Value;
use std::error::Error;
use std::fmt::Debug;
use tracing::field::{Field, Visit};

/// Hands each field on as it comes.
pub(super) struct Each<F>(pub(super) F);

impl<F: FnMut(&str, Value<'_>)> Visit for Each<F> {
    fn record_str(&mut self, field: &Field, value: &str) {
        (self.0)(field.name(), Value::Str(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.0)(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        (self.0)(field.name(), Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        (self.0)(field.name(), Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        (self.0)(field.name(), Value::F64(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        (self.0)(field.name(), Value::Bytes(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let sources = sources(value);
        let list: Vec<_> = sources.iter().map(|text| Value::Str(text)).collect();
        printed(format_args!("{value}"), |message| {
            (self.0)(EXCEPTION_MESSAGE, Value::Str(message));
            (self.0)(EXCEPTION_STACKTRACE, Value::Array(&list));
            (self.0)(field.name(), Value::Str(message));
            (self.0)(&chain_name(field), Value::Array(&list));
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        printed(format_args!("{value:?}"), |text| (self.0)(field.name(), Value::Str(text)));
    }
}
