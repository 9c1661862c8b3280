//! Names that all parts of a system agree on, and what writes them.

pub mod stream;
