//! What the spool promises, on a disk of paper and on the real one.

mod model;
mod random;
