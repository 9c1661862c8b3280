//! Conventions that nobody records.

pub(crate) mod made {
    //! Instruments that do nothing, made each time.

    use std::marker::PhantomData;

    pub(crate) struct Made<T>(PhantomData<fn() -> T>);

    impl<T> Made<T> {
        pub(crate) const fn none() -> Self {
            Self(PhantomData)
        }

        /// Instruments have no size here, so that nothing is allocated.
        #[inline(always)]
        #[expect(clippy::unused_self, reason = "the engine's signature")]
        pub(crate) fn get(&'static self, make: fn() -> T) -> &'static T {
            const { assert!(size_of::<T>() == 0, "an instrument with something in it") };
            Box::leak(Box::new(make()))
        }
    }
}

pub(crate) mod report {
    //! What nobody is told.

    /// What a database operation answered with.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Rows(());

    /// How a job went so far.
    #[derive(Clone, Debug, Default)]
    pub struct Progress(());

    #[inline(always)]
    pub(crate) fn tell_rows(_returned: Option<u64>, _affected: Option<u64>) {}

    #[inline(always)]
    pub(crate) fn tell_progress(
        _batch_size: Option<u64>,
        _duration_ms: Option<u64>,
        _status: &str,
    ) {
    }
}

pub(crate) mod operation {
    //! Work without a span.

    use crate::record::{Scope, Span, Value};
    use std::marker::PhantomData;
    use std::ops::{Deref, DerefMut};

    /// No span of the conventions.
    #[derive(Debug)]
    #[must_use = "a span ends when it is dropped"]
    pub struct Operation<R> {
        span: Span,
        report: PhantomData<R>,
    }

    impl<R> Operation<R> {
        #[inline(always)]
        pub(crate) fn start<'a, const MOST: usize>(
            scope: &'static Scope,
            _name: (&str, Option<&str>),
            _attributes: impl FnOnce() -> [Option<(&'static str, Value<'a>)>; MOST],
        ) -> Self {
            Self { span: scope.span(""), report: PhantomData }
        }

        /// Changes nothing.
        #[inline(always)]
        #[must_use = "the span ends when the guard is dropped"]
        pub fn entered(self) -> EnteredOperation<R> {
            EnteredOperation { span: self.span, report: PhantomData }
        }

        /// Changes nothing.
        #[inline(always)]
        #[must_use = "it is current only while the guard lives"]
        pub fn enter(&mut self) -> CurrentOperation<'_, R> {
            CurrentOperation { span: &mut self.span, report: PhantomData }
        }

        /// The future itself.
        #[inline(always)]
        pub fn instrument<F: Future>(
            self,
            future: F,
        ) -> impl Future<Output = F::Output> + use<F, R> {
            future
        }
    }

    #[inline(always)]
    pub(crate) fn with_name<T>(
        first: &str,
        _between: &str,
        _second: Option<&str>,
        action: impl FnOnce(&str) -> T,
    ) -> T {
        action(first)
    }

    impl<R> Deref for Operation<R> {
        type Target = Span;

        fn deref(&self) -> &Span {
            &self.span
        }
    }

    impl<R> DerefMut for Operation<R> {
        fn deref_mut(&mut self) -> &mut Span {
            &mut self.span
        }
    }

    /// No span that is current; it cannot leave its thread, as with the engine.
    #[derive(Debug)]
    pub struct EnteredOperation<R> {
        span: Span,
        report: PhantomData<(R, *const ())>,
    }

    impl<R> Deref for EnteredOperation<R> {
        type Target = Span;

        fn deref(&self) -> &Span {
            &self.span
        }
    }

    impl<R> DerefMut for EnteredOperation<R> {
        fn deref_mut(&mut self) -> &mut Span {
            &mut self.span
        }
    }

    impl<R> Drop for EnteredOperation<R> {
        fn drop(&mut self) {}
    }

    /// Keeps nothing current; it cannot leave its thread, as with the engine.
    #[derive(Debug)]
    pub struct CurrentOperation<'a, R> {
        span: &'a mut Span,
        report: PhantomData<(R, *const ())>,
    }

    impl<R> Deref for CurrentOperation<'_, R> {
        type Target = Span;

        fn deref(&self) -> &Span {
            self.span
        }
    }

    impl<R> DerefMut for CurrentOperation<'_, R> {
        fn deref_mut(&mut self) -> &mut Span {
            self.span
        }
    }

    impl<R> Drop for CurrentOperation<'_, R> {
        fn drop(&mut self) {}
    }
}

/// Never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(());

impl Stamp {
    #[inline(always)]
    pub(crate) fn now() -> Option<Self> {
        None
    }
}
