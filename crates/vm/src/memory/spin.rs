//! A lock for what takes a moment: taking it is one exchange, giving it back one store.
//!
//! Who finds it taken looks again, and lets others run after a while: its owner may be waiting for this
//! CPU. It is for a few hundred instructions that wait for nobody.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::hint;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;

/// Looks before others may run.
const LOOKS: u32 = 64;

/// Something that one thread has at a time.
#[derive(Default)]
pub struct Spin<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is only reached through `Taken`, of which there is one at a time: it passes from
// thread to thread, with what the one before did to it, and is never shared.
unsafe impl<T: Send> Sync for Spin<T> {}

/// The lock is taken; given back when dropped.
#[must_use]
pub struct Taken<'a, T>(&'a Spin<T>);

impl<T> Spin<T> {
    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> Taken<'_, T> {
        if !self.take() {
            self.wait();
        }
        Taken(self)
    }

    #[inline]
    fn take(&self) -> bool {
        (self.taken.compare_exchange(false, true, Acquire, Relaxed)).is_ok()
    }

    #[cold]
    fn wait(&self) {
        loop {
            for _ in 0..LOOKS {
                // Read first: an exchange would take the line away from the owner.
                if !self.taken.load(Relaxed) && self.take() {
                    return;
                }
                hint::spin_loop();
            }
            thread::yield_now();
        }
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `lock` made the only `Taken` there is, and nobody else reaches the value.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Taken<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the borrow of this `Taken` is exclusive.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Taken<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.store(false, Release);
    }
}

impl<T> fmt::Debug for Spin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::Spin;

    #[test]
    fn nothing_is_lost_between_threads() {
        const STEPS: u64 = if cfg!(miri) { 20 } else { 20_000 };
        let count = Spin::<u64>::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..STEPS).for_each(|_| *count.lock() += 1));
            }
        });
        assert_eq!(*count.lock(), 3 * STEPS);
    }
}
