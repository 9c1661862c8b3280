//! The page over HTTP on a port of its own: `GET /metrics`, to as many scrapers at once as there
//! may be, and with a bound on how long each may take.

use super::Served;
use super::answer::{answer, short};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

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
    let service = service_fn(async |request: Request<Incoming>| {
        let (parts, _) = request.into_parts();
        Ok::<_, Infallible>(match parts.uri.path() {
            "/metrics" => answer(Some(served.clone()), &parts.method, &parts.headers).await,
            _ => short(StatusCode::NOT_FOUND, "the metrics are at /metrics\n"),
        })
    });
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(REQUEST_PATIENCE);
    connection.serve_connection(TokioIo::new(stream), service).await
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::serve;
    use crate::metrics::prometheus::{Served, Translation};
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
