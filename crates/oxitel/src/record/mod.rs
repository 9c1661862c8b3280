//! Making spans: the direct API, the values they hold, their limits, and what is sampled.
//!
//! Flow: **record** -> chunk -> queue -> send.

mod limits;
mod sampler;
mod scope;
mod span;
mod status;
mod value;

pub use limits::Limits;
pub use sampler::Sampler;
pub use scope::Scope;
pub use span::{Current, Entered, Instrumented, Span, SpanBuilder};
pub(crate) use span::{Parent, start};
pub use status::{Kind, Status};
pub use value::Value;
