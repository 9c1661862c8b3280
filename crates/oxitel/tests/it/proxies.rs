//! Proxies on the way: who is asked for what, and what they are told.

use crate::certificates::{Authority, File};
use crate::grpc::{flushed, record};
use crate::session::{Session, printed_ledger, run_example_with};
use oxitel::testing::Receiver;
use oxitel::{Config, Protocol};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A proxy that opens tunnels and passes requests on, and keeps the heads that it was told.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        // Serves until the process ends; the listener has no other way to be told.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                // A client or a receiver that breaks off is part of the tests.
                thread::spawn(move || drop(pass_on(stream.expect("a connection"), &kept)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

fn pass_on(mut client: TcpStream, kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    kept.lock().expect("no panic").push(text.clone());
    let target = text.split(' ').nth(1).expect("a target").to_owned();
    let mut receiver = if text.starts_with("CONNECT ") {
        let receiver = TcpStream::connect(&target)?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n")?;
        receiver
    } else {
        // The same head; a receiver takes a target in this form as well.
        let place = target.split('/').nth(2).expect("a host and a port");
        let mut receiver = TcpStream::connect(place)?;
        receiver.write_all(&head)?;
        receiver
    };
    let (mut back, mut to) = (receiver.try_clone()?, client.try_clone()?);
    let returning = thread::spawn(move || io::copy(&mut back, &mut to));
    io::copy(&mut client, &mut receiver)?;
    drop(receiver.shutdown(std::net::Shutdown::Write));
    returning.join().expect("no panic").map(drop)
}

fn by(proxy: &Proxy, credentials: &str, mut config: Config) -> Config {
    let url = format!("http://{credentials}{}", proxy.address);
    config.proxies.http = Some(url.clone());
    config.proxies.https = Some(url);
    config
}

/// The first line, and what it says of credentials.
fn asked(proxy: &Proxy) -> Vec<String> {
    proxy
        .heads()
        .iter()
        .map(|head| {
            let told = head.lines().find(|line| line.starts_with("proxy-authorization"));
            let first = head.lines().next().unwrap_or_default();
            [Some(first), told].into_iter().flatten().collect::<Vec<_>>().join(" | ")
        })
        .collect()
}

#[test]
fn plain_requests_are_read_by_the_proxy_and_all_others_go_through_a_tunnel() {
    let authority = Authority::new();
    let trusted = File::new(&authority.certificate());
    let mut table = Vec::new();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let secured = Receiver::start_tls(&authority.identity()).expect("a receiver");
        for receiver in [Receiver::start(), secured] {
            let proxy = Proxy::start();
            let session = Session::with(|config| {
                let mut config = by(&proxy, "me:hunter%32@", config).protocol(protocol);
                config.tls.certificate = Some(trusted.0.clone());
                config.endpoint(receiver.endpoint())
            });
            for _ in 0..2 {
                record(10);
                assert_eq!(flushed(), (0, 0), "{protocol}");
            }
            assert_eq!(receiver.spans().len(), 20, "{protocol}");
            assert!(session.ledger().is_balanced());
            // The proxy of this test hands on all that it read.
            let told = receiver.requests()[0].headers.contains_key("proxy-authorization");
            let place = receiver.addresses()[0].to_string();
            let asked = asked(&proxy).join(", ").replace(&place, "RECEIVER");
            table.push(format!("{protocol}: {asked}; passed on: {told}"));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @r"
    http/protobuf: POST http://RECEIVER/v1/traces HTTP/1.1 | proxy-authorization: Basic bWU6aHVudGVyMg==; passed on: true
    http/protobuf: CONNECT RECEIVER HTTP/1.1 | proxy-authorization: Basic bWU6aHVudGVyMg==; passed on: false
    grpc: CONNECT RECEIVER HTTP/1.1 | proxy-authorization: Basic bWU6aHVudGVyMg==; passed on: false
    grpc: CONNECT RECEIVER HTTP/1.1 | proxy-authorization: Basic bWU6aHVudGVyMg==; passed on: false
    ");
}

#[test]
fn the_environment_names_proxies_and_exceptions() {
    let receiver = Receiver::start();
    let proxy = Proxy::start();
    let named = ("http_proxy", proxy.address.as_str());
    let cases = [
        (vec![named], 1),
        (vec![("HTTP_PROXY", proxy.address.as_str())], 0),
        (vec![("ALL_PROXY", proxy.address.as_str())], 1),
        (vec![("https_proxy", proxy.address.as_str())], 0),
        (vec![named, ("NO_PROXY", "localhost,127.0.0.0/8")], 0),
        (vec![named, ("no_proxy", "127.0.0.1:1")], 1),
    ];
    for (mut variables, through) in cases {
        // One signal, one connection.
        variables.push(("OTEL_METRICS_EXPORTER", "none"));
        let before = proxy.heads().len();
        let (output, _) = run_example_with("leaves", &["guard"], &receiver.endpoint(), &variables);
        assert_eq!(printed_ledger(&output).delivered, 100, "{variables:?}: {output:?}");
        assert_eq!(proxy.heads().len() - before, through, "{variables:?}");
    }
}

#[test]
fn a_proxy_that_refuses_is_told_as_such_and_without_credentials() {
    let refusals = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it asks for credentials"),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "status \"403\" \"Forbidden\""),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "it does not speak HTTP"),
    ];
    for (answer, told) in refusals {
        let (url, _) = crate::session::blunt_server(Duration::ZERO, answer);
        let proxy = url.replace("http://", "http://me:hunter2@");
        let variables = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("http_proxy", proxy.as_str()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        let (output, _) =
            run_example_with("leaves", &["guard"], "http://otel.example.org:4317", &variables);
        assert_eq!(printed_ledger(&output).dropped.unreachable, 100, "{output:?}");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(
            words.contains("by the proxy http://…@127.0.0.1") && words.contains(told),
            "{words}"
        );
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[test]
fn a_name_is_looked_up_by_the_proxy_that_opens_a_tunnel() {
    let proxy = Proxy::start();
    let session = Session::with(|config| {
        by(&proxy, "", config)
            .endpoint("https://nowhere.invalid:4317")
            .export_timeout(Duration::from_millis(300))
    });
    record(1);
    assert_eq!(flushed(), (1, 0));
    assert!(asked(&proxy).contains(&"CONNECT nowhere.invalid:4317 HTTP/1.1".to_owned()));
    assert_eq!(session.ledger().dropped.unreachable, 1);
}

#[test]
fn a_proxy_that_is_none_is_told_by_init() {
    let _turn = crate::session::turn();
    for bad in ["https://me:hunter2@p", "socks5://p", "http://", "two words"] {
        let mut config = Config::default().endpoint("http://localhost:4318");
        config.proxies.http = Some(bad.to_owned());
        let error = oxitel::init(config).expect_err("it cannot work").to_string();
        assert!(error.ends_with("cannot be used; write it like \"http://proxy:3128\""), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
