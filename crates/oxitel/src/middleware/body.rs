//! The body of an answer, which takes its span to the end.

use super::call::Call;
use bytes::Buf;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The body of an answer; its span ends with it, and is current while it is polled.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
        // What the head promised and has not come yet. A server does not ask for more than that,
        // so the end would go unseen.
        left: Option<u64>,
    }
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn around(response: Response<B>, call: Option<Call>) -> Response<Self> {
        let left = call.as_ref().filter(|call| call.length_is_all()).and_then(|_| {
            let length = response.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
            length.parse().ok()
        });
        // Nobody asks for a body that is promised to be empty.
        let has_ended = left == Some(0) || response.body().is_end_stream();
        let call = call.and_then(|call| call.answered(&response, has_ended));
        response.map(|inner| Self { inner, call, left })
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Display + 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(call) = this.call else { return this.inner.poll_frame(cx) };
        let frame = ready!(call.run(|| this.inner.as_mut().poll_frame(cx)));
        let has_ended = match &frame {
            None => true,
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    call.trailers(trailers);
                }
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                *this.left == Some(0) || this.inner.is_end_stream()
            }
            Some(Err(error)) => {
                if let Some(call) = this.call.take() {
                    call.failed(error);
                }
                false
            }
        };
        if let Some(call) = this.call.take_if(|_| has_ended) {
            call.completed();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
