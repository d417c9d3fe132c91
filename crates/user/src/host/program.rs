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
    resident: Arc<Resident>,
}

#[derive(Debug)]
struct Resident {
    code: Arc<Code>,
    machine: Arc<Mutex<Machine>>,
}

impl Drop for Resident {
    /// The machine keeps the program that ran last; nobody will run this one again. A machine that
    /// is busy lets go of it when it runs another.
    fn drop(&mut self) {
        if let Ok(mut machine) = self.machine.try_lock() {
            machine.release(&self.code);
        }
    }
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
        let machine = Arc::clone(machine);
        Ok(Self {
            resident: Arc::new(Resident { code, machine }),
        })
    }

    pub(super) fn code(&self) -> &Arc<Code> {
        &self.resident.code
    }
}

impl HostProgram for UserProgram {
    fn program(&self) -> &Program {
        self.resident.code.program()
    }

    fn test_run(&self, run: &mut Run) -> Result<(), HostError> {
        let hook = &self.program().hook;
        let mut machine = lock(&self.resident.machine);
        machine.environment().cpu = run.cpu;
        machine
            .input(hook, &run.data, &run.ctx, layer(hook.kind))
            .map_err(|error| HostError::new(fault_of(&error), error.to_diagnostic()))?;
        let repeat = run.repeat.max(1);
        let (mut insns, mut outcome) = (0, Ok(0));
        let start = Instant::now();
        for _ in 0..repeat {
            match machine.run(&self.resident.code) {
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
        machine.world().output(&mut run.data);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use osmia_program::{
        Hook, Host, MapKind, MapSpec, Program, ProgramFlags, ProgramKind, ProgramParts, Run,
    };

    use super::HostProgram;
    use crate::{UserHost, UserOptions};

    #[test]
    fn with_its_last_handle_a_program_lets_go_of_its_maps() {
        let host = UserHost::new(UserOptions::default()).expect("memory");
        let spec = MapSpec::new("counts", MapKind::Array, 4, 8, 1);
        let map = host.create_map(&spec).expect("a right specification");
        let alive = Arc::downgrade(map.map());
        let insns = osmia_isa::assemble("r0 = 2\nexit", &osmia_isa::NoNames).expect("right text");
        let program = Program::new(ProgramParts {
            name: "pass".to_owned(),
            section: String::new(),
            hook: Hook {
                kind: ProgramKind::Xdp,
                attach: None,
                target: None,
            },
            flags: ProgramFlags::default(),
            license: String::new(),
            kernel_version: 0,
            autoload: true,
            insns: insns.slots,
            maps: Vec::new(),
            functions: Vec::new(),
            debug: None,
            poisons: Vec::new(),
            kfuncs: Vec::new(),
        })
        .expect("a right layout");
        let loaded = host.load(&program, &[map]).expect("nothing missing");
        loaded.test_run(&mut Run::default()).expect("it runs");
        assert!(alive.upgrade().is_some());
        drop(loaded);
        assert!(alive.upgrade().is_none());
    }
}
