//! Spans for requests: each layer around services made for the occasion.

use crate::session::Session;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use oxitel::context::Baggage;
use oxitel::middleware::{
    HttpClientLayer, HttpServerLayer, RpcClientLayer, RpcServerLayer, SpanEnd, TrustIncoming,
    http_client, set_route,
};
use oxitel::{Sampler, Scope, context, propagate};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, ServiceExt, service_fn};

static SCOPE: Scope = Scope::new("handler");

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

type Text = Full<&'static [u8]>;

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

fn get(path: &str) -> Request<()> {
    Request::get(path).header("host", "shop:8080").body(()).expect("a request")
}

fn answer(status: u16) -> Response<Text> {
    Response::builder().status(status).body(Full::new(&b"hello"[..])).expect("an answer")
}

/// Takes the body of the answer as a server does.
async fn drain<B: Body + Unpin>(response: Response<B>) -> StatusCode {
    let (head, mut body) = response.into_parts();
    while let Some(Ok(_)) = body.frame().await {}
    head.status
}

/// Sends a request through the layer to a handler that records a span of its own.
async fn serve(layer: &HttpServerLayer, request: Request<()>, status: u16) -> StatusCode {
    let handler = service_fn(move |_request| async move {
        drop(SCOPE.span("work"));
        tokio::task::yield_now().await;
        drop(SCOPE.span("more work"));
        Ok::<_, Infallible>(answer(status))
    });
    drain(layer.layer(handler).oneshot(request).await.expect("an answer")).await
}

/// A body that gives its frames, and may break off or promise a length.
#[derive(Debug, Default)]
struct Frames {
    frames: VecDeque<Result<Frame<&'static [u8]>, io::Error>>,
    is_open: bool,
}

impl Frames {
    fn of(texts: &[&'static str]) -> Self {
        let frames = texts.iter().map(|text| Ok(Frame::data(text.as_bytes()))).collect();
        Self { frames, is_open: false }
    }

    fn and(mut self, frame: Result<Frame<&'static [u8]>, io::Error>) -> Self {
        self.frames.push_back(frame);
        self
    }

    fn open(mut self) -> Self {
        self.is_open = true;
        self
    }
}

impl Body for Frames {
    type Data = &'static [u8];
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<&'static [u8]>, io::Error>>> {
        if !self.frames.is_empty() {
            drop(SCOPE.span("frame"));
        }
        match self.frames.pop_front() {
            None if self.is_open => Poll::Pending,
            frame => Poll::Ready(frame),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[test]
fn a_request_to_a_server_is_a_span_below_the_caller() {
    let session = Session::start();
    block_on(async {
        let layer = HttpServerLayer::new()
            .route(|request| request.extensions.get::<&str>().copied())
            .client_address(|_| Some("192.0.2.7".to_owned()));
        let mut request = get("/users/7?page=2");
        request.extensions_mut().insert("/users/{id}");
        request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
        request.headers_mut().insert("user-agent", "curl/8".parse().expect("a header"));
        assert_eq!(serve(&layer, request, 200).await, 200);
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET /users/{id} (server) http.request.method=GET http.route="/users/{id}" url.scheme=http url.path=/users/7 url.query="page=2" server.address=shop server.port=8080 user_agent.original=curl/8 network.protocol.version="1.1" client.address=192.0.2.7 http.response.status_code=200 (parent missing)
      it: work (internal)
      it: more work (internal)
    "#);
    let spans = session.receiver.spans();
    let server = spans.iter().find(|record| record.span.kind == 2).expect("a server span");
    assert_eq!(server.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(server.span.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!(server.span.flags & 0x300, 0x300, "the parent is known to be remote");
    assert_eq!(server.scope.name, "oxitel::middleware");
}

#[test]
fn the_conventions_say_what_is_an_error() {
    let session = Session::start();
    block_on(async {
        let layer = HttpServerLayer::new().known_methods(&["PROPFIND"]).scheme("https");
        for (method, status) in
            [("GET", 404), ("GET", 503), ("BREW", 418), ("PROPFIND", 207), ("HEAD", 200)]
        {
            let mut request = get("/");
            *request.method_mut() = method.parse().expect("a method");
            *request.version_mut() = Version::HTTP_2;
            serve(&layer, request, status).await;
        }
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET (server) http.request.method=GET url.scheme=https url.path=/ server.address=shop server.port=8080 network.protocol.version="2" http.response.status_code=404
      it: work (internal)
      it: more work (internal)
    it: GET (server) [error] http.request.method=GET url.scheme=https url.path=/ server.address=shop server.port=8080 network.protocol.version="2" http.response.status_code=503 error.type="503"
      it: work (internal)
      it: more work (internal)
    it: HTTP (server) http.request.method=_OTHER http.request.method_original=BREW url.scheme=https url.path=/ server.address=shop server.port=8080 network.protocol.version="2" http.response.status_code=418
      it: work (internal)
      it: more work (internal)
    it: PROPFIND (server) http.request.method=PROPFIND url.scheme=https url.path=/ server.address=shop server.port=8080 network.protocol.version="2" http.response.status_code=207
      it: work (internal)
      it: more work (internal)
    it: HEAD (server) http.request.method=HEAD url.scheme=https url.path=/ server.address=shop server.port=8080 network.protocol.version="2" http.response.status_code=200
      it: work (internal)
      it: more work (internal)
    "#);
}

#[test]
fn callers_are_trusted_linked_or_ignored() {
    let session = Session::start();
    let seen = |trust| {
        let layer = HttpServerLayer::new().trust_incoming(trust);
        let handler = service_fn(|_request| async {
            let baggage = context::baggage();
            drop(SCOPE.span("work"));
            Ok::<_, Infallible>(Response::new(Full::new(
                baggage.get("tenant").map_or(&b"nobody"[..], |_| &b"acme"[..]),
            )))
        });
        let mut request = get("/");
        request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
        request.headers_mut().insert("baggage", "tenant=acme".parse().expect("a header"));
        block_on(async {
            let response = layer.layer(handler).oneshot(request).await.expect("an answer");
            response.into_body().collect().await.expect("a body").to_bytes()
        })
    };
    assert_eq!(seen(TrustIncoming::Always), "acme");
    assert_eq!(seen(TrustIncoming::Link), "nobody");
    assert_eq!(seen(TrustIncoming::Never), "nobody");
    let _ = session.tree();
    let spans = session.receiver.spans();
    let servers: Vec<_> = spans.iter().filter(|record| record.span.kind == 2).collect();
    let caller = "0af7651916cd43dd8448eb211c80319c";
    let told = servers.iter().map(|it| (it.trace_id() == caller, it.span.links.len()));
    assert_eq!(told.collect::<Vec<_>>(), [(true, 0), (false, 1), (false, 0)]);
    assert_eq!(servers[1].span.links[0].trace_id[..2], [0x0a, 0xf7]);
    for server in servers {
        let below =
            |it: &&oxitel::testing::SpanRecord| it.span.parent_span_id == server.span.span_id;
        assert_eq!(spans.iter().filter(below).count(), 1);
    }
}

#[test]
fn a_route_may_be_known_only_further_in_and_a_layer_inside_another_is_its_child() {
    let session = Session::start();
    block_on(async {
        let inside = service_fn(|request: Request<()>| async move {
            set_route(request.extensions(), "/users/{id}");
            Ok::<_, Infallible>(answer(200))
        });
        let mut request = get("/users/7");
        request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
        let layer = HttpServerLayer::new();
        drain(layer.layer(inside).oneshot(request).await.expect("an answer")).await;

        let rpc = RpcServerLayer::new().layer(service_fn(|_request| async {
            let mut response = answer(200);
            response.headers_mut().insert("grpc-status", "0".parse().expect("a header"));
            Ok::<_, Infallible>(response)
        }));
        let mut request = get("/shop.Stock/Reserve");
        request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
        drain(layer.layer(rpc).oneshot(request).await.expect("an answer")).await;
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET /users/{id} (server) http.request.method=GET url.scheme=http url.path=/users/7 server.address=shop server.port=8080 network.protocol.version="1.1" http.route="/users/{id}" http.response.status_code=200 (parent missing)
    it: GET (server) http.request.method=GET url.scheme=http url.path=/shop.Stock/Reserve server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200 (parent missing)
      it: shop.Stock/Reserve (server) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=shop server.port=8080 rpc.status_code=OK
    "#);
    let mut extensions = http::Extensions::new();
    set_route(&extensions, "/nowhere");
    assert!(extensions.get::<String>().is_none() && extensions.insert(()).is_none());
}

#[test]
fn a_span_lives_as_long_as_the_body() {
    let session = Session::start();
    let ended = || {
        oxitel::flush(crate::session::PATIENCE).expect("delivered");
        session.receiver.spans().iter().filter(|record| record.span.kind == 2).count()
    };
    let stream = |body: fn() -> Frames| {
        service_fn(move |_request: Request<()>| async move {
            Ok::<_, Infallible>(Response::new(body()))
        })
    };
    block_on(async {
        let layer = HttpServerLayer::new();
        let service = layer.layer(stream(|| Frames::of(&["one", "two"])));
        let response = service.oneshot(get("/stream")).await.expect("an answer");
        assert_eq!(ended(), 0);
        drain(response).await;
        assert_eq!(ended(), 1);

        let broken = || Frames::of(&["one"]).and(Err(io::ErrorKind::BrokenPipe.into()));
        let service = layer.layer(stream(broken));
        drain(service.oneshot(get("/broken")).await.expect("an answer")).await;
        assert_eq!(ended(), 2);

        let service = layer.layer(stream(|| Frames::of(&["one"]).open()));
        let mut response = service.oneshot(get("/left")).await.expect("an answer");
        assert!(response.frame().await.is_some());
        assert_eq!(ended(), 2);
        drop(response);
        assert_eq!(ended(), 3);

        let early = HttpServerLayer::new().span_end(SpanEnd::Head);
        let service = early.layer(stream(|| Frames::default().open()));
        let response = service.oneshot(get("/events")).await.expect("an answer");
        assert_eq!(ended(), 4);
        drop(response);
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET (server) http.request.method=GET url.scheme=http url.path=/stream server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200
      it: frame (internal)
      it: frame (internal)
    it: GET (server) [error: broken pipe] http.request.method=GET url.scheme=http url.path=/broken server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200 error.type=broken_pipe
      it: frame (internal)
      it: frame (internal)
    it: GET (server) [error] http.request.method=GET url.scheme=http url.path=/left server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200 error.type=cancelled
      it: frame (internal)
    it: GET (server) http.request.method=GET url.scheme=http url.path=/events server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200
    "#);
}

#[test]
fn a_body_of_a_promised_length_is_complete_with_its_last_byte() {
    let session = Session::start();
    block_on(async {
        let handler = service_fn(|_request| async {
            let response = Response::builder().header("content-length", "6");
            Ok::<_, Infallible>(response.body(Frames::of(&["one", "two"]).open()).expect("it"))
        });
        let service = HttpServerLayer::new().layer(handler);
        let mut response = service.oneshot(get("/")).await.expect("an answer");
        assert!(response.frame().await.is_some() && response.frame().await.is_some());
        // Nobody asks for more.
        drop(response);
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET (server) http.request.method=GET url.scheme=http url.path=/ server.address=shop server.port=8080 network.protocol.version="1.1" http.response.status_code=200
      it: frame (internal)
      it: frame (internal)
    "#);
}

#[test]
fn a_request_that_is_given_up_a_panic_and_an_error_are_told() {
    let session = Session::start();
    let layer = HttpServerLayer::new();
    block_on(async {
        let service = layer.layer(service_fn(|_request| async {
            std::future::pending::<Result<Response<Text>, Infallible>>().await
        }));
        let mut waiting = Box::pin(service.oneshot(get("/slow")));
        assert!(futures_poll(waiting.as_mut()).is_pending());
        drop(waiting);

        let service = layer.layer(service_fn(|_request| async {
            let mut stock: Vec<Response<Text>> = Vec::new();
            Ok::<_, Infallible>(stock.pop().expect("out of stock"))
        }));
        let panicked = tokio::task::LocalSet::new()
            .run_until(async { tokio::task::spawn_local(service.oneshot(get("/panic"))).await })
            .await;
        assert!(panicked.expect_err("the panic goes on").is_panic());

        let service = layer.layer(service_fn(|_request| async {
            Err::<Response<Text>, _>(io::Error::new(io::ErrorKind::TimedOut, "too late"))
        }));
        assert!(service.oneshot(get("/error")).await.is_err());
    });
    let at_once = layer.layer(service_fn(|_request: Request<()>| {
        assert!(std::thread::panicking(), "refused");
        std::future::ready(Ok::<_, Infallible>(answer(200)))
    }));
    let refused =
        std::panic::catch_unwind(AssertUnwindSafe(|| block_on(at_once.oneshot(get("/")))));
    assert!(refused.is_err());
    insta::assert_snapshot!(session.tree(), @r#"
    it: GET (server) [error] http.request.method=GET url.scheme=http url.path=/slow server.address=shop server.port=8080 network.protocol.version="1.1" error.type=cancelled
    it: GET (server) [error: out of stock] http.request.method=GET url.scheme=http url.path=/panic server.address=shop server.port=8080 network.protocol.version="1.1" error.type=panic
      · exception exception.type=panic exception.message="out of stock"
    it: GET (server) [error: too late] http.request.method=GET url.scheme=http url.path=/error server.address=shop server.port=8080 network.protocol.version="1.1" error.type=timed_out
    it: GET (server) [error: refused] http.request.method=GET url.scheme=http url.path=/ server.address=shop server.port=8080 network.protocol.version="1.1" error.type=panic
      · exception exception.type=panic exception.message=refused
    "#);
    assert!(!context::capture().span_context().is_valid(), "nothing stays current");
}

fn futures_poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn a_filtered_request_passes_untouched() {
    let session = Session::start();
    let layer = HttpServerLayer::new().filter(|request| request.uri.path() != "/healthz");
    let mut request = get("/healthz");
    request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
    assert_eq!(block_on(serve(&layer, request, 200)), 200);
    insta::assert_snapshot!(session.tree(), @r"
    it: work (internal)
    it: more work (internal)
    ");
}

#[test]
fn below_a_caller_that_is_not_sampled_nothing_is_recorded_and_the_decision_goes_on() {
    let session = Session::with(|config| config.sampler(Sampler::always_on().parent_based()));
    let unsampled = CALLER.replace("-01", "-00");
    let mut request = get("/");
    request.headers_mut().insert("traceparent", unsampled.parse().expect("a header"));
    request.headers_mut().insert("baggage", "tenant=acme".parse().expect("a header"));
    let layer = HttpServerLayer::new().route(|_| panic!("nobody asks for the route"));
    let sent = block_on(async {
        let handler = service_fn(|_request| async {
            let mut sent = HeaderMap::new();
            propagate::inject_into(&mut sent);
            Ok::<_, Infallible>(
                Response::builder()
                    .body(Empty::<&[u8]>::new())
                    .map(|it| {
                        let (mut head, body) = it.into_parts();
                        head.headers = sent;
                        Response::from_parts(head, body)
                    })
                    .expect("an answer"),
            )
        });
        layer.layer(handler).oneshot(request).await.expect("an answer").headers().clone()
    });
    assert_eq!(sent["traceparent"], unsampled);
    assert_eq!(sent["baggage"], "tenant=acme");
    assert_eq!(session.tree(), "");
    assert_eq!(session.ledger().recorded, 0);
}

#[test]
fn a_client_puts_its_span_into_the_request() {
    let session = Session::start();
    block_on(async {
        let layer =
            HttpClientLayer::new().template(|request| request.extensions.get::<&str>().copied());
        let caller = SCOPE.span("caller");
        let mut baggage = Baggage::new();
        baggage.insert("tenant", "acme");
        let place = context::with_parent(&caller.context()).with_baggage(&baggage);
        place
            .wrap(async {
                let server = service_fn(|request: Request<()>| async move {
                    let incoming = propagate::extract_from(request.headers());
                    assert_eq!(incoming.baggage().get("tenant"), Some("acme"));
                    assert_eq!(
                        incoming.span_context().span_id(),
                        context::capture().span_context().span_id()
                    );
                    let status =
                        request.uri().path().trim_start_matches('/').parse().expect("a status");
                    Ok::<_, io::Error>(answer(status))
                });
                let client = layer.layer(server);
                for (url, template) in [
                    ("https://user:hunter2@shop/200?a=b", None),
                    ("http://[::1]:8080/404", Some("/{status}")),
                ] {
                    let mut request = Request::get(url).body(()).expect("a request");
                    template.map(|template| request.extensions_mut().insert(template));
                    drain(client.clone().oneshot(request).await.expect("an answer")).await;
                }
                let nobody = layer.layer(service_fn(|_request: Request<()>| async {
                    Err::<Response<Text>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
                }));
                let request = Request::builder().method(Method::POST).uri("http://shop:1/");
                assert!(nobody.oneshot(request.body(()).expect("it")).await.is_err());
                // The head is enough for this program.
                let streaming = layer.layer(service_fn(|_request: Request<()>| async {
                    Ok::<_, Infallible>(Response::new(Frames::of(&["one"]).open()))
                }));
                drop(streaming.oneshot(get("http://shop/stream")).await.expect("an answer"));
            })
            .await;
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: caller (internal)
      it: GET (client) http.request.method=GET server.address=shop server.port=443 url.full="https://REDACTED:REDACTED@shop/200?a=b" network.protocol.version="1.1" http.response.status_code=200
      it: GET /{status} (client) [error] http.request.method=GET url.template="/{status}" server.address=::1 server.port=8080 url.full="http://[::1]:8080/404" network.protocol.version="1.1" http.response.status_code=404 error.type="404"
      it: POST (client) [error: connection refused] http.request.method=POST server.address=shop server.port=1 url.full=http://shop:1/ error.type=connection_refused
      it: GET (client) http.request.method=GET server.address=shop server.port=80 url.full=http://shop/stream network.protocol.version="1.1" http.response.status_code=200
    "#);
}

#[test]
fn a_client_without_tower_has_a_span_of_its_own() {
    let session = Session::start();
    block_on(async {
        let mut headers = HeaderMap::new();
        let mut call = http_client(Method::PUT, "https://user:hunter2@shop/users/7#top");
        call.inject(&mut headers);
        call.span_mut().set_attribute("url.template", "/users/{id}");
        call.wrap(async { drop(SCOPE.span("connect")) }).await;
        call.finish(StatusCode::CREATED);
        assert!(headers.contains_key("traceparent"));
        http_client("GET", "http://shop:8080").finish(500_u16);
        http_client("no method", "no url").fail(&io::Error::from(io::ErrorKind::ConnectionReset));
        drop(http_client("GET", "http://shop/"));
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: PUT (client) http.request.method=PUT server.address=shop server.port=443 url.full="https://REDACTED:REDACTED@shop/users/7#top" url.template="/users/{id}" http.response.status_code=201
      it: connect (internal)
    it: GET (client) [error] http.request.method=GET server.address=shop server.port=8080 url.full=http://shop:8080 http.response.status_code=500 error.type="500"
    it: HTTP (client) [error: connection reset] http.request.method=_OTHER http.request.method_original="no method" error.type=connection_reset
    it: GET (client) [error] http.request.method=GET server.address=shop server.port=80 url.full=http://shop/ error.type=cancelled
    "#);
}

fn call(path: &str) -> Request<()> {
    let request = Request::post(path).header("content-type", "application/grpc");
    request.header("host", "stock:50051").body(()).expect("a request")
}

/// What a gRPC server answers: a body with trailers, or none and all in the head.
fn rpc_answer(code: &'static str, in_head: bool) -> Response<Frames> {
    let status = ("grpc-status".parse().expect("a name"), code.parse().expect("a value"));
    let message = ("grpc-message".parse().expect("a name"), "not%20there".parse().expect("it"));
    let status = HeaderMap::from_iter([status, message]);
    if in_head {
        let mut response = Response::new(Frames::default());
        *response.headers_mut() = status;
        return response;
    }
    Response::new(Frames::of(&["message"]).and(Ok(Frame::trailers(status))))
}

#[test]
fn a_call_is_named_after_its_method_and_its_status_comes_from_head_or_trailers() {
    let session = Session::start();
    block_on(async {
        for (code, in_head) in [("0", false), ("5", true), ("13", true), ("14", false)] {
            let server =
                RpcServerLayer::new().client_address(|_| Some("::1".to_owned())).layer(service_fn(
                    move |_request| async move { Ok::<_, Infallible>(rpc_answer(code, in_head)) },
                ));
            let client = RpcClientLayer::new().server("stock").layer(server);
            let answer = client.oneshot(call("/shop.Stock/Reserve")).await.expect("an answer");
            drain(answer).await;
        }
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: shop.Stock/Reserve (client) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock rpc.status_code=OK
      it: shop.Stock/Reserve (server) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 client.address=::1 rpc.status_code=OK
        it: frame (internal)
        it: frame (internal)
    it: shop.Stock/Reserve (client) [error: not there] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock rpc.status_code=NOT_FOUND error.type=NOT_FOUND
      it: shop.Stock/Reserve (server) rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 client.address=::1 rpc.status_code=NOT_FOUND
    it: shop.Stock/Reserve (client) [error: not there] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock rpc.status_code=INTERNAL error.type=INTERNAL
      it: shop.Stock/Reserve (server) [error: not there] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 client.address=::1 rpc.status_code=INTERNAL error.type=INTERNAL
    it: shop.Stock/Reserve (client) [error: not there] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock rpc.status_code=UNAVAILABLE error.type=UNAVAILABLE
      it: shop.Stock/Reserve (server) [error: not there] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 client.address=::1 rpc.status_code=UNAVAILABLE error.type=UNAVAILABLE
        it: frame (internal)
        it: frame (internal)
    ");
}

#[test]
fn a_call_that_is_given_up_or_never_answered_is_told() {
    let session = Session::start();
    block_on(async {
        let server = || {
            RpcServerLayer::new().layer(service_fn(|_request| async {
                Ok::<_, Infallible>(Response::new(Frames::of(&["one"]).open()))
            }))
        };
        let client = RpcClientLayer::new().layer(server());
        let mut response = client.oneshot(call("/shop.Stock/Watch")).await.expect("an answer");
        assert!(response.frame().await.is_some());
        drop(response);

        let proxy = RpcClientLayer::new()
            .layer(service_fn(|_request| async { Ok::<_, Infallible>(answer(502)) }));
        drain(proxy.oneshot(call("/shop.Stock/Reserve")).await.expect("an answer")).await;
        let nobody = RpcClientLayer::new().layer(service_fn(|_request| async {
            Err::<Response<Text>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
        }));
        assert!(nobody.oneshot(call("/shop.Stock/Reserve")).await.is_err());
    });
    insta::assert_snapshot!(session.tree(), @r"
    it: shop.Stock/Watch (client) [error] rpc.system.name=grpc rpc.method=shop.Stock/Watch server.address=stock server.port=50051 rpc.status_code=CANCELLED error.type=CANCELLED
      it: shop.Stock/Watch (server) rpc.system.name=grpc rpc.method=shop.Stock/Watch server.address=stock server.port=50051 rpc.status_code=CANCELLED
        it: frame (internal)
    it: shop.Stock/Reserve (client) [error] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 rpc.status_code=UNAVAILABLE error.type=UNAVAILABLE
    it: shop.Stock/Reserve (client) [error: connection refused] rpc.system.name=grpc rpc.method=shop.Stock/Reserve server.address=stock server.port=50051 error.type=connection_refused
    ");
}

#[test]
fn without_telemetry_what_the_caller_said_passes_through() {
    let session = Session::start();
    oxitel::shutdown(crate::session::PATIENCE).expect("nothing was recorded");
    let handler = service_fn(|_request| async {
        let mut sent = Response::new(Full::new(&b""[..]));
        propagate::inject_into(sent.headers_mut());
        Ok::<_, Infallible>(sent)
    });
    let mut request = get("/");
    request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
    request.headers_mut().insert("baggage", "tenant=acme".parse().expect("a header"));
    let service = HttpServerLayer::new().layer(handler);
    let sent = block_on(service.oneshot(request)).expect("an answer");
    assert_eq!(sent.headers()["traceparent"], CALLER);
    assert_eq!(sent.headers()["baggage"], "tenant=acme");
    assert_eq!(session.ledger().recorded, 0);
}

#[test]
fn an_answer_whose_body_nobody_asks_for_is_complete_with_its_head() {
    let session = Session::start();
    block_on(async {
        for (method, length) in [("GET", "0"), ("CONNECT", "7")] {
            let handler = service_fn(move |_request| async move {
                let response = Response::builder().header("content-length", length);
                Ok::<_, Infallible>(response.body(Frames::of(&[])).expect("an answer"))
            });
            let mut request = get("/");
            *request.method_mut() = method.parse().expect("a method");
            drop(HttpServerLayer::new().layer(handler).oneshot(request).await.expect("an answer"));
        }
    });
    let spans = session.tree();
    assert_eq!(spans.lines().count(), 2, "{spans}");
    assert!(!spans.contains("cancelled"), "{spans}");
}

#[test]
fn what_a_stranger_says_is_not_believed_by_a_layer_further_in_either() {
    for trust in [TrustIncoming::Link, TrustIncoming::Never] {
        let sampler = Sampler::always_off().parent_based();
        let session = Session::with(|config| config.sampler(sampler));
        block_on(async {
            let inside = HttpServerLayer::new().layer(service_fn(|_request| async {
                let place = context::capture();
                assert!(place.baggage().is_empty());
                drop(SCOPE.span("work"));
                Ok::<_, Infallible>(answer(200))
            }));
            let mut request = get("/");
            request.headers_mut().insert("traceparent", CALLER.parse().expect("a header"));
            request.headers_mut().insert("baggage", "a=1".parse().expect("a header"));
            let layer = HttpServerLayer::new().trust_incoming(trust);
            drain(layer.layer(inside).oneshot(request).await.expect("an answer")).await;
        });
        assert_eq!(session.tree(), "", "the border does not sample");
    }
}
