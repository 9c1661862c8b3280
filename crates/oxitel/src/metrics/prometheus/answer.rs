//! What a scraper is answered, on our port or on the program's own.

use super::{PageError, Served};
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

/// The page, or why there is none; `None`: metrics are not for Prometheus here.
pub(crate) async fn answer(
    served: Option<Served>,
    method: &Method,
    headers: &HeaderMap,
) -> Response<String> {
    if *method != Method::GET && *method != Method::HEAD {
        let mut refusal = short(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted = accepted.collect::<Vec<_>>().join(",");
    let page = match served {
        Some(served) => served.page(&accepted).await,
        None => Err(PageError::Off),
    };
    match page {
        Ok(page) => response(StatusCode::OK, page.content_type, page.text),
        Err(PageError::Off) => {
            short(StatusCode::SERVICE_UNAVAILABLE, "metrics are not for Prometheus here\n")
        }
        // What it was is said where it happened, and is nobody's business outside.
        Err(PageError::Failed(_)) => {
            short(StatusCode::INTERNAL_SERVER_ERROR, "the collection failed\n")
        }
    }
}

/// An answer in a few words.
pub(super) fn short(status: StatusCode, text: &str) -> Response<String> {
    response(status, "text/plain; charset=utf-8", text.to_owned())
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
