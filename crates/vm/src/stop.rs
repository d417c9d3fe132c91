//! Asking a run to stop: from another thread, or because its time is over.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Somebody wants no run to go on.
const ASKED: u32 = 1;
/// The time of the run that goes on is over.
const LATE: u32 = 2;

/// Stops the runs of a machine: native code looks here where programs may go on for long.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicU32>);

impl Stop {
    /// Ends the run that goes on, if it goes on for long, and every later one, until [`Stop::lift`].
    pub fn ask(&self) {
        self.0.fetch_or(ASKED, SeqCst);
    }

    /// Lets runs go on again.
    pub fn lift(&self) {
        self.0.store(0, SeqCst);
    }

    /// True if the run is to end.
    pub fn is_asked(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// Ends the run that goes on.
    pub(crate) fn is_late(&self) {
        self.0.fetch_or(LATE, SeqCst);
    }

    /// A run begins, in time.
    pub(crate) fn is_in_time(&self) {
        if self.0.load(Relaxed) & LATE != 0 {
            self.0.fetch_and(!LATE, SeqCst);
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }
}

/// A thread that looks whether a run takes too long. Beginning and ending one costs a look at the clock
/// and two stores.
#[derive(Debug)]
pub(crate) struct Watchdog {
    watch: Arc<Watch>,
    limit: Duration,
    thread: Option<thread::Thread>,
}

/// What both threads know.
#[derive(Debug)]
struct Watch {
    since: Instant,
    stop: Stop,
    /// When the run has to end, in nanoseconds since; zero while none goes on.
    until: AtomicU64,
    /// The thread sleeps until somebody wakes it.
    asleep: AtomicBool,
}

/// How often the thread looks in the time of a limit, and how seldom at least.
const LOOKS: u32 = 8;
const LOOK_SECONDS_MAX: f64 = 0.05;
/// Looks at no run before the thread sleeps.
const IDLE_LOOKS: u32 = 20;

impl Watchdog {
    pub(crate) fn new(limit: Duration, stop: Stop) -> Self {
        let watch = Arc::new(Watch {
            since: Instant::now(),
            stop,
            until: AtomicU64::new(0),
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
            limit,
            thread: handle.map(|handle| handle.thread().clone()),
        }
    }

    /// A run begins; it ends when what is given does.
    pub(crate) fn begin(&self) -> Watched {
        let watch = Arc::clone(&self.watch);
        let until = watch.since.elapsed() + self.limit;
        let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        watch.until.store(until, SeqCst);
        if watch.asleep.load(SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.unpark();
        }
        Watched(watch)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

/// A run that is watched.
#[derive(Debug)]
pub(crate) struct Watched(Arc<Watch>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.until.store(0, SeqCst);
        self.0.stop.is_in_time();
    }
}

/// What the thread does, until nobody needs it.
fn look(watched: &Weak<Watch>, step: Duration) {
    let mut idle = 0;
    while let Some(watch) = watched.upgrade() {
        let until = watch.until.load(SeqCst);
        let now = u64::try_from(watch.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if until == 0 {
            idle += 1;
        } else {
            idle = 0;
            if until < now {
                watch.stop.is_late();
                // Another run may have begun meanwhile: then this one was in time.
                if watch.until.load(SeqCst) != until {
                    watch.stop.is_in_time();
                }
            }
        }
        if idle < IDLE_LOOKS {
            drop(watch);
            thread::sleep(step);
            continue;
        }
        watch.asleep.store(true, SeqCst);
        let is_idle = watch.until.load(SeqCst) == 0;
        drop(watch);
        if is_idle {
            // Woken by a run, or by the end of the watchdog.
            thread::park();
        }
        if let Some(watch) = watched.upgrade() {
            watch.asleep.store(false, SeqCst);
        }
        idle = 0;
    }
}
