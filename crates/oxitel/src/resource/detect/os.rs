//! The operating system, by `os-release`.

use super::{Found, Surroundings};

pub(super) fn detect(surroundings: &Surroundings<'_>) -> Found {
    let files = ["etc/os-release", "usr/lib/os-release"];
    let release = files.iter().find_map(|file| surroundings.read(file)).unwrap_or_default();
    vec![
        ("os.type", kind().map(str::to_owned)),
        ("os.name", field(&release, "NAME")),
        ("os.version", field(&release, "VERSION_ID")),
        ("os.description", field(&release, "PRETTY_NAME")),
    ]
}

/// In the conventions' words.
fn kind() -> Option<&'static str> {
    Some(match std::env::consts::OS {
        "linux" | "android" => "linux",
        "macos" => "darwin",
        "windows" => "windows",
        "freebsd" => "freebsd",
        "netbsd" => "netbsd",
        "openbsd" => "openbsd",
        "dragonfly" => "dragonflybsd",
        "solaris" => "solaris",
        "aix" => "aix",
        _ => return None,
    })
}

/// A line `NAME=value`; the value may be quoted, as a shell would read it.
fn field(release: &str, name: &str) -> Option<String> {
    let value =
        release.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    let mut is_escaped = false;
    let unescaped = inner.chars().filter(|c| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    });
    Some(unescaped.collect())
}
