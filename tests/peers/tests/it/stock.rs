//! A gRPC service, as tonic makes it.

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use opentelemetry::trace::Tracer as _;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

pub(crate) mod proto {
    #![expect(unreachable_pub, clippy::allow_attributes, clippy::pedantic, reason = "generated")]
    tonic::include_proto!("shop");
}

use proto::stock_server::Stock;
use proto::{Item, Left};

/// The service: `broken` breaks, `film` is there, nothing else is.
pub(crate) struct Store;

#[tonic::async_trait]
impl Stock for Store {
    async fn reserve(&self, request: Request<Item>) -> Result<Response<Left>, Status> {
        let name = request.into_inner().name;
        let work = async {
            tokio::task::yield_now().await;
            opentelemetry::global::tracer("db").in_span("query", |_| ());
            match name.as_str() {
                "film" => Ok(Response::new(Left { pieces: 7 })),
                "broken" => Err(Status::internal("no 100% luck")),
                _ => Err(Status::not_found("never heard of it")),
            }
        };
        work.instrument(tracing::info_span!("look up")).await
    }

    type WatchStream = BoxStream<'static, Result<Left, Status>>;

    async fn watch(&self, _request: Request<Item>) -> Result<Response<Self::WatchStream>, Status> {
        let pieces = stream::iter([3, 2, 1]).then(|pieces| async move {
            tracing::info_span!("count", pieces).in_scope(|| ());
            Ok(Left { pieces })
        });
        Ok(Response::new(pieces.boxed()))
    }
}
