//! The user-space host: programs run by the checking interpreter, maps in this process.

mod map;
mod program;

use std::sync::Arc;

use osmia_program::{Fault, Host, HostError, MapSpec, Program, Record, Slotted, Target};
use osmia_verify::Verified;

pub use map::UserMap;
pub use program::UserProgram;

use crate::{Credentials, Kernel, Process, UserOptions};

/// A machine in an ordinary process. What the verifier rejects is not loaded, unless
/// [`UserOptions::unverified`] says otherwise; every access is tested while it happens all the same.
///
/// Its maps and programs are handles to objects of a [`Kernel`], which [`UserHost::kernel`] shows.
#[derive(Debug)]
pub struct UserHost {
    kernel: Arc<Kernel>,
    /// In whose name its system call programs act.
    process: Arc<Process>,
}

impl UserHost {
    /// A machine as described.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(options: UserOptions) -> Result<Self, HostError> {
        let kernel = Kernel::new(options)?;
        let process = Arc::new(Process::new(&kernel, Credentials::ROOT));
        Ok(Self { kernel, process })
    }

    /// Where its objects are registered.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// Makes a program resident that is verified for this host's target and maps like these, without
    /// asking the verifier once more.
    ///
    /// # Errors
    /// If it calls helpers there are not, or memory is short.
    pub fn load_verified(
        &self,
        verified: &Verified,
        maps: &[UserMap],
    ) -> Result<UserProgram, HostError> {
        UserProgram::load_verified(verified, maps, &self.process)
    }

    /// The process that programs run in, with what system call programs opened.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }
}

impl Host for UserHost {
    type Map = UserMap;
    type Program = UserProgram;

    fn target(&self) -> &Target {
        self.kernel.target()
    }

    fn create_map(&self, spec: &MapSpec) -> Result<UserMap, HostError> {
        UserMap::create(spec, &self.kernel)
    }

    fn set_slot(
        &self,
        map: &UserMap,
        index: u32,
        content: Slotted<'_, UserMap, UserProgram>,
    ) -> Result<(), HostError> {
        map.set_slot(index, content)
    }

    fn load(&self, program: &Program, maps: &[UserMap]) -> Result<UserProgram, HostError> {
        UserProgram::load(program, maps, &self.process)
    }

    fn settle(&self) -> Result<u64, HostError> {
        let settled = self.kernel.settle();
        settled.map_err(|trap| HostError::new(Fault::Input, trap.to_diagnostic()))
    }

    fn drain(&self, sink: &mut dyn FnMut(Record)) {
        self.kernel.drain(sink);
    }
}
