//! Layers that pass everything through.

use crate::context::InContext;
use crate::middleware::{SpanEnd, TrustIncoming};
use crate::propagate::Inject;
use crate::record::{Kind, Scope, Span};
use http::request::Parts;
use http::{Extensions, Request, Response, StatusCode};
use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

static SCOPE: Scope = Scope::new("");

/// The service itself.
pub type HttpServer<S> = S;
/// The service itself.
pub type HttpClient<S> = S;
/// The service itself.
pub type RpcServer<S> = S;
/// The service itself.
pub type RpcClient<S> = S;
/// The future itself.
pub type ResponseFuture<F> = F;
/// The body itself.
pub type ResponseBody<B> = B;

/// Answers that there is nothing to scrape.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsPage(());

impl MetricsPage {
    /// The service.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for MetricsPage {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        let mut response = Response::new("metrics are not for Prometheus here\n".to_owned());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        ready(Ok(response))
    }
}

/// Does nothing.
pub fn set_route(_extensions: &Extensions, _route: impl Into<String>) {}

macro_rules! layer {
    ($name:ident by $method:ident) => {
        /// Passes everything through.
        #[derive(Clone, Debug, Default)]
        pub struct $name(());

        impl<S> Layer<S> for $name {
            type Service = S;

            fn layer(&self, inner: S) -> S {
                inner
            }
        }

        impl $name {
            /// A layer that does nothing.
            pub fn new() -> Self {
                Self::default()
            }

            /// Passes the request through.
            pub fn $method<B, F>(
                &self,
                request: Request<B>,
                inner: impl FnOnce(Request<B>) -> F,
            ) -> F {
                inner(request)
            }
        }
    };
}

layer!(HttpServerLayer by handle);
layer!(HttpClientLayer by send);
layer!(RpcServerLayer by handle);
layer!(RpcClientLayer by send);

macro_rules! receiving {
    ($name:ident) => {
        impl $name {
            /// Does nothing.
            pub fn trust_incoming(self, _trust: TrustIncoming) -> Self {
                self
            }

            /// Does nothing.
            pub fn filter(self, _takes: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
                self
            }

            /// Does nothing.
            pub fn client_address(
                self,
                _find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
            ) -> Self {
                self
            }
        }
    };
}

receiving!(HttpServerLayer);
receiving!(RpcServerLayer);

macro_rules! http {
    ($name:ident by $template:ident) => {
        impl $name {
            /// Does nothing.
            pub fn $template(
                self,
                _find: impl Fn(&Parts) -> Option<&str> + Send + Sync + 'static,
            ) -> Self {
                self
            }

            /// Does nothing.
            pub fn scheme(self, _scheme: &'static str) -> Self {
                self
            }

            /// Does nothing.
            pub fn known_methods(self, _methods: &[&str]) -> Self {
                self
            }
        }
    };
}

http!(HttpServerLayer by route);
http!(HttpClientLayer by template);

impl HttpServerLayer {
    /// Does nothing.
    pub fn span_end(self, _end: SpanEnd) -> Self {
        self
    }
}

impl RpcClientLayer {
    /// Does nothing.
    pub fn server(self, _authority: &str) -> Self {
        self
    }
}

/// No span.
#[derive(Debug)]
#[must_use = "the request is given up when its span is dropped"]
pub struct ClientSpan(Span);

/// No span.
pub fn http_client(_method: impl AsRef<str>, _url: &str) -> ClientSpan {
    ClientSpan(SCOPE.build("").kind(Kind::Client).start())
}

impl ClientSpan {
    /// Writes nothing.
    pub fn inject(&self, _carrier: &mut (impl Inject + ?Sized)) {}

    /// The future itself.
    pub fn wrap<F: Future>(&self, future: F) -> InContext<F> {
        future
    }

    /// No span.
    pub fn span_mut(&mut self) -> &mut Span {
        &mut self.0
    }

    /// Does nothing.
    pub fn finish(self, _status: impl Into<u16>) {}

    /// Does nothing.
    pub fn fail<E: Error + 'static>(self, _error: &E) {}
}
