//! What the machine knows about the world: clock, chance, CPU, task. All of it can be fixed.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use osmia_btf::Btf;
use osmia_program::{Event, Task};

use crate::net::Network;

/// Where time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's monotonic clock, counted from when the clock was made.
    Real(Instant),
    /// The same nanosecond count every time.
    Fixed(u64),
    /// Starts at `now` and goes on by `step` with every look.
    Steps {
        /// What the next look sees.
        now: u64,
        /// Nanoseconds between looks.
        step: u64,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Clock::Real(Instant::now())
    }

    /// Goes on from here; a real clock stops here.
    pub fn set(&mut self, nanoseconds: u64) {
        match self {
            Clock::Steps { now, .. } => *now = nanoseconds,
            Clock::Real(_) | Clock::Fixed(_) => *self = Clock::Fixed(nanoseconds),
        }
    }

    /// Nanoseconds now; looking does not make time pass.
    pub fn peek(&self) -> u64 {
        match self {
            Clock::Fixed(now) | Clock::Steps { now, .. } => *now,
            Clock::Real(_) => self.clone().nanoseconds(),
        }
    }

    /// Waits until a time: clocks that are made up go there at once.
    pub fn wait_until(&mut self, time: u64) {
        let now = self.peek();
        match self {
            Clock::Fixed(now) | Clock::Steps { now, .. } => *now = time.max(*now),
            Clock::Real(_) => std::thread::sleep(Duration::from_nanos(time.saturating_sub(now))),
        }
    }

    /// Nanoseconds now.
    pub fn nanoseconds(&mut self) -> u64 {
        match self {
            Clock::Real(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Clock::Fixed(now) => *now,
            Clock::Steps { now, step } => {
                let seen = *now;
                *now = now.wrapping_add(*step);
                seen
            }
        }
    }
}

/// A generator of random numbers for programs (xorshift64*): repeatable, not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed; the same seed gives the same numbers.
    pub const fn seeded(seed: u64) -> Self {
        // Zero is the one state the generator cannot leave.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// From the time of day.
    pub fn unpredictable() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::seeded(now.map_or(1, |since| since.as_nanos() as u64))
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }
}

/// What helpers see of the world.
#[derive(Clone, Debug)]
pub struct Environment {
    /// CPU number.
    pub cpu: u32,
    /// NUMA node.
    pub node: u32,
    /// Clock.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
    /// Task.
    pub task: Task,
    /// Event.
    pub event: Event,
    /// Interfaces, routes and neighbours.
    pub network: Arc<Network>,
    /// The kernel's types, by which values are shown.
    pub types: Option<Arc<Btf>>,
    /// What SYN cookies are made with.
    pub secret: u64,
    /// Ticks a second, for jiffies.
    pub hertz: u64,
    /// Instructions one run may execute.
    pub insns_max: u64,
}

impl Environment {
    /// Real time and unpredictable numbers.
    pub fn real() -> Self {
        Self {
            clock: Clock::real(),
            random: Random::unpredictable(),
            ..Self::repeatable(0)
        }
    }

    /// The same for the same seed: the clock starts at one second and ticks a microsecond a look.
    pub fn repeatable(seed: u64) -> Self {
        Self {
            cpu: 0,
            node: 0,
            clock: Clock::Steps {
                now: 1_000_000_000,
                step: 1_000,
            },
            random: Random::seeded(seed),
            task: Task::default(),
            event: Event::default(),
            network: Arc::new(Network::loopback()),
            types: None,
            secret: seed,
            hertz: 250,
            insns_max: crate::limits::INSNS_PER_RUN,
        }
    }
}
