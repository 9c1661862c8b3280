//! The page for whoever serves it: our own port, or a server of the program's.

use super::negotiate::{Answer, negotiate};
use super::{PageError, Style, Translation, page};
use crate::pipeline::settings::Page;
use crate::pipeline::{lifecycle, thread};
use std::sync::Arc;

/// All metrics as a scraper of Prometheus gets them, for a server of the program's own.
///
/// They are there while telemetry runs with `prometheus` among the exporters of metrics;
/// [`Config::own_prometheus_page`](crate::Config::own_prometheus_page) asks for it without
/// opening a port. Where the server is made of `tower` services,
/// [`MetricsPage`](crate::middleware::MetricsPage) is one.
///
/// ```
/// use oxitel::metrics::{PageError, PrometheusPage};
///
/// async fn metrics(accept: &str) -> (u16, &'static str, String) {
///     match PrometheusPage::collect(accept).await {
///         Ok(page) => (200, page.content_type, page.text),
///         Err(PageError::Off) => (503, "text/plain", "no metrics here".to_owned()),
///         Err(error) => (500, "text/plain", error.to_string()),
///     }
/// }
/// # drop(metrics(""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrometheusPage {
    /// The answer's `Content-Type`.
    pub content_type: &'static str,
    /// The answer's body.
    pub text: String,
}

impl PrometheusPage {
    /// Collects everything that was measured, in the format that `accept` likes best: the header
    /// `Accept` of the request. Callbacks of observable instruments may take seconds; they are
    /// waited for on a thread of the engine, so this fits every runtime.
    pub fn collect(
        accept: &str,
    ) -> impl Future<Output = Result<Self, PageError>> + Send + 'static + use<> {
        let answer = negotiate(accept);
        let served = Served::of_this_process();
        async move { served.ok_or(PageError::Off)?.written(answer).await }
    }

    /// The same on the calling thread, which waits for it.
    pub fn collect_blocking(accept: &str) -> Result<Self, PageError> {
        Ok(Served::of_this_process().ok_or(PageError::Off)?.write(negotiate(accept)))
    }
}

/// What is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// The encoded attributes of the resource, as `Resource.attributes` fields.
    pub(crate) resource: Arc<[u8]>,
    pub(crate) translation: Translation,
    /// Whether each point says which scope it is of.
    pub(crate) scope_labels: bool,
}

impl Served {
    pub(crate) fn new(page: &Page, resource: Arc<[u8]>) -> Self {
        Self { resource, translation: page.translation, scope_labels: page.scope_labels }
    }

    /// What the running engine was told; `None`: there is none, or metrics are not for Prometheus.
    pub(crate) fn of_this_process() -> Option<Self> {
        let (page, resource) = lifecycle::page()?;
        Some(Self::new(page, resource.into()))
    }

    /// The page in the format that `accept` likes best.
    pub(super) async fn page(self, accept: &str) -> Result<PrometheusPage, PageError> {
        self.written(negotiate(accept)).await
    }

    /// Callbacks of the program may take their time, so it happens beside the runtime, whosever
    /// it is.
    async fn written(self, answer: Answer) -> Result<PrometheusPage, PageError> {
        // A panic was reported when it happened.
        thread::run(c"oxitel-collect", move || self.write(answer)).await.map_err(PageError::Failed)
    }

    fn write(&self, answer: Answer) -> PrometheusPage {
        let Self { translation, scope_labels, .. } = *self;
        let text = page(&self.resource, Style { translation, scope_labels, answer });
        PrometheusPage { content_type: answer.content_type(), text }
    }
}
