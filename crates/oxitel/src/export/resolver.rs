//! Looks names up on threads of their own.
//!
//! Flow: `dial` -> **resolver** -> the system's resolver. That one may hang for half
//! a minute, and nothing ends it. So a destination never has two lookups under way: who asks again
//! waits for the one that runs. Destinations take turns, so that one such thread is usually enough; whose
//! turn does not come soon goes without, so that a name that hangs holds up no other.

use crate::pipeline::thread;
use hyper_util::client::legacy::connect::dns::Name;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;
use tokio::sync::{Semaphore, watch};
use tower_service::Service;

/// How long a destination waits for its turn.
const PATIENCE: Duration = Duration::from_millis(200);

thread_local! {
    /// The turn. All destinations live on the sender's thread.
    static TURN: Arc<Semaphore> = Arc::new(Semaphore::new(1));
}

/// The resolver of one destination.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolver {
    under_way: Arc<Mutex<Option<Lookup>>>,
}

/// The last lookup: nothing as long as it runs.
type Lookup = watch::Receiver<Option<Found>>;

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let mut lookup = self.joined(&name);
        Box::pin(async move {
            let found = lookup.wait_for(Option::is_some).await;
            // An error: the lookup panicked, or the runtime ends.
            let found = found.map_err(io::Error::other)?.clone();
            match found {
                Some(Ok(addresses)) => Ok(addresses.into_iter()),
                Some(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
                None => Err(io::ErrorKind::NotFound.into()),
            }
        })
    }
}

impl Resolver {
    /// The lookup that runs, or a new one.
    fn joined(&self, name: &Name) -> Lookup {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = under_way.as_ref().filter(|lookup| is_running(lookup)) {
            return lookup.clone();
        }
        let lookup = begin(name.as_str().to_owned());
        *under_way = Some(lookup.clone());
        lookup
    }
}

fn is_running(lookup: &Lookup) -> bool {
    // Without a sender and without a result it panicked.
    lookup.borrow().is_none() && lookup.has_changed().is_ok()
}

fn begin(name: String) -> Lookup {
    let (found, lookup) = watch::channel(None);
    tokio::spawn(async move {
        let turn = TURN.with(Arc::clone).acquire_owned();
        // Both errors mean that it goes without.
        let turn = tokio::time::timeout(PATIENCE, turn).await.ok().and_then(Result::ok);
        let looked_up = thread::run(c"oxitel-name", move || {
            let _turn = turn;
            (name.as_str(), 0).to_socket_addrs().map(Iterator::collect)
        });
        let addresses = looked_up.await.and_then(|addresses| addresses);
        found.send_replace(Some(addresses.map_err(Arc::new)));
    });
    lookup
}
