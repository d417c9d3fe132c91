//! Where programs run: one CPU of a sandbox, for one thread at a time.

use std::sync::Arc;

use osmia_program::{Fault, RecordSource};
use osmia_vm::{Code, Layer, Machine};

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

    /// Hands over what programs printed with `bpf_printk` on this CPU, oldest first.
    pub fn drain_printed(&mut self, mut sink: impl FnMut(&str)) {
        self.machine.drain(&mut |record| {
            if record.source == RecordSource::Trace {
                sink(&String::from_utf8_lossy(&record.bytes));
            }
        });
    }

    pub(super) fn run(
        &mut self,
        sandbox: &Sandbox,
        code: &Arc<Code>,
        input: &Input<'_>,
    ) -> Result<u32, Error> {
        if !self.seat.sandbox().is(sandbox) {
            let message = "the worker is another sandbox's than the program";
            return Err(misuse(codes::EMBED_WORKER, message));
        }
        let role = &code.program().hook;
        (self.machine)
            .input(role, input.packet, input.context, input.layer)
            .map_err(|error| Error::new(Fault::Usage, error.to_diagnostic()))?;
        match self.machine.run(code) {
            Ok(outcome) => Ok(outcome.value as u32),
            Err(trap) => Err(Error::new(Fault::Input, trap.to_diagnostic())),
        }
    }

    pub(super) fn read_context(&self, out: &mut [u8]) {
        self.machine.world().context.copy_to(out);
    }

    pub(super) fn read_packet(&self, out: &mut Vec<u8>) {
        self.machine.world().output(out);
    }
}
