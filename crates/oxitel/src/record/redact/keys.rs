//! What a key says about its value: nothing, a secret, a URL, a query, a message.
//!
//! Flow: key -> **class** -> `text` or `sql`. Keys are few and come again, so a class is found
//! once per key and remembered (`pipeline::known_keys`).

/// How the values of a key are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    /// Nothing is known of it: texts that hold a URL are looked at.
    Plain = 0,
    /// As plain, and functions of the program look at every text.
    Watched,
    /// The text is replaced.
    Secret,
    /// A URL, or the path and query of one.
    Url,
    /// The query of a URL without its question mark.
    Query,
    /// Where a database is: a URL, or `name=value` pairs.
    Connection,
    /// A statement with literals in it.
    Statement,
    /// A header: it may hold credentials of any scheme.
    Header,
    /// Text for people: an exception's message, a status, a command line.
    Message,
}

impl Class {
    const ALL: [Self; 9] = [
        Self::Plain,
        Self::Watched,
        Self::Secret,
        Self::Url,
        Self::Query,
        Self::Connection,
        Self::Statement,
        Self::Header,
        Self::Message,
    ];

    /// Back from the number it was remembered as.
    pub(crate) fn from_number(number: u8) -> Self {
        // What no class has written is nothing to trust: the strictest one.
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Secret)
    }
}

/// Keys that hold what their name does not say, or no secret though their name says so.
const EXACT: &[(&str, Class)] = &[
    ("gen_ai.token.type", Class::Plain),
    ("aws.secretsmanager.secret.arn", Class::Plain),
    ("url.full", Class::Url),
    ("url.original", Class::Url),
    ("url.query", Class::Query),
    ("url.fragment", Class::Query),
    ("http.url", Class::Url),
    ("http.target", Class::Url),
    ("db.connection_string", Class::Connection),
    ("db.query.text", Class::Statement),
    ("db.statement", Class::Statement),
    ("exception.message", Class::Message),
    ("exception.stacktrace", Class::Message),
    ("error.message", Class::Message),
    ("message", Class::Message),
    ("log.body", Class::Message),
    ("error", Class::Message),
    ("err", Class::Message),
    ("process.command", Class::Message),
    ("process.command_line", Class::Message),
    ("process.command_args", Class::Message),
];

/// The class of `key`, before what a program allows or denies.
pub(super) fn class(key: &str) -> Class {
    if let Some((_, class)) = EXACT.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
        return *class;
    }
    if is_secret(key) {
        return Class::Secret;
    }
    let is_header = |segment: &str| {
        ["header", "headers", "metadata"].iter().any(|word| segment.eq_ignore_ascii_case(word))
    };
    if key.split('.').any(is_header) { Class::Header } else { Class::Plain }
}

/// Parts of a name, without its separators, that make it the name of a secret.
const ANYWHERE: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
];

/// Last words of a name that make it the name of a secret.
const LAST: &[&str] = &["authorization", "cookie", "cookies", "jwt", "_pwd", "-pwd"];
/// First words of the last part.
const FIRST: &[&str] = &["authorization", "cookie", "set-cookie", "set_cookie"];

/// Whether what has this name is a secret: the name of an attribute, a header, a parameter.
pub(super) fn is_secret(name: &str) -> bool {
    let squeezed: Vec<u8> = name
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b'_' | b' ' | b'.'))
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    let holds = |part: &str| squeezed.windows(part.len()).any(|window| window == part.as_bytes());
    if ANYWHERE.iter().any(|part| holds(part)) || holds_token(&squeezed) {
        return true;
    }
    let last = last_part(name);
    LAST.iter().any(|word| ends_with(last, word))
        || FIRST.iter().any(|word| starts_with(last, word))
}

/// `token`, but not the tokenizer of a language model.
fn holds_token(squeezed: &[u8]) -> bool {
    squeezed.windows(5).enumerate().any(|(at, window)| {
        let rest = &squeezed[at + 5..];
        window == b"token" && !rest.starts_with(b"iz") && !rest.starts_with(b"is")
    })
}

/// What follows the last dot; indices (`cookie.0`, `cookie[0]`) do not count.
pub(super) fn last_part(name: &str) -> &str {
    let is_index = |c: char| c.is_ascii_digit() || matches!(c, '.' | '[' | ']');
    let named = name.trim_end_matches(is_index);
    named.rsplit('.').next().unwrap_or(named)
}

fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn ends_with(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Whether `pattern`, in which `*` stands for any text, covers all of `key`; case does not
/// matter. Takes time proportional to the product of the lengths at most.
pub(super) fn matches(pattern: &str, key: &str) -> bool {
    let (pattern, key) = (pattern.as_bytes(), key.as_bytes());
    let (mut p, mut k) = (0, 0);
    // Where to go on after a star took too little: behind the star, one byte further.
    let mut star = None;
    while k < key.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, k));
                p += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&key[k]) => {
                p += 1;
                k += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                p = behind;
                k = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{Class, class, matches};

    #[test]
    fn the_names_of_secrets_are_known_in_every_spelling() {
        let secrets = [
            "authorization",
            "Authorization",
            "http.request.header.authorization",
            "http.request.header.proxy-authorization",
            "http.request.header.cookie",
            "http.response.header.set-cookie",
            "http.response.header.set_cookie.0",
            "rpc.grpc.request.metadata.cookie[1]",
            "x-api-key",
            "X_API_KEY",
            "apiKey",
            "user.password",
            "db_passwd",
            "mysql_pwd",
            "ssh.passphrase",
            "client_secret",
            "AWS_SECRET_ACCESS_KEY",
            "aws.access_key_id",
            "access_token",
            "csrf-token",
            "tls.private_key",
            "privateKey",
            "credentials",
            "session.jwt",
            "authorization_header",
        ];
        let missed: Vec<_> = secrets.iter().filter(|key| class(key) != Class::Secret).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn ordinary_keys_are_left_alone() {
        let plain = [
            "http.request.method",
            "network.peer.address",
            "llm.tokenizer.name",
            "gen_ai.token.type",
            "k8s.pod.name",
            "session.id",
            "user.id",
            "keyboard.layout",
            "author",
            "authorization.k8s.io/decision.by",
            "process.pwd",
            "secondary",
            "cookies.accepted.by",
            "",
        ];
        let taken: Vec<_> = plain.iter().filter(|key| class(key) != Class::Plain).collect();
        assert!(taken.is_empty(), "{taken:?}");
        assert_eq!(class("http.request.header.x-request-id"), Class::Header);
        assert_eq!(class("URL.full"), Class::Url);
    }

    #[test]
    fn patterns_cover_the_whole_key() {
        assert!(matches("*iban*", "customer.IBAN.number"));
        assert!(matches("customer.*.number", "customer.iban.number"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("iban", "customer.iban"));
        assert!(!matches("a*b*c", "a-b-b-d"));
        assert!(!matches("", "a"));
        assert!(!matches("**x", "ab"));
    }
}
