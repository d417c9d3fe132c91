//! A place programs are loaded, as a trait: the user-space host and the Linux host are the two.

use std::sync::Arc;

use osmia_diag::Diagnostic;

use crate::{Changed, Errno, MapSpec, Program, Record, Scene, Target};

/// Whose fault a failure is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The object, the program or the data: a negative verdict.
    Input,
    /// The caller asked for something that makes no sense.
    Usage,
    /// Not possible on this host; the diagnostic says what is missing.
    Unsupported,
    /// A bug of ours.
    Internal,
}

/// Why a host could not do something.
#[derive(Clone, Debug)]
pub struct HostError {
    /// Whose fault it is.
    pub fault: Fault,
    /// What people are told.
    pub diagnostic: Box<Diagnostic>,
}

impl HostError {
    /// A failure with its explanation.
    pub fn new(fault: Fault, diagnostic: Diagnostic) -> Self {
        Self {
            fault,
            diagnostic: Box::new(diagnostic),
        }
    }
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for HostError {}

/// Whether an update may create or replace (`BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum UpdateMode {
    /// Create or replace.
    #[default]
    Any,
    /// Create only.
    NoExist,
    /// Replace only.
    Exist,
}

/// A live map or program, as the content of a slot of a map of maps or a program array.
#[derive(Copy, Clone, Debug)]
pub enum Slotted<'a, M, P> {
    /// An inner map.
    Map(&'a M),
    /// A tail-call target.
    Program(&'a P),
}

/// A live map. Errors are the kernel's.
pub trait HostMap: Clone {
    /// What it was made from.
    fn spec(&self) -> &MapSpec;
    /// The value of a key; for per-CPU kinds every CPU's value, each padded to eight bytes.
    fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno>;
    /// Sets the value of a key; per-CPU kinds take what `lookup` gives.
    fn update(&self, key: &[u8], value: &[u8], mode: UpdateMode) -> Result<(), Errno>;
    /// Removes a key.
    fn delete(&self, key: &[u8]) -> Result<(), Errno>;
    /// The key after this one, the first for `None` or an unknown key; `ENOENT` after the last.
    fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno>;
    /// What a map without keys holds, the next value first; `EINVAL` where that cannot be told.
    fn values(&self) -> Result<Vec<Vec<u8>>, Errno>;
    /// What a map keeps for objects: whose, by the number people know the owner by, and the value;
    /// `EINVAL` for other maps.
    fn owned(&self) -> Result<Vec<(u64, Vec<u8>)>, Errno>;
    /// No more writes from outside programs.
    fn freeze(&self) -> Result<(), Errno>;
}

/// Where a helper sent a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectTarget {
    /// An interface, by index.
    Interface(u32),
    /// An interface, by index, with the neighbour's address as the destination.
    Neighbour(u32),
    /// The other end of an interface, by index.
    Peer(u32),
    /// What a map of interfaces, CPUs or sockets has under a key.
    Slot {
        /// The map's name.
        map: String,
        /// Its kind.
        kind: crate::MapKind,
        /// The key.
        key: u32,
        /// The value under it, as bytes.
        value: Vec<u8>,
    },
    /// The socket that a map of sockets has under a key.
    Socket {
        /// The map's name.
        map: String,
        /// Its kind.
        kind: crate::MapKind,
        /// The key.
        key: Vec<u8>,
        /// The socket's cookie.
        cookie: u64,
    },
    /// Every interface in a map.
    Everybody {
        /// The map's name.
        map: String,
    },
}

/// A packet, or a copy of one, sent elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected {
    /// Where to.
    pub target: RedirectTarget,
    /// The helper's flags.
    pub flags: u64,
    /// The copy; `None` if it is the packet itself.
    pub copy: Option<Vec<u8>>,
}

/// A signal that a program sent to the process that made it run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its number.
    pub number: u32,
    /// To whom: the thread's or the process' id.
    pub to: u32,
    /// To the thread only.
    pub to_thread: bool,
}

/// What a program made of infrared signals, as it tells the input device.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// The last key is still held.
    Repeat,
    /// A key is pressed.
    Key {
        /// `enum rc_proto`
        protocol: u32,
        /// Which key.
        scancode: u64,
        /// Changes from one press of a key to the next.
        toggle: bool,
    },
    /// A pointer moved.
    Pointer {
        /// To the right.
        x: i32,
        /// Down.
        y: i32,
    },
}

/// One execution of a program on a described input. The caller owns and reuses the buffers.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Packet or other data, in and out.
    pub data: Vec<u8>,
    /// Context bytes in the layout of the UAPI, in and out; empty for the default one.
    pub ctx: Vec<u8>,
    /// How many times to run; 0 counts as 1. The packet is not restored in between.
    pub repeat: u32,
    /// The CPU it runs on.
    pub cpu: u32,
    /// What surrounds it.
    pub scene: Arc<Scene>,
    /// Set by the run: what the program returned.
    pub retval: u32,
    /// Set by the run: where helpers sent copies of the packet and, last, the packet itself (which
    /// goes there if `retval` says so).
    pub redirected: Vec<Redirected>,
    /// Set by the run: signals that programs sent.
    pub signals: Vec<Signal>,
    /// Set by the run: what a decoder of infrared signals said.
    pub remote: Vec<Remote>,
    /// Set by the run: parts of the scene that hold something else now.
    pub changed: Vec<Changed>,
    /// Set by the run: what an iterator printed.
    pub sequence: Vec<u8>,
    /// Set by the run: what the probed function is to return instead of running.
    pub override_return: Option<u64>,
    /// Set by the run: average nanoseconds of one repetition.
    pub duration_ns: u64,
    /// Set by the run: instructions executed over all repetitions, where the host counts.
    pub insns: Option<u64>,
}

/// What a host knows about a program's safety before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Every path was explored, and none does what it may not.
    Verified,
    /// The verifier does not know something the program uses: every access is tested while it runs.
    NotJudged {
        /// What it does not know.
        why: String,
    },
    /// The verifier was not asked: every access is tested while it runs.
    #[default]
    Unverified,
}

/// What a program is run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Machine code.
    Native {
        /// Its bytes.
        code_bytes: usize,
    },
    /// Operations of an interpreter, which tests every access.
    Interpreted {
        /// Why it is not machine code.
        why: Interpreted,
    },
    /// What a kernel makes of it.
    Kernel,
}

/// Why a program is interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpreted {
    /// The host was told to.
    Asked,
    /// Machine code is made of verified programs only.
    NotVerified,
    /// The compiler does not take it.
    NotCompiled(Box<Diagnostic>),
}

impl Form {
    /// Its name in commands and JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Form::Native { .. } => "native",
            Form::Interpreted { .. } => "interp",
            Form::Kernel => "kernel",
        }
    }
}

/// What a run usually took in each tier of the compilers, in nanoseconds, while both were tried.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TierTimes {
    /// In the linear-time one.
    pub first: u64,
    /// In the optimising one.
    pub second: u64,
}

/// A program resident in a host.
pub trait HostProgram: Clone {
    /// What it was made from.
    fn program(&self) -> &Program;
    /// What is known about its safety.
    fn standing(&self) -> &Standing;
    /// What it is run as.
    fn form(&self) -> &Form;
    /// Which tier of this process' compilers its next run is in, if any: programs that run often rise.
    fn tier(&self) -> Option<u8> {
        None
    }
    /// What runs took in both tiers, if they were compared: the program stays with the faster.
    fn tier_times(&self) -> Option<TierTimes> {
        None
    }
    /// Runs it once (or `run.repeat` times) on the input and leaves the results in `run`.
    fn test_run(&self, run: &mut Run) -> Result<(), HostError>;
}

/// A place programs are loaded. What it hands out is freed when the last handle is dropped.
pub trait Host {
    /// Its maps.
    type Map: HostMap;
    /// Its programs.
    type Program: HostProgram;

    /// What programs should be linked for.
    fn target(&self) -> &Target;
    /// Makes a map. Data sections are filled; slots are the caller's to fill with `set_slot`.
    fn create_map(&self, spec: &MapSpec) -> Result<Self::Map, HostError>;
    /// Puts a map or a program into a slot of a map of maps or a program array.
    fn set_slot(
        &self,
        map: &Self::Map,
        index: u32,
        content: Slotted<'_, Self::Map, Self::Program>,
    ) -> Result<(), HostError>;
    /// Makes a program resident. `maps` are those of `program.maps`, in that order.
    fn load(&self, program: &Program, maps: &[Self::Map]) -> Result<Self::Program, HostError>;
    /// Runs what programs left for later (timers, work) until nothing waits or the host's patience
    /// ends, and says how many ran. Hosts with a kernel have it do so by itself.
    fn settle(&self) -> Result<u64, HostError> {
        Ok(0)
    }
    /// Hands over what programs have said since the last call, oldest first.
    fn drain(&self, sink: &mut dyn FnMut(Record));
}
