//! Proxies between this process and its receivers, by the variables that other programs read too.

use super::{Config, url};
use std::fmt;
#[cfg(feature = "otel")]
use std::net::IpAddr;

/// Proxies on the way to receivers.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxies {
    /// `http_proxy`, else `all_proxy` or `ALL_PROXY`: on the way to `http://`. `HTTP_PROXY` is not
    /// followed, as in other programs: where programs are started for requests, it is what a
    /// request's header `Proxy` says.
    pub http: Option<String>,
    /// `https_proxy`, `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY`: on the way to `https://`.
    pub https: Option<String>,
    /// `no_proxy` or `NO_PROXY`: who is reached without a proxy. Names count with all below them,
    /// also addresses, networks (`10.0.0.0/8`) and `*`; a port may follow.
    pub except: Option<String>,
}

/// The names of each proxy, the first that is set counts.
const HTTP: &[&str] = &["http_proxy", "all_proxy", "ALL_PROXY"];
const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPT: &[&str] = &["no_proxy", "NO_PROXY"];

/// Addresses with credentials.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |proxy: &Option<String>| proxy.as_deref().map(url::masked);
        f.debug_struct("Proxies")
            .field("http", &masked(&self.http))
            .field("https", &masked(&self.https))
            .field("except", &self.except)
            .finish()
    }
}

impl Config {
    /// Takes over what the environment says of proxies.
    pub(super) fn read_proxies(&mut self, lookup: impl Fn(&str) -> Option<String>) {
        let first = |names: &'static [&'static str]| {
            let set = |name: &'static str| {
                let value = lookup(name).map(|value| value.trim().to_owned());
                value.filter(|value| !value.is_empty()).map(|value| (name, value))
            };
            names.iter().copied().find_map(set)
        };
        for (names, setting) in [(HTTP, "proxies.http"), (HTTPS, "proxies.https")] {
            let Some((name, proxy)) = first(names) else { continue };
            if !is_proxy(&proxy) {
                let shown = url::masked(&proxy);
                self.warnings.push(format!(
                    "{name}={shown:?} is no proxy that can be used, which begins with \"http://\"; \
                     it is left out"
                ));
                continue;
            }
            let field =
                if names == HTTP { &mut self.proxies.http } else { &mut self.proxies.https };
            *field = Some(proxy);
            self.origins.came_from(setting, name);
        }
        if let Some((name, list)) = first(EXCEPT) {
            self.proxies.except = Some(list);
            self.origins.came_from("proxies.except", name);
        }
    }
}

/// Whether a request can be sent by it.
pub(super) fn is_proxy(text: &str) -> bool {
    let is_spoken = !text.contains("://") || text.to_ascii_lowercase().starts_with("http://");
    is_spoken && url::is_endpoint(text)
}

#[cfg(feature = "otel")]
impl Proxies {
    /// The proxy on the way to this host, if there is one.
    pub(super) fn on_the_way_to(&self, is_tls: bool, host: &str, port: u16) -> Option<&str> {
        let proxy = if is_tls { &self.https } else { &self.http };
        let except = self.except.as_deref().unwrap_or_default();
        proxy.as_deref().filter(|_| !excepts(except, host, port))
    }
}

/// Whether the list has this host.
#[cfg(feature = "otel")]
fn excepts(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let mut members = list.split([',', ' ']).map(str::trim).filter(|member| !member.is_empty());
    members.any(|member| {
        let (place, wanted) = place_and_port(member);
        wanted.is_none_or(|wanted| wanted == port) && has(place, &host)
    })
}

/// A member's port, where one is written.
#[cfg(feature = "otel")]
fn place_and_port(member: &str) -> (&str, Option<u16>) {
    let split = member.rsplit_once(':').and_then(|(place, port)| {
        // Of an IPv6 address without brackets, the last part is no port.
        let is_whole = place.ends_with(']') || !place.contains(':');
        port.parse().ok().filter(|_| is_whole).map(|port| (place, Some(port)))
    });
    split.unwrap_or((member, None))
}

#[cfg(feature = "otel")]
fn has(place: &str, host: &str) -> bool {
    let place = place.trim_matches(['[', ']']).to_ascii_lowercase();
    if place == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match place.split_once('/') {
            Some((network, bits)) => is_within(network, bits, address),
            None => place.parse() == Ok(address),
        };
    }
    let name = place.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
    let below = host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.is_empty() && below
}

#[cfg(feature = "otel")]
fn is_within(network: &str, bits: &str, address: IpAddr) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let host_bits = width - bits.min(width);
    (network ^ address).checked_shr(host_bits).unwrap_or(0) == 0
}

#[cfg(all(test, feature = "otel"))]
mod tests {
    use super::{Config, excepts};

    fn read(variables: &[(&str, &str)]) -> Config {
        Config::from_lookup(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_scheme_has_its_variables_and_a_browser_cannot_set_one() {
        let proxies = |variables| {
            let config = read(variables);
            assert_eq!(config.warnings(), [""; 0]);
            (config.proxies.http, config.proxies.https)
        };
        let some = |proxy: &str| Some(proxy.to_owned());
        assert_eq!(proxies(&[]), (None, None));
        assert_eq!(proxies(&[("http_proxy", "a:1"), ("https_proxy", " ")]), (some("a:1"), None));
        assert_eq!(proxies(&[("HTTP_PROXY", "a:1")]), (None, None), "a request may have set it");
        assert_eq!(proxies(&[("HTTPS_PROXY", "http://b:1")]), (None, some("http://b:1")));
        let all = [("ALL_PROXY", "c:1"), ("https_proxy", "b:1")];
        assert_eq!(proxies(&all), (some("c:1"), some("b:1")));
    }

    #[test]
    fn what_is_no_proxy_is_said_without_secrets_and_left_out() {
        let config = read(&[("https_proxy", "https://me:hunter2@p"), ("all_proxy", "socks5://p")]);
        assert_eq!(config.proxies.http.or(config.proxies.https), None);
        let said = read(&[("https_proxy", "https://me:hunter2@p"), ("all_proxy", "socks5://p")]);
        insta::assert_snapshot!(said.warnings().join("\n"), @r#"
        all_proxy="socks5://p" is no proxy that can be used, which begins with "http://"; it is left out
        https_proxy="https://…@p" is no proxy that can be used, which begins with "http://"; it is left out
        "#);
    }

    #[test]
    fn credentials_are_not_shown() {
        let config = read(&[("http_proxy", "http://me:hunter2@p:1"), ("NO_PROXY", "localhost")]);
        let shown = [config.resolved().to_string(), format!("{config:?} {:?}", config.proxies)];
        for text in shown {
            assert!(text.contains("p:1") && text.contains("localhost"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn exceptions_are_names_and_addresses() {
        let list = "localhost, .example.org,*.example.net,a.b:4318 10.1.0.0/16,192.0.2.7,[fd00::1]:9,fe80::/10,,x";
        for (host, port) in [
            ("localhost", 1),
            ("LOCALHOST.", 1),
            ("example.org", 1),
            ("otel.example.org", 1),
            ("otel.example.net", 1),
            ("a.b", 4318),
            ("10.1.255.255", 1),
            ("192.0.2.7", 1),
            ("[fd00::1]", 9),
            ("[fe80::5]", 1),
        ] {
            assert!(excepts(list, host, port), "{host}:{port}");
        }
        for (host, port) in [
            ("notexample.org", 1),
            ("a.b", 4317),
            ("10.2.0.0", 1),
            ("192.0.2.70", 1),
            ("[fd00::1]", 1),
            ("127.0.0.1", 1),
            ("y", 1),
        ] {
            assert!(!excepts(list, host, port), "{host}:{port}");
        }
        assert!(excepts("*", "anything", 1) && !excepts("", "anything", 1));
        assert!(excepts("0.0.0.0/0,::/0", "1.2.3.4", 1) && excepts("::/0", "::1", 1));
        assert!(!excepts("1.2.3.4/x,1.2.3.4/", "1.2.3.4", 1));
    }
}
