//! Where programs run: one CPU of a sandbox, for one thread at a time.

use std::sync::Arc;
use std::time::Duration;

use osmia_program::{Fault, RecordSource};
use osmia_vm::{Code, Layer, Machine, Outcome, Stop, Trap};

use super::sandbox::Seat;
use super::{Sandbox, misuse};
use crate::{Error, codes};

/// A CPU of a sandbox, with everything a run needs, kept between runs so that none allocates. It may
/// go to another thread, and runs one program at a time.
#[derive(Debug)]
pub struct Worker {
    machine: Machine,
    seat: Seat,
}

/// What a program is run on.
pub(super) struct Input<'a> {
    pub(super) packet: &'a [u8],
    pub(super) context: &'a [u8],
    pub(super) layer: Layer,
}

impl Worker {
    pub(super) fn new(machine: Machine, seat: Seat) -> Self {
        Self { machine, seat }
    }

    /// Its CPU number: which of a per-CPU map's values are its own.
    pub fn cpu(&self) -> u32 {
        self.seat.cpu()
    }

    /// Instructions that a run may execute from now on, in the interpreter.
    pub fn set_insns_max(&mut self, insns: u64) {
        self.machine.environment().insns_max = insns;
    }

    /// Ends runs that take longer from now on: each with an error, and the worker goes on. Straight code pays
    /// nothing for it; it is looked at where the verifier did not count turns, so that a run may last
    /// some eighths of the limit longer, and what the verifier knows to be short is not ended.
    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.machine.limit_time(limit);
    }

    /// As [`Worker::set_time_limit`], from the beginning.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use osmia::embed::Sandbox;
    /// let sandbox = Sandbox::new()?;
    /// let worker = sandbox.worker()?.with_time_limit(Duration::from_millis(5));
    /// # Ok::<(), osmia::Error>(())
    /// ```
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.set_time_limit(Some(limit));
        self
    }

    /// Ends this worker's runs from any thread.
    pub fn stop(&self) -> Stop {
        self.machine.stop().clone()
    }

    /// Hands over what programs printed with `bpf_printk` on this CPU, oldest first.
    pub fn drain_printed(&mut self, mut sink: impl FnMut(&str)) {
        self.machine.drain(&mut |record| {
            if record.source == RecordSource::Trace {
                sink(&String::from_utf8_lossy(&record.bytes));
            }
        });
    }

    /// Runs a program on a context that is plain memory, which it may change.
    pub(super) fn run_on_context(
        &mut self,
        sandbox: &Sandbox,
        code: &Arc<Code>,
        context: &mut [u8],
        layer: Layer,
    ) -> Result<u32, Error> {
        self.check(sandbox)?;
        if let Some(result) = self.machine.run_in_place(code, context) {
            return said(result);
        }
        let input = Input {
            packet: &[],
            context,
            layer,
        };
        let value = self.run(sandbox, code, &input)?;
        self.machine.world().context.copy_to(context);
        Ok(value)
    }

    pub(super) fn run(
        &mut self,
        sandbox: &Sandbox,
        code: &Arc<Code>,
        input: &Input<'_>,
    ) -> Result<u32, Error> {
        self.check(sandbox)?;
        let role = &code.program().hook;
        (self.machine)
            .input(role, input.packet, input.context, input.layer)
            .map_err(|error| Error::new(Fault::Usage, error.to_diagnostic()))?;
        said(self.machine.run(code))
    }

    /// The program must be of the same sandbox.
    fn check(&self, sandbox: &Sandbox) -> Result<(), Error> {
        match self.seat.sandbox().is(sandbox) {
            true => Ok(()),
            false => {
                let message = "the worker is another sandbox's than the program";
                Err(misuse(codes::EMBED_WORKER, message))
            }
        }
    }

    pub(super) fn read_packet(&self, out: &mut Vec<u8>) {
        self.machine.world().output(out);
    }
}

/// What a run came to, as the application is told.
fn said(result: Result<Outcome, Box<Trap>>) -> Result<u32, Error> {
    match result {
        // Program types look at the low half.
        Ok(outcome) => Ok(outcome.value as u32),
        Err(trap) => Err(Error::new(Fault::Input, trap.to_diagnostic())),
    }
}
