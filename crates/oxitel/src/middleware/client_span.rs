//! One request of a client that is no `tower` service, such as reqwest.

use super::SCOPE;
use super::attributes::{full_url, host_and_port, method, method_in_name, usual_port};
use super::begin::{Origin, may_record};
use super::failure::kind_of_error;
use crate::context::{self, Captured};
use crate::propagate::{self, Inject};
use crate::record::{Kind, Span, Status, printed};
use http::Method;
use std::error::Error;

/// The span of a request that goes out; see [`http_client`].
///
/// One that is dropped before its end is told was given up: `error.type` is `cancelled`.
#[derive(Debug)]
#[must_use = "the request is given up when its span is dropped"]
pub struct ClientSpan {
    span: Span,
    is_settled: bool,
}

/// Starts the span of a request below the current one.
///
/// ```no_run
/// use oxitel::middleware::http_client;
/// # use http::{HeaderMap, StatusCode};
/// # struct Client;
/// # impl Client {
/// #     fn get(&self, _url: &str) -> Self { Self }
/// #     fn headers(self, _headers: HeaderMap) -> Self { self }
/// #     async fn send(self) -> Result<Self, std::io::Error> { Ok(self) }
/// #     fn status(&self) -> StatusCode { StatusCode::OK }
/// # }
///
/// /// The client is one of reqwest.
/// async fn get(client: &Client, url: &str) -> Result<Client, std::io::Error> {
///     let call = http_client("GET", url);
///     let mut headers = HeaderMap::new();
///     call.inject(&mut headers);
///     let answer = call.wrap(client.get(url).headers(headers).send()).await;
///     match &answer {
///         Ok(response) => call.finish(response.status()),
///         Err(error) => call.fail(error),
///     }
///     answer
/// }
/// ```
pub fn http_client(method: impl AsRef<str>, url: &str) -> ClientSpan {
    let name = method.as_ref();
    let span = if may_record(Origin::Current) {
        start(name, url)
    } else {
        SCOPE.build("").kind(Kind::Client).start()
    };
    ClientSpan { span, is_settled: false }
}

impl ClientSpan {
    /// Writes the span and the current baggage into the request's headers.
    pub fn inject(&self, carrier: &mut (impl Inject + ?Sized)) {
        let _current = self.span.enter();
        propagate::inject_into(carrier);
    }

    /// A future that runs with the span as current, for the sending itself. The span does not end
    /// with it.
    pub fn wrap<F: Future>(&self, future: F) -> context::InContext<F> {
        self.place().wrap(future)
    }

    /// The span, for attributes of the program's own.
    pub fn span_mut(&mut self) -> &mut Span {
        &mut self.span
    }

    /// The answer came, with this status. From 400 on it is an error.
    pub fn finish(mut self, status: impl Into<u16>) {
        self.is_settled = true;
        let status: u16 = status.into();
        self.span.set_attribute("http.response.status_code", status);
        if status >= 400 {
            let code = status.to_string();
            self.span.set_attribute("error.type", &code).set_status(Status::Error(""));
        }
    }

    /// There is no answer.
    pub fn fail<E: Error + 'static>(mut self, error: &E) {
        self.is_settled = true;
        if self.span.is_recording() {
            // The error's own code runs here, before anything of ours is borrowed.
            let text = printed(format_args!("{error}"));
            let kind = kind_of_error(error);
            self.span.set_attribute("error.type", &kind).set_status(Status::Error(&text));
        }
    }

    fn place(&self) -> Captured {
        let _current = self.span.enter();
        context::capture()
    }
}

impl Drop for ClientSpan {
    fn drop(&mut self) {
        if !self.is_settled {
            self.span.set_attribute("error.type", "cancelled").set_status(Status::Error(""));
        }
    }
}

fn start(name: &str, url: &str) -> Span {
    let parsed = Method::from_bytes(name.as_bytes()).ok();
    let (known, original) = parsed.as_ref().map_or(("_OTHER", Some(name)), |it| method(it, &[]));
    let mut builder = SCOPE.build(method_in_name(known)).kind(Kind::Client);
    builder = builder.attribute("http.request.method", known);
    if let Some(original) = original {
        builder = builder.attribute("http.request.method_original", original);
    }
    let Some((scheme, rest)) = url.split_once("://") else { return builder.start() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (host, port) = host_and_port(authority);
    if !host.is_empty() {
        builder = builder.attribute("server.address", host);
    }
    if let Some(port) = port.or_else(|| usual_port(scheme)) {
        builder = builder.attribute("server.port", port);
    }
    let full = full_url(scheme, authority, rest);
    builder.attribute("url.full", &full).start()
}
