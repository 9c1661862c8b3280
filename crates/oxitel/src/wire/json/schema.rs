//! OTLP as tables: for each message its fields, with the number in protobuf and the name in JSON.
//!
//! Traces, metrics and logs are here whole, but for the string indices that profiles alone use.

use Kind::{
    Base64, Bool, Double, Fixed32, Fixed64, Hex, Int32, Int64, Nested, Sfixed64, Sint32, Text,
    Uint32, Uint64,
};

/// One message type.
pub(super) struct Message {
    pub(super) fields: &'static [Field],
}

/// One field of a message.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// How often a field stands in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    One,
    /// One of those that exclude each other; a message has one such group at most.
    Either,
    /// Once, and some readers want it even when it is empty.
    Always,
    Many,
    /// Any number, and some readers want the list even when it is empty.
    AlwaysMany,
}

/// What a field holds; the first word says how protobuf has it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bool,
    /// Enums as well: in OTLP's JSON they are numbers.
    Int32,
    Uint32,
    Sint32,
    Fixed32,
    Int64,
    Uint64,
    Fixed64,
    Sfixed64,
    Double,
    Text,
    /// Bytes of an id.
    Hex,
    /// Other bytes.
    Base64,
    Nested(&'static Message),
}

/// The most fields that a message has.
pub(super) const MOST_FIELDS: usize = 16;

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, place: Place::One }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, place: Place::Many }
}

const fn either(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, place: Place::Either }
}

const VALUES: Place = Place::AlwaysMany;

pub(super) static ANY_VALUE: Message = Message {
    fields: &[
        either(1, "stringValue", Text),
        either(2, "boolValue", Bool),
        either(3, "intValue", Int64),
        either(4, "doubleValue", Double),
        either(5, "arrayValue", Nested(&ARRAY_VALUE)),
        either(6, "kvlistValue", Nested(&KEY_VALUE_LIST)),
        either(7, "bytesValue", Base64),
    ],
};

static ARRAY_VALUE: Message = Message {
    fields: &[Field { number: 1, name: "values", kind: Nested(&ANY_VALUE), place: VALUES }],
};

static KEY_VALUE_LIST: Message = Message {
    fields: &[Field { number: 1, name: "values", kind: Nested(&KEY_VALUE), place: VALUES }],
};

static KEY_VALUE: Message = Message {
    fields: &[
        Field { number: 1, name: "key", kind: Text, place: Place::Always },
        one(2, "value", Nested(&ANY_VALUE)),
    ],
};

static RESOURCE: Message = Message {
    fields: &[
        many(1, "attributes", Nested(&KEY_VALUE)),
        one(2, "droppedAttributesCount", Uint32),
        many(3, "entityRefs", Nested(&ENTITY_REF)),
    ],
};

static ENTITY_REF: Message = Message {
    fields: &[
        one(1, "schemaUrl", Text),
        one(2, "type", Text),
        many(3, "idKeys", Text),
        many(4, "descriptionKeys", Text),
    ],
};

static SCOPE: Message = Message {
    fields: &[
        one(1, "name", Text),
        one(2, "version", Text),
        many(3, "attributes", Nested(&KEY_VALUE)),
        one(4, "droppedAttributesCount", Uint32),
    ],
};

pub(super) static TRACES: Message =
    Message { fields: &[many(1, "resourceSpans", Nested(&RESOURCE_SPANS))] };

static RESOURCE_SPANS: Message = Message {
    fields: &[
        one(1, "resource", Nested(&RESOURCE)),
        many(2, "scopeSpans", Nested(&SCOPE_SPANS)),
        one(3, "schemaUrl", Text),
    ],
};

static SCOPE_SPANS: Message = Message {
    fields: &[
        one(1, "scope", Nested(&SCOPE)),
        many(2, "spans", Nested(&SPAN)),
        one(3, "schemaUrl", Text),
    ],
};

static SPAN: Message = Message {
    fields: &[
        one(1, "traceId", Hex),
        one(2, "spanId", Hex),
        one(3, "traceState", Text),
        one(4, "parentSpanId", Hex),
        one(5, "name", Text),
        one(6, "kind", Int32),
        one(7, "startTimeUnixNano", Fixed64),
        one(8, "endTimeUnixNano", Fixed64),
        many(9, "attributes", Nested(&KEY_VALUE)),
        one(10, "droppedAttributesCount", Uint32),
        many(11, "events", Nested(&EVENT)),
        one(12, "droppedEventsCount", Uint32),
        many(13, "links", Nested(&LINK)),
        one(14, "droppedLinksCount", Uint32),
        one(15, "status", Nested(&STATUS)),
        one(16, "flags", Fixed32),
    ],
};

static EVENT: Message = Message {
    fields: &[
        one(1, "timeUnixNano", Fixed64),
        one(2, "name", Text),
        many(3, "attributes", Nested(&KEY_VALUE)),
        one(4, "droppedAttributesCount", Uint32),
    ],
};

static LINK: Message = Message {
    fields: &[
        one(1, "traceId", Hex),
        one(2, "spanId", Hex),
        one(3, "traceState", Text),
        many(4, "attributes", Nested(&KEY_VALUE)),
        one(5, "droppedAttributesCount", Uint32),
        one(6, "flags", Fixed32),
    ],
};

static STATUS: Message = Message { fields: &[one(2, "message", Text), one(3, "code", Int32)] };

pub(super) static LOGS: Message =
    Message { fields: &[many(1, "resourceLogs", Nested(&RESOURCE_LOGS))] };

static RESOURCE_LOGS: Message = Message {
    fields: &[
        one(1, "resource", Nested(&RESOURCE)),
        many(2, "scopeLogs", Nested(&SCOPE_LOGS)),
        one(3, "schemaUrl", Text),
    ],
};

static SCOPE_LOGS: Message = Message {
    fields: &[
        one(1, "scope", Nested(&SCOPE)),
        many(2, "logRecords", Nested(&LOG_RECORD)),
        one(3, "schemaUrl", Text),
    ],
};

static LOG_RECORD: Message = Message {
    fields: &[
        one(1, "timeUnixNano", Fixed64),
        one(2, "severityNumber", Int32),
        one(3, "severityText", Text),
        one(5, "body", Nested(&ANY_VALUE)),
        many(6, "attributes", Nested(&KEY_VALUE)),
        one(7, "droppedAttributesCount", Uint32),
        one(8, "flags", Fixed32),
        one(9, "traceId", Hex),
        one(10, "spanId", Hex),
        one(11, "observedTimeUnixNano", Fixed64),
        one(12, "eventName", Text),
    ],
};

pub(super) static METRICS: Message =
    Message { fields: &[many(1, "resourceMetrics", Nested(&RESOURCE_METRICS))] };

static RESOURCE_METRICS: Message = Message {
    fields: &[
        one(1, "resource", Nested(&RESOURCE)),
        many(2, "scopeMetrics", Nested(&SCOPE_METRICS)),
        one(3, "schemaUrl", Text),
    ],
};

static SCOPE_METRICS: Message = Message {
    fields: &[
        one(1, "scope", Nested(&SCOPE)),
        many(2, "metrics", Nested(&METRIC)),
        one(3, "schemaUrl", Text),
    ],
};

static METRIC: Message = Message {
    fields: &[
        one(1, "name", Text),
        one(2, "description", Text),
        one(3, "unit", Text),
        either(5, "gauge", Nested(&GAUGE)),
        either(7, "sum", Nested(&SUM)),
        either(9, "histogram", Nested(&HISTOGRAM)),
        either(10, "exponentialHistogram", Nested(&EXPONENTIAL_HISTOGRAM)),
        either(11, "summary", Nested(&SUMMARY)),
        many(12, "metadata", Nested(&KEY_VALUE)),
    ],
};

static GAUGE: Message = Message { fields: &[many(1, "dataPoints", Nested(&NUMBER_POINT))] };

static SUM: Message = Message {
    fields: &[
        many(1, "dataPoints", Nested(&NUMBER_POINT)),
        one(2, "aggregationTemporality", Int32),
        one(3, "isMonotonic", Bool),
    ],
};

static HISTOGRAM: Message = Message {
    fields: &[
        many(1, "dataPoints", Nested(&HISTOGRAM_POINT)),
        one(2, "aggregationTemporality", Int32),
    ],
};

static EXPONENTIAL_HISTOGRAM: Message = Message {
    fields: &[
        many(1, "dataPoints", Nested(&EXPONENTIAL_POINT)),
        one(2, "aggregationTemporality", Int32),
    ],
};

static SUMMARY: Message = Message { fields: &[many(1, "dataPoints", Nested(&SUMMARY_POINT))] };

static NUMBER_POINT: Message = Message {
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        either(4, "asDouble", Double),
        many(5, "exemplars", Nested(&EXEMPLAR)),
        either(6, "asInt", Sfixed64),
        many(7, "attributes", Nested(&KEY_VALUE)),
        one(8, "flags", Uint32),
    ],
};

static HISTOGRAM_POINT: Message = Message {
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        one(5, "sum", Double),
        many(6, "bucketCounts", Fixed64),
        many(7, "explicitBounds", Double),
        many(8, "exemplars", Nested(&EXEMPLAR)),
        many(9, "attributes", Nested(&KEY_VALUE)),
        one(10, "flags", Uint32),
        one(11, "min", Double),
        one(12, "max", Double),
    ],
};

static EXPONENTIAL_POINT: Message = Message {
    fields: &[
        many(1, "attributes", Nested(&KEY_VALUE)),
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        one(5, "sum", Double),
        one(6, "scale", Sint32),
        one(7, "zeroCount", Fixed64),
        one(8, "positive", Nested(&BUCKETS)),
        one(9, "negative", Nested(&BUCKETS)),
        one(10, "flags", Uint32),
        many(11, "exemplars", Nested(&EXEMPLAR)),
        one(12, "min", Double),
        one(13, "max", Double),
        one(14, "zeroThreshold", Double),
    ],
};

static BUCKETS: Message =
    Message { fields: &[one(1, "offset", Sint32), many(2, "bucketCounts", Uint64)] };

static SUMMARY_POINT: Message = Message {
    fields: &[
        one(2, "startTimeUnixNano", Fixed64),
        one(3, "timeUnixNano", Fixed64),
        one(4, "count", Fixed64),
        one(5, "sum", Double),
        many(6, "quantileValues", Nested(&QUANTILE)),
        many(7, "attributes", Nested(&KEY_VALUE)),
        one(8, "flags", Uint32),
    ],
};

static QUANTILE: Message =
    Message { fields: &[one(1, "quantile", Double), one(2, "value", Double)] };

static EXEMPLAR: Message = Message {
    fields: &[
        one(2, "timeUnixNano", Fixed64),
        either(3, "asDouble", Double),
        one(4, "spanId", Hex),
        one(5, "traceId", Hex),
        either(6, "asInt", Sfixed64),
        many(7, "filteredAttributes", Nested(&KEY_VALUE)),
    ],
};
