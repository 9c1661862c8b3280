//! The workload through the macros of `tracing`, whatever listens.

use crate::workload::{CHILDREN, Inputs};

pub(super) fn record(inputs: &mut Inputs) {
    let values = inputs.next();
    let _root = tracing::info_span!(
        "root",
        http.request.method = values.method,
        user.id = values.user,
        http.response.status_code = values.status,
        cache.hit = values.cache_hit
    )
    .entered();
    for _ in 0..CHILDREN {
        let values = inputs.next();
        let _child = tracing::info_span!(
            "child",
            http.request.method = values.method,
            user.id = values.user,
            http.response.status_code = values.status,
            cache.hit = values.cache_hit
        )
        .entered();
    }
}
