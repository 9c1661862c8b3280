//! Our gRPC, judged by a receiver that is built with tonic: it knows nothing of our framing.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use oxitel::{Config, Protocol, Scope};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Response, Status};
use tonic_prost::ProstCodec;

static SCOPE: Scope = Scope::new("peers");
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
const PATIENCE: Duration = Duration::from_secs(10);

type Reply = Result<ExportTraceServiceResponse, Status>;

/// What a call was: its metadata, and its message as tonic decoded it.
type Call = (tonic::metadata::MetadataMap, ExportTraceServiceRequest);

/// Gives each call the next reply of the script, and then accepts.
#[derive(Clone, Default)]
struct Collector {
    script: Arc<Mutex<VecDeque<Reply>>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Collector {
    fn replying(script: impl IntoIterator<Item = Reply>) -> Self {
        Self { script: Arc::new(Mutex::new(script.into_iter().collect())), ..Self::default() }
    }

    /// Serves until the test process ends.
    fn serve(&self) -> SocketAddr {
        let collector = self.clone();
        let (bound, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let listener = tokio::net::TcpListener::bind(any).await.expect("a port");
                bound.send(listener.local_addr().expect("its address")).expect("it waits");
                let served = Server::builder().add_service(collector);
                served.serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves");
            });
        });
        address.recv().expect("it listens")
    }

    fn spans(&self) -> usize {
        let calls = self.calls.lock().expect("no panic");
        let scopes = calls.iter().flat_map(|(_, message)| &message.resource_spans);
        scopes.flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).sum()
    }
}

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl tower::Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert!(request.uri().path().ends_with("/Export"), "{}", request.uri());
        let export = Export(self.clone());
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(export, request).await) })
    }
}

struct Export(Collector);

impl UnaryService<ExportTraceServiceRequest> for Export {
    type Response = ExportTraceServiceResponse;
    type Future = Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<ExportTraceServiceRequest>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        self.0.calls.lock().expect("no panic").push((metadata, message));
        let reply = self.0.script.lock().expect("no panic").pop_front();
        ready(reply.unwrap_or_else(|| Ok(ExportTraceServiceResponse::default())).map(Response::new))
    }
}

/// Records so many spans, sends them to `collector`, and says how many were lost.
fn send(collector: &Collector, spans: usize) -> u64 {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut config = Config::default().header("X-Tenant", "blue");
    config.protocol = Some(Protocol::Grpc);
    let config = config.endpoint(format!("http://{}", collector.serve())).own_metrics(false);
    let guard = oxitel::init(config).expect("telemetry starts");
    for _ in 0..spans {
        SCOPE.span("record").set_attribute("text", "x".repeat(1_000).as_str());
    }
    let lost = oxitel::flush(PATIENCE).map_or_else(|error| error.lost + error.queued, |()| 0);
    drop(guard);
    lost
}

#[test]
fn a_receiver_of_another_make_decodes_every_span() {
    let collector = Collector::default();
    assert_eq!(send(&collector, 5_000), 0);
    assert_eq!(collector.spans(), 5_000);
    let calls = collector.calls.lock().expect("no panic");
    let metadata = &calls[0].0;
    let tenant = metadata.get("x-tenant").map(|value| value.to_str().expect("text"));
    assert_eq!(tenant, Some("blue"));
}

#[test]
fn its_errors_are_tried_again_or_not_as_the_standard_says() {
    for (code, lost, calls) in [
        (Code::Unavailable, 0, 2),
        (Code::Aborted, 0, 2),
        (Code::ResourceExhausted, 10, 1),
        (Code::InvalidArgument, 10, 1),
        (Code::Internal, 10, 1),
    ] {
        let status = Status::with_details(code, "für 100 %\n", vec![0xff, 0x00].into());
        let collector = Collector::replying([Err(status)]);
        assert_eq!(send(&collector, 10), lost, "{code:?}");
        assert_eq!(collector.calls.lock().expect("no panic").len(), calls, "{code:?}");
    }
}

#[test]
fn its_retry_info_and_its_partial_success_are_read() {
    // A `google.rpc.Status` with a `RetryInfo` of one millisecond.
    let info = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x06\x0a\x04\x10\xc0\x84\x3d";
    let details = [&b"\x08\x08\x1a"[..], &[info.len() as u8], &info[..]].concat();
    let exhausted = Status::with_details(Code::ResourceExhausted, "later", details.into());
    let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "no".to_owned() };
    let partial = ExportTraceServiceResponse { partial_success: Some(partial) };
    let collector = Collector::replying([Err(exhausted), Ok(partial)]);
    assert_eq!(send(&collector, 10), 3);
    assert_eq!(collector.calls.lock().expect("no panic").len(), 2);
}
