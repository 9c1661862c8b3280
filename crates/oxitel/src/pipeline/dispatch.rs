//! What the sender does all the time: collects open chunks, hands what is queued to the outlets,
//! and reports flush tickets.
//!
//! Flow: queue -> **dispatch** -> outlets. Nothing here waits for a network.

use super::engine::Engine;
use super::lane::Lane;
use super::outlet::Outlet;
use super::parcel::Parcel;
use super::settings::{Route, Settings};
use crate::diagnose::{self, Cause};
use crate::export::SignalKind;
use crate::stats::Dropped;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long the periodic collection waits for a thread that is inside its chunk.
const COLLECT_PATIENCE: Duration = Duration::from_millis(50);

/// The sender's work from a start of the engine to its end.
#[derive(Debug)]
pub(super) struct Session {
    engine: &'static Engine,
    departments: Vec<Department>,
    workers: Vec<JoinHandle<()>>,
    /// The last ticket that somebody watches.
    ticket: u64,
}

/// One signal: its lane and who exports it.
#[derive(Debug)]
struct Department {
    signal: SignalKind,
    lane: &'static Lane,
    outlets: Vec<Arc<Outlet>>,
    schedule_delay: Duration,
    collect_at: Instant,
    /// What was dropped at the last report.
    dropped: Dropped,
}

impl Session {
    /// Opens every signal's outlets. Runs inside of the sender's runtime.
    pub(super) fn open(engine: &'static Engine, settings: &'static Settings) -> Self {
        let resource = Bytes::from(settings.resource.encode(&engine.instance_id));
        let mut workers = Vec::new();
        let departments = settings.routes().map(|(signal, route)| {
            let outlets = outlets(engine, signal, route, &resource, &mut workers);
            Department::new(engine, signal, route, outlets)
        });
        let departments = departments.collect();
        Self { engine, departments, workers, ticket: 0 }
    }

    /// Works until shutdown is asked for and everything is dealt with.
    pub(super) async fn work(&mut self) {
        while !self.turn().await {}
        for outlet in self.departments.iter().flat_map(|department| &department.outlets) {
            outlet.close();
        }
        for worker in self.workers.drain(..) {
            // It ends by itself; its panics were reported.
            let _ = worker.await;
        }
    }

    /// Waits for something to do, and does it; `true` when it was the last time.
    async fn turn(&mut self) -> bool {
        let control = &self.engine.control;
        if control.ticket() == self.ticket && self.departments.iter().all(Department::is_idle) {
            self.wait().await;
        }
        // Read before the queues are emptied: what was recorded before a flush is in them.
        let (asked, stopping) = (control.ticket(), control.stop_by().is_some());
        for department in &mut self.departments {
            department.collect_if_due(self.engine);
            department.report_drops();
            department.hand_out();
        }
        if asked != self.ticket {
            self.ticket = asked;
            self.watch(asked);
        }
        stopping
    }

    async fn wait(&self) {
        let due = self.departments.iter().map(|department| department.collect_at).min();
        let [traces, metrics, logs] = SignalKind::ALL.map(|signal| self.engine.lane(signal));
        let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
        tokio::select! {
            () = traces.woken() => {}
            () = metrics.woken() => {}
            () = logs.woken() => {}
            () = tokio::time::sleep_until(due.into()) => {}
        }
    }

    /// Reports the ticket when everything handed out by now is dealt with.
    fn watch(&self, ticket: u64) {
        let engine = self.engine;
        let outlets = self.departments.iter().flat_map(|department| &department.outlets);
        let targets: Vec<_> =
            outlets.map(|outlet| (Arc::clone(outlet), outlet.offered())).collect();
        tokio::spawn(async move {
            for (outlet, offered) in targets {
                outlet.settled_up_to(offered).await;
            }
            engine.control.finish(ticket);
        });
    }
}

fn outlets(
    engine: &'static Engine,
    signal: SignalKind,
    route: &'static Route,
    resource: &Bytes,
    workers: &mut Vec<JoinHandle<()>>,
) -> Vec<Arc<Outlet>> {
    // One alone is bounded by the signal's budget. Of several, none may spend more than half of
    // it: what waits for the slowest would leave nothing for the others.
    let limit = if route.ways.len() > 1 { route.queue_bytes / 2 } else { usize::MAX };
    let open = route.ways.iter().map(|way| {
        let (outlet, worker) = Outlet::open(engine, signal, way, resource.clone(), limit);
        workers.push(worker);
        outlet
    });
    open.collect()
}

impl Department {
    fn new(
        engine: &'static Engine,
        signal: SignalKind,
        route: &Route,
        outlets: Vec<Arc<Outlet>>,
    ) -> Self {
        let lane = engine.lane(signal);
        Self {
            signal,
            lane,
            outlets,
            schedule_delay: route.schedule_delay,
            collect_at: Instant::now() + route.schedule_delay,
            dropped: lane.ledger.read().dropped,
        }
    }

    fn is_idle(&self) -> bool {
        self.lane.is_empty()
    }

    fn collect_if_due(&mut self, engine: &Engine) {
        if Instant::now() >= self.collect_at || self.lane.collection_wanted() {
            engine.collect(self.signal, Instant::now() + COLLECT_PATIENCE);
            self.collect_at = Instant::now() + self.schedule_delay;
        }
    }

    /// Shares what is queued now among the outlets.
    fn hand_out(&self) {
        for buffer in self.lane.take_all() {
            let parcel = Parcel::new(buffer, self.lane, self.outlets.len());
            for outlet in &self.outlets {
                outlet.offer(parcel.clone());
            }
        }
    }

    /// Says what recording threads dropped since the last report; they have no time to say it
    /// themselves.
    fn report_drops(&mut self) {
        let now = self.lane.ledger.read().dropped;
        let full = now.queue_full.saturating_sub(self.dropped.queue_full);
        if full > 0 {
            let text =
                format_args!("{full} records were dropped: the memory for telemetry is full");
            diagnose::warn(Cause::QueueFull, &text);
        }
        let large = now.too_large.saturating_sub(self.dropped.too_large);
        if large > 0 {
            let text = format_args!("{large} records were dropped: no request can be so large");
            diagnose::warn(Cause::TooLarge, &text);
        }
        self.dropped = now;
    }
}
