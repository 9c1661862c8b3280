//! How lines look: marks, colours on a terminal, columns.

use std::io::IsTerminal;

/// A colour of the terminal.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Green,
    Red,
    Yellow,
    Grey,
}

/// `text` in a colour, when standard output is a terminal that wants colours.
pub(crate) fn paint(colour: Colour, text: &str) -> String {
    if !wants_colours() {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Green => "32",
        Colour::Red => "31",
        Colour::Yellow => "33",
        Colour::Grey => "90",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn wants_colours() -> bool {
    is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// The mark in front of a line that says whether something holds.
pub(crate) fn mark(good: bool) -> String {
    if good { paint(Colour::Green, "✓") } else { paint(Colour::Red, "✗") }
}

/// The word in front of a line about something left out.
pub(crate) fn skip() -> String {
    paint(Colour::Yellow, "SKIP")
}

/// A table with aligned columns; the first column and `text` columns to the left, others right.
pub(crate) fn columns(head: &[&str], rows: &[Vec<String>], text: &[usize]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let line = |cells: Vec<&str>| {
        let aligned = cells.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if text.contains(&column) {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        aligned.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_numbers_right_and_text_left() {
        let rows = vec![
            vec!["front".to_owned(), "1204".to_owned(), "running".to_owned()],
            vec!["back".to_owned(), "7".to_owned(), "ended".to_owned()],
        ];
        let lines = columns(&["service", "recorded", "state"], &rows, &[0, 2]);
        assert_eq!(
            lines,
            ["service  recorded  state", "front        1204  running", "back            7  ended"]
        );
    }
}
