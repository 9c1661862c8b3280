//! A second extension in a process with `oxitel`: what its author writes, in small.
//!
//! Another version of PyO3 and another allocator than the host's: nothing of either may matter.

use oxitel::context::Baggage;
use oxitel::join::{self, InPython, Joined};
use oxitel::metrics::Meter;
use oxitel::{Config, Scope, SpanContext};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

static GUEST: Scope = Scope::new("guest");

/// Who takes what is recorded here, in words.
#[pyfunction]
fn joined() -> String {
    match join::join("guest") {
        Joined::Host => "host".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Starts an engine of this extension's own.
#[pyfunction]
fn start(py: Python<'_>, endpoint: String) -> bool {
    let config = Config::default().service_name("guest").endpoint(endpoint);
    py.detach(|| oxitel::init(config)).map(std::mem::forget).is_ok()
}

/// A span.
#[pyfunction]
fn leaf(name: &str) {
    let _python = join::enter();
    GUEST.enter(name).set_attribute("allocated", "x".repeat(100).as_str());
}

/// A span with so many bytes in it.
#[pyfunction]
fn large(name: &str, bytes: usize) {
    let _python = join::enter();
    GUEST.enter(name).set_attribute("large", "x".repeat(bytes).as_str());
}

/// A span with one below it, for which the interpreter is let go.
#[pyfunction]
fn leaf_free(py: Python<'_>, name: &str) {
    let _python = join::enter();
    let _span = GUEST.enter(name);
    py.detach(|| drop(GUEST.enter("inner")));
}

/// A span of `tracing`, with an event in it.
#[pyfunction]
fn traced(text: &str) {
    let _python = join::enter();
    let _span = tracing::info_span!("traced").entered();
    tracing::info!(text, "said");
}

/// A call into Python below a span.
#[pyfunction]
fn call(name: &str, callback: &Bound<'_, PyAny>) -> PyResult<()> {
    let _python = join::enter();
    let _span = GUEST.enter(name);
    let _rust = join::in_python();
    callback.call0().map(drop)
}

/// A call into Python from where Rust has baggage and no span.
#[pyfunction]
fn call_with_baggage(name: &str, value: &str, callback: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut baggage = Baggage::new();
    baggage.insert(name, value);
    let _place = oxitel::context::root().with_baggage(&baggage).attach();
    let _rust = join::in_python();
    callback.call0().map(drop)
}

/// A call from a thread of Rust's below a span, which takes the caller's place along.
#[pyfunction]
fn call_in_thread(py: Python<'_>, name: &str, callback: Py<PyAny>) {
    let _python = join::enter();
    let _span = GUEST.enter(name);
    let place = oxitel::context::capture();
    let call = move || {
        let _place = place.attach();
        let _span = GUEST.enter("in thread");
        Python::attach(|py| {
            let _rust = join::in_python();
            callback.call0(py).map_err(|error| error.print(py)).ok();
            drop(callback);
        });
    };
    py.detach(|| thread::spawn(call).join()).expect("no panic");
}

/// A span that is current in Python for the length of a `with` block, over awaits as well.
#[pyclass]
struct Hold {
    name: String,
    held: Mutex<Option<(oxitel::Span, InPython)>>,
}

#[pymethods]
impl Hold {
    #[new]
    fn new(name: String) -> Self {
        Self { name, held: Mutex::new(None) }
    }

    fn __enter__(&self) {
        let _python = join::enter();
        let span = GUEST.span(&self.name);
        let current = join::in_python_at(&span.context());
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((span, current));
    }

    fn __exit__(
        &self,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(held);
    }
}

/// The headers of a request that this extension would send.
#[pyfunction]
fn headers(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let _python = join::enter();
    let headers = PyDict::new(py);
    let mut failed = None;
    oxitel::propagate::inject(|name, value| failed = headers.set_item(name, value).err());
    failed.map_or(Ok(headers), Err)
}

/// The current span of this thread without a look at Python: trace and span.
#[pyfunction]
fn left_over() -> bool {
    oxitel::context::capture().span_context() != &SpanContext::NONE
}

/// Adds to a counter.
#[pyfunction]
fn count(number: u64) {
    let _python = join::enter();
    Meter::of(&GUEST).u64_counter("guest.calls").build().add(number, &[]);
}

/// Hands everything over, or delivers it; whether nothing was lost.
#[pyfunction]
fn flush(py: Python<'_>, seconds: f64) -> bool {
    py.detach(|| oxitel::flush(Duration::from_secs_f64(seconds))).is_ok()
}

/// The ledger of this extension's records: recorded, delivered, dropped, queued.
#[pyfunction]
fn stats() -> (u64, u64, u64, u64) {
    let stats = oxitel::stats();
    (stats.recorded, stats.delivered, stats.lost(), stats.queued)
}

static STOP: AtomicBool = AtomicBool::new(false);
static MADE: AtomicU64 = AtomicU64::new(0);

/// Threads of Rust that never see Python and record all the time.
#[pyfunction]
fn background(threads: usize, pause_us: u64) {
    for _ in 0..threads {
        thread::spawn(move || {
            while !STOP.load(Ordering::Relaxed) {
                drop(GUEST.enter("background"));
                MADE.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_micros(pause_us));
            }
            MADE.fetch_add(1 << 32, Ordering::Relaxed);
        });
    }
}

/// Ends `threads` of them; how many spans they have made.
#[pyfunction]
fn stop(py: Python<'_>, threads: u64) -> u64 {
    STOP.store(true, Ordering::Relaxed);
    py.detach(|| {
        while MADE.load(Ordering::Relaxed) >> 32 < threads {
            thread::sleep(Duration::from_millis(1));
        }
    });
    MADE.load(Ordering::Relaxed) & 0xffff_ffff
}

#[pymodule]
fn guest(module: &Bound<'_, PyModule>) -> PyResult<()> {
    join::join("guest");
    module.add_class::<Hold>()?;
    for function in [
        wrap_pyfunction!(joined, module)?,
        wrap_pyfunction!(start, module)?,
        wrap_pyfunction!(leaf, module)?,
        wrap_pyfunction!(large, module)?,
        wrap_pyfunction!(leaf_free, module)?,
        wrap_pyfunction!(traced, module)?,
        wrap_pyfunction!(call, module)?,
        wrap_pyfunction!(call_with_baggage, module)?,
        wrap_pyfunction!(call_in_thread, module)?,
        wrap_pyfunction!(headers, module)?,
        wrap_pyfunction!(left_over, module)?,
        wrap_pyfunction!(count, module)?,
        wrap_pyfunction!(flush, module)?,
        wrap_pyfunction!(stats, module)?,
        wrap_pyfunction!(background, module)?,
        wrap_pyfunction!(stop, module)?,
    ] {
        module.add_function(function)?;
    }
    Ok(())
}
