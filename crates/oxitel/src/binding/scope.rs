//! Scopes that are known only at run time.

use crate::pipeline::scope::{self, ScopeData};
use crate::record::Value;

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
}
