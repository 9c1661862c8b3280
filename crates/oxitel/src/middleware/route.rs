//! The pattern that a request's path belongs to, when it is known only further in.

use http::Extensions;
use std::sync::{Arc, Mutex, PoisonError};

/// Lies in the extensions of a request whose span is recorded: a place for its route, and the
/// sign that what the request's headers say was dealt with.
#[derive(Clone, Debug, Default)]
pub(super) struct Served(Arc<Mutex<Option<String>>>);

impl Served {
    pub(super) fn take_route(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells the span of the request with these extensions its route, the pattern that its path
/// belongs to: `/users/{id}`. It becomes `http.route` and a part of the span's name.
///
/// It needs a [`HttpServerLayer`](super::HttpServerLayer) further out and does nothing without
/// one. Once the head of the answer is ready it is too late.
pub fn set_route(extensions: &Extensions, route: impl Into<String>) {
    if let Some(Served(place)) = extensions.get() {
        let route = Some(route.into());
        *place.lock().unwrap_or_else(PoisonError::into_inner) = route;
    }
}
