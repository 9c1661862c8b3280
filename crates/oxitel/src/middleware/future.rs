//! The answer of a service, awaited with its request's span as current.

use super::body::ResponseBody;
use super::call::Call;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future of the services of [`middleware`](super).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Dropped behind `inner`, so that what ends there ends first.
        call: Option<Call>,
    }
}

impl<F> ResponseFuture<F> {
    /// A future without a span.
    pub(super) fn plain(inner: F) -> Self {
        Self { inner, call: None }
    }

    /// Runs what makes the future, and the future, under the call.
    pub(super) fn under(mut call: Call, make: impl FnOnce() -> F) -> Self {
        let inner = call.run(make);
        Self { inner, call: Some(call) }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Display + 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.call {
            Some(call) => ready!(call.run(|| this.inner.poll(cx))),
            None => ready!(this.inner.poll(cx)),
        };
        let call = this.call.take();
        Poll::Ready(match answer {
            Ok(response) => Ok(ResponseBody::around(response, call)),
            Err(error) => {
                if let Some(call) = call {
                    call.failed(&error);
                }
                Err(error)
            }
        })
    }
}
