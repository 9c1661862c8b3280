//! The pattern that a request's path belongs to, when it is known only further in.

use super::settings::TrustIncoming;
use http::Extensions;
use std::sync::{Arc, Mutex, PoisonError};

/// Lies in the extensions of a request: a place for its route, if its span is recorded, and the
/// sign that what the request's headers say was dealt with.
#[derive(Clone, Debug)]
pub(super) struct Served(Option<Arc<Mutex<Option<String>>>>);

impl Served {
    /// Marks the request. One that is not recorded, of a caller who is trusted, needs no mark:
    /// what a layer further in makes of its headers is the same.
    pub(super) fn mark(
        extensions: &mut Extensions,
        is_recorded: bool,
        trust: TrustIncoming,
    ) -> Self {
        let served = Self(is_recorded.then(Arc::default));
        if is_recorded || trust != TrustIncoming::Always {
            extensions.insert(served.clone());
        }
        served
    }

    pub(super) fn take_route(&self) -> Option<String> {
        self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells the span of the request with these extensions its route, the pattern that its path
/// belongs to: `/users/{id}`. It becomes `http.route` and a part of the span's name.
///
/// It needs a [`HttpServerLayer`](super::HttpServerLayer) further out and does nothing without
/// one. Once the head of the answer is ready it is too late.
pub fn set_route(extensions: &Extensions, route: impl Into<String>) {
    if let Some(Served(Some(place))) = extensions.get() {
        let route = Some(route.into());
        *place.lock().unwrap_or_else(PoisonError::into_inner) = route;
    }
}
