//! The same programs under oxitel and under its peers.

/// The page's examples use crates that `oxitel` itself must not know.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/guide/middleware.md")]
    mod middleware {}
}
