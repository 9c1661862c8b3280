//! A value whose `Debug` implementation uses `tracing` itself, in every place where values are
//! formatted: a new span, a late field, an event. `chatty layer` or `chatty subscriber`; with
//! `flush` behind it, it sends twice: what the first sending says over `tracing` would be in the
//! second.

use oxitel::Config;
use std::fmt;
use tracing::field::debug;
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _entered = info_span!("made while formatting").entered();
        info!("said while formatting");
        f.write_str("chatty")
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _guard = oxitel::init(Config::new("chatty"))?;
    if std::env::args().nth(1).as_deref() == Some("layer") {
        let subscriber = tracing_subscriber::registry().with(oxitel::bridge::layer());
        tracing::subscriber::set_global_default(subscriber)?;
    } else {
        oxitel::bridge::subscriber().console().try_init()?;
    }
    let span = info_span!("span", early = ?Chatty, late = tracing::field::Empty).entered();
    tracing::Span::current().record("late", debug(&Chatty));
    info!(value = ?Chatty, "event");
    drop(span);
    if std::env::args().nth(2).as_deref() == Some("flush") {
        oxitel::flush(std::time::Duration::from_secs(5))?;
    }
    Ok(())
}
