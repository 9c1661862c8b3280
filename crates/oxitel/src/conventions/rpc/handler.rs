//! Around the code that answers a call.

use super::{Call, Mode, active_handler};
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;

/// Runs a handler inside of its span and counts it as active; an error fails the span.
///
/// The span starts with this call, below the current one, and ends with the future.
///
/// ```
/// use oxitel::conventions::rpc::{Call, handle};
///
/// # async fn greet(name: &str) -> Result<String, std::io::Error> { Ok(name.to_owned()) }
/// # let _ =
/// handle(Call::new("greet", "example.hello"), greet("world"));
/// ```
pub fn handle<T, E: Error>(
    call: Call<'_>,
    handler: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let mut span = call.handler_span();
    let active = active_handler(Mode::Async);
    async move {
        let result = {
            let mut handler = pin!(handler);
            poll_fn(|cx| {
                let _current = span.enter();
                handler.as_mut().poll(cx)
            })
            .await
        };
        if let Err(error) = &result {
            span.record_error(error);
        }
        drop(active);
        result
    }
}

/// The same for a handler that is no future.
pub fn handle_sync<T, E: Error>(
    call: Call<'_>,
    handler: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let mut span = call.handler_span();
    let _active = active_handler(Mode::Sync);
    let result = {
        let _current = span.enter();
        handler()
    };
    if let Err(error) = &result {
        span.record_error(error);
    }
    result
}
