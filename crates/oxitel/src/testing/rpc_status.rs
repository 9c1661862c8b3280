//! `google.rpc.Status`, the body of every refusal, and its `RetryInfo` detail.
//!
//! Flow: `answer` -> `http` or `grpc` -> **`rpc_status`**. `opentelemetry-proto` does not carry these
//! messages, so they are written out here from `google/rpc/status.proto` and `error_details.proto`.

use prost::Message;

use super::answer::Refusal;

/// The gRPC codes that a receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) retry_delay: Option<Duration>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Duration {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

impl Code {
    /// The code that says over gRPC what `status` says over HTTP.
    pub(super) fn of_http(status: u16) -> Code {
        match status {
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 | 405 | 415 => Code::Unimplemented,
            413 => Code::ResourceExhausted,
            429 | 502 | 503 => Code::Unavailable,
            500 => Code::Internal,
            504 => Code::DeadlineExceeded,
            _ => Code::Unknown,
        }
    }
}

/// The HTTP status that `google/rpc/code.proto` gives a code.
pub(super) fn http_of(code: i32) -> u16 {
    match code {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Status {
        let told = refusal.retry_after.as_deref().and_then(|seconds| seconds.parse().ok());
        let told = told.map(|seconds| Duration { seconds, nanos: 0 });
        let delay = refusal.retry_delay.map(Duration::from).or(told);
        Status {
            code: refusal.code.unwrap_or(Code::of_http(refusal.status) as i32),
            message: refusal.message.clone(),
            details: delay.map(retry_info).into_iter().collect(),
        }
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Duration {
        Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
    }
}

fn retry_info(delay: Duration) -> Any {
    Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: RetryInfo { retry_delay: Some(delay) }.encode_to_vec(),
    }
}
