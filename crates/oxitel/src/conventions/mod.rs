//! Spans and metrics whose names all parts of a system agree on.
//!
//! Flow: a program says what it does -> **conventions** -> record, metrics. [`db`] and
//! [`background`] are for a store and its jobs, [`rpc`] for calls, [`stream`] for a stream
//! processor, [`service`] for the names of the processes. All of them stand on one page,
//! `docs/reference/names.md`, which a test holds against this code.
//!
//! ```
//! use oxitel::conventions::{DbOperation, db_span, record_db_metrics};
//!
//! fn get(id: u64) -> Option<String> {
//!     let _span = db_span(DbOperation::Get, Some("entities"), Some("tenant-123")).entered();
//!     let found = (id == 7).then(|| "entity".to_owned());
//!     record_db_metrics(Some(u64::from(found.is_some())), None);
//!     found
//! }
//! # get(7);
//! ```
//!
//! In an `async fn` the span goes around the future, not into a guard:
//!
//! ```
//! use oxitel::conventions::{BackgroundJobType, background_span, record_background_metrics};
//!
//! async fn rebuild() {
//!     background_span(BackgroundJobType::IndexBuild, "hnsw")
//!         .instrument(async {
//!             record_background_metrics(None, None, "started");
//!             // ... await as you like ...
//!             record_background_metrics(Some(120), Some(31), "success");
//!         })
//!         .await;
//! }
//! # drop(rebuild());
//! ```

pub mod background;
pub mod db;
#[cfg(feature = "otel")]
mod made;
mod metric;
#[cfg(feature = "otel")]
mod operation;
#[cfg(feature = "otel")]
mod report;
pub mod rpc;
pub mod service;
pub mod stream;

#[cfg(not(feature = "otel"))]
use crate::off::conventions::{made, operation, report};

pub use background::{BackgroundJobType, JobSpan, background_span, record_background_metrics};
pub use db::{DbOperation, DbSpan, db_query_span, db_span, record_db_metrics};
pub use metric::Metric;
pub use operation::{CurrentOperation, EnteredOperation, Operation};
