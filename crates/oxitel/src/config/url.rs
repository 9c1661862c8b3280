//! Endpoints as text: what of them may be shown, and what a look at them tells. Making a request
//! of one is the exporter's work.

/// The endpoint without credentials and query, which may be secrets.
pub(crate) fn masked(endpoint: &str) -> String {
    let (scheme, rest) = split_scheme(endpoint);
    // By the last `@` of all: a password may hold any character.
    let (credentials, rest) = match rest.rsplit_once('@') {
        // It may stand in a query: what is behind it is then a piece of that.
        Some((before, _)) if before.contains(['?', '#']) => ("…", ""),
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    let (rest, query) = match rest.split_once(['?', '#']) {
        Some((rest, _)) => (rest, "?…"),
        None => (rest, ""),
    };
    format!("{scheme}{credentials}{rest}{query}")
}

/// Whether it can be an OTLP endpoint at all.
pub(super) fn is_endpoint(endpoint: &str) -> bool {
    let (scheme, _) = split_scheme(endpoint);
    let scheme_is_known = ["", "http://", "https://"].contains(&&*scheme.to_ascii_lowercase());
    let usable = |c: char| !c.is_whitespace() && !c.is_control();
    let place = host_and_port(endpoint);
    let is_reachable = place.is_some_and(|(host, port)| {
        !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    });
    scheme_is_known && is_reachable && endpoint.chars().all(usable)
}

/// `http://` and what follows.
fn split_scheme(endpoint: &str) -> (&str, &str) {
    endpoint.split_at(endpoint.find("://").map_or(0, |at| at + 3))
}

fn host_and_port(endpoint: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = split_scheme(endpoint);
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.rsplit_once(':') {
        // A colon inside of brackets belongs to an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => Some((host, Some(port))),
        _ => Some((place, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_endpoint, masked};

    #[test]
    fn credentials_and_queries_are_not_shown() {
        assert_eq!(masked("http://host:4318/a"), "http://host:4318/a");
        assert_eq!(masked("host:4317"), "host:4317");
        assert_eq!(masked("http://me:hunter2@host/a?token=hunter2"), "http://…@host/a?…");
        assert_eq!(masked("me:hunter2@host"), "…@host");
        for hidden in [
            "http://u:hun?ter2@h",
            "http://u:hun/ter2@h",
            "u:p@hunter2@h",
            "h?hunter2",
            "h?k=hun@ter2",
        ] {
            assert!(!masked(hidden).contains("ter2"), "{}", masked(hidden));
        }
    }

    #[test]
    fn what_cannot_be_an_endpoint_is_told_apart() {
        for good in ["localhost:4317", "http://h", "HTTPS://h:1/x", "http://[::1]:4318"] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in ["http://", "ftp://h", "h:99999", "h:-1", "two words", ":4317", "-1://"] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }
}
