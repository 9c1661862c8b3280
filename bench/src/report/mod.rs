//! What people and programs are told: a table on the standard error, JSON lines on the standard
//! output.

mod lines;
mod table;
mod versions;

pub(crate) use lines::lines;
pub(crate) use table::{begin, progress, table};
pub(crate) use versions::version;
