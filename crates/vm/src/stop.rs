//! Asking a run to stop: from another thread, or because its time is over.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Somebody wants no run to go on.
const ASKED: u64 = 1;
/// The time of the run that goes on is over.
const LATE: u64 = 2;
/// The bits above are the number of the run that is watched: who says that one is late says which, and
/// so never ends another.
const NUMBER_SHIFT: u32 = 32;

/// Stops the runs of a machine: native code looks here where programs may go on for long.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicU64>);

impl Stop {
    /// Ends the run that goes on, if it goes on for long, and every later one, until [`Stop::lift`].
    pub fn ask(&self) {
        self.0.fetch_or(ASKED, SeqCst);
    }

    /// Lets runs go on again.
    pub fn lift(&self) {
        self.0.fetch_and(!(ASKED | LATE), SeqCst);
    }

    /// True if the run is to end.
    pub fn is_asked(&self) -> bool {
        self.0.load(Relaxed) & (ASKED | LATE) != 0
    }

    /// Another run begins, in time.
    fn next_run(&self) {
        let next = |state: u64| {
            let number = (state >> NUMBER_SHIFT).wrapping_add(1);
            number << NUMBER_SHIFT | state & ASKED
        };
        let _ = self
            .0
            .fetch_update(SeqCst, SeqCst, |state| Some(next(state)));
    }

    /// Where it is: four bytes that are not zero if the run is to end.
    pub(crate) fn address(&self) -> u64 {
        let word = self.0.as_ptr().expose_provenance() as u64;
        match cfg!(target_endian = "little") {
            true => word,
            false => word + 4,
        }
    }
}

/// A thread that looks whether a run takes too long. Beginning a run costs one atomic operation, ending
/// it nothing: a run that is over can be late as long as it likes.
#[derive(Debug)]
pub(crate) struct Watchdog {
    watch: Arc<Watch>,
    thread: Option<thread::Thread>,
}

/// What both threads know.
#[derive(Debug)]
struct Watch {
    stop: Stop,
    limit: Duration,
    /// The thread sleeps until somebody wakes it.
    asleep: AtomicBool,
}

/// How often the thread looks in the time of a limit, and how seldom at least.
const LOOKS: u32 = 8;
const LOOK_SECONDS_MAX: f64 = 0.05;

impl Watchdog {
    pub(crate) fn new(limit: Duration, stop: Stop) -> Self {
        let watch = Arc::new(Watch {
            stop,
            limit,
            asleep: AtomicBool::new(false),
        });
        let step = (limit / LOOKS).clamp(
            Duration::from_micros(100),
            Duration::from_secs_f64(LOOK_SECONDS_MAX),
        );
        let watched = Arc::downgrade(&watch);
        let builder = thread::Builder::new().name("osmia-watchdog".to_owned());
        // Without a thread nothing is late: runs end all the same, only not as soon.
        let handle = builder.spawn(move || look(&watched, step)).ok();
        Self {
            watch,
            thread: handle.map(|handle| handle.thread().clone()),
        }
    }

    /// A run begins.
    #[inline]
    pub(crate) fn begin(&self) {
        self.watch.stop.next_run();
        if self.watch.asleep.load(SeqCst) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Whatever the thread is about to say is about a run that is over.
        self.watch.stop.next_run();
        self.wake();
    }
}

/// What the thread does, until nobody needs it.
fn look(watched: &Weak<Watch>, step: Duration) {
    let (mut seen, mut since) = (0, Instant::now());
    while let Some(watch) = watched.upgrade() {
        let state = watch.stop.0.load(SeqCst);
        let number = state >> NUMBER_SHIFT;
        if number != seen {
            (seen, since) = (number, Instant::now());
        }
        let is_late = state & LATE != 0;
        if !is_late && since.elapsed() >= watch.limit {
            let late = (watch.stop.0).compare_exchange(state, state | LATE, SeqCst, SeqCst);
            // Otherwise another run began, or somebody asked: there is another look.
            if late.is_ok() {
                continue;
            }
        }
        if !is_late {
            drop(watch);
            thread::sleep(step);
            continue;
        }
        // Nothing is to be done before another run begins.
        watch.asleep.store(true, SeqCst);
        let is_same = watch.stop.0.load(SeqCst) >> NUMBER_SHIFT == number;
        drop(watch);
        if is_same {
            thread::park();
        }
        if let Some(watch) = watched.upgrade() {
            watch.asleep.store(false, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Stop, Watchdog};

    const LIMIT: Duration = Duration::from_millis(5);

    fn wait_until(holds: impl Fn() -> bool) {
        while !holds() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_run_is_late_and_the_next_one_is_not() {
        let stop = Stop::default();
        let watchdog = Watchdog::new(LIMIT, stop.clone());
        for _ in 0..3 {
            watchdog.begin();
            wait_until(|| stop.is_asked());
        }
        watchdog.begin();
        drop(watchdog);
        assert!(!stop.is_asked(), "nobody watches any more");
    }

    #[test]
    fn who_asked_for_the_end_is_not_forgotten_when_a_run_begins() {
        let stop = Stop::default();
        let watchdog = Watchdog::new(Duration::from_secs(1000), stop.clone());
        stop.ask();
        watchdog.begin();
        assert!(stop.is_asked());
        stop.lift();
        assert!(!stop.is_asked());
    }
}
