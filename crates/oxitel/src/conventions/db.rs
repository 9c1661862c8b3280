//! Operations of a database that lives in the process.
//!
//! Names and attributes follow the OpenTelemetry conventions for databases, with the kind
//! `INTERNAL`, as nothing is called, with the path of the files as `server.address`, and with the
//! number of rows that were changed.

use super::operation::Operation;
use super::report::{self, Rows};
use crate::record::{Scope, Value};

/// Which database it is; always `rocksdb`.
pub const SYSTEM_NAME: &str = "db.system.name";
/// What was done.
pub const OPERATION_NAME: &str = "db.operation.name";
/// What it was done to: a column family, or a schema.
pub const COLLECTION_NAME: &str = "db.collection.name";
/// The tenant when one is known, else the name of the database.
pub const NAMESPACE: &str = "db.namespace";
/// The statement, without its literals.
pub const QUERY_TEXT: &str = "db.query.text";
/// Where the files are.
pub const SERVER_ADDRESS: &str = "server.address";
/// How many operations a batch has.
pub const BATCH_SIZE: &str = "db.operation.batch.size";
/// How many results came back.
pub const RETURNED_ROWS: &str = "db.response.returned_rows";
/// How many rows were changed.
pub const AFFECTED_ROWS: &str = "db.response.affected_rows";

/// The attributes of spans here.
pub const ATTRIBUTES: &[&str] = &[
    SYSTEM_NAME,
    OPERATION_NAME,
    COLLECTION_NAME,
    NAMESPACE,
    QUERY_TEXT,
    SERVER_ADDRESS,
    BATCH_SIZE,
    RETURNED_ROWS,
    AFFECTED_ROWS,
];

static SCOPE: Scope = Scope::new("oxitel.db").version(env!("CARGO_PKG_VERSION"));

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident = $name:literal;)*) => {
        /// What is done with a database.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DbOperation {$($(#[$doc])* $operation,)*}

        impl DbOperation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$operation),*];

            /// The value of `db.operation.name`, and the first word of the span's name.
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$operation => $name),*}
            }
        }
    };
}

operations! {
    /// Reads one value.
    Get = "get";
    /// Writes one value.
    Put = "put";
    /// Removes one value.
    Delete = "delete";
    /// Reads a range.
    Scan = "scan";
    /// Reads several values by their keys.
    MultiGet = "multi_get";
    /// Writes several values at once.
    BatchWrite = "batch_write";
    /// Adds an entity.
    Insert = "insert";
    /// Adds an entity, or replaces it.
    Upsert = "upsert";
    /// Finds an entity by one of its keys.
    Lookup = "lookup";
    /// Finds entities that are like something.
    Search = "search";
    /// Runs a statement.
    Query = "query";
    /// Follows the edges between entities.
    Traverse = "traverse";
    /// Reads everything, for elsewhere.
    Export = "export";
    /// Takes a document in.
    Ingest = "ingest";
}

/// A span of a database operation.
pub type DbSpan = Operation<Rows>;

/// Starts the span `{operation} {collection}` below the current one.
///
/// ```
/// use oxitel::conventions::{DbOperation, db_span, record_db_metrics};
///
/// let span = db_span(DbOperation::BatchWrite, None, Some("tenant-123"));
/// let _span = span.stored_at("/var/lib/store").batch_size(3).entered();
/// record_db_metrics(None, Some(3));
/// ```
pub fn db_span(
    operation: DbOperation,
    collection: Option<&str>,
    namespace: Option<&str>,
) -> DbSpan {
    start(operation, collection, namespace, None)
}

/// Starts the span `query {collection}` below the current one. Literals leave the statement with
/// the rules of [redaction](crate::Redaction).
pub fn db_query_span(statement: &str, collection: &str, namespace: Option<&str>) -> DbSpan {
    start(DbOperation::Query, Some(collection), namespace, Some(statement))
}

fn start(
    operation: DbOperation,
    collection: Option<&str>,
    namespace: Option<&str>,
    statement: Option<&str>,
) -> DbSpan {
    let name = operation.as_str();
    Operation::start(&SCOPE, (name, collection), || {
        [
            text(SYSTEM_NAME, Some("rocksdb")),
            text(OPERATION_NAME, Some(name)),
            text(COLLECTION_NAME, collection),
            text(NAMESPACE, namespace),
            text(QUERY_TEXT, statement),
        ]
    })
}

fn text<'a>(key: &'static str, text: Option<&'a str>) -> Option<(&'static str, Value<'a>)> {
    Some((key, Value::Str(text?)))
}

/// Tells how many rows the innermost database operation of this thread returned, and how many it
/// changed. `None` leaves what was told before; without an operation nothing happens.
pub fn record_db_metrics(returned_rows: Option<u64>, affected_rows: Option<u64>) {
    report::tell_rows(returned_rows, affected_rows);
}

impl DbSpan {
    /// Where the database's files are.
    pub fn stored_at(mut self, path: &str) -> Self {
        self.set_attribute(SERVER_ADDRESS, path);
        self
    }

    /// How many operations the batch has. A batch of one is none, and is not told.
    pub fn batch_size(mut self, operations: u64) -> Self {
        if operations > 1 {
            self.set_attribute(BATCH_SIZE, operations);
        }
        self
    }
}
