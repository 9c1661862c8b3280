//! Our layers in servers and clients, over sockets: one trace from the client's span to the spans
//! that a handler makes with `tracing` and with the OpenTelemetry API.

use crate::session::{PATIENCE, Session, run};
use crate::stock::Store;
use crate::stock::proto::stock_client::StockClient;
use crate::stock::proto::stock_server::StockServer;
use crate::stock::proto::{Item, Left};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Path};
use axum::http::Response;
use axum::routing::get;
use futures_util::stream;
use http::HeaderMap;
use opentelemetry::trace::Tracer as _;
use oxitel::context::Baggage;
use oxitel::middleware::{
    HttpServerLayer, RpcClientLayer, RpcServerLayer, TrustIncoming, http_client,
};
use oxitel::{Scope, context};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::Code;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};
use tonic::transport::{Channel, Server};
use tower::ServiceBuilder;
use tracing::Instrument as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer as _, Registry};

static SCOPE: Scope = Scope::new("client");

/// A registry with our layer, for what the tests themselves say.
fn subscriber() -> impl tracing::Subscriber + Send + Sync + 'static {
    let ours = filter_fn(|metadata| metadata.target().starts_with("it::"));
    Registry::default().with(oxitel::bridge::layer().with_filter(ours))
}

fn layer() -> HttpServerLayer {
    HttpServerLayer::new()
        .route(|request| request.extensions.get::<MatchedPath>().map(MatchedPath::as_str))
        .client_address(|request| {
            let peer = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(peer.0.ip().to_string())
        })
}

async fn user(Path(id): Path<u64>) -> String {
    let work = async {
        tokio::task::yield_now().await;
        opentelemetry::global::tracer("db").in_span("query", |_| ());
        context::baggage().get("tenant").unwrap_or("nobody").to_owned()
    };
    work.instrument(tracing::info_span!("load", user.id = id)).await
}

async fn letters() -> Response<Body> {
    let letters = stream::unfold(b'a', |letter| async move {
        tokio::task::yield_now().await;
        let _span = tracing::info_span!("letter").entered();
        (letter < b'd').then(|| (Ok::<_, std::io::Error>(vec![letter]), letter + 1))
    });
    Response::new(Body::from_stream(letters))
}

async fn out_of_stock() -> String {
    panic!("out of stock")
}

fn shop() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .route("/letters", get(letters))
        .route("/panic", get(out_of_stock))
}

/// Serves on a free port, in a task.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    address
}

/// Gets a page as a program with reqwest does.
async fn fetch(address: SocketAddr, path: &str) -> Result<String, reqwest::Error> {
    let url = format!("http://{address}{path}");
    let call = http_client("GET", &url);
    let mut headers = HeaderMap::new();
    call.inject(&mut headers);
    let answer = call.wrap(reqwest::Client::new().get(&url).headers(headers).send()).await;
    match answer {
        Ok(answer) => {
            call.finish(answer.status());
            answer.text().await
        }
        Err(error) => {
            call.fail(&error);
            Err(error)
        }
    }
}

/// The traces, with the port in words.
fn tree(session: &Session, address: SocketAddr) -> String {
    session.tree().replace(&address.port().to_string(), "PORT")
}

fn tenant() -> Baggage {
    let mut baggage = Baggage::new();
    assert!(baggage.insert("tenant", "acme"));
    baggage
}

#[test]
fn one_trace_goes_from_a_reqwest_client_through_axum_to_all_three_apis() {
    let session = Session::start();
    let address = run(subscriber(), async {
        let address = serve(shop().layer(layer())).await;
        let place = context::root().with_baggage(&tenant());
        let work = place.wrap(async {
            let caller = SCOPE.span("caller");
            let fetched = async { fetch(address, "/users/7?page=2").await };
            caller.instrument(fetched).await
        });
        assert_eq!(work.await.expect("an answer"), "acme");
        assert_eq!(fetch(address, "/nowhere").await.expect("an answer"), "");
        address
    });
    insta::assert_snapshot!(tree(&session, address), @r#"
    it: caller (internal)
      it: GET (client) http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full="http://127.0.0.1:PORT/users/7?page=2" http.response.status_code=200
        it: GET /users/{id} (server) http.request.method=GET http.route="/users/{id}" url.scheme=http url.path=/users/7 url.query="page=2" server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" client.address=127.0.0.1 http.response.status_code=200
          it: load (internal) user.id=7
            it: query (internal)
    it: GET (client) [error] http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full=http://127.0.0.1:PORT/nowhere http.response.status_code=404 error.type="404"
      it: GET (server) http.request.method=GET url.scheme=http url.path=/nowhere server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" client.address=127.0.0.1 http.response.status_code=404
    "#);
}

#[test]
fn strangers_are_linked_or_ignored_and_their_baggage_is_not_taken_over() {
    for (trust, links) in [(TrustIncoming::Link, 1), (TrustIncoming::Never, 0)] {
        let session = Session::start();
        run(subscriber(), async {
            let address = serve(shop().layer(layer().trust_incoming(trust))).await;
            let place = context::root().with_baggage(&tenant());
            let answer = place.wrap(fetch(address, "/users/7")).await;
            assert_eq!(answer.expect("an answer"), "nobody");
        });
        let _ = session.tree();
        let spans = session.receiver.spans();
        let of_kind = |kind| spans.iter().find(|record| record.span.kind == kind).expect("it");
        let (client, server) = (of_kind(3), of_kind(2));
        assert_ne!(client.trace_id(), server.trace_id());
        let linked: Vec<_> = server.span.links.iter().map(|link| &link.span_id).collect();
        assert_eq!(linked, vec![&client.span.span_id; links]);
        let below = spans.iter().filter(|record| record.trace_id() == server.trace_id());
        assert_eq!(below.count(), 3, "the handler's spans are in the server's trace");
    }
}

#[test]
fn the_spans_that_make_a_streaming_body_are_below_the_server() {
    let session = Session::start();
    let address = run(subscriber(), async {
        let address = serve(shop().layer(layer())).await;
        assert_eq!(fetch(address, "/letters").await.expect("an answer"), "abc");
        address
    });
    insta::assert_snapshot!(tree(&session, address), @r#"
    it: GET (client) http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full=http://127.0.0.1:PORT/letters http.response.status_code=200
      it: GET /letters (server) http.request.method=GET http.route=/letters url.scheme=http url.path=/letters server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" client.address=127.0.0.1 http.response.status_code=200
        it: letter (internal)
        it: letter (internal)
        it: letter (internal)
        it: letter (internal)
    "#);
}

#[test]
fn a_client_that_goes_away_and_a_handler_that_panics_are_told() {
    /// Tells when it is dropped.
    struct Told(Arc<Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let session = Session::start();
    let address = run(subscriber(), async {
        let (begun, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (handler_begun, handler_gone) = (Arc::clone(&begun), Arc::clone(&gone));
        let slow = get(move || async move {
            let _told = Told(handler_gone);
            handler_begun.notify_one();
            std::future::pending::<()>().await;
        });
        let address = serve(shop().route("/slow", slow).layer(layer())).await;
        tokio::select! {
            answer = fetch(address, "/slow") => panic!("nobody answers: {answer:?}"),
            () = begun.notified() => {}
        }
        tokio::time::timeout(PATIENCE, gone.notified()).await.expect("the server notices");
        assert!(fetch(address, "/panic").await.is_err());
        address
    });
    insta::assert_snapshot!(tree(&session, address), @r#"
    it: GET (client) [error] http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full=http://127.0.0.1:PORT/slow error.type=cancelled
      it: GET /slow (server) [error] http.request.method=GET http.route=/slow url.scheme=http url.path=/slow server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" client.address=127.0.0.1 error.type=cancelled
    it: GET (client) [error: error sending request for url (http://127.0.0.1:PORT/panic)] http.request.method=GET server.address=127.0.0.1 server.port=PORT url.full=http://127.0.0.1:PORT/panic error.type=reqwest::error::Error
      it: GET /panic (server) [error: out of stock] http.request.method=GET http.route=/panic url.scheme=http url.path=/panic server.address=127.0.0.1 server.port=PORT network.protocol.version="1.1" client.address=127.0.0.1 error.type=panic
        · exception exception.type=panic exception.message="out of stock"
    "#);
}

/// A client of the service behind both of our layers.
async fn stock() -> (SocketAddr, StockClient<oxitel::middleware::RpcClient<Channel>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let layer = RpcServerLayer::new().client_address(|request| {
        let peer = request.extensions.get::<TcpConnectInfo>()?;
        Some(peer.remote_addr()?.ip().to_string())
    });
    let server = Server::builder().layer(layer).add_service(StockServer::new(Store));
    tokio::spawn(async move {
        server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves");
    });
    let channel = Channel::from_shared(format!("http://{address}")).expect("a URL");
    let channel = channel.connect().await.expect("a connection");
    let layer = RpcClientLayer::new().server(&address.to_string());
    (address, StockClient::new(ServiceBuilder::new().layer(layer).service(channel)))
}

fn item(name: &str) -> Item {
    Item { name: name.to_owned() }
}

#[test]
fn one_trace_goes_from_a_tonic_client_through_a_tonic_server_to_all_three_apis() {
    let session = Session::start();
    let address = run(subscriber(), async {
        let (address, mut client) = stock().await;
        let caller = SCOPE.span("caller");
        let work = async {
            let left = client.reserve(item("film")).await.expect("an answer");
            assert_eq!(left.into_inner(), Left { pieces: 7 });
            let unknown = client.reserve(item("paper")).await.expect_err("none");
            assert_eq!(unknown.code(), Code::NotFound);
            let broken = client.reserve(item("broken")).await.expect_err("none");
            assert_eq!(broken.code(), Code::Internal);
        };
        caller.instrument(work).await;
        address
    });
    insta::assert_snapshot!(tree(&session, address), @r"
    it: caller (internal)
      it: shop.Stock/Reserve (client) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT rpc.status_code=OK
        it: shop.Stock/Reserve (server) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT client.address=127.0.0.1 rpc.status_code=OK
          it: look up (internal)
            it: query (internal)
      it: shop.Stock/Reserve (client) [error: never heard of it] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT rpc.status_code=NOT_FOUND error.type=NOT_FOUND
        it: shop.Stock/Reserve (server) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT client.address=127.0.0.1 rpc.status_code=NOT_FOUND
          it: look up (internal)
            it: query (internal)
      it: shop.Stock/Reserve (client) [error: no 100% luck] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT rpc.status_code=INTERNAL error.type=INTERNAL
        it: shop.Stock/Reserve (server) [error: no 100% luck] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=127.0.0.1 server.port=PORT client.address=127.0.0.1 rpc.status_code=INTERNAL error.type=INTERNAL
          it: look up (internal)
            it: query (internal)
    ");
}

#[test]
fn a_stream_of_messages_is_one_call_and_one_that_is_dropped_was_given_up() {
    let session = Session::start();
    let address = run(subscriber(), async {
        let (address, mut client) = stock().await;
        let mut stream = client.watch(item("film")).await.expect("an answer").into_inner();
        let mut pieces = Vec::new();
        while let Some(left) = stream.message().await.expect("a message") {
            pieces.push(left.pieces);
        }
        assert_eq!(pieces, [3, 2, 1]);
        drop(client.watch(item("film")).await.expect("an answer"));
        address
    });
    let tree = tree(&session, address);
    let (whole, dropped) = tree.rsplit_once("it: shop.Stock/Watch (client)").expect("two calls");
    insta::assert_snapshot!(whole, @r"
    it: shop.Stock/Watch (client) rpc.system.name=grpc rpc.method=shop.Stock/Watch server.address=127.0.0.1 server.port=PORT rpc.status_code=OK
      it: shop.Stock/Watch (server) rpc.system.name=grpc rpc.method=shop.Stock/Watch server.address=127.0.0.1 server.port=PORT client.address=127.0.0.1 rpc.status_code=OK
        it: count (internal) pieces=3
        it: count (internal) pieces=2
        it: count (internal) pieces=1
    ");
    assert!(dropped.starts_with(" [error]") && dropped.contains("CANCELLED"), "{dropped}");
}
