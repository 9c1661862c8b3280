//! What we use of Python's `logging`, found while the module loads.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

macro_rules! fields {
    ($($field:ident = $name:literal),* $(,)?) => {
        /// What a record of `logging` has, in the order in which it gets it. Everything else is
        /// an extra.
        #[derive(Clone, Copy)]
        #[expect(dead_code, reason = "some only have to be told from extras")]
        pub(super) enum Field { $($field),* }

        const FIELDS: &[&str] = &[$($name),*];

        /// How many fields there are.
        pub(super) const COUNT: usize = FIELDS.len();
    };
}

fields! {
    Name = "name", Message = "msg", Args = "args", LevelName = "levelname", Level = "levelno",
    Path = "pathname", File = "filename", Module = "module", Exception = "exc_info",
    ExceptionText = "exc_text", Stack = "stack_info", Line = "lineno", Function = "funcName",
    Created = "created", Milliseconds = "msecs", Relative = "relativeCreated",
    Thread = "thread", ThreadName = "threadName", ProcessName = "processName",
    Process = "process", Task = "taskName", Formatted = "message", Time = "asctime",
}

/// Objects of Python's `logging`, and names.
pub(crate) struct Names {
    /// Under this key a Context says that nothing is recorded in it.
    pub(super) suppressed: Py<PyString>,
    pub(super) record_type: Py<PyType>,
    /// In the order of [`Field`].
    pub(super) fields: [Py<PyString>; COUNT],
    pub(super) instance_dict: Py<PyString>,
    pub(super) get_message: Py<PyString>,
    pub(super) filters: Py<PyString>,
    pub(super) filter: Py<PyString>,
    pub(super) formatter: Py<PyString>,
    pub(super) format: Py<PyString>,
    pub(super) emit: Py<PyString>,
    pub(super) value: Py<PyString>,
}

impl Names {
    pub(crate) fn find(py: Python<'_>) -> PyResult<Self> {
        let name = |name: &str| PyString::intern(py, name).unbind();
        let suppressed =
            py.import("opentelemetry.context")?.getattr("_SUPPRESS_INSTRUMENTATION_KEY")?;
        let record_type = py.import("logging")?.getattr("LogRecord")?;
        Ok(Self {
            suppressed: suppressed.cast_into::<PyString>()?.unbind(),
            record_type: record_type.cast_into::<PyType>()?.unbind(),
            fields: std::array::from_fn(|index| name(FIELDS[index])),
            instance_dict: name("__dict__"),
            get_message: name("getMessage"),
            filters: name("filters"),
            filter: name("filter"),
            formatter: name("formatter"),
            format: name("format"),
            emit: name("emit"),
            value: name("_value_"),
        })
    }

    /// The place of a field; `expected` is tried first. `None`: it is an extra.
    pub(super) fn field(&self, key: &Bound<'_, PyAny>, expected: usize) -> Option<usize> {
        if self.fields.get(expected).is_some_and(|name| key.is(name)) {
            return Some(expected);
        }
        let same_object = self.fields.iter().position(|name| key.is(name));
        same_object.or_else(|| {
            // A record that came from elsewhere has keys of its own.
            let text = key.cast::<PyString>().ok()?.to_str().ok()?;
            FIELDS.iter().position(|name| *name == text)
        })
    }
}
