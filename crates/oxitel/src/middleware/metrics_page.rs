//! The page for Prometheus as a service.

use crate::metrics::prometheus::{Served, answer};
use http::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Answers scrapers of Prometheus, at whatever path of the program's own server it is put: for
/// axum, `Router::new().route_service("/metrics", MetricsPage::new())`.
///
/// It needs [`Config::own_prometheus_page`](crate::Config::own_prometheus_page), and answers 503
/// without it, or while telemetry does not run. For servers that are no `tower` services there is
/// [`PrometheusPage`](crate::metrics::PrometheusPage).
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsPage(());

impl MetricsPage {
    /// The service.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for MetricsPage {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        let served = Served::of_this_process();
        Box::pin(async move { Ok(answer(served, &parts.method, &parts.headers).await) })
    }
}
