//! gRPC with tonic: a layer around the server, a layer around the client's channel.
//!
//! `cargo run --bin grpc` serves, calls twice and prints the trace's id. Both ends are in one
//! process to keep it short; the trace travels in the call's metadata all the same.

use oxitel::Config;
use oxitel::bridge::SpanExt as _;
use oxitel::middleware::{RpcClientLayer, RpcServerLayer};
use proto::greeter_client::GreeterClient;
use proto::greeter_server::{Greeter, GreeterServer};
use proto::{Greeting, Name};
use std::error::Error;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tower::ServiceBuilder;
use tracing::{Instrument as _, info_span};

mod proto {
    #![expect(unreachable_pub, clippy::allow_attributes, clippy::pedantic, reason = "generated")]
    tonic::include_proto!("hello");
}

struct Polite;

#[tonic::async_trait]
impl Greeter for Polite {
    async fn greet(&self, request: Request<Name>) -> Result<Response<Greeting>, Status> {
        let name = request.into_inner().name;
        // Below the call's span, which is below the client's.
        let _span = info_span!("compose", letters = name.len()).entered();
        if name.is_empty() {
            return Err(Status::invalid_argument("whom?"));
        }
        Ok(Response::new(Greeting { text: format!("hello, {name}") }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let _telemetry = oxitel::init(Config::new("grpc"))?;
    oxitel::bridge::subscriber().with_filter("info").init();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder()
        .layer(RpcServerLayer::new().filter(|it| !it.uri.path().starts_with("/grpc.health.")))
        .add_service(GreeterServer::new(Polite))
        .serve_with_incoming(TcpIncoming::from(listener));
    let server = tokio::spawn(server);

    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let telemetry = RpcClientLayer::new().server("greeter");
    let channel = ServiceBuilder::new().layer(telemetry).service(channel);
    let mut client = GreeterClient::new(channel);

    let visit = info_span!("visit");
    println!("trace {}", visit.context().trace_id());
    let calls = async {
        let greeting = client.greet(Name { name: "world".to_owned() }).await?;
        println!("{}", greeting.into_inner().text);
        if let Err(status) = client.greet(Name::default()).await {
            println!("{}", status.message());
        }
        Ok(())
    };
    let done = calls.instrument(visit).await;
    server.abort();
    done
}
