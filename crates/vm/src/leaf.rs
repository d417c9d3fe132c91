//! Helpers that only look at the environment: they take no arguments, nothing can go wrong in them, and
//! they leave nothing behind.

use crate::env::Environment;
use crate::native::Running;

/// One of them, or several that are the same here.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// `bpf_ktime_get_ns`, `_boot_ns`, `_coarse_ns`, `_tai_ns`: one clock for all.
    Time,
    /// `bpf_jiffies64`
    Jiffies,
    /// `bpf_get_prandom_u32`
    Random,
    /// `bpf_get_smp_processor_id`
    Cpu,
    /// `bpf_get_numa_node_id`
    Node,
    /// `bpf_get_current_pid_tgid`
    Process,
    /// `bpf_get_current_uid_gid`
    User,
}

impl Leaf {
    /// What the helper with a number looks at.
    pub fn of_helper(id: u32) -> Option<Self> {
        Some(match id {
            5 | 125 | 160 | 208 => Self::Time,
            7 => Self::Random,
            8 => Self::Cpu,
            14 => Self::Process,
            15 => Self::User,
            42 => Self::Node,
            118 => Self::Jiffies,
            _ => return None,
        })
    }

    /// What it finds.
    #[inline(always)]
    pub(crate) fn look(self, env: &mut Environment) -> u64 {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        match self {
            Self::Time => env.clock.nanoseconds(),
            Self::Jiffies => {
                let tick = 1_000_000_000 / env.hertz.max(1);
                env.clock.nanoseconds() / tick.max(1)
            }
            Self::Random => env.random.next_u32().into(),
            Self::Cpu => env.cpu.into(),
            Self::Node => env.node.into(),
            Self::Process => pair(env.task.tgid, env.task.pid),
            Self::User => pair(env.task.gid, env.task.uid),
        }
    }
}

impl Running<'_> {
    /// What a helper finds that only looks.
    #[inline(always)]
    pub fn look(&mut self, leaf: Leaf) -> u64 {
        leaf.look(&mut self.world.env)
    }
}
