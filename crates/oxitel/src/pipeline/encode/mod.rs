//! Writes OTLP protobuf: the one place where a finished record becomes bytes.
//!
//! `writer` reserves a length once and then writes without checks; `value` makes attributes of
//! keys and values, `nested` those that are lists and maps; `span` puts whole records together. Field numbers are those of
//! `opentelemetry/proto/{common,trace,resource}/v1`.

mod log;
mod nested;
mod span;
mod value;
mod writer;

pub(crate) use log::Log;
pub(crate) use nested::Treatment;
pub(crate) use span::{LinkTarget, event, link, span, span_length};
pub(crate) use value::{
    MAX_RECORD, SHORT, any_value, attribute, short_attribute, short_length, treated_attribute,
};
pub(crate) use writer::{Writer, field_length, message, varint_length};

/// Tags (field number and wire type) of the messages we write.
pub(crate) mod tag {
    const fn length(field: u8) -> u8 {
        field << 3 | 2
    }
    pub(crate) const RESOURCE_ATTRIBUTE: u8 = length(1);
    pub(crate) const SPAN_IN_SCOPE: u8 = length(2);
    pub(crate) const LOG_IN_SCOPE: u8 = length(2);
    pub(crate) const LOG_ATTRIBUTE: u8 = length(6);
    pub(crate) const SPAN_ATTRIBUTE: u8 = length(9);
    pub(crate) const SPAN_EVENT: u8 = length(11);
    pub(crate) const SPAN_LINK: u8 = length(13);
    pub(crate) const EVENT_ATTRIBUTE: u8 = length(3);
    pub(crate) const LINK_ATTRIBUTE: u8 = length(4);
    pub(crate) const SCOPE_ATTRIBUTE: u8 = length(3);
}
