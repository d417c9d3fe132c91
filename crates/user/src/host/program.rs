//! A program of the user-space host.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use osmia_program::{Fault, HostError, HostProgram, Program, ProgramKind, Run};
use osmia_vm::{Code, InputError, Layer, Machine};

use super::{UserMap, lock};
use crate::capture::PacketStart;

/// A handle to a resident program.
#[derive(Clone, Debug)]
pub struct UserProgram {
    code: Arc<Code>,
    machine: Arc<Mutex<Machine>>,
}

impl UserProgram {
    pub(super) fn load(
        program: &Program,
        maps: &[UserMap],
        machine: &Arc<Mutex<Machine>>,
    ) -> Result<Self, HostError> {
        let maps: Vec<_> = maps.iter().map(|map| Arc::clone(map.map())).collect();
        let code = Code::prepare(&Arc::new(program.clone()), &maps)
            .map_err(|error| HostError::new(Fault::Unsupported, error.to_diagnostic()))?;
        Ok(Self {
            code,
            machine: Arc::clone(machine),
        })
    }

    pub(super) fn code(&self) -> &Arc<Code> {
        &self.code
    }
}

impl HostProgram for UserProgram {
    fn program(&self) -> &Program {
        self.code.program()
    }

    fn test_run(&self, run: &mut Run) -> Result<(), HostError> {
        let kind = self.program().hook.kind;
        let mut machine = lock(&self.machine);
        machine.environment().cpu = run.cpu;
        machine
            .input(kind, &run.data, &run.ctx, layer(kind))
            .map_err(|error| HostError::new(fault_of(&error), error.to_diagnostic()))?;
        let repeat = run.repeat.max(1);
        let (mut insns, mut outcome) = (0, Ok(0));
        let start = Instant::now();
        for _ in 0..repeat {
            match machine.run(&self.code) {
                Ok(end) => {
                    insns += end.insns;
                    outcome = Ok(end.value as u32);
                }
                Err(trap) => {
                    outcome = Err(trap);
                    break;
                }
            }
        }
        let nanos = start.elapsed().as_nanos() / u128::from(repeat);
        run.duration_ns = u64::try_from(nanos).unwrap_or(u64::MAX);
        run.insns = Some(insns);
        machine.world().packet.copy_to(&mut run.data);
        run.redirected.clear();
        machine.redirected(&mut |redirected| run.redirected.push(redirected));
        machine.world().context.copy_to(&mut run.ctx);
        run.retval = outcome.map_err(|trap| HostError::new(Fault::Input, trap.to_diagnostic()))?;
        Ok(())
    }
}

fn fault_of(error: &InputError) -> Fault {
    match error {
        InputError::PacketTooLong { .. } | InputError::ContextTooLong { .. } => Fault::Usage,
        InputError::NoContext { .. } | InputError::NoMemory => Fault::Unsupported,
    }
}

/// What packets of this program type start with.
fn layer(kind: ProgramKind) -> Layer {
    match PacketStart::of(kind) {
        Some(PacketStart::Network) => Layer::Network,
        _ => Layer::Ethernet,
    }
}
