//! The workload through the macros of `tracing`, whatever listens.

use crate::workload::{CHILDREN, Inputs, cache_hit, method, status};

pub(super) fn record(inputs: &mut Inputs) {
    let _root = tracing::info_span!(
        "root",
        http.request.method = method(),
        user.id = inputs.user(),
        http.response.status_code = status(),
        cache.hit = cache_hit()
    )
    .entered();
    for _ in 0..CHILDREN {
        let _child = tracing::info_span!(
            "child",
            http.request.method = method(),
            user.id = inputs.user(),
            http.response.status_code = status(),
            cache.hit = cache_hit()
        )
        .entered();
    }
}
