//! Jobs that run in the background: building an index, making embeddings, compacting.
//!
//! OpenTelemetry has no conventions for them, so the attributes are our own, `job.*`.

use super::operation::Operation;
use super::report::{self, Progress};
use crate::context::SpanContext;
use crate::record::{Scope, Value};

/// What the job does.
pub const TYPE: &str = "job.type";
/// What it works on: a schema, a column family, an index.
pub const TARGET: &str = "job.target";
/// How many items it worked on.
pub const BATCH_SIZE: &str = "job.batch_size";
/// How long it worked, in milliseconds.
pub const DURATION_MS: &str = "job.duration_ms";
/// How it ended: one of [`SUCCESS`], [`FAILED`] and [`PARTIAL`].
pub const STATUS: &str = "job.status";

/// The attributes of spans here.
pub const ATTRIBUTES: &[&str] = &[TYPE, TARGET, BATCH_SIZE, DURATION_MS, STATUS];

/// The job did all it had to.
pub const SUCCESS: &str = "success";
/// The job did not; its span fails with it.
pub const FAILED: &str = "failed";
/// The job did a part.
pub const PARTIAL: &str = "partial";
/// The job began. This is no end: it becomes the event [`STARTED_EVENT`], and `failed` if nothing
/// else is told before the span ends.
pub const STARTED: &str = "started";
/// The event of a job that told that it began.
pub const STARTED_EVENT: &str = "job.started";

static SCOPE: Scope = Scope::new("oxitel.background").version(env!("CARGO_PKG_VERSION"));

macro_rules! jobs {
    ($($(#[$doc:meta])* $job:ident = $name:literal;)*) => {
        /// What is done in the background.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum BackgroundJobType {$($(#[$doc])* $job,)*}

        impl BackgroundJobType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$job),*];

            /// The value of `job.type`, and the first word of the span's name.
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$job => $name),*}
            }
        }
    };
}

jobs! {
    /// Builds an index of vectors.
    IndexBuild = "index.build";
    /// Builds the indexes of a schema's fields.
    IndexFieldRebuild = "index.field.rebuild";
    /// Builds the index of keys.
    IndexKeyRebuild = "index.key.rebuild";
    /// Writes an index to disk.
    IndexSave = "index.save";
    /// Reads an index from disk.
    IndexLoad = "index.load";
    /// Makes embeddings.
    EmbeddingGenerate = "embedding.generate";
    /// Writes the log of writes to disk.
    WalFlush = "wal.flush";
    /// Compacts a column family.
    DbCompact = "db.compact";
}

/// A span of a job.
pub type JobSpan = Operation<Progress>;

/// Starts the span `{job} {target}` below the current one, or, where there is none, as a trace of
/// its own: [`submitted_by`](JobSpan::submitted_by) says who wanted it.
///
/// ```
/// use oxitel::context;
/// use oxitel::conventions::{BackgroundJobType, background_span, record_background_metrics};
///
/// let submitter = context::capture().span_context().clone();
/// let worker = std::thread::spawn(move || {
///     let job = background_span(BackgroundJobType::EmbeddingGenerate, "articles");
///     let _span = job.submitted_by(&submitter).entered();
///     record_background_metrics(Some(32), Some(7), "success");
/// });
/// # worker.join().unwrap();
/// ```
pub fn background_span(job: BackgroundJobType, target: &str) -> JobSpan {
    let name = job.as_str();
    Operation::start(&SCOPE, (name, Some(target)), || {
        [Some((TYPE, Value::Str(name))), Some((TARGET, Value::Str(target)))]
    })
}

/// Tells how the innermost job of this thread goes: items, milliseconds, and a status. `None`
/// leaves what was told before; without a job nothing happens.
///
/// A job that is `failed` fails its span. One that told `started` and nothing after it is `failed`
/// when its span ends.
pub fn record_background_metrics(batch_size: Option<u64>, duration_ms: Option<u64>, status: &str) {
    report::tell_progress(batch_size, duration_ms, status);
}

impl JobSpan {
    /// Links the span that handed the job in. That one has often ended when the job begins, which
    /// is why it is no parent.
    pub fn submitted_by(mut self, submitter: &SpanContext) -> Self {
        if submitter.is_valid() {
            self.add_link(submitter, &[]);
        }
        self
    }
}
