//! One HTTP/2 connection that ends when its owner lets go of it.
//!
//! Flow: `grpc` -> **connection** -> receiver. A pool would keep a connection whose request was
//! given up; this one goes down with the request, as over HTTP/1.1.

use super::body::Pieces;
use super::client::IDLE;
use super::dial::Dial;
use ::http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::TokioTimer;
use std::error::Error;
use std::time::Instant;
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Pieces>,
    /// When the last exchange ended.
    rested: Instant,
    /// Dropped with the connection, and its tasks end.
    _tasks: watch::Sender<()>,
}

impl Connection {
    /// Connects to the URL's host.
    pub(super) async fn open(
        dial: &mut Dial,
        url: &Uri,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let line = dial.open(url).await?;
        let (alive, over) = watch::channel(());
        let tasks = Tasks { over };
        let handshake = Builder::new(tasks.clone()).timer(TokioTimer::new()).handshake(line);
        let (sender, driver) = handshake.await?;
        // How it ends is told to the request that is under way, if there is one.
        tasks.execute(async move { drop(driver.await) });
        Ok(Self { sender, rested: Instant::now(), _tasks: alive })
    }

    /// Whether it may carry another request.
    pub(super) fn is_usable(&self) -> bool {
        !self.sender.is_closed() && self.rested.elapsed() < IDLE
    }

    /// An exchange is over, and the next one may come.
    pub(super) fn rest(&mut self) {
        self.rested = Instant::now();
    }

    /// Sends the request; an error brings it back when it never left.
    pub(super) async fn send(
        &mut self,
        request: Request<Pieces>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Pieces>>> {
        self.sender.try_send_request(request).await
    }
}

/// Where a connection's tasks run: on the sender's runtime, until the connection is dropped.
#[derive(Clone, Debug)]
struct Tasks {
    over: watch::Receiver<()>,
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut over = self.over.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = task => {}
                // An error: nothing is ever sent, so it means that the connection is gone.
                _ = over.changed() => {}
            }
        });
    }
}
