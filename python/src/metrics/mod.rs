//! Metrics of Python on the engine.
//!
//! Flow: `add`, `record`, `set` -> `amount`, `pairs` and `within` turn what was given into ours ->
//! the engine's cell of this thread. Callbacks of observable instruments: `observed`.

mod amount;
pub(crate) mod instruments;
pub(crate) mod meter;
pub(crate) mod observed;
pub(crate) mod page;
mod pairs;
mod within;
