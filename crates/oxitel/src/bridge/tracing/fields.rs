//! The values of `tracing` fields, collected.
//!
//! A new span is ours alone, so its fields go straight into it (`each`). One that others can reach
//! is behind a lock, and a `Debug` implementation may itself use `tracing`: there the values are
//! collected first. What a value's own code prints goes into a buffer that the thread lends and
//! gets back.

use crate::record::Value;
#[cfg(feature = "otel")]
use crate::record::print_to;
use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug};
use std::ops::Range;
use tracing::field::{Field, Visit};

/// An error's sources that are told; a chain may lead back to its beginning.
const SOURCES: usize = 32;
/// A buffer that grew beyond this is freed instead of kept.
const KEPT_BYTES: usize = 16 * 1024;

pub(super) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(super) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

thread_local! {
    static SPARE: Cell<Option<Box<Fields>>> = const { Cell::new(None) };
}

/// The values of one `record` call, or of one event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: Vec<(Cow<'static, str>, Kept)>,
    text: String,
    /// Where the field `message` is in `values`.
    message: Option<usize>,
    /// One of the values is a `dyn Error`.
    has_error: bool,
}

#[derive(Debug)]
enum Kept {
    /// A part of the text.
    Text(Range<usize>),
    Plain(Value<'static>),
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

/// Collects what `record` visits, and hands it to `then`; nothing is allocated in steady state.
pub(super) fn collected<R>(
    record: impl FnOnce(&mut dyn Visit),
    then: impl FnOnce(&Fields) -> R,
) -> R {
    let mut fields = lend();
    // The host's code runs here: nothing of ours is borrowed, the buffer is this call's own.
    record(&mut *fields);
    let done = then(&fields);
    give_back(fields);
    done
}

/// Prints into a lent buffer.
#[cfg(feature = "otel")]
pub(super) fn printed(arguments: fmt::Arguments<'_>, then: impl FnOnce(&str)) {
    let mut fields = lend();
    print_to(&mut fields.text, arguments);
    then(&fields.text);
    give_back(fields);
}

/// As far as it prints; without the engine a panic is the program's own.
#[cfg(not(feature = "otel"))]
fn print_to(text: &mut String, arguments: fmt::Arguments<'_>) {
    // An implementation that fails is no reason to do so.
    let _ = fmt::Write::write_fmt(text, arguments);
}

#[expect(clippy::unnecessary_box_returns, reason = "the box is what a thread keeps")]
fn lend() -> Box<Fields> {
    SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

fn give_back(mut fields: Box<Fields>) {
    fields.values.clear();
    fields.text.clear();
    fields.message = None;
    fields.has_error = false;
    if fields.text.capacity() <= KEPT_BYTES && fields.values.capacity() <= KEPT_BYTES / 64 {
        // Past its thread-locals a thread keeps nothing.
        let _ = SPARE.try_with(|spare| spare.set(Some(fields)));
    }
}

impl Fields {
    /// The values but the message, in the order of the fields.
    pub(super) fn each(&self, mut action: impl FnMut(&str, Value<'_>)) {
        let lists = self.lists();
        self.pairs(&lists).for_each(|(name, value)| action(name, value));
    }

    /// The same, to be kept for a while; `lists` is [`Self::lists`].
    pub(super) fn pairs<'a>(
        &'a self,
        lists: &'a [Vec<Value<'a>>],
    ) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        let mut lists = lists.iter();
        self.values.iter().enumerate().filter_map(move |(index, (name, value))| {
            let value = match value {
                Kept::Text(part) => Value::Str(&self.text[part.clone()]),
                Kept::Plain(value) => *value,
                Kept::Bytes(bytes) => Value::Bytes(bytes),
                Kept::Texts(_) => Value::Array(lists.next()?),
            };
            (Some(index) != self.message).then_some((name.as_ref(), value))
        })
    }

    /// Whether several values have this name.
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.values.iter().filter(|(known, _)| known == name).nth(1).is_some()
    }

    /// The values that are lists, in order.
    pub(super) fn lists(&self) -> Vec<Vec<Value<'_>>> {
        let texts = self.values.iter().filter_map(|(_, value)| match value {
            Kept::Texts(texts) => Some(texts),
            Kept::Text(_) | Kept::Plain(_) | Kept::Bytes(_) => None,
        });
        texts.map(|texts| texts.iter().map(|text| Value::Str(text)).collect()).collect()
    }

    /// The message, as text.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.and_then(|index| self.text_at(index))
    }

    /// The text of the field `name`, if there is one and it is text.
    #[cfg(feature = "otel")]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().position(|(known, _)| known == name)?;
        self.text_at(found)
    }

    pub(super) fn has_error(&self) -> bool {
        self.has_error
    }

    fn text_at(&self, index: usize) -> Option<&str> {
        match &self.values.get(index)?.1 {
            Kept::Text(part) => Some(&self.text[part.clone()]),
            Kept::Plain(_) | Kept::Bytes(_) | Kept::Texts(_) => None,
        }
    }

    fn push(&mut self, name: impl Into<Cow<'static, str>>, value: Kept) {
        let name = name.into();
        if name == "message" && matches!(value, Kept::Text(_)) {
            self.message = Some(self.values.len());
        }
        self.values.push((name, value));
    }

    fn print(&mut self, name: impl Into<Cow<'static, str>>, arguments: fmt::Arguments<'_>) {
        let start = self.text.len();
        print_to(&mut self.text, arguments);
        self.push(name, Kept::Text(start..self.text.len()));
    }

    /// A plain value; a message is always text.
    fn plain(&mut self, name: &'static str, value: Value<'static>, printed: fmt::Arguments<'_>) {
        if name == "message" {
            self.print(name, printed);
        } else {
            self.push(name, Kept::Plain(value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.push(field.name(), Kept::Text(start..self.text.len()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field.name(), Value::Bool(value), format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field.name(), Value::I64(value), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field.name(), Value::from(value), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field.name(), Value::F64(value), format_args!("{value}"));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.push(field.name(), Kept::Bytes(value.to_vec()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let sources = sources(value);
        let start = self.text.len();
        self.print(EXCEPTION_MESSAGE, format_args!("{value}"));
        let message = start..self.text.len();
        self.push(EXCEPTION_STACKTRACE, Kept::Texts(sources.clone()));
        self.push(field.name(), Kept::Text(message));
        self.push(chain_name(field), Kept::Texts(sources));
        self.has_error = true;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.print(field.name(), format_args!("{value:?}"));
    }
}

pub(super) fn chain_name(field: &Field) -> String {
    [field.name(), ".chain"].concat()
}

pub(super) fn sources(error: &(dyn Error + 'static)) -> Vec<String> {
    let chain = std::iter::successors(error.source(), |&source| source.source());
    let told = chain.take(SOURCES);
    told.map(|source| {
        let mut text = String::new();
        print_to(&mut text, format_args!("{source}"));
        text
    })
    .collect()
}
