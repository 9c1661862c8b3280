//! How requests are spoken, and what decides that: what is asked for, else the port.
//!
//! Flow: config -> `endpoint` -> **transport** -> `client`.

use crate::config::url::masked;
use crate::config::{EndpointError, Protocol};

/// How requests are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Grpc,
}

impl Transport {
    /// What is asked for counts; what is not follows from the port.
    pub(super) fn choose(
        endpoint: &str,
        protocol: Option<Protocol>,
        port: Option<u16>,
    ) -> Result<Self, EndpointError> {
        match protocol.or_else(|| port.and_then(Protocol::usual_at)) {
            Some(Protocol::HttpProtobuf) | None => Ok(Self::Http),
            Some(Protocol::Grpc) => Ok(Self::Grpc),
            Some(protocol @ Protocol::HttpJson) => Err(EndpointError::Protocol {
                endpoint: masked(endpoint),
                protocol: protocol.to_string(),
            }),
        }
    }
}
