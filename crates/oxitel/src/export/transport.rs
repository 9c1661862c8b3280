//! How requests are spoken, and what decides that: what is asked for, else the port.
//!
//! Flow: config -> `endpoint` -> **transport** -> `client`.

use super::endpoint::without_credentials;
use crate::config::EndpointError;
use http::Uri;

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
        protocol: Option<&str>,
        port: Option<u16>,
    ) -> Result<Self, EndpointError> {
        let Some(protocol) = protocol.map(str::trim) else {
            return Ok(Self::of_port(port).unwrap_or(Self::Http));
        };
        let known = [Self::Http, Self::Grpc];
        let asked = known.into_iter().find(|known| protocol.eq_ignore_ascii_case(known.name()));
        asked.ok_or_else(|| EndpointError::Protocol {
            endpoint: without_credentials(endpoint),
            protocol: protocol.to_owned(),
        })
    }

    /// What usually listens there.
    fn of_port(port: Option<u16>) -> Option<Self> {
        match port {
            Some(4317) => Some(Self::Grpc),
            Some(4318) => Some(Self::Http),
            _ => None,
        }
    }

    /// As in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }

    /// What is done other than the endpoint says; a line each.
    pub(super) fn remarks(self, url: &Uri, authority: &str) -> Vec<String> {
        let name = self.name();
        let mut remarks = Vec::new();
        if let Some(usual) = Self::of_port(url.port_u16()).filter(|usual| *usual != self) {
            let usual = usual.name();
            remarks.push(format!(
                "endpoint {authority:?} has the port that is usual for {usual:?}; {name:?} is spoken"
            ));
        }
        if self == Self::Grpc && !matches!(url.path(), "" | "/") {
            let path = url.path();
            remarks.push(format!(
                "endpoint {authority:?}: gRPC has paths of its own, {path:?} is left out"
            ));
        }
        remarks
    }
}
