//! How requests are spoken, and what decides that: what is asked for, else the port.
//!
//! Flow: config -> `endpoint` -> **transport** -> `client`.

use crate::config::Protocol;

/// How requests are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Protobuf over HTTP.
    Http,
    /// JSON over HTTP.
    Json,
    Grpc,
}

impl Transport {
    /// What is asked for counts; what is not follows from the port.
    pub(super) fn choose(protocol: Option<Protocol>, port: Option<u16>) -> Self {
        match protocol.or_else(|| port.and_then(Protocol::usual_at)) {
            Some(Protocol::HttpProtobuf) | None => Self::Http,
            Some(Protocol::HttpJson) => Self::Json,
            Some(Protocol::Grpc) => Self::Grpc,
        }
    }
}
