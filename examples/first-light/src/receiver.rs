//! `first-light receiver`: takes OTLP in and shows what came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use oxitel::testing::Receiver;

use crate::output;
use crate::stop::Stop;
use crate::summary::Summary;

/// Receives until the process is asked to end.
pub(crate) async fn run(addresses: &[SocketAddr]) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let receiver = Receiver::listen(addresses)
        .with_context(|| format!("no receiver can listen on {addresses:?}"))?;
    show(&receiver);
    output::ready(&receiver.endpoint())?;
    stop.asked().await;
    Ok(())
}

/// Sums up what arrives, before it is answered, and serves the sum as pages.
fn show(receiver: &Receiver) {
    let summary = Arc::new(Mutex::new(Summary::default()));
    let (of_spans, of_json, of_tree) = (Arc::clone(&summary), Arc::clone(&summary), summary);
    receiver.hand_over(move |_request, spans| {
        let mut summary = locked(&of_spans);
        for record in spans {
            summary.add(record);
        }
    });
    receiver.page("/summary", "application/json", move || locked(&of_json).json());
    receiver.page("/tree", "text/plain; charset=utf-8", move || locked(&of_tree).tree());
}

/// A page that panicked has changed nothing: poison is ignored.
fn locked(summary: &Mutex<Summary>) -> MutexGuard<'_, Summary> {
    summary.lock().unwrap_or_else(PoisonError::into_inner)
}
