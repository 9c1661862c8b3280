//! Why telemetry does not start.

use std::path::PathBuf;

/// Why telemetry did not start. The program goes on without it: its spans are not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The endpoint or a header cannot be used as it is written.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The files for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Somebody started it before; that one goes on, unchanged.
    #[error(
        "telemetry already runs in this process; the first `init` counts, this one changed nothing"
    )]
    AlreadyRunning,
    /// This extension of Python has joined another engine, which sends what it records.
    #[cfg(feature = "python")]
    #[error(
        "this extension has joined the engine of the package oxitel, which starts and ends telemetry"
    )]
    Joined,
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
    /// A scheme that is neither HTTP nor HTTPS.
    #[error(
        "endpoint {0:?} has a scheme that OTLP does not use; write \"http://…\" or \"https://…\""
    )]
    Scheme(String),
    /// A proxy that is no place to send to.
    #[error("proxy {0:?} cannot be used; write it like \"http://proxy:3128\"")]
    Proxy(String),
    /// No valid header; its value is not shown.
    #[error("header {0:?} has a name or a value that HTTP does not allow")]
    Header(String),
    /// A header that HTTP allows and gRPC does not; its value is not shown.
    #[error(
        "header {0:?} cannot go along over gRPC: names there have letters, digits, \"-\", \"_\" and \".\", do not begin with \"grpc-\" or end with \"-bin\", and are none that the connection itself sets"
    )]
    Metadata(String),
}

/// Why the files for TLS cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "{setting} names {file:?}, which cannot be read: {reason}; name a PEM file that this process may read"
    )]
    Unreadable {
        /// What named it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file has no certificate in it.
    #[error(
        "{setting} names {file:?}, which has no certificate; it needs a block \"-----BEGIN CERTIFICATE-----\""
    )]
    NoCertificate {
        /// What named it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// A file has a block that says certificate and is none.
    #[error(
        "{setting} names {file:?}, which has a broken certificate: {reason}; export it as PEM again"
    )]
    Certificate {
        /// What named it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file has no private key in it.
    #[error(
        "{setting} names {file:?}, which has no private key that can be read; it needs a block \"-----BEGIN PRIVATE KEY-----\", not encrypted"
    )]
    NoKey {
        /// What named it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// A client's key without its certificate, or the other way round.
    #[error("{one} is set without {other}; set both, or neither")]
    Alone {
        /// What is set.
        one: &'static str,
        /// What is missing.
        other: &'static str,
    },
    /// The client's key is not the one of its certificate.
    #[error(
        "the private key in {key:?} is not the one of the certificate in {certificate:?}: {reason}; name a pair that belongs together"
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What was found.
        reason: String,
    },
}
