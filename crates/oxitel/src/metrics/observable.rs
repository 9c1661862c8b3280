//! Instruments that are asked: their callbacks run at each collection, on a thread that records
//! nothing else, for so long and no longer.

use super::instrument::{self, Instrument};
use super::number::{AnyNumber, Number};
use super::session::Session;
use super::set::Set;
use crate::diagnose::{self, Cause};
use crate::pipeline::thread;
use crate::record::Value;
use crate::record::contained::{self, Inside};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a callback tells: valid inside of it, and nowhere else.
pub struct Observer<'a, N> {
    told: &'a Told,
    number: PhantomData<N>,
}

impl<N: Number> Observer<'_, N> {
    /// The value with these attributes. Of two values with the same ones the later one counts;
    /// what is no number is left out.
    pub fn observe(&self, value: N, attributes: &[(&str, Value<'_>)]) {
        if self.told.takes_any || value.finite() {
            let value = value.any();
            let set = super::handle::set_of(attributes);
            self.told.values().push((set, value));
        }
    }
}

impl<N> fmt::Debug for Observer<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What the callbacks of one instrument have said.
pub(crate) struct Told {
    /// Behind a lock, because the OpenTelemetry API's observers may be sent to other threads.
    values: Mutex<Vec<(Set, AnyNumber)>>,
    takes_any: bool,
}

impl Told {
    fn values(&self) -> MutexGuard<'_, Vec<(Set, AnyNumber)>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observer<N: Number>(&self) -> Observer<'_, N> {
        Observer { told: self, number: PhantomData }
    }
}

/// A function of the program.
pub(crate) struct Callback {
    run: Box<dyn Fn(&Told) + Send + Sync>,
    is_on: AtomicBool,
}

impl Callback {
    pub(crate) fn new(run: impl Fn(&Told) + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), is_on: AtomicBool::new(true) }
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }
}

/// An instrument that is asked at each collection, as long as the program runs or until
/// [`stop`](Self::stop).
#[derive(Clone)]
pub struct Observable {
    pub(super) callbacks: Vec<&'static Callback>,
}

impl Observable {
    /// Asks no more.
    pub fn stop(&self) {
        for callback in &self.callbacks {
            callback.is_on.store(false, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observable")
    }
}

/// What the callbacks said, by instrument.
pub(crate) type Observations = HashMap<u32, Vec<(Set, AnyNumber)>>;

/// Runs all callbacks, and waits for them within the session's bound. Those that have not answered
/// by then give no points this time.
pub(crate) fn ask(session: &Session) -> Observations {
    let is_asked = |it: &&'static Instrument| it.callbacks.iter().any(Callback::is_on);
    let mut instruments: Vec<_> = instrument::all().filter(is_asked).collect();
    if instruments.is_empty() {
        return HashMap::new();
    }
    instruments.sort_by_key(|instrument| instrument.id);
    if session.is_observing.swap(true, Ordering::Acquire) {
        diagnose::warn(
            Cause::Observables,
            &"a callback of an observable instrument still runs: none is asked this time",
        );
        return HashMap::new();
    }
    let (answer, answers) = mpsc::channel();
    let busy = Busy(Arc::clone(&session.is_observing));
    let started = thread::spawn(c"oxitel-observe", move || run(&instruments, &answer, busy));
    match started {
        Ok(()) => receive(&answers, session.settings.callback_timeout),
        Err(error) => {
            let text = format_args!("observable instruments are not asked: {error}");
            diagnose::warn(Cause::Observables, &text);
            HashMap::new()
        }
    }
}

/// Gone when the thread is, however it ends.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

type Answer = (u32, Vec<(Set, AnyNumber)>);

fn run(instruments: &[&'static Instrument], answer: &Sender<Answer>, busy: Busy) {
    for instrument in instruments {
        use super::kind::InstrumentKind::ObservableGauge;
        let takes_any = instrument.description.kind == ObservableGauge;
        let told = Told { values: Mutex::default(), takes_any };
        let mut callbacks: Vec<_> = instrument.callbacks.iter().collect();
        callbacks.reverse();
        for callback in callbacks.into_iter().filter(|callback| callback.is_on()) {
            // It is counted and said there; what it told before stays.
            let _ = contained::call(Inside::Hook, || (callback.run)(&told));
        }
        // Nobody listens any more: the time was over.
        if answer.send((instrument.id, mem::take(&mut *told.values()))).is_err() {
            break;
        }
    }
    drop(busy);
}

fn receive(answers: &Receiver<Answer>, patience: Duration) -> Observations {
    let deadline = Instant::now() + patience;
    let mut observations = HashMap::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match answers.recv_timeout(left) {
            Ok((instrument, values)) => {
                observations.insert(instrument, values);
            }
            Err(RecvTimeoutError::Disconnected) => return observations,
            Err(RecvTimeoutError::Timeout) => {
                let text = format_args!(
                    "callbacks of observable instruments took longer than {patience:?}: what \
                     they have not told is left out this time"
                );
                diagnose::warn(Cause::Observables, &text);
                return observations;
            }
        }
    }
}
