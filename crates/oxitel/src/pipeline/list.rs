//! A list that only grows, read without a lock: what it holds stays for the life of the process,
//! and a forked child reads on where its parent was.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[derive(Debug)]
pub(crate) struct List<T: 'static> {
    last: AtomicPtr<Node<T>>,
    count: AtomicUsize,
}

#[derive(Debug)]
struct Node<T> {
    value: T,
    before: *const Node<T>,
}

// SAFETY: nodes are published once and never changed or freed; all that is shared of them is `&T`.
unsafe impl<T: Send + Sync> Sync for List<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for List<T> {}

impl<T: Send + Sync> List<T> {
    pub(crate) const fn new() -> Self {
        Self { last: AtomicPtr::new(ptr::null_mut()), count: AtomicUsize::new(0) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// From the newest to the oldest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        // Acquire: pairs with the publishing exchange.
        Self::between(self.last.load(Ordering::Acquire), ptr::null())
    }

    /// Adds a value.
    pub(crate) fn push(&self, value: T) -> &'static T {
        let never = |_: &T, _: &T| false;
        self.find_or_push(value, never)
    }

    /// The value that is `same` as this one, or this one, added.
    pub(crate) fn find_or_push(&self, value: T, same: impl Fn(&T, &T) -> bool) -> &'static T {
        let node = Box::into_raw(Box::new(Node { value, before: ptr::null() }));
        let mut seen = ptr::null_mut();
        loop {
            let last = self.last.load(Ordering::Acquire);
            // SAFETY: it is not published: nobody else knows of it.
            let ours = unsafe { &mut *node };
            if let Some(known) = Self::between(last, seen).find(|known| same(known, &ours.value)) {
                // SAFETY: it was never published.
                drop(unsafe { Box::from_raw(node) });
                return known;
            }
            seen = last;
            ours.before = last;
            let published =
                self.last.compare_exchange(last, node, Ordering::AcqRel, Ordering::Acquire);
            if published.is_ok() {
                self.count.fetch_add(1, Ordering::Relaxed);
                // SAFETY: published just now: never changed or freed any more.
                return unsafe { &(*node).value };
            }
        }
    }

    /// Those from `last`, a published node or null, down to `end`, which is not among them.
    fn between(
        last: *const Node<T>,
        end: *const Node<T>,
    ) -> impl Iterator<Item = &'static T> + use<T> {
        let mut at = last;
        std::iter::from_fn(move || {
            if ptr::eq(at, end) {
                return None;
            }
            // SAFETY: null, or a published node, which is never changed or freed.
            let node: &'static Node<T> = unsafe { at.as_ref() }?;
            at = node.before;
            Some(&node.value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::List;
    use std::thread;

    #[test]
    fn what_several_threads_add_at_once_is_there_once() {
        static LIST: List<u32> = List::new();
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for number in 0..200 {
                        assert_eq!(*LIST.find_or_push(number, |one, two| one == two), number);
                    }
                });
            }
        });
        let mut all: Vec<u32> = LIST.iter().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert_eq!(LIST.len(), 200);
    }
}
