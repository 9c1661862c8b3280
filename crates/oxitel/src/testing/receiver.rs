//! The receiver as a test holds it: start, tell, ask, wait.
//!
//! Flow: test -> **receiver** -> `inbox` <- `server` <- program under test.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::answer::Answer;
use super::decode::SpanRecord;
use super::inbox::{Inbox, Page, Request};
use super::log::{LogEntry, log_lines};
use super::server;
use super::tls::Identity;
use super::tree::tree;

/// An OTLP receiver on a thread of its own; dropping it closes its port and its connections.
///
/// HTTP/1.1, HTTP/2 without TLS and gRPC share each port; gRPC is told by its content type.
/// Requests over HTTP are protobuf or JSON; they may be compressed by gzip, and in builds with the feature
/// `zstd` by that.
pub struct Receiver {
    addresses: Vec<SocketAddr>,
    scheme: &'static str,
    inbox: Arc<Inbox>,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts a receiver on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When no port can be bound.
    #[track_caller]
    pub fn start() -> Receiver {
        match Receiver::listen(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]) {
            Ok(receiver) => receiver,
            Err(error) => panic!("no port of 127.0.0.1 can be bound for a receiver: {error}"),
        }
    }

    /// Starts a receiver on these addresses; port 0 is a free one.
    pub fn listen(addresses: &[SocketAddr]) -> io::Result<Receiver> {
        Receiver::listen_as(addresses, None)
    }

    /// Starts a receiver that speaks TLS, on a free port of 127.0.0.1.
    pub fn start_tls(identity: &Identity) -> io::Result<Receiver> {
        Receiver::listen_tls(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], identity)
    }

    /// Starts a receiver that speaks TLS, on these addresses.
    pub fn listen_tls(addresses: &[SocketAddr], identity: &Identity) -> io::Result<Receiver> {
        Receiver::listen_as(addresses, Some(identity))
    }

    fn listen_as(addresses: &[SocketAddr], identity: Option<&Identity>) -> io::Result<Receiver> {
        let tls = identity.map(Identity::acceptor).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listeners = {
            let _in_runtime = runtime.enter();
            addresses.iter().map(bind).collect::<io::Result<Vec<_>>>()?
        };
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let inbox = Arc::new(Inbox::default());
        let (stop, stopped) = oneshot::channel();
        let service = server::serve(listeners, tls, Arc::clone(&inbox), stopped);
        let thread = thread::Builder::new()
            .name("oxitel-receiver".to_owned())
            .spawn(move || runtime.block_on(service))?;
        Ok(Receiver { addresses, scheme, inbox, stop: Some(stop), thread: Some(thread) })
    }

    /// The URL of the first address, such as `http://127.0.0.1:4318`.
    pub fn endpoint(&self) -> String {
        let scheme = self.scheme;
        self.addresses.first().map(|address| format!("{scheme}://{address}")).unwrap_or_default()
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers so from now on, when the script has come to its end.
    pub fn answer(&self, answer: Answer) {
        self.inbox.set_standing(answer);
    }

    /// Adds answers to the script: one is given to each request, then the standing answer again.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inbox.extend_script(answers);
    }

    /// Every request that arrived, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.inbox.state().requests.clone()
    }

    /// The spans of all accepted requests, in order of arrival.
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.inbox.state().spans.clone()
    }

    /// The log records of all accepted requests, in order of arrival.
    pub fn logs(&self) -> Vec<LogEntry> {
        self.inbox.state().logs.clone()
    }

    /// The accepted log records as text, see [`log_lines`].
    pub fn log_lines(&self) -> String {
        let state = self.inbox.state();
        log_lines(&state.logs, &state.spans)
    }

    /// The metrics of all accepted requests, in order of arrival.
    pub fn metrics(&self) -> Vec<ResourceMetrics> {
        self.inbox.state().metrics.clone()
    }

    /// The accepted spans as text, see [`tree`].
    pub fn tree(&self) -> String {
        tree(&self.inbox.state().spans)
    }

    /// Waits until at least `count` spans were accepted, and returns all of them.
    ///
    /// # Panics
    ///
    /// After `limit`, with what has arrived instead.
    #[track_caller]
    pub fn wait_for_spans(&self, count: usize, limit: Duration) -> Vec<SpanRecord> {
        if !self.inbox.wait_until(limit, |state| state.spans.len() >= count) {
            let got = self.spans().len();
            panic!("{count} spans expected within {limit:?}, {got} came{}", self.report());
        }
        self.spans()
    }

    /// Waits until at least `count` requests arrived, however they were answered.
    ///
    /// # Panics
    ///
    /// After `limit`, with what has arrived instead.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize, limit: Duration) -> Vec<Request> {
        if !self.inbox.wait_until(limit, |state| state.requests.len() >= count) {
            let got = self.requests().len();
            panic!("{count} requests expected within {limit:?}, {got} came{}", self.report());
        }
        self.requests()
    }

    /// Hands each request and its accepted spans to `take`, before it is answered, instead of
    /// keeping them: for a receiver that runs for days. [`requests`](Self::requests),
    /// [`spans`](Self::spans) and the waiting functions then stay where they are.
    pub fn hand_over(&self, take: impl FnMut(Request, Vec<SpanRecord>) + Send + 'static) {
        self.inbox.set_take(Box::new(take));
    }

    /// Serves the text that `render` returns to `GET` requests for `path`.
    pub fn page(
        &self,
        path: &str,
        content_type: &'static str,
        render: impl Fn() -> String + Send + Sync + 'static,
    ) {
        self.inbox.add_page(path, Page { content_type, render: Box::new(render) });
    }

    fn report(&self) -> String {
        let state = self.inbox.state();
        let requests = state.requests.iter().map(|request| format!("\n  {request}"));
        format!("\nspans:\n{}requests:{}", tree(&state.spans), requests.collect::<String>())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the receiver's thread was printed when it happened.
            let _ = thread.join();
        }
    }
}

fn bind(address: &SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
