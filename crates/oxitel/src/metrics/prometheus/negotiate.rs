//! What a scraper accepts, from its `Accept` header.

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text format 0.0.4, which every scraper reads; 1.0.0 with names in UTF-8.
    Text,
    /// `OpenMetrics` 1.0, which has exemplars.
    OpenMetrics,
}

/// What a scraper gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) format: Format,
    /// Names may have any characters.
    pub(crate) takes_utf8: bool,
}

impl Answer {
    /// The `Content-Type` of the page.
    pub(crate) fn content_type(self) -> &'static str {
        match (self.format, self.takes_utf8) {
            (Format::Text, false) => {
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            }
            (Format::Text, true) => {
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (Format::OpenMetrics, false) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            (Format::OpenMetrics, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
        }
    }
}

/// The format that the header likes best; the text format when it says nothing of use.
pub(crate) fn negotiate(accept: &str) -> Answer {
    let usual = Answer { format: Format::Text, takes_utf8: false };
    let mut best = (0.0, usual);
    for range in accept.split(',') {
        if let Some((weight, answer)) = read(range)
            && weight > best.0
        {
            best = (weight, answer);
        }
    }
    best.1
}

fn read(range: &str) -> Option<(f64, Answer)> {
    let mut parts = range.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Format::OpenMetrics,
        "text/plain" | "text/*" | "*/*" => Format::Text,
        _ => return None,
    };
    let (mut weight, mut takes_utf8) = (1.0, false);
    for part in parts {
        let Some((name, value)) = part.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => weight = value.parse().ok().filter(|it| (0.0..=1.0).contains(it))?,
            "version" if !is_known(format, value) => return None,
            "escaping" => takes_utf8 = value.eq_ignore_ascii_case("allow-utf-8"),
            _ => {}
        }
    }
    Some((weight, Answer { format, takes_utf8 }))
}

fn is_known(format: Format, version: &str) -> bool {
    match format {
        Format::Text => matches!(version, "0.0.4" | "1.0.0"),
        Format::OpenMetrics => matches!(version, "0.0.1" | "1.0.0"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Format, negotiate};

    #[test]
    fn the_scraper_gets_what_it_likes_best() {
        let answer = |format, takes_utf8| Answer { format, takes_utf8 };
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, expected) in [
            ("", answer(Format::Text, false)),
            ("*/*", answer(Format::Text, false)),
            ("text/html, application/json", answer(Format::Text, false)),
            ("text/plain;version=0.0.4", answer(Format::Text, false)),
            ("text/plain;version=1.0.0;escaping=allow-utf-8", answer(Format::Text, true)),
            ("application/openmetrics-text; version=1.0.0", answer(Format::OpenMetrics, false)),
            ("application/openmetrics-text; version=2.0.0", answer(Format::Text, false)),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.9", answer(Format::Text, false)),
            ("application/openmetrics-text;q=0", answer(Format::Text, false)),
            (prometheus, answer(Format::OpenMetrics, true)),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn any_header_gives_an_answer() {
        for accept in [";;;", "text/plain;q=NaN", "=,=;=", "\u{e9};q=\u{e9}", "text/plain;q=9e99"] {
            assert_eq!(negotiate(accept).format, Format::Text, "{accept}");
        }
    }
}
