//! Everything one worker needs to run programs, kept between runs so that none allocates.

use std::sync::Arc;
use std::time::{Duration, Instant};

use osmia_program::context::Context;
use osmia_program::{Record, Redirected, Role, Scene};

use crate::checked::Checked;
use crate::code::Code;
use crate::direct::Direct;
use crate::env::{Clock, Environment};
use crate::fields::Due;
use crate::guest::{Fault, Guest};
use crate::interp;
use crate::limits;
use crate::map::{GroupKey, Runs};
use crate::native::{self, Running};
use crate::stop::{Stop, Watchdog};
use crate::system_calls::SystemCalls;
use crate::trap::{Cause, Trap};
use crate::world::{InputError, Layer, World};

/// What a run came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// r0 at the end; program types look at its low 32 bits.
    pub value: u64,
    /// Instructions executed; native code does not count them.
    pub insns: u64,
}

/// A CPU of the user-space host: one run at a time.
#[derive(Debug)]
pub struct Machine {
    direct: Direct,
    /// Those of the world, to be counted in while the world changes.
    runs: Arc<Runs>,
    memory: Checked,
    world: World,
    watchdog: Option<Watchdog>,
}

impl Machine {
    /// A machine in this environment that shares nothing. `None` if memory is short.
    pub fn new(env: Environment) -> Option<Self> {
        Self::among(&Arc::new(Runs::new(1)), env)
    }

    /// A machine of a host whose maps and objects belong to these runs. `None` if memory is short.
    pub fn among(runs: &Arc<Runs>, env: Environment) -> Option<Self> {
        Some(Self {
            direct: Direct::new()?,
            runs: Arc::clone(runs),
            memory: Checked::new()?,
            world: World::new(env, runs)?,
            watchdog: None,
        })
    }

    /// Clock, chance, CPU and task, to look at or change between runs.
    pub fn environment(&mut self) -> &mut Environment {
        self.direct.unready();
        &mut self.world.env
    }

    /// Sets what surrounds the next runs, before their input.
    ///
    /// # Errors
    /// If memory is short.
    pub fn surround(&mut self, scene: &Arc<Scene>) -> Result<(), InputError> {
        self.direct.unready();
        self.world.surround(scene)
    }

    /// Says in whose name the next runs of system call programs act.
    pub fn act_for(&mut self, process: Option<Arc<dyn SystemCalls>>) {
        self.world.process = process;
    }

    /// Says which control group the next runs' program is attached to; `None` for test runs.
    pub fn attached(&mut self, to: Option<GroupKey>) {
        self.world.attachment = to;
    }

    /// Takes the packet and the context for the next runs of programs of this role. An empty
    /// context stands for the type's default; addresses and lengths in it are the machine's.
    ///
    /// # Errors
    /// If they are not what the type takes.
    pub fn input(
        &mut self,
        role: impl Into<Role>,
        packet: &[u8],
        context: &[u8],
        layer: Layer,
    ) -> Result<(), InputError> {
        self.direct.unready();
        self.world.fill(role.into(), packet, context, layer)
    }

    /// Makes a pointer field of the context hold the address of an object until the next input; false
    /// if the context has no such field.
    pub fn point(&mut self, field: &str, address: u64) -> bool {
        self.direct.unready();
        self.world.context.point(field, address)
    }

    /// Runs a program on what the last input, or the run after it, left. Running the same one again costs
    /// little more than a call.
    ///
    /// # Errors
    /// If the program does what it may not.
    #[inline]
    pub fn run(&mut self, code: &Arc<Code>) -> Result<Outcome, Box<Trap>> {
        self.run_with(code, 0)
    }

    /// As [`Machine::run`], with the number of the context's bytes in r2: how machines outside of
    /// kernels pass plain memory.
    ///
    /// # Errors
    /// As there.
    pub fn run_on_bytes(&mut self, code: &Arc<Code>) -> Result<Outcome, Box<Trap>> {
        let bytes = self.world.context.len() as u64;
        self.run_with(code, bytes)
    }

    /// Runs a program whose context is plain memory on other bytes than those of the last input, as many as
    /// there are in that, where they lie. Nothing, and nothing done, if it is not ready for that: then they
    /// are to be an input.
    #[inline]
    pub fn run_in_place(
        &mut self,
        code: &Arc<Code>,
        bytes: &mut [u8],
    ) -> Option<Result<Outcome, Box<Trap>>> {
        let is_plain = matches!(self.world.context.kind(), Context::Bytes(_));
        let is_like = is_plain
            && bytes.len() == self.world.context.len()
            && bytes.as_ptr().cast::<u64>().is_aligned();
        if !is_like || !self.direct.is_ready(code) || self.direct.demands().needs_input {
            return None;
        }
        let address = bytes.as_mut_ptr().expose_provenance() as u64;
        let own = self.direct.move_context(address);
        let result = self.run_ready(code, 0);
        self.direct.move_context(own);
        Some(result)
    }

    #[inline]
    fn run_with(&mut self, code: &Arc<Code>, second: u64) -> Result<Outcome, Box<Trap>> {
        match self.direct.is_ready(code) {
            true => self.run_ready(code, second),
            false => self.run_first(code, second),
        }
    }

    /// Runs a program that is not prepared.
    fn run_first(&mut self, code: &Arc<Code>, second: u64) -> Result<Outcome, Box<Trap>> {
        let Some(native) = code.native() else {
            self.begin_time();
            self.direct.unready();
            return self.run_interpreted(code, second);
        };
        native::check_context(code, native, self.world.context.len())?;
        self.world.begin();
        self.direct.begin(code, native, &self.world);
        let measured = (self.direct.measured()).map(|tier| (tier, Instant::now()));
        let result = self.run_ready(code, second);
        if let Some((tier, start)) = measured {
            native.took(tier, start.elapsed());
        }
        if self.world.context.is_flow() {
            // What such a program finds is set before every run.
            self.direct.unready();
        }
        result
    }

    /// The time of a run begins.
    #[inline]
    fn begin_time(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.begin();
        }
    }

    fn run_interpreted(&mut self, code: &Arc<Code>, second: u64) -> Result<Outcome, Box<Trap>> {
        // Maps of another host's are only safe to look up while it is counted there.
        let runs = (code.maps.first()).map_or(&self.runs, |map| map.map.runs());
        let _running = runs.enter(self.world.env.cpu);
        self.world.begin();
        self.memory.begin(code, &self.world);
        let args = [Checked::context_address(), second, 0, 0, 0];
        let mut result = interp::call(&mut self.memory, &mut self.world, code, 0, args);
        if let Err(trap) = &result
            && let Cause::Thrown { cookie } = trap.cause
        {
            self.world.held.give_back(&self.world.runs);
            result = interp::unwind(&mut self.memory, &mut self.world, code, cookie);
        }
        self.world.held.give_back(&self.world.runs);
        self.memory.end();
        let value = match result {
            Ok(value) => value,
            Err(trap) => match trap.cause {
                Cause::Ended { value } => value,
                _ => return Err(trap),
            },
        };
        Ok(Outcome {
            value,
            insns: self.world.env.insns_max - self.memory.unused(),
        })
    }

    /// Runs the program that is ready.
    #[inline]
    fn run_ready(&mut self, code: &Arc<Code>, second: u64) -> Result<Outcome, Box<Trap>> {
        self.begin_time();
        // Who looks up nothing that could be taken away is not waited for. Maps of another host's are only
        // safe to look up while it is counted there.
        let is_counted = self.direct.demands().is_counted;
        let runs = (code.maps.first()).map_or(&self.runs, |map| map.map.runs());
        let _running = is_counted.then(|| runs.enter(self.world.env.cpu));
        self.direct.refresh(&self.world);
        let mut running = Running {
            direct: &mut self.direct,
            world: &mut self.world,
            memory: Some(&mut self.memory),
        };
        let value = running.go(second);
        match running.direct.is_clean() {
            true => Ok(Outcome { value, insns: 0 }),
            false => running.finish(value),
        }
    }

    /// Stops the machine's runs, from any thread.
    pub fn stop(&self) -> &Stop {
        &self.world.stop
    }

    /// Ends runs that take longer; native code looks where programs may go on for long.
    pub fn limit_time(&mut self, limit: Option<Duration>) {
        self.watchdog = limit.map(|limit| Watchdog::new(limit, self.world.stop.clone()));
    }

    /// Runs the timers and the work whose time has come, and says how many ran.
    ///
    /// # Errors
    /// If one of them does what it may not.
    pub fn run_due(&mut self) -> Result<u64, Box<Trap>> {
        let mut ran = 0;
        while ran < limits::DEFERRED_RUNS_MAX {
            let now = self.world.env.clock.peek();
            let Some(due) = self.world.runs.deferred().take_due(now) else {
                break;
            };
            let result = self.call_back(&due);
            self.world.runs.deferred().ran(due.number);
            result?;
            ran += 1;
        }
        Ok(ran)
    }

    /// Runs timers and work until nothing waits, at most so many; a clock that is made up goes to the
    /// next timer's time, for the real one is waited as long as `patience` says. Says how many ran.
    ///
    /// # Errors
    /// If one of them does what it may not.
    pub fn settle(&mut self, runs_max: u64, patience: Duration) -> Result<u64, Box<Trap>> {
        let start = Instant::now();
        let mut ran = self.run_due()?;
        while ran < runs_max
            && let Some(time) = self.world.runs.deferred().next()
        {
            let clock = &mut self.world.env.clock;
            if let Clock::Real(_) = clock {
                let wait = Duration::from_nanos(time.saturating_sub(clock.peek()));
                if start.elapsed() + wait > patience {
                    break;
                }
            }
            clock.wait_until(time);
            ran += self.run_due()?;
        }
        Ok(ran)
    }

    /// Calls the function of a timer or of work with its map, key and value.
    fn call_back(&mut self, due: &Due) -> Result<(), Box<Trap>> {
        self.direct.unready();
        let Ok(code) = Arc::clone(&due.callback.code).downcast::<Code>() else {
            return Ok(());
        };
        self.begin_time();
        let _running = self.runs.enter(self.world.env.cpu);
        // A value that was deleted meanwhile has no key: its timer is on its way out.
        let Some(key) = due.map.key_of(due.element) else {
            return Ok(());
        };
        self.world.begin();
        self.memory.begin(&code, &self.world);
        if let Some(args) = self.memory.callback_args(&code, due, &key) {
            let entry = due.callback.function;
            let result = self.memory.invoke(&mut self.world, entry, 2, args);
            self.world.held.give_back(&self.world.runs);
            self.memory.end();
            match result {
                Err(Fault::Trap(trap)) if !matches!(trap.cause, Cause::Thrown { .. }) => {
                    return Err(trap);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets go of the program that ran last and its maps, which a machine keeps ready for another run.
    pub fn rest(&mut self) {
        // A run that a panic ended has not given back what it held.
        self.world.held.give_back(&self.world.runs);
        self.memory.release();
        self.direct.release();
        self.world.begin();
    }

    /// Shows every operation of the next runs to a watcher before it is executed.
    #[cfg(feature = "trace")]
    pub fn watch(&mut self, watch: Option<crate::Watch>) {
        self.world.watcher.0 = watch;
    }

    /// Everything a run works on: the packet as left, the context, the last redirection.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Hands over where helpers sent copies of the packet since the last input and, last, the packet
    /// itself.
    pub fn redirected(&mut self, sink: &mut dyn FnMut(Redirected)) {
        self.world.redirected(sink);
    }

    /// Hands over what programs said, oldest first.
    pub fn drain(&mut self, sink: &mut dyn FnMut(Record)) {
        self.world.drain(sink);
    }
}
