//! The flags that say what machine and what task programs find themselves in.

use std::str::FromStr;

use clap::Args;
use osmia::{Clock, Error, TargetName, Task, UserOptions};

/// The machine and its task.
#[derive(Args)]
pub(super) struct MachineFlags {
    /// CPUs of the machine: the slots of per-CPU maps. [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Machine")]
    cpus: Option<u32>,
    /// The CPU programs run on, from 0.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Machine")]
    cpu: u32,
    /// Repeat exactly: random numbers from this seed, a clock that ticks by itself.
    #[arg(long, value_name = "N", help_heading = "Machine")]
    seed: Option<u64>,
    /// What the clock shows: always the same, a start and a step a look, or the machine's.
    #[arg(
        long,
        value_name = "fixed:NS|step:START,STEP|real",
        help_heading = "Machine"
    )]
    clock: Option<ClockFlag>,
    /// Instructions one run may execute. The interpreter counts them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Machine")]
    budget: Option<u64>,
    /// Have the features of a release of Linux, linux-5.4 to linux-6.18: what came later is refused, and
    /// programs are told its version; or, with `osmia`, take safe programs that Linux's verifier gives up on.
    #[arg(long, value_name = "linux-X.Y|osmia", help_heading = "Machine")]
    target: Option<TargetName>,
    /// Let programs find this machine's interfaces, addresses, routes and neighbours; without, there is
    /// only a loopback interface.
    #[arg(long, help_heading = "Machine")]
    host_network: bool,
    /// Process id of the current task. [default: 1]
    #[arg(long, value_name = "N", help_heading = "Task")]
    pid: Option<u32>,
    /// Thread id of the current task. [default: its process id]
    #[arg(long, value_name = "N", help_heading = "Task")]
    tid: Option<u32>,
    /// Command name of the current task. [default: osmia]
    #[arg(long, value_name = "NAME", help_heading = "Task")]
    comm: Option<String>,
    /// User of the current task. [default: 0]
    #[arg(long, value_name = "N", help_heading = "Task")]
    uid: Option<u32>,
    /// Group of the current task. [default: 0]
    #[arg(long, value_name = "N", help_heading = "Task")]
    gid: Option<u32>,
    /// Ids of the current task's control groups, from the root's down to its own. [default: 1]
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Task")]
    cgroup: Vec<u64>,
}

impl MachineFlags {
    /// Makes the machine as the flags say.
    pub(super) fn apply(&self, options: &mut UserOptions) -> Result<(), Error> {
        if self.host_network {
            osmia::use_machine_network(options)?;
        }
        if let Some(target) = self.target {
            target.set(options);
        }
        options.cpus = self.cpus.unwrap_or(1).max(self.cpu + 1);
        options.seed = self.seed;
        options.clock = self.clock.clone().map(|clock| clock.0);
        options.insns_max = self.budget.unwrap_or(options.insns_max);
        Ok(())
    }

    /// True if instructions are to be counted.
    pub(super) fn has_budget(&self) -> bool {
        self.budget.is_some()
    }

    /// A flag that was given and does nothing where the kernel runs programs: alone, or beside us.
    pub(super) fn only_elsewhere(&self, alone: bool) -> Option<&'static str> {
        let flags = [
            ("--cpus", self.cpus.is_some()),
            ("--seed", alone && self.seed.is_some()),
            ("--clock", alone && self.clock.is_some()),
            ("--target", alone && self.target.is_some()),
            ("--budget", alone && self.budget.is_some()),
            ("--host-network", alone && self.host_network),
            ("--pid", alone && self.pid.is_some()),
            ("--tid", alone && self.tid.is_some()),
            ("--comm", alone && self.comm.is_some()),
            ("--uid", alone && self.uid.is_some()),
            ("--gid", alone && self.gid.is_some()),
            ("--cgroup", alone && !self.cgroup.is_empty()),
        ];
        let given = flags.iter().find(|(_, is_given)| *is_given);
        given.map(|(flag, _)| *flag)
    }

    /// The CPU programs run on.
    pub(super) fn cpu(&self) -> u32 {
        self.cpu
    }

    /// The current task.
    pub(super) fn task(&self) -> Task {
        let plain = Task::default();
        let tgid = self.pid.or(self.tid).unwrap_or(plain.tgid);
        Task {
            pid: self.tid.unwrap_or(tgid),
            tgid,
            uid: self.uid.unwrap_or(plain.uid),
            gid: self.gid.unwrap_or(plain.gid),
            comm: self.comm.clone().unwrap_or(plain.comm),
            cgroups: match self.cgroup.as_slice() {
                [] => plain.cgroups,
                ids => ids.to_vec(),
            },
            pid_namespace: plain.pid_namespace,
        }
    }
}

/// `fixed:NS`, `step:START,STEP` or `real`
#[derive(Clone, Debug)]
struct ClockFlag(Clock);

impl FromStr for ClockFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let plain = text.trim().replace('_', "");
            plain
                .parse::<u64>()
                .map_err(|_| format!("`{text}` is no number of nanoseconds"))
        };
        if text == "real" {
            return Ok(Self(Clock::real()));
        }
        if let Some(now) = text.strip_prefix("fixed:") {
            return Ok(Self(Clock::Fixed(number(now)?)));
        }
        match text
            .strip_prefix("step:")
            .and_then(|rest| rest.split_once(','))
        {
            Some((start, step)) => Ok(Self(Clock::Steps {
                now: number(start)?,
                step: number(step)?,
            })),
            None => Err("expected fixed:NS, step:START,STEP or real".to_owned()),
        }
    }
}
