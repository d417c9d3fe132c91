//! A program of the user-space host.

use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_program::{
    AttachKind, Fault, Form, HostError, HostProgram, Program, ProgramKind, Run, Standing, TierTimes,
};
use osmia_verify::Verified;
use osmia_vm::map::Map;
use osmia_vm::{Code, Identity, InputError, Layer};

use super::UserMap;
use crate::capture::PacketStart;
use crate::kernel::RunFailed;
use crate::object::{ProgramAbout, ProgramRecord, ProgramRefused, digest, fitted_name};
use crate::proof::Proof;
use crate::{Process, codes};

/// A handle to a resident program.
#[derive(Clone, Debug)]
pub struct UserProgram {
    code: Arc<Code>,
    process: Arc<Process>,
}

impl UserProgram {
    pub(super) fn load(
        program: &Program,
        maps: &[UserMap],
        process: &Arc<Process>,
    ) -> Result<Self, HostError> {
        let kernel = process.kernel();
        let maps = live(maps);
        let program = Arc::new(program.clone());
        // Who may call what is asked even of programs that nobody verifies.
        osmia_vm::check_helpers(&program)
            .map_err(|error| HostError::new(Fault::Input, error.to_diagnostic()))?;
        let (standing, verified_insns, proof) = match kernel.is_unverified() {
            true => (Standing::Unverified, 0, None),
            false => {
                let judged = kernel.judge(&program, None, &maps, 0);
                let insns = judged.verified_insns();
                let standing = judged
                    .result
                    .map_err(|why| HostError::new(Fault::Input, why.to_diagnostic(&program)))?;
                (standing, insns, judged.proof)
            }
        };
        Self::load_as(&program, &maps, process, standing, verified_insns, proof)
    }

    /// The same with a program that is verified already; its native form is the caller's to give.
    pub(super) fn load_verified(
        verified: &Verified,
        maps: &[UserMap],
        process: &Arc<Process>,
    ) -> Result<Self, HostError> {
        let program = Arc::new(verified.program().clone());
        Self::load_as(&program, &live(maps), process, Standing::Verified, 0, None)
    }

    fn load_as(
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        process: &Arc<Process>,
        standing: Standing,
        verified_insns: u32,
        proof: Option<Arc<Proof>>,
    ) -> Result<Self, HostError> {
        let kernel = process.kernel();
        let types = program.debug.as_ref().map(|debug| &debug.btf);
        let about = ProgramAbout {
            standing,
            verified_insns,
            name: fitted_name(&program.name),
            digest: digest(&program.insns),
            attach: program.hook.attach.map_or(0, AttachKind::number),
            load_time: kernel.since_boot(),
            btf: types.and_then(|btf| kernel.shared_btf(btf)),
            ..ProgramAbout::default()
        };
        let code = kernel
            .load(program, maps, about, proof)
            .map_err(|refused| refusal(program, &refused))?;
        Ok(Self {
            code,
            process: Arc::clone(process),
        })
    }

    /// What the packets it is given start with.
    pub fn layer(&self) -> Layer {
        layer(self.program().hook.kind)
    }

    /// Its id in the registry.
    pub fn id(&self) -> u32 {
        self.code.id()
    }

    /// What its instructions are told apart by (`bpf_prog_info.tag`).
    pub fn tag(&self) -> [u8; 8] {
        ProgramRecord::of(&self.code).tag()
    }

    /// What the machine runs.
    pub fn code(&self) -> &Arc<Code> {
        &self.code
    }
}

impl HostProgram for UserProgram {
    fn program(&self) -> &Program {
        self.code.program()
    }

    fn standing(&self) -> &Standing {
        &ProgramRecord::of(&self.code).about.standing
    }

    fn form(&self) -> &Form {
        ProgramRecord::of(&self.code).form()
    }

    fn tier(&self) -> Option<u8> {
        self.code.native().map(|native| native.tier())
    }

    fn tier_times(&self) -> Option<TierTimes> {
        self.code.native()?.tier_times()
    }

    fn test_run(&self, run: &mut Run) -> Result<(), HostError> {
        self.process
            .kernel()
            .run(Some(&self.process), &self.code, self.layer(), run)
            .map_err(|failed| match failed {
                RunFailed::Input(error) => HostError::new(fault_of(&error), error.to_diagnostic()),
                RunFailed::Trap(trap) => HostError::new(Fault::Input, trap.to_diagnostic()),
            })
    }
}

/// What programs hold of these maps.
fn live(maps: &[UserMap]) -> Vec<Arc<Map>> {
    maps.iter().map(|map| Arc::clone(map.map())).collect()
}

/// What packets of this program type start with, where they come from a network.
fn layer(kind: ProgramKind) -> Layer {
    match PacketStart::of(kind) {
        Some(PacketStart::Network) => Layer::Network,
        _ => Layer::Ethernet,
    }
}

fn refusal(program: &Program, refused: &ProgramRefused) -> HostError {
    let diagnostic = match refused {
        ProgramRefused::Prepare(error) => error.to_diagnostic(),
        ProgramRefused::Errno(errno) => {
            let message = format!("program `{}` cannot be registered: {errno}", program.name);
            Diagnostic::error(codes::USER_MEMORY, message)
        }
    };
    HostError::new(Fault::Unsupported, diagnostic)
}

fn fault_of(error: &InputError) -> Fault {
    match error {
        InputError::PacketTooLong { .. } | InputError::ContextTooLong { .. } => Fault::Usage,
        InputError::NoContext { .. } | InputError::NoMemory => Fault::Unsupported,
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
