//! HTTP: the layers of servers and of clients.

use super::attributes::{
    Attributes, authority, full_url, header, method, method_in_name, usual_port, version,
};
use super::begin::{Describe, add_server, receive, send};
use super::call::{Call, Serving, Side};
use super::future::ResponseFuture;
use super::route::Served;
use super::service::service;
use super::settings::{Receiving, SpanEnd, Template, TrustIncoming};
use http::Request;
use http::header::USER_AGENT;
use http::request::Parts;
use std::fmt;
use std::sync::Arc;

/// Gives each request to an HTTP server a span; for axum and every other `tower` service.
///
/// ```
/// use oxitel::middleware::{HttpServerLayer, TrustIncoming};
///
/// let layer = HttpServerLayer::new()
///     .trust_incoming(TrustIncoming::Link)
///     .filter(|request| request.uri.path() != "/healthz");
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct HttpServerLayer {
    receiving: Receiving,
    http: Http,
    end: SpanEnd,
}

/// Gives each request of an HTTP client a span, and puts it into the request's headers.
#[derive(Clone, Debug, Default)]
pub struct HttpClientLayer {
    http: Http,
}

/// What both sides can be told.
#[derive(Clone, Default)]
struct Http {
    template: Option<Template>,
    scheme: Option<&'static str>,
    methods: Vec<String>,
}

/// Closures print nothing.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Http");
        debug.field("scheme", &self.scheme).field("methods", &self.methods);
        debug.finish_non_exhaustive()
    }
}

service! {
    /// A service that gives each request to an HTTP server a span; made by [`HttpServerLayer`].
    HttpServer of HttpServerLayer by handle
}

service! {
    /// A client that gives each request a span; made by [`HttpClientLayer`].
    HttpClient of HttpClientLayer by send
}

impl HttpServerLayer {
    /// A layer that gives every request a span below the caller's.
    pub fn new() -> Self {
        Self::default()
    }

    /// What to make of the trace that a request says it belongs to.
    pub fn trust_incoming(mut self, trust: TrustIncoming) -> Self {
        self.receiving.trust = trust;
        self
    }

    /// Which requests get a span. The others pass untouched, whatever their headers say: what is
    /// recorded below them is a trace of its own.
    pub fn filter(mut self, takes: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.receiving.filter = Some(Arc::new(takes));
        self
    }

    /// Where the pattern that a request's path belongs to is found: `/users/{id}`. It becomes
    /// `http.route` and a part of the span's name; the path itself never does. Where it is known
    /// only further in, [`set_route`](super::set_route) says it.
    ///
    /// For axum: `|request| request.extensions.get::<MatchedPath>().map(MatchedPath::as_str)`,
    /// in a layer that is given to `Router::layer`.
    pub fn route(mut self, find: impl Fn(&Parts) -> Option<&str> + Send + Sync + 'static) -> Self {
        self.http.template = Some(Arc::new(find));
        self
    }

    /// Where the address of the client is found. Headers such as `x-forwarded-for` are the
    /// word of whoever sent them: only the program knows whether to believe it.
    ///
    /// For axum, with `into_make_service_with_connect_info`:
    /// `|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_string())`.
    pub fn client_address(
        mut self,
        find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.receiving.client_address = Some(Arc::new(find));
        self
    }

    /// The scheme of requests that do not name one, as those of HTTP/1.1; `http` if not set.
    pub fn scheme(mut self, scheme: &'static str) -> Self {
        self.http.scheme = Some(scheme);
        self
    }

    /// Methods that are known beside those of the standards; all others are `_OTHER`.
    pub fn known_methods(mut self, methods: &[&str]) -> Self {
        self.http.methods = methods.iter().map(|&method| method.to_owned()).collect();
        self
    }

    /// When the span ends.
    pub fn span_end(mut self, end: SpanEnd) -> Self {
        self.end = end;
        self
    }

    /// Handles one request, for servers that are no `tower` services.
    pub fn handle<B, F>(
        &self,
        request: Request<B>,
        handler: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let (mut parts, body) = request.into_parts();
        if !self.receiving.takes(&parts) {
            return ResponseFuture::plain(handler(Request::from_parts(parts, body)));
        }
        let (span, place) = receive(&parts, self.receiving.trust, &Serves(self));
        let trust = self.receiving.trust;
        let served = Served::mark(&mut parts.extensions, span.is_recording(), trust);
        let serving = Serving {
            method: parts.method.clone(),
            method_is_known: method(&parts.method, &self.http.methods).1.is_none(),
            served,
            end: self.end,
        };
        let call = Call::new(span, place, Side::HttpServer(serving));
        ResponseFuture::under(call, || handler(Request::from_parts(parts, body)))
    }
}

impl HttpClientLayer {
    /// A layer that gives every request a span below the current one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the pattern that a request's path belongs to is found, for instance in the
    /// request's extensions. It becomes `url.template` and a part of the span's name.
    pub fn template(
        mut self,
        find: impl Fn(&Parts) -> Option<&str> + Send + Sync + 'static,
    ) -> Self {
        self.http.template = Some(Arc::new(find));
        self
    }

    /// The scheme of requests that do not name one; `http` if not set.
    pub fn scheme(mut self, scheme: &'static str) -> Self {
        self.http.scheme = Some(scheme);
        self
    }

    /// Methods that are known beside those of the standards; all others are `_OTHER`.
    pub fn known_methods(mut self, methods: &[&str]) -> Self {
        self.http.methods = methods.iter().map(|&method| method.to_owned()).collect();
        self
    }

    /// Sends one request, for clients that are no `tower` services.
    pub fn send<B, F>(
        &self,
        request: Request<B>,
        client: impl FnOnce(Request<B>) -> F,
    ) -> ResponseFuture<F> {
        let (mut parts, body) = request.into_parts();
        let span = send(&mut parts, &Sends(&self.http));
        let call = Call::new(span, None, Side::HttpClient);
        ResponseFuture::under(call, || client(Request::from_parts(parts, body)))
    }
}

impl Http {
    fn scheme<'a>(&self, request: &'a Parts) -> &'a str {
        request.uri.scheme_str().or(self.scheme).unwrap_or("http")
    }

    fn template<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        self.template.as_ref().and_then(|find| find(request))
    }

    fn name(&self, request: &Parts) -> String {
        let method = method_in_name(method(&request.method, &self.methods).0);
        match self.template(request) {
            Some(template) => [method, " ", template].concat(),
            None => method.to_owned(),
        }
    }

    fn add_method<'a>(&self, attributes: &mut Attributes<'a>, request: &'a Parts) {
        let (known, original) = method(&request.method, &self.methods);
        attributes.add("http.request.method", Some(known));
        attributes.add("http.request.method_original", original);
    }
}

struct Serves<'a>(&'a HttpServerLayer);

impl Describe for Serves<'_> {
    fn name(&self, request: &Parts) -> String {
        self.0.http.name(request)
    }

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a> {
        let mut attributes = Attributes::new();
        self.0.http.add_method(&mut attributes, request);
        attributes.add("http.route", self.0.http.template(request));
        attributes.add("url.scheme", Some(self.0.http.scheme(request)));
        attributes.add("url.path", Some(request.uri.path()));
        attributes.add("url.query", request.uri.query());
        let port = add_server(&mut attributes, authority(request));
        attributes.add("server.port", port);
        attributes.add("user_agent.original", header(&request.headers, &USER_AGENT));
        attributes.add("network.protocol.version", version(request.version));
        attributes
    }

    fn made(&self, request: &Parts) -> Option<(&'static str, String)> {
        self.0.receiving.client_address(request)
    }
}

struct Sends<'a>(&'a Http);

impl Describe for Sends<'_> {
    fn name(&self, request: &Parts) -> String {
        self.0.name(request)
    }

    fn attributes<'a>(&'a self, request: &'a Parts) -> Attributes<'a> {
        let mut attributes = Attributes::new();
        self.0.add_method(&mut attributes, request);
        attributes.add("url.template", self.0.template(request));
        let port = add_server(&mut attributes, authority(request));
        attributes.add("server.port", port.or_else(|| usual_port(self.0.scheme(request))));
        attributes
    }

    fn made(&self, request: &Parts) -> Option<(&'static str, String)> {
        let rest = request.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Some(("url.full", full_url(self.0.scheme(request), authority(request)?, rest)))
    }
}
