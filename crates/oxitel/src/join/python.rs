//! The few functions of the interpreter that a guest needs, looked up while the program runs: the
//! crate links into programs without Python, and next to any version of `PyO3`.

use super::abi::{Capsule, HOST};
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A Python object.
pub(super) type Object = *mut c_void;

/// A function for Python that is written here: the interpreter's `PyMethodDef`.
#[repr(C)]
pub(super) struct Method {
    name: *const c_char,
    function: unsafe extern "C" fn(Object, Object) -> Object,
    flags: c_int,
    doc: *const c_char,
}

// SAFETY: its name is a static's, and the function can be called from anywhere.
unsafe impl Sync for Method {}

impl Method {
    /// One without arguments.
    pub(super) const fn new(
        name: &'static CStr,
        function: unsafe extern "C" fn(Object, Object) -> Object,
    ) -> Self {
        const NO_ARGUMENTS: c_int = 4;
        Self { name: name.as_ptr(), function, flags: NO_ARGUMENTS, doc: ptr::null() }
    }
}

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        #[expect(non_snake_case, reason = "the interpreter's names")]
        pub(super) struct Functions {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// `PyExc_ModuleNotFoundError`: where the exception's class stands.
            not_found: *const Object,
            /// The thread state that runs now; under one of two names, by the version.
            running_thread_state: Option<unsafe extern "C" fn() -> Object>,
        }

        impl Functions {
            fn look_up() -> Option<Self> {
                Some(Self {
                    $($name: {
                        let found = symbol(concat!(stringify!($name), "\0"))?;
                        // SAFETY: the interpreter's function of this name has this signature, in
                        // every version since 3.10.
                        unsafe {
                            std::mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($argument),*) $(-> $result)?,
                            >(found)
                        }
                    },)*
                    not_found: symbol("PyExc_ModuleNotFoundError\0")?.cast(),
                    running_thread_state: symbol("PyThreadState_GetUnchecked\0")
                        .or_else(|| symbol("_PyThreadState_UncheckedGet\0"))
                        // SAFETY: as above.
                        .map(|found| unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> Object>(
                                found,
                            )
                        }),
                })
            }
        }
    };
}

functions! {
    Py_IsInitialized: fn() -> c_int;
    PyGILState_Check: fn() -> c_int;
    PyGILState_GetThisThreadState: fn() -> Object;
    Py_DecRef: fn(Object);
    PyImport_ImportModule: fn(*const c_char) -> Object;
    PyImport_GetModule: fn(Object) -> Object;
    PyObject_GetAttrString: fn(Object, *const c_char) -> Object;
    PyObject_IsTrue: fn(Object) -> c_int;
    PyObject_Size: fn(Object) -> isize;
    PyObject_Str: fn(Object) -> Object;
    PyObject_Call: fn(Object, Object, Object) -> Object;
    PyTuple_New: fn(isize) -> Object;
    PyTuple_SetItem: fn(Object, isize, Object) -> c_int;
    PyTuple_GetItem: fn(Object, isize) -> Object;
    PyDict_GetItem: fn(Object, Object) -> Object;
    PyLong_AsLong: fn(Object) -> c_long;
    PyLong_FromLong: fn(c_long) -> Object;
    PyBool_FromLong: fn(c_long) -> Object;
    PyLong_FromString: fn(*const c_char, *mut *mut c_char, c_int) -> Object;
    PyLong_AsUnsignedLongLongMask: fn(Object) -> u64;
    PyNumber_Rshift: fn(Object, Object) -> Object;
    PyUnicode_FromStringAndSize: fn(*const c_char, isize) -> Object;
    PyUnicode_AsUTF8AndSize: fn(Object, *mut isize) -> *const c_char;
    PyCFunction_NewEx: fn(*const Method, Object, Object) -> Object;
    PyCapsule_GetPointer: fn(Object, *const c_char) -> *mut c_void;
    PyErr_Occurred: fn() -> Object;
    PyErr_Fetch: fn(*mut Object, *mut Object, *mut Object);
    PyErr_NormalizeException: fn(*mut Object, *mut Object, *mut Object);
    PyErr_Restore: fn(Object, Object, Object);
    PyErr_ExceptionMatches: fn(Object) -> c_int;
    PyErr_Clear: fn();
}

/// Found once and kept; threads that race find the same.
static FOUND: AtomicPtr<Functions> = AtomicPtr::new(ptr::null_mut());

/// The interpreter's functions; `None` in a process without Python.
pub(super) fn functions() -> Option<&'static Functions> {
    // Acquire: pairs with the exchange below.
    // SAFETY: null, or published below and never freed.
    if let Some(found) = unsafe { FOUND.load(Ordering::Acquire).as_ref() } {
        return Some(found);
    }
    let fresh = Box::into_raw(Box::new(Functions::look_up()?));
    let null = ptr::null_mut();
    match FOUND.compare_exchange(null, fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: published just now, never freed.
        Ok(_) => Some(unsafe { &*fresh }),
        Err(winner) => {
            // SAFETY: `fresh` was never published; `winner` was, and is never freed.
            unsafe {
                drop(Box::from_raw(fresh));
                Some(&*winner)
            }
        }
    }
}

#[cfg(unix)]
fn symbol(name: &str) -> Option<*mut c_void> {
    let name = CStr::from_bytes_with_nul(name.as_bytes()).ok()?;
    // SAFETY: the name ends with a zero; looking a name up changes nothing.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

#[cfg(not(unix))]
fn symbol(_: &str) -> Option<*mut c_void> {
    None
}

/// The functions, if this thread holds the interpreter.
pub(super) fn attached() -> Option<&'static Functions> {
    let python = functions()?;
    // SAFETY: both only look, from any thread.
    let holds = unsafe { (python.Py_IsInitialized)() != 0 && (python.PyGILState_Check)() != 0 };
    (holds && is_current(python)).then_some(python)
}

/// Whether the thread state that runs is this thread's. `PyGILState_Check` says yes to everybody
/// once there was a second interpreter in the process.
fn is_current(python: &Functions) -> bool {
    let running = python.running_thread_state;
    // SAFETY: both only look, from any thread.
    running.is_none_or(|running| unsafe {
        let own = (python.PyGILState_GetThisThreadState)();
        !own.is_null() && running() == own
    })
}

/// An object that we own one reference to. It lives while the interpreter is held.
pub(super) struct Owned<'a> {
    python: &'a Functions,
    object: Object,
}

impl<'a> Owned<'a> {
    /// # Safety
    /// `object` is null or a new reference, and the interpreter is held while it lives.
    pub(super) unsafe fn new(python: &'a Functions, object: Object) -> Option<Self> {
        (!object.is_null()).then_some(Self { python, object })
    }

    pub(super) fn get(&self) -> Object {
        self.object
    }

    /// Gives the reference away.
    pub(super) fn into_raw(self) -> Object {
        let object = self.object;
        std::mem::forget(self);
        object
    }

    pub(super) fn attribute(&self, name: &CStr) -> Option<Owned<'a>> {
        // SAFETY: the interpreter is held, as long as this object lives.
        unsafe {
            Self::new(self.python, (self.python.PyObject_GetAttrString)(self.object, name.as_ptr()))
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> Option<String> {
        let mut length = 0;
        // SAFETY: as above; the bytes live as long as the object.
        unsafe {
            let start = (self.python.PyUnicode_AsUTF8AndSize)(self.object, &raw mut length);
            if start.is_null() {
                return None;
            }
            let bytes = std::slice::from_raw_parts(start.cast::<u8>(), length.cast_unsigned());
            str::from_utf8(bytes).ok().map(str::to_owned)
        }
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the interpreter is held.
        unsafe { (self.python.Py_DecRef)(self.object) }
    }
}

/// Runs `action` with no exception pending; one that was pending before is so afterwards.
pub(super) fn without_pending<R>(python: &Functions, action: impl FnOnce() -> R) -> R {
    let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller holds the interpreter; what is fetched is restored.
    unsafe {
        (python.PyErr_Fetch)(&raw mut kind, &raw mut value, &raw mut trace);
        let result = action();
        (python.PyErr_Clear)();
        (python.PyErr_Restore)(kind, value, trace);
        result
    }
}

/// What looking for a table of the host came to.
#[derive(Debug)]
pub(super) enum Found {
    /// Where it lies. Its capsule is kept for ever.
    Table(*const c_void),
    /// The host is not installed.
    NoHost,
    /// It is, and cannot be used.
    Unfit(String),
}

/// Imports the host and finds one of its tables. The caller holds the interpreter.
pub(super) fn find(python: &Functions, capsule: Capsule) -> Found {
    without_pending(python, || look(python, capsule))
}

fn look(python: &Functions, capsule: Capsule) -> Found {
    // SAFETY: the interpreter is held; the names end with zeros.
    let module = unsafe { Owned::new(python, (python.PyImport_ImportModule)(HOST.as_ptr())) };
    let Some(module) = module else { return why_not(python) };
    let Some(found) = module.attribute(capsule.attribute) else {
        let name = capsule.attribute.to_string_lossy();
        return Found::Unfit(format!("the installed package oxitel has no {name}"));
    };
    // SAFETY: as above; without a capsule of this name it answers with null.
    let table = unsafe { (python.PyCapsule_GetPointer)(found.get(), capsule.name.as_ptr()) };
    if table.is_null() {
        return Found::Unfit("the installed package oxitel offers something else".to_owned());
    }
    // The table is the capsule's: it stays.
    found.into_raw();
    Found::Table(table)
}

/// Why the import failed. A host that is there and misses something is no missing host.
fn why_not(python: &Functions) -> Found {
    let (mut kind, mut value, mut trace) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the interpreter is held and an exception is pending.
    unsafe {
        let is_missing = (python.PyErr_ExceptionMatches)(*python.not_found) != 0;
        (python.PyErr_Fetch)(&raw mut kind, &raw mut value, &raw mut trace);
        (python.PyErr_NormalizeException)(&raw mut kind, &raw mut value, &raw mut trace);
        let owned = [kind, value, trace].map(|object| Owned::new(python, object));
        let [_, Some(error), _] = &owned else { return Found::NoHost };
        let name = error.attribute(c"name").and_then(|name| name.text());
        if is_missing && name.is_some_and(|name| name.split('.').next() == Some("oxitel")) {
            return Found::NoHost;
        }
        let said = Owned::new(python, (python.PyObject_Str)(error.get()));
        let said = said.and_then(|said| said.text()).unwrap_or_default();
        Found::Unfit(format!("the installed package oxitel cannot be imported: {said}"))
    }
}
