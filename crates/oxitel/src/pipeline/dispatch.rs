//! What the sender does all the time: collects open chunks, hands what is queued to the outlets,
//! and reports flush tickets.
//!
//! Flow: queue -> **dispatch** -> outlets. Nothing here waits for a network.

use super::engine::Engine;
use super::gather::Gatherer;
use super::lane::Lane;
use super::operations::Operations;
use super::outlet::Outlet;
use super::parcel::Parcel;
use super::settings::{Route, Settings, SpoolAt};
use super::thread;
use crate::diagnose::{self, Cause};
use crate::export::SignalKind;
use crate::export::spool::{Disk, Keeper, Keepers, Options};
use crate::metrics::prometheus::{self, Served};
use crate::stats::Dropped;
use bytes::Bytes;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Between two attempts to open the page.
const PAGE_PATIENCE: Duration = Duration::from_secs(5);
/// How long the periodic collection waits for a thread that is inside its chunk.
const COLLECT_PATIENCE: Duration = Duration::from_millis(50);
/// When it comes back, if one did not leave it.
const NEXT_ATTEMPT: Duration = Duration::from_secs(1);

/// The sender's work from a start of the engine to its end.
#[derive(Debug)]
pub(super) struct Session {
    engine: &'static Engine,
    departments: Vec<Department>,
    metrics: Option<Metrics>,
    workers: Vec<JoinHandle<()>>,
    /// The last ticket that somebody watches.
    ticket: u64,
}

/// Metrics, which are collected.
#[derive(Debug)]
struct Metrics {
    gatherer: Gatherer,
    outlets: Vec<Arc<Outlet>>,
    interval: Duration,
    collect_at: Instant,
    under_way: Option<JoinHandle<bool>>,
}

/// One signal whose records are queued: its lane and who exports it.
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
        let (mut workers, mut keepers) = (Vec::new(), None);
        let mut departments = Vec::new();
        let mut metrics = None;
        for (signal, route) in settings.routes() {
            let operations = settings.own_metrics.then(|| Operations::of(signal));
            let common = (resource.clone(), operations);
            let outlets = outlets(engine, signal, route, &common, &mut keepers, &mut workers);
            if signal == SignalKind::Metrics {
                metrics = Some(Metrics::new(engine, settings, route, outlets));
            } else {
                departments.push(Department::new(engine, signal, route, outlets));
            }
        }
        if let Some(page) = &settings.page
            && let Some((host, port)) = &page.at
        {
            let served = Served::new(page, Arc::from(&*resource));
            drop(tokio::spawn(serve(host, *port, served)));
        }
        // Of tickets of earlier sessions there is nothing to report.
        let ticket = engine.control.finished();
        Self { engine, departments, metrics, workers, ticket }
    }

    /// Works until shutdown is asked for and everything is dealt with.
    pub(super) async fn work(&mut self) {
        while !self.turn().await {}
        // A program that leaves has collected them, when its callbacks could still answer.
        let metrics = self.metrics.as_ref().filter(|_| self.engine.control.leaves_by().is_none());
        if let Some(metrics) = metrics {
            tokio::select! {
                // A callback of the program may take longer than there is time.
                biased;
                () = self.engine.control.time_is_over() => self.engine.control.note_incomplete(),
                done = metrics.gatherer.clone().gather() => if !done {
                    self.engine.control.note_incomplete();
                }
            }
        }
        for outlet in self.outlets() {
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
        if let Some(metrics) = &mut self.metrics {
            metrics.collect_if_due();
        }
        if asked != self.ticket {
            self.ticket = asked;
            self.watch(asked, stopping);
        }
        // Threads that never stop recording leave time for the outlets.
        tokio::task::yield_now().await;
        stopping
    }

    fn outlets(&self) -> impl Iterator<Item = &Arc<Outlet>> {
        let metrics = self.metrics.iter().flat_map(|metrics| &metrics.outlets);
        self.departments.iter().flat_map(|department| &department.outlets).chain(metrics)
    }

    async fn wait(&self) {
        let due = self.departments.iter().map(|department| department.collect_at);
        let due = due.chain(self.metrics.iter().map(|metrics| metrics.collect_at)).min();
        let [traces, metrics, logs] = SignalKind::ALL.map(|signal| self.engine.lane(signal));
        let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
        tokio::select! {
            () = traces.woken() => {}
            () = metrics.woken() => {}
            () = logs.woken() => {}
            () = tokio::time::sleep_until(due.into()) => {}
        }
    }

    /// Reports the ticket when everything handed out by now, and what was measured by now, is dealt
    /// with. At the end metrics are collected once more anyway.
    fn watch(&self, ticket: u64, stopping: bool) {
        let engine = self.engine;
        let target = |outlet: &Arc<Outlet>| (Arc::clone(outlet), outlet.offered());
        let targets: Vec<_> = self.outlets().map(target).collect();
        let measured = self.metrics.as_ref().filter(|_| !stopping);
        let measured = measured.map(|it| (it.gatherer.clone(), it.outlets.clone()));
        tokio::spawn(async move {
            if let Some((gatherer, outlets)) = measured {
                if !gatherer.gather().await {
                    // Nobody says that all is done: the flush ends with its time.
                    return;
                }
                for (outlet, offered) in outlets.iter().map(target) {
                    outlet.settled_up_to(offered).await;
                }
            }
            for (outlet, offered) in targets {
                outlet.settled_up_to(offered).await;
            }
            engine.control.finish(ticket);
        });
    }
}

/// Serves the page for Prometheus as long as the runtime lives.
async fn serve(host: &'static str, port: u16, served: Served) {
    let listener = loop {
        match listen(host, port).await {
            Ok(listener) => break listener,
            Err(error) => {
                let text = format!("metrics are not served at {host}:{port}: {error}");
                diagnose::warn(Cause::NoPage, &text);
            }
        }
        tokio::time::sleep(PAGE_PATIENCE).await;
    };
    prometheus::serve(listener, served).await;
}

async fn listen(host: &'static str, port: u16) -> io::Result<TcpListener> {
    let look_up = move || (host, port).to_socket_addrs();
    let addresses: Vec<_> = thread::run(c"oxitel-resolve", look_up).await??.collect();
    TcpListener::bind(addresses.as_slice()).await
}

fn outlets(
    engine: &'static Engine,
    signal: SignalKind,
    route: &'static Route,
    (resource, operations): &(Bytes, Option<Operations>),
    keepers: &mut Option<Keepers<Disk>>,
    workers: &mut Vec<JoinHandle<()>>,
) -> Vec<Arc<Outlet>> {
    // One alone is bounded by the signal's budget. Of several, none may spend more than half of
    // it: what waits for the slowest would leave nothing for the others.
    // Metrics are not in the budget before they get here.
    let limit = match route.ways.len() {
        1 if signal == SignalKind::Metrics => route.queue_bytes,
        1 => usize::MAX,
        _ => route.queue_bytes / 2,
    };
    let open = route.ways.iter().map(|way| {
        let keeper = way.spool.as_ref().and_then(|spool| keeper(keepers, spool));
        let (resource, operations) = (resource.clone(), operations.clone());
        let (outlet, worker) =
            Outlet::open(engine, signal, way, resource, operations, keeper, limit);
        workers.push(worker);
        outlet
    });
    open.collect()
}

/// The spool's handle. Its thread is started when the first spool needs it; without the thread,
/// records are kept in memory alone.
fn keeper(keepers: &mut Option<Keepers<Disk>>, spool: &SpoolAt) -> Option<Keeper<Disk>> {
    if keepers.is_none() {
        match Keepers::start() {
            Ok(started) => *keepers = Some(started),
            Err(error) => {
                let text = format_args!("nothing is spooled, the system gives no thread: {error}");
                diagnose::warn(Cause::Spool, &text);
            }
        }
    }
    let options = Options::of(spool.bytes);
    Some(keepers.as_mut()?.open(Disk, spool.folder.clone(), options))
}

impl Metrics {
    fn new(
        engine: &'static Engine,
        settings: &Settings,
        route: &Route,
        outlets: Vec<Arc<Outlet>>,
    ) -> Self {
        Self {
            gatherer: Gatherer::new(engine, outlets.clone(), settings.own_metrics),
            outlets,
            interval: route.schedule_delay,
            collect_at: Instant::now() + route.schedule_delay,
            under_way: None,
        }
    }

    /// Collects in the background when the interval is over.
    fn collect_if_due(&mut self) {
        if Instant::now() >= self.collect_at {
            self.collect_at = Instant::now() + self.interval;
            // One that still waits for a callback does it for this interval, too.
            if self.under_way.as_ref().is_none_or(JoinHandle::is_finished) {
                self.under_way = Some(tokio::spawn(self.gatherer.clone().gather()));
            }
        }
    }
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
            let is_complete = engine.collect(self.signal, Instant::now() + COLLECT_PATIENCE);
            let delay = self.schedule_delay;
            let delay = if is_complete { delay } else { delay.min(NEXT_ATTEMPT) };
            self.collect_at = Instant::now() + delay;
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
