//! Text with colours, and how values, times and ids look in it.

use super::read::{bits, messages, pair};
use crate::wire::{Content, Fields};
use std::fmt::{self, Write as _};

pub(super) const BOLD: &str = "1";
pub(super) const DIM: &str = "2";
pub(super) const RED: &str = "31";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const BLUE: &str = "34";

/// So many letters of one value are shown.
const LONGEST_VALUE: usize = 120;
/// So many attributes of one record are shown.
const MOST_ATTRIBUTES: usize = 16;
/// Values in arrays and maps are followed so deep.
const MOST_DEPTH: usize = 8;

/// What is written at once.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) text: String,
    colours: bool,
}

impl Page {
    pub(super) fn new(colours: bool) -> Self {
        Self { text: String::new(), colours }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Text in a colour.
    pub(super) fn painted(&mut self, colour: &str, text: impl fmt::Display) {
        // Writing to a String cannot fail.
        let _ = if self.colours {
            write!(self.text, "\x1b[{colour}m{text}\x1b[0m")
        } else {
            write!(self.text, "{text}")
        };
    }

    /// Attributes, as many as a line bears.
    pub(super) fn attributes<'a>(&mut self, attributes: impl Iterator<Item = &'a [u8]>) {
        let mut more = 0;
        for (index, (key, value)) in attributes.filter_map(pair).enumerate() {
            if index >= MOST_ATTRIBUTES {
                more += 1;
                continue;
            }
            self.push(if index == 0 { "  " } else { " " });
            self.painted(DIM, format_args!("{}=", shown(key)));
            self.push(&value_text(value));
        }
        if more > 0 {
            self.painted(DIM, format_args!(" and {more} more"));
        }
    }
}

/// Text as it may stand on a terminal: in one line, and without power over it.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for letter in String::from_utf8_lossy(bytes).chars() {
        if letter.is_control() || turns_the_line(letter) {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    text
}

/// Line breaks beyond ASCII, and what makes text run the other way.
fn turns_the_line(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value in one word, or in quotes.
pub(super) fn value_text(value: &[u8]) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    cut(text)
}

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(LONGEST_VALUE) {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn write_value(text: &mut String, value: &[u8], depth: usize) {
    if depth > MOST_DEPTH || text.len() > 8 * LONGEST_VALUE {
        text.push('…');
        return;
    }
    // Of those that exclude each other the last one counts.
    match Fields::new(value).flatten().last() {
        Some((1, Content::Bytes(string))) => text.push_str(&quoted(string)),
        Some((2, Content::Varint(bits))) => push(text, bits != 0),
        Some((3, Content::Varint(bits))) => push(text, bits as i64),
        Some((4, Content::Fixed64(bits))) => push(text, f64::from_bits(bits)),
        Some((5, Content::Bytes(list))) => {
            write_all(text, messages(list, 1), ['[', ']'], |text, item| {
                write_value(text, item, depth + 1);
            });
        }
        Some((6, Content::Bytes(map))) => {
            write_all(text, messages(map, 1).filter_map(pair), ['{', '}'], |text, (key, value)| {
                text.push_str(&shown(key));
                text.push('=');
                write_value(text, value, depth + 1);
            });
        }
        Some((7, Content::Bytes(bytes))) => {
            text.push_str("0x");
            bytes
                .iter()
                .take(LONGEST_VALUE)
                .for_each(|byte| push(text, format_args!("{byte:02x}")));
        }
        _ => text.push('–'),
    }
}

fn push(text: &mut String, value: impl fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{value}");
}

fn write_all<T>(
    text: &mut String,
    items: impl Iterator<Item = T>,
    [open, close]: [char; 2],
    write: impl Fn(&mut String, T),
) {
    text.push(open);
    for (index, item) in items.take(LONGEST_VALUE).enumerate() {
        text.push_str(if index == 0 { "" } else { ", " });
        write(text, item);
    }
    text.push(close);
}

fn quoted(string: &[u8]) -> String {
    // A cut in the middle of a letter is repaired, as broken text is.
    let string = &string[..string.len().min(8 * LONGEST_VALUE)];
    let needs_quotes = string.is_empty() || string.iter().any(u8::is_ascii_whitespace);
    if needs_quotes { format!("\"{}\"", shown(string)) } else { shown(string) }
}

/// The time of the day, in UTC.
pub(super) fn time_of_day(nanoseconds: u64) -> String {
    let (seconds, milliseconds) = (nanoseconds / 1_000_000_000, nanoseconds / 1_000_000 % 1_000);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{milliseconds:03}")
}

/// A duration in three digits.
pub(super) fn duration(nanoseconds: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let value = nanoseconds as f64 / unit;
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        format!("{value:.digits$} {name}")
    };
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => scaled(1e3, "µs"),
        1_000_000..1_000_000_000 => scaled(1e6, "ms"),
        1_000_000_000..60_000_000_000 => scaled(1e9, "s"),
        _ => {
            let seconds = nanoseconds / 1_000_000_000;
            format!("{} m {:02} s", seconds / 60, seconds % 60)
        }
    }
}

/// An id in hex.
pub(super) fn id(bytes: &[u8]) -> String {
    bytes.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The last number of this field, if there is one.
pub(super) fn last_number(message: &[u8], number: u32) -> Option<u64> {
    let fields = Fields::new(message).flatten();
    fields.filter(|(found, _)| *found == number).map(|(_, content)| bits(content)).last()
}
