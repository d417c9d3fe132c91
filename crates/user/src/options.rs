//! What the user-space host is told about the machine it is to be.

use std::path::Path;
use std::sync::Arc;

use osmia_btf::{Btf, BtfError};
use osmia_program::{Kconfig, KernelVersion, Release, Rules, Target};
use osmia_vm::net::Network;
use osmia_vm::{Clock, HostHelper};

/// Where Linux shows the types of the running kernel.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// The kernel version programs are told.
pub const KERNEL: KernelVersion = KernelVersion::new(6, 18, 0);

/// The machine that programs find themselves in.
#[derive(Clone, Debug)]
pub struct UserOptions {
    /// CPUs: the slots of per-CPU maps.
    pub cpus: u32,
    /// With a seed, random numbers come from it and the clock ticks by itself: every run of the same
    /// programs on the same input is the same.
    pub seed: Option<u64>,
    /// What the clock shows, if the seed is not to decide it.
    pub clock: Option<Clock>,
    /// Instructions one run may execute in the interpreter; machine code does not count them.
    pub insns_max: u64,
    /// Interfaces, routes and neighbours that programs ask about.
    pub network: Arc<Network>,
    /// Types of the kernel that CO-RE relocations are resolved against.
    pub btf: Option<Arc<Btf>>,
    /// The release of Linux it has the features of: what came later is refused, and programs are told its
    /// version. If none is named, it has everything known here.
    pub release: Option<Release>,
    /// How far its verifier looks.
    pub rules: Rules,
    /// Programs that come by handle are not verified: what the verifier would reject runs until it does
    /// harm.
    pub unverified: bool,
    /// Programs that the verifier accepts become machine code when they are loaded, if the compiler takes
    /// them; the others are interpreted.
    pub native: bool,
    /// The kernel's configuration, for `.kconfig` variables.
    pub kconfig: Option<Arc<Kconfig>>,
    /// Helpers of the application, besides Linux's.
    pub helpers: Vec<HostHelper>,
}

impl Default for UserOptions {
    /// One CPU, real time, no network but the loopback interface, no types, no configuration, no release,
    /// machine code.
    fn default() -> Self {
        Self {
            cpus: 1,
            seed: None,
            clock: None,
            insns_max: osmia_vm::limits::INSNS_PER_RUN,
            network: Arc::new(Network::loopback()),
            btf: None,
            release: None,
            rules: Rules::Linux,
            unverified: false,
            native: true,
            kconfig: None,
            helpers: Vec::new(),
        }
    }
}

impl UserOptions {
    /// Takes the types of the running kernel, where they can be read; says whether they could.
    ///
    /// # Errors
    /// If there is a file and it is not BTF.
    pub fn use_kernel_btf(&mut self) -> Result<bool, BtfError> {
        let Ok(bytes) = std::fs::read(Path::new(KERNEL_BTF)) else {
            return Ok(false);
        };
        self.btf = Some(Arc::new(Btf::parse(bytes, None)?));
        Ok(true)
    }

    /// What programs for such a machine are linked for.
    pub fn target(&self) -> Target {
        Target {
            name: "user".to_owned(),
            endian: osmia_btf::Endian::NATIVE,
            kernel: self.release.map_or(KERNEL, Release::kernel),
            release: self.release,
            rules: self.rules,
            cpus: self.cpus.max(1),
            btf: self.btf.clone(),
            module_btfs: Vec::new(),
            kconfig: self.kconfig.clone(),
            ksyms: None,
            kfuncs: Some(osmia_vm::has_kfunc),
            own_helpers: self.helpers.iter().map(|own| *own.helper()).collect(),
        }
    }
}
