//! How much one span may carry. At a limit the new thing is dropped and counted, never the old.

/// The limits of the OpenTelemetry specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of a span. Default 128.
    pub attributes: u32,
    /// Events of a span. Default 128.
    pub events: u32,
    /// Links of a span. Default 128.
    pub links: u32,
    /// Attributes of one event. Default 128.
    pub attributes_per_event: u32,
    /// Attributes of one link. Default 128.
    pub attributes_per_link: u32,
    /// Characters of a text value, bytes of a byte value, also inside lists and maps; longer ones
    /// are cut. Default: no limit (`usize::MAX`).
    pub value_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    pub(crate) const DEFAULT: Self = Self {
        attributes: 128,
        events: 128,
        links: 128,
        attributes_per_event: 128,
        attributes_per_link: 128,
        value_length: usize::MAX,
    };
}
