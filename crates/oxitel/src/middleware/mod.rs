//! Spans for requests: `tower` layers for HTTP and gRPC, on both sides of a connection.
//!
//! The layers are written against `http` and `http-body` alone, so they fit axum, tonic, hyper
//! and every client that is a `tower` service. [`http_client`] is for clients that are none.
//! [`MetricsPage`] is for the scrapers of Prometheus.
//!
//! ```
//! use http::{Request, Response};
//! use oxitel::middleware::HttpServerLayer;
//! use std::convert::Infallible;
//!
//! async fn hello(_request: Request<String>) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new("hello".to_owned()))
//! }
//!
//! # fn main() {
//! use tower::{Layer as _, service_fn};
//! let service = HttpServerLayer::new().layer(service_fn(hello));
//! # drop(service);
//! # }
//! ```
//!
//! What a span holds follows the semantic conventions, version 1.44: the stable ones for HTTP,
//! the release candidate for RPC. Names and marks:
//!
//! | | name | what is an error |
//! |---|---|---|
//! | HTTP server | `{method} {route}` | 5xx, a broken or cancelled answer, a panic |
//! | HTTP client | `{method} {template}` | 4xx, 5xx, no answer |
//! | gRPC server | `{service}/{method}` | `UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`, a panic |
//! | gRPC client | `{service}/{method}` | everything but `OK` |
//!
//! A span ends with the body of the answer, and is current while the answer is made and while
//! its body is polled. A request that is given up before its answer is complete has `error.type`
//! `cancelled`, or the status `CANCELLED` in gRPC; a client that does not want the rest of a body
//! is no error. A panic is noted and goes on.

#[cfg(feature = "otel")]
mod attributes;
#[cfg(feature = "otel")]
mod begin;
#[cfg(feature = "otel")]
mod body;
#[cfg(feature = "otel")]
mod call;
#[cfg(feature = "otel")]
mod client_span;
#[cfg(feature = "otel")]
mod failure;
#[cfg(feature = "otel")]
mod future;
#[cfg(feature = "otel")]
mod http_layers;
#[cfg(feature = "otel")]
mod metrics_page;
#[cfg(feature = "otel")]
mod route;
#[cfg(feature = "otel")]
mod rpc_layers;
#[cfg(feature = "otel")]
mod rpc_status;
#[cfg(feature = "otel")]
mod service;
mod settings;

#[cfg(not(feature = "otel"))]
pub use crate::off::middleware::{
    ClientSpan, HttpClient, HttpClientLayer, HttpServer, HttpServerLayer, MetricsPage,
    ResponseBody, ResponseFuture, RpcClient, RpcClientLayer, RpcServer, RpcServerLayer,
    http_client, set_route,
};
pub use settings::{SpanEnd, TrustIncoming};
#[cfg(feature = "otel")]
pub use {
    body::ResponseBody,
    client_span::{ClientSpan, http_client},
    future::ResponseFuture,
    http_layers::{HttpClient, HttpClientLayer, HttpServer, HttpServerLayer},
    metrics_page::MetricsPage,
    route::set_route,
    rpc_layers::{RpcClient, RpcClientLayer, RpcServer, RpcServerLayer},
};

#[cfg(feature = "otel")]
static SCOPE: crate::Scope = crate::Scope::new("oxitel::middleware")
    .version(env!("CARGO_PKG_VERSION"))
    .schema_url("https://opentelemetry.io/schemas/1.44.0");
