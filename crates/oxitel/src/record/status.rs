//! What kind of span it is and how it ended.

/// The role of a span in its trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Work inside one process.
    #[default]
    Internal = 1,
    /// Answers a request.
    Server = 2,
    /// Makes a request and waits for the answer.
    Client = 3,
    /// Hands a message over.
    Producer = 4,
    /// Takes a message.
    Consumer = 5,
}

/// How a span ended. `Ok` is a final word: what is set after it is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status<'a> {
    /// Nothing said; setting it changes nothing.
    #[default]
    Unset,
    /// The operation succeeded, whatever else was recorded.
    Ok,
    /// The operation failed, with a description for people.
    Error(&'a str),
}

#[cfg(feature = "otel")]
impl Status<'_> {
    pub(crate) const OK_CODE: u8 = 1;
    pub(crate) const ERROR_CODE: u8 = 2;
}
