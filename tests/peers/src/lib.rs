//! The same programs under oxitel and under its peers.
