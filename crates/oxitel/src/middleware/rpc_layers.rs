//! gRPC: the layers of servers and of clients.

use super::attributes::{Attributes, authority};
use super::begin::{Describe, add_server, receive, send};
use super::call::{Call, Side};
use super::future::ResponseFuture;
use super::route::Served;
use super::service::service;
use super::settings::{Receiving, TrustIncoming};
use http::Request;
use http::request::Parts;
use std::sync::Arc;

/// Gives each call to a gRPC server a span; for tonic.
///
/// ```
/// use oxitel::middleware::RpcServerLayer;
///
/// let layer = RpcServerLayer::new()
///     .filter(|request| !request.uri.path().starts_with("/grpc.health.v1.Health/"));
/// // tonic::transport::Server::builder().layer(layer)
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RpcServerLayer {
    receiving: Receiving,
}

/// Gives each call of a gRPC client a span, and puts it into the call's metadata; for tonic.
///
/// ```
/// use oxitel::middleware::RpcClientLayer;
///
/// let layer = RpcClientLayer::new();
/// // GreeterClient::new(tower::ServiceBuilder::new().layer(layer).service(channel))
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RpcClientLayer {
    server: Option<Arc<str>>,
}

service! {
    /// A service that gives each call to a gRPC server a span; made by [`RpcServerLayer`].
    RpcServer of RpcServerLayer by handle
}

service! {
    /// A client that gives each call a span; made by [`RpcClientLayer`].
    RpcClient of RpcClientLayer by send
}

impl RpcServerLayer {
    /// A layer that gives every call a span below the caller's.
    pub fn new() -> Self {
        Self::default()
    }

    /// What to make of the trace that a call says it belongs to.
    pub fn trust_incoming(mut self, trust: TrustIncoming) -> Self {
        self.receiving.trust = trust;
        self
    }

    /// Which calls get a span. The others pass untouched, whatever their metadata say: what is
    /// recorded below them is a trace of its own.
    pub fn filter(mut self, takes: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.receiving.filter = Some(Arc::new(takes));
        self
    }

    /// Where the address of the client is found. For tonic: `|request|
    /// Some(request.extensions.get::<TcpConnectInfo>()?.remote_addr()?.ip().to_string())`.
    pub fn client_address(
        mut self,
        find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.receiving.client_address = Some(Arc::new(find));
        self
    }

    /// Handles one call, for servers that are no `tower` services.
    pub fn handle<B, F>(
        &self,
        request: Request<B>,
        handler: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let (mut parts, body) = request.into_parts();
        if !self.receiving.takes(&parts) {
            return ResponseFuture::plain(handler(Request::from_parts(parts, body)));
        }
        let (span, place) = receive(&parts, self.receiving.trust, self);
        let trust = self.receiving.trust;
        Served::mark(&mut parts.extensions, span.is_recording(), trust);
        let call = Call::new(span, place, Side::RpcServer);
        ResponseFuture::under(call, || handler(Request::from_parts(parts, body)))
    }
}

impl RpcClientLayer {
    /// A layer that gives every call a span below the current one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server that is called, as `host` or `host:port`: a tonic channel names it only behind
    /// the layers that are around it.
    pub fn server(mut self, authority: &str) -> Self {
        self.server = Some(Arc::from(authority));
        self
    }

    /// Sends one call, for clients that are no `tower` services.
    pub fn send<B, F>(
        &self,
        request: Request<B>,
        client: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let (mut parts, body) = request.into_parts();
        let span = send(&mut parts, self);
        let call = Call::new(span, None, Side::RpcClient);
        ResponseFuture::under(call, || client(Request::from_parts(parts, body)))
    }
}

/// `package.Service/Method`.
fn method(request: &Parts) -> &str {
    let path = request.uri.path();
    path.strip_prefix('/').unwrap_or(path)
}

fn name(request: &Parts) -> String {
    let method = method(request);
    if method.is_empty() { "grpc".to_owned() } else { method.to_owned() }
}

/// What both sides say.
fn attributes<'a>(request: &'a Parts, server: Option<&'a str>) -> Attributes<'a> {
    let mut attributes = Attributes::new();
    attributes.add("rpc.system.name", Some("grpc"));
    attributes.add("rpc.method", Some(method(request)).filter(|method| !method.is_empty()));
    let port = add_server(&mut attributes, server);
    attributes.add("server.port", port);
    attributes
}

impl Describe for RpcServerLayer {
    fn name(&self, request: &Parts) -> String {
        name(request)
    }

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a> {
        attributes(request, authority(request))
    }

    fn made(&self, request: &Parts) -> Option<(&'static str, String)> {
        self.receiving.client_address(request)
    }
}

impl Describe for RpcClientLayer {
    fn name(&self, request: &Parts) -> String {
        name(request)
    }

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a> {
        attributes(request, self.server.as_deref().or_else(|| authority(request)))
    }

    fn made(&self, _request: &Parts) -> Option<(&'static str, String)> {
        None
    }
}
