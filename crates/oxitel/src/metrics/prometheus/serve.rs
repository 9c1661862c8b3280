//! The page over HTTP: `GET /metrics`, to as many scrapers at once as there may be, and with a
//! bound on how long each may take.

use super::negotiate::{Answer, negotiate};
use super::{Style, Translation, page};
use crate::pipeline::thread;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// The encoded attributes of the resource, as `Resource.attributes` fields.
    pub(crate) resource: Arc<[u8]>,
    pub(crate) translation: Translation,
    /// Whether each point says which scope it is of.
    pub(crate) scope_labels: bool,
}

/// Connections at once; more wait until one ends.
const MOST_CONNECTIONS: usize = 16;
/// How long a scraper may take for its request, and for the whole connection.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
const CONNECTION_PATIENCE: Duration = Duration::from_secs(300);

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, served: Served) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // Nobody closes it.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = served.clone();
                drop(tokio::spawn(async move {
                    let _place = place;
                    // A scraper that breaks off or never ends is no loss of ours.
                    let conversation = converse(stream, &served);
                    let _ = tokio::time::timeout(CONNECTION_PATIENCE, conversation).await;
                }));
            }
            // Mostly out of file descriptors: some are free again when connections have ended.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse(stream: TcpStream, served: &Served) -> hyper::Result<()> {
    let answer = service_fn(async |request: Request<Incoming>| {
        let (parts, _) = request.into_parts();
        Ok::<_, Infallible>(answer(served, &parts.method, parts.uri.path(), &parts.headers).await)
    });
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(REQUEST_PATIENCE);
    connection.serve_connection(TokioIo::new(stream), answer).await
}

async fn answer(
    served: &Served,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response<Page> {
    if path != "/metrics" {
        return short(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    if *method != Method::GET && *method != Method::HEAD {
        let mut refusal = short(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        refusal.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let answer = negotiate(&accepted.collect::<Vec<_>>().join(","));
    match written(served.clone(), answer).await {
        Some(text) => response(StatusCode::OK, answer.content_type(), text.into()),
        None => short(StatusCode::INTERNAL_SERVER_ERROR, "the collection failed\n"),
    }
}

/// Callbacks of the program may take their time, so it happens beside the sender's thread.
async fn written(served: Served, answer: Answer) -> Option<String> {
    let write = move || {
        let Served { resource, translation, scope_labels } = served;
        page(&resource, Style { translation, scope_labels, answer })
    };
    // A panic was reported when it happened.
    thread::run(c"oxitel-collect", write).await.ok()
}

fn short(status: StatusCode, text: &'static str) -> Response<Page> {
    response(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, content_type: &'static str, text: Bytes) -> Response<Page> {
    let mut response = Response::new(Page(Some(text)));
    *response.status_mut() = status;
    let content_type = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A body of one piece.
struct Page(Option<Bytes>);

impl Body for Page {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(text))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::{Served, serve};
    use crate::metrics::prometheus::Translation;
    use crate::metrics::tests::Session;
    use crate::metrics::{Meter, Settings};
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::thread;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    /// Runs `ask` while pages are served.
    fn while_served(ask: impl FnOnce(SocketAddr)) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = thread::spawn(move || {
            let served = Served {
                resource: Vec::new().into(),
                translation: Translation::default(),
                scope_labels: false,
            };
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, served) => {}
                    _ = stopped => {}
                }
            });
        });
        ask(address);
        drop(stop);
        server.join().expect("no panic");
    }

    fn say(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    #[test]
    fn a_scraper_gets_the_page_in_the_format_it_asks_for() {
        let _session = Session::with(Settings { pulled: true, ..Settings::default() });
        Meter::named("served").u64_counter("c").build().add(3, &[]);
        while_served(|address| {
            // One that says nothing does not keep others waiting.
            let _silent = TcpStream::connect(address).expect("a connection");
            let usual =
                say(address, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assert!(usual.starts_with("HTTP/1.1 200 "), "{usual}");
            assert!(usual.contains("content-type: text/plain; version=0.0.4; charset=utf-8"));
            assert!(usual.ends_with("# TYPE c_total counter\nc_total 3\n"), "{usual}");
            let open = say(
                address,
                "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                 Accept: application/openmetrics-text; version=1.0.0\r\n\r\n",
            );
            assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"));
            assert!(open.ends_with("# TYPE c counter\nc_total 3\n# EOF\n"), "{open}");
        });
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        let _session = Session::with(Settings { pulled: true, ..Settings::default() });
        while_served(|address| {
            let close = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            for (request, status) in [
                ("GET /", "404"),
                ("POST /metrics", "405"),
                ("DELETE /metrics", "405"),
                ("HEAD /metrics", "200"),
                ("GET /metrics", "200"),
            ] {
                let answer = say(address, &format!("{request} {close}"));
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
            }
            let broken = say(address, "NONSENSE\r\n\r\n");
            assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
        });
    }
}
