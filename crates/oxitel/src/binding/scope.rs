//! Scopes that are known only at run time.

use crate::metrics::Meter;
use crate::pipeline::logs;
use crate::pipeline::scope::{self, ScopeData};
use crate::record::{LogRecord, Value};

/// An instrumentation scope: the same one for the same words. There can be a few thousand in a
/// process; those that come later share one without a name.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeScope(pub(super) &'static ScopeData);

impl RuntimeScope {
    /// The scope of these words; an empty version or schema URL is none.
    pub fn of(
        name: &str,
        version: &str,
        schema_url: &str,
        attributes: &[(&str, Value<'_>)],
    ) -> Self {
        Self(scope::intern(name, version, schema_url, attributes))
    }

    /// Makes instruments of this scope.
    pub fn meter(self) -> Meter {
        Meter::in_scope(self.0)
    }

    /// Records a log record, in the span that it names.
    pub fn log(self, record: &LogRecord<'_>) {
        if logs::are_wanted() {
            logs::emit(self.0, record);
        }
    }
}
