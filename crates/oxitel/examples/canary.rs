//! Puts a secret into everything that records take, one span per row of a table. The tests start
//! it and look for the secret in what arrived and in what it printed.
//!
//! `canary SECRET [off] [logs]`: with `off`, nothing is redacted; with `logs`, events become log
//! records, and there are two more.

use oxitel::{
    Config, Decision, LogRecord, Redaction, Sampler, Sampling, Scope, Severity, ShouldSample,
    Status, TracingEvents, Value,
};
use std::fmt;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

static SCOPE: Scope = Scope::new("canary");

/// The name of a row is the name of its span.
type Row = (&'static str, fn(&str, &str));

const ROWS: &[Row] = &[
    ("a header", |row, secret| {
        let value = format!("Bearer {secret}");
        SCOPE.span(row).set_attribute("http.request.header.authorization", &value);
    }),
    ("a header that is a list", |row, secret| {
        let cookie = format!("session={secret}; Secure");
        let list = [Value::Str("a=b"), Value::Str(&cookie)];
        SCOPE.span(row).set_attribute("http.response.header.set-cookie", &list[..]);
    }),
    ("a scheme in another header", |row, secret| {
        let value = format!("Bearer {secret}");
        SCOPE.span(row).set_attribute("http.request.header.x-forwarded-auth", &value);
    }),
    ("a password", |row, secret| {
        SCOPE.span(row).set_attribute("user.password", secret);
    }),
    ("a password that was overwritten", |row, secret| {
        SCOPE.span(row).set_attribute("db_passwd", "x").set_attribute("db_passwd", secret);
    }),
    ("a long password", |row, secret| {
        let value = secret.repeat(1_000);
        SCOPE.span(row).set_attribute("user.password", &value);
    }),
    ("a password in bytes", |row, secret| {
        SCOPE.span(row).set_attribute("apiKey", secret.as_bytes());
    }),
    ("a password in a map", |row, secret| {
        let inner = [("name", Value::Str("me")), ("password", Value::Str(secret))];
        let outer = [("user", Value::Map(&inner))];
        SCOPE.span(row).set_attribute("request", Value::Map(&outer));
    }),
    ("a URL with credentials", |row, secret| {
        let url = format!("https://me:{secret}@host/path");
        SCOPE.span(row).set_attribute("url.full", &url);
    }),
    ("a URL with a signature", |row, secret| {
        let url = format!("https://host/path?color=blue&sig={secret}");
        SCOPE.span(row).set_attribute("url.full", &url);
    }),
    ("a URL under any key", |row, secret| {
        let url = format!("fetched https://{secret}@host");
        SCOPE.span(row).set_attribute("note", &url);
    }),
    ("a query", |row, secret| {
        let query = format!("access_token={secret}&page=1");
        SCOPE.span(row).set_attribute("url.query", &query);
    }),
    ("a connection string", |row, secret| {
        let connection = format!("host=db user=me password={secret}");
        SCOPE.span(row).set_attribute("db.connection_string", &connection);
    }),
    ("a statement", |row, secret| {
        let statement = format!("SELECT * FROM users WHERE key = '{secret}' -- {secret}");
        SCOPE.span(row).set_attribute("db.query.text", &statement);
    }),
    ("a name", |row, secret| {
        let url = format!("GET https://me:{secret}@host {row}");
        SCOPE.span(&url).set_attribute("row", row);
    }),
    ("another name", |row, secret| {
        let url = format!("GET https://me:{secret}@host {row}");
        SCOPE.span("unnamed").update_name(&url).set_attribute("row", row);
    }),
    ("an event", |row, secret| {
        SCOPE.span(row).add_event("login", &[("password", Value::Str(secret))]);
    }),
    ("an event's name", |row, secret| {
        let name = format!("connecting to postgres://me:{secret}@db");
        SCOPE.span(row).add_event(&name, &[]);
    }),
    ("an exception", |row, secret| {
        SCOPE.span(row).record_error(&Refused(format!("401: authorization: Bearer {secret}")));
    }),
    ("a stack trace", |row, secret| {
        let trace = format!("at connect(\"redis://:{secret}@cache\")");
        SCOPE.span(row).add_event("exception", &[("exception.stacktrace", Value::Str(&trace))]);
    }),
    ("a status", |row, secret| {
        let message = format!("could not connect: password={secret}");
        SCOPE.span(row).set_status(Status::Error(&message));
    }),
    ("a link", |row, secret| {
        let mut span = SCOPE.span(row);
        let own = span.context();
        span.add_link(&own, &[("client_secret", Value::Str(secret))]);
    }),
    ("the builder", |row, secret| {
        let builder = SCOPE.build(row).attribute("token", secret);
        println!("{builder:?}");
        let span = builder.start();
        println!("{span:?}");
    }),
    ("a sampler", |row, _| drop(SCOPE.span(row))),
    ("a hook", |row, _| drop(SCOPE.span(row))),
    ("a field", |row, secret| {
        tracing::info_span!("field", otel.name = row, password = secret).in_scope(|| {});
    }),
    ("a field that is printed", |row, secret| {
        let url = format!("https://me:{secret}@host");
        tracing::info_span!("field", otel.name = row, ?url).in_scope(|| {});
    }),
    ("a field that came late", |row, secret| {
        let span = tracing::info_span!("field", otel.name = row, token = tracing::field::Empty);
        span.record("token", secret);
    }),
    ("a log message", |row, secret| {
        tracing::info_span!("log", otel.name = row)
            .in_scope(|| tracing::info!("refused: https://me:{secret}@host"));
    }),
    ("a field of a log message", |row, secret| {
        tracing::info_span!("log", otel.name = row)
            .in_scope(|| tracing::info!(api_key = secret, "refused"));
    }),
    ("a status field", |row, secret| {
        let message = format!("token={secret}");
        tracing::info_span!("status", otel.name = row, otel.status_message = message)
            .in_scope(|| {});
    }),
];

#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

struct Telling(String);

impl ShouldSample for Telling {
    fn should_sample(&self, sampling: &Sampling<'_>) -> Decision {
        let decision = Decision::keep();
        if sampling.name == "a sampler" { decision.attribute("secret", &*self.0) } else { decision }
    }
}

fn log(secret: &str) {
    let body = format!("refused: https://me:{secret}@host");
    SCOPE.log(&LogRecord::new(Severity::WARN, &body).attributes(&[("token", secret.into())]));
    let map = [("password", Value::Str(secret))];
    SCOPE.log(&LogRecord::new(Severity::WARN, Value::Map(&map)));
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let secret = arguments.next().expect("a secret");
    let others: Vec<_> = arguments.collect();
    let says = |word: &str| others.iter().any(|other| other == word);
    let redaction = if says("off") { Redaction::off() } else { Redaction::default() };
    let events = if says("logs") { TracingEvents::LogRecords } else { TracingEvents::SpanEvents };
    let told = secret.clone();
    let config = Config::new("canary")
        .header("x-tenant-token", &secret)
        .resource_attribute("deploy.token", &secret)
        .resource_attribute("repository", format!("https://me:{secret}@host/repository"))
        .redaction(redaction)
        .tracing_events(events)
        .sampler(Sampler::custom(Telling(secret.clone())))
        .on_start(move |span, _| {
            if span.as_ref().name() == "a hook" {
                span.set_attribute("password", &told);
            }
        });
    println!("{:?} {:?}", config.headers, config.sampler);
    let guard = oxitel::init(config).expect("telemetry starts");
    let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
    tracing::subscriber::with_default(subscriber, || {
        for (name, record) in ROWS {
            record(name, &secret);
        }
    });
    if says("logs") {
        log(&secret);
    }
    let flushed = oxitel::flush(Duration::from_secs(10));
    println!("{guard:?} {flushed:?} {:?}", oxitel::stats());
    drop(guard);
    // An endpoint with credentials in it is refused, and nothing is shown of them.
    let refused = oxitel::init(Config::default().endpoint(format!("http://me:{secret}@host:4318")));
    println!("{refused:?} {}", refused.as_ref().expect_err("not an endpoint"));
    println!("rows {}", ROWS.len());
}
