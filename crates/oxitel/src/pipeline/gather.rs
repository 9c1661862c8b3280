//! Metrics on their way: nobody queues them, they are collected, by the clock, for a flush and at
//! the end.
//!
//! Flow: **gather** -> outlets. Callbacks of the program may take their time, so it happens beside
//! the sender's thread.

use super::engine::Engine;
use super::health::Health;
use super::outlet::{Outlet, REQUEST_BYTES};
use super::parcel::Parcel;
use super::{buffer, clock, thread};
use crate::metrics;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The road of collections.
#[derive(Clone, Debug)]
pub(super) struct Gatherer {
    engine: &'static Engine,
    outlets: Vec<Arc<Outlet>>,
    /// `None`: the engine says nothing of itself.
    health: Option<Arc<Mutex<Health>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Gatherer {
    pub(super) fn new(
        engine: &'static Engine,
        outlets: Vec<Arc<Outlet>>,
        has_own_metrics: bool,
    ) -> Self {
        let health = has_own_metrics.then(|| Arc::new(Mutex::new(Health::new(engine))));
        Self { engine, outlets, health, turn: Arc::default() }
    }

    /// Collects what was measured up to now, and hands it to the outlets; `false`: it could not be
    /// collected. One at a time: a callback may take seconds.
    pub(super) async fn gather(self) -> bool {
        let _turn = self.turn.lock().await;
        let own = self.clone();
        let collected = thread::run(c"oxitel-collect", move || own.collect()).await;
        // A panic was reported when it happened; what was measured waits for the next time.
        let Ok(pieces) = collected else { return false };
        let lane = &self.engine.lanes.metrics;
        for piece in pieces {
            lane.ledger.recorded(piece.points);
            lane.ledger.queued(piece.points);
            let parcel = Parcel::of_scopes(piece, lane, self.outlets.len());
            for outlet in &self.outlets {
                outlet.offer(parcel.clone());
            }
        }
        true
    }

    fn collect(&self) -> Vec<metrics::Piece> {
        if let Some(health) = &self.health {
            buffer::lock(health).report(self.engine);
        }
        let begun = Instant::now();
        let pieces = metrics::collect_pieces(clock::now().wall_ns, REQUEST_BYTES);
        #[cfg(feature = "python")]
        let pieces = [pieces, crate::join::guests::collect_metrics(self.engine)].concat();
        if let Some(health) = &self.health {
            buffer::lock(health).collected(begun.elapsed());
        }
        pieces
    }
}
