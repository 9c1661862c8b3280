//! The receiver's thread: accepts connections, reads requests, gives the answers it was told.
//!
//! Flow: client -> `line` -> **server** -> (`http` | `grpc`) -> `answer` -> `inbox`.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::http::header::CONTENT_TYPE;
use ::http::request::Parts;
use ::http::{HeaderValue, Method, Response};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Outcome, Refusal, Reply};
use super::inbox::{Inbox, Request};
use super::line::{Control, Line};
use super::{grpc, http};

type Body = BoxBody<Bytes, Infallible>;

/// The limit that the OTLP specification gives a server.
pub(super) const MAX_BODY_BYTES: usize = 64 << 20;

/// Serves until `stop` is told or dropped; connections end with the runtime.
pub(super) async fn serve(
    listeners: Vec<TcpListener>,
    tls: Option<TlsAcceptor>,
    inbox: Arc<Inbox>,
    stop: oneshot::Receiver<()>,
) {
    for listener in listeners {
        tokio::spawn(accept(listener, tls.clone(), Arc::clone(&inbox)));
    }
    // Told or dropped: both mean that the receiver is no longer wanted.
    let _ = stop.await;
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, inbox: Arc<Inbox>) {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                drop(tokio::spawn(converse(stream, tls.clone(), Arc::clone(&inbox))));
            }
            // Mostly out of file descriptors: some are free again when connections have ended.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, inbox: Arc<Inbox>) {
    let control = Arc::new(Control::default());
    let line = Line::new(stream, Arc::clone(&control));
    match tls {
        None => serve_line(line, &control, &inbox).await,
        Some(tls) => {
            // A handshake that fails is the client's to tell.
            if let Ok(line) = tls.accept(line).await {
                serve_line(line, &control, &inbox).await;
            }
        }
    }
}

async fn serve_line<L>(line: L, control: &Arc<Control>, inbox: &Arc<Inbox>)
where
    L: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(|request| {
        let (inbox, control) = (Arc::clone(inbox), Arc::clone(control));
        async move { respond(&inbox, &control, request).await }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(line), service));
    loop {
        tokio::select! {
            // A client that breaks off is part of many tests: it is no error of the receiver.
            _ended = connection.as_mut() => return,
            () = control.reset_asked() => return,
            () = control.close_asked() => return,
            () = control.end_asked() => connection.as_mut().graceful_shutdown(),
        }
    }
}

/// An error resets the stream.
async fn respond(
    inbox: &Inbox,
    control: &Arc<Control>,
    request: hyper::Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    if let Some(page) = page(inbox, &head) {
        return Ok(page);
    }
    let grpc = grpc::is_grpc(&head);
    let form = Form::of(&head);
    let route = if grpc { grpc::route(&head) } else { http::route(&head) };
    // A request that is not understood leaves the script to those that are.
    let told = route.map(|signal| (signal, inbox.next_answer()));
    control.pace(told.as_ref().ok().and_then(|(_, answer)| answer.bytes_per_second()));
    // Kept until the answer is said: hyper reads a body to its end once nobody holds it.
    let mut unread = None;
    let (body, read) = if told.as_ref().is_ok_and(|(_, answer)| answer.is_early()) {
        unread = Some(body);
        (Bytes::new(), Ok(()))
    } else {
        match read(body).await {
            Ok(body) => (body, Ok(())),
            Err(refusal) => (Bytes::new(), Err(refusal)),
        }
    };
    let outcome = told.and_then(|(signal, answer)| {
        read?;
        let message = if unread.is_some() {
            Bytes::new()
        } else if grpc {
            grpc::unframe(http::header_text(&head, &grpc::GRPC_ENCODING), &body)?
        } else {
            http::message(&head, signal, &body)?
        };
        Ok(answer.give(signal, &message))
    });
    let Outcome { answer, reply, taken } = outcome.unwrap_or_else(Outcome::from);
    match answer {
        Answer::GoAway => control.end(),
        Answer::AcceptAndClose => close_soon(control),
        _ => {}
    }
    let path = head.uri.path().to_owned();
    let arrived = Instant::now();
    let request = Request { path, headers: head.headers, body, grpc, answer, arrived };
    inbox.record(request, taken);
    say(reply, form, control).await
}

/// Closes the connection when the answer has left.
fn close_soon(control: &Arc<Control>) {
    let control = Arc::clone(control);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        control.close();
    });
}

fn page(inbox: &Inbox, head: &Parts) -> Option<Response<Body>> {
    if head.method != Method::GET {
        return None;
    }
    let (content_type, text) = inbox.page(head.uri.path())?;
    let mut response = Response::new(Full::from(text).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Some(response)
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Refusal::new(413, format!("the body is larger than {MAX_BODY_BYTES} bytes")))
        }
        Err(error) => Err(Refusal::new(400, format!("the body broke off: {error}"))),
    }
}

/// A body without an end.
struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 << 10])))))
    }
}

/// The form in which an answer is said: that of its request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
    Grpc,
}

impl Form {
    fn of(head: &Parts) -> Form {
        match (grpc::is_grpc(head), http::is_json(head)) {
            (true, _) => Form::Grpc,
            (_, true) => Form::Json,
            _ => Form::Protobuf,
        }
    }
}

async fn say(reply: Reply, form: Form, control: &Control) -> io::Result<Response<Body>> {
    let (grpc, json) = (form == Form::Grpc, form == Form::Json);
    match reply {
        Reply::Accepted { signal, partial } if grpc => Ok(grpc::accepted(signal, partial)),
        Reply::Accepted { signal, partial } => {
            Ok(http::accepted(json, signal, partial).map(BodyExt::boxed))
        }
        Reply::Words { body, .. } if grpc => Ok(grpc::said(Full::from(body).boxed())),
        Reply::Words { content_type, body } => Ok(http::said(&content_type, body)),
        Reply::Endless if grpc => Ok(grpc::said(Endless.boxed())),
        Reply::Endless => Ok(Response::new(Endless.boxed())),
        Reply::Refused(refusal) if grpc => Ok(grpc::refused(&refusal)),
        Reply::Refused(refusal) => Ok(http::refused(json, &refusal).map(BodyExt::boxed)),
        Reply::ResetStream => Err(io::Error::other("the receiver was told to reset the stream")),
        Reply::Silence => pending().await,
        Reply::Reset => {
            control.reset();
            pending().await
        }
    }
}
