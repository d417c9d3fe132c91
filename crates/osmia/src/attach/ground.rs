//! What a person chooses about where programs go: nothing a section could say.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where programs are attached, as far as their sections leave it open.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Another place than its section names, by program; under an empty name for all of them.
    pub at: BTreeMap<String, String>,
    /// The network interface: XDP, TC, netkit.
    pub interface: Option<String>,
    /// How XDP programs are given packets.
    pub xdp: XdpMode,
    /// TC programs whose section does not say it are given packets that leave, not those that come.
    pub egress: bool,
    /// The control group, by its folder.
    pub cgroup: Option<PathBuf>,
    /// The network namespace, by its file; this process' if there is none.
    pub network: Option<PathBuf>,
    /// Only this process: functions of files, clocks.
    pub process: Option<u32>,
    /// Ticks of a clock a second.
    pub hertz: u64,
}

/// How XDP programs are given packets.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum XdpMode {
    /// By the driver if it can, otherwise by the kernel.
    #[default]
    Auto,
    /// By the kernel, when it has made a packet of its own of it.
    Generic,
    /// By the driver.
    Native,
    /// In the network card.
    Offload,
}

impl XdpMode {
    /// `XDP_FLAGS_…`
    pub(super) fn flags(self) -> u32 {
        match self {
            XdpMode::Auto => 0,
            XdpMode::Generic => 1 << 1,
            XdpMode::Native => 1 << 2,
            XdpMode::Offload => 1 << 3,
        }
    }
}
