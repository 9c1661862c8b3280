//! Why telemetry does not start.

/// Why telemetry did not start. The program goes on without it: its spans are not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The endpoint or a header cannot be used as it is written.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Somebody started it before; that one goes on, unchanged.
    #[error(
        "telemetry already runs in this process; the first `init` counts, this one changed nothing"
    )]
    AlreadyRunning,
    /// The system gave no thread to send from.
    #[error("the system gave no thread to send telemetry from; raise the limit on threads")]
    NoThread,
}

/// Why an endpoint or a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No URL.
    #[error("endpoint {0:?} is no URL; write it like \"http://localhost:4318\"")]
    Malformed(String),
    /// A scheme that is not HTTP.
    #[error("endpoint {0:?} has a scheme that OTLP does not use; write \"http://…\"")]
    Scheme(String),
    /// Encryption is not built in yet.
    #[error(
        "endpoint {0:?} asks for TLS, which this version cannot do; send to a collector on this host by \"http://\""
    )]
    Tls(String),
    /// A protocol that is not built in.
    #[error(
        "the protocol {protocol:?} for endpoint {endpoint:?} is none that can be spoken; use \"http/protobuf\" or \"grpc\""
    )]
    Protocol {
        /// The endpoint as given.
        endpoint: String,
        /// The protocol that was asked for.
        protocol: String,
    },
    /// No valid header; its value is not shown.
    #[error("header {0:?} has a name or a value that HTTP does not allow")]
    Header(String),
    /// A header that HTTP allows and gRPC does not; its value is not shown.
    #[error(
        "header {0:?} cannot go along over gRPC: names there have letters, digits, \"-\", \"_\" and \".\", do not begin with \"grpc-\" or end with \"-bin\", and are none that the connection itself sets"
    )]
    Metadata(String),
}
