//! Opens connections: TCP to the receiver or to a proxy, a tunnel where one is needed, then TLS.
//!
//! Flow: `http` or `grpc` -> **dial** -> receiver. Each connection resolves the name anew, so an
//! address that moved is found without a restart.

use super::endpoint::Destination;
use super::line::Line;
use super::proxy::Proxy;
use super::resolver::Resolver;
use super::tls::{self, Asked, Trust};
use super::transport::Transport;
use crate::pipeline::thread;
use ::http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// All addresses of a name together; the next attempt asks for its addresses again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to one destination.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    tcp: HttpConnector<Resolver>,
    tls: Option<Tls>,
    asked: Asked,
    proxy: Option<Proxy>,
    /// Whether the proxy passes on bytes, and not requests.
    tunnels: bool,
}

/// Why there is no connection, for people.
#[derive(Debug)]
pub(super) struct NoLine(String);

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NoLine {}

/// How this destination's connections are secured.
#[derive(Clone, Debug)]
struct Tls {
    trust: Trust,
    /// What is asked for in the handshake.
    protocol: &'static [u8],
    /// Made for the first connection: it may need the system's certificates.
    settings: Arc<OnceCell<Arc<ClientConfig>>>,
    asked: Asked,
}

impl Dial {
    pub(super) fn new(destination: &Destination) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::default());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let protocol: &[u8] = match destination.transport() {
            Transport::Http | Transport::Json => b"http/1.1",
            Transport::Grpc => b"h2",
        };
        let asked = Asked::default();
        let tls = destination.trust().map(|trust| Tls {
            trust: trust.clone(),
            protocol,
            settings: Arc::default(),
            asked: asked.clone(),
        });
        let tunnels = tls.is_some() || destination.transport() == Transport::Grpc;
        Self { tcp, tls, asked, proxy: destination.proxy().cloned(), tunnels }
    }

    /// Whether receivers ask who we are.
    pub(super) fn asked(&self) -> Asked {
        self.asked.clone()
    }

    /// A line to the URL's host, ready for its first request.
    pub(super) async fn open(&mut self, url: &Uri) -> Result<Line, NoLine> {
        let stream = match self.proxy.clone() {
            None => self.connect(url).await?,
            Some(proxy) => {
                let stream = self
                    .connect_to_proxy(&proxy, url)
                    .await
                    .map_err(|error| NoLine(format!("by the proxy {}: {error}", proxy.shown())))?;
                if !self.tunnels {
                    return Ok(Line::proxied(stream));
                }
                stream
            }
        };
        match &self.tls {
            Some(tls) => tls.secure(stream, url).await,
            None => Ok(Line::plain(stream)),
        }
    }

    /// Tries every address of the host, until one takes the connection.
    async fn connect(&mut self, url: &Uri) -> Result<TcpStream, NoLine> {
        std::future::poll_fn(|cx| self.tcp.poll_ready(cx)).await.map_err(no_line)?;
        let stream = self.tcp.call(url.clone()).await.map_err(no_line)?;
        Ok(stream.into_inner())
    }

    async fn connect_to_proxy(&mut self, proxy: &Proxy, url: &Uri) -> Result<TcpStream, NoLine> {
        let mut stream = self.connect(proxy.url()).await?;
        if self.tunnels {
            proxy.tunnel(&mut stream, url).await.map_err(NoLine)?;
        }
        Ok(stream)
    }
}

fn no_line(error: impl Error + 'static) -> NoLine {
    NoLine(super::client::root_cause(&error).to_string())
}

impl Tls {
    async fn secure(&self, stream: TcpStream, url: &Uri) -> Result<Line, NoLine> {
        let name = tls::name_of(url.host().unwrap_or_default()).map_err(NoLine)?;
        let settings = self.settings.get_or_try_init(|| self.load()).await?;
        let connector = TlsConnector::from(Arc::clone(settings));
        let secured = connector.connect(name, stream).await;
        let secured = secured.map_err(|error| NoLine(tls::handshake_told(error)))?;
        let agreed = secured.get_ref().1.alpn_protocol();
        // HTTP/1.1 needs no agreement, HTTP/2 does.
        if self.protocol == b"h2" && agreed != Some(self.protocol) {
            return Err(NoLine("TLS: the receiver does not offer HTTP/2, which gRPC needs".into()));
        }
        Ok(Line::secured(secured))
    }

    /// Away from the sender's thread, which has other destinations: certificates are files.
    async fn load(&self) -> Result<Arc<ClientConfig>, NoLine> {
        let (trust, protocol, asked) = (self.trust.clone(), self.protocol, self.asked.clone());
        let loaded = thread::run(c"oxitel-trust", move || trust.settings(protocol, &asked)).await;
        let settings = loaded.map_err(|error| NoLine(error.to_string()))?.map_err(NoLine)?;
        Ok(Arc::new(settings))
    }
}

/// As the pool for HTTP/1.1 wants it.
impl Service<Uri> for Dial {
    type Response = Line;
    type Error = NoLine;
    type Future = Pin<Box<dyn Future<Output = Result<Line, NoLine>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoLine>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let mut dial = self.clone();
        Box::pin(async move { dial.open(&url).await })
    }
}
