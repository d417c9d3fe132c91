//! What surrounds a run: the task, the event, and memory that is neither packet nor context.
//!
//! All of it is inert: a host gives [`Image`]s addresses when a run begins and writes those where
//! [`Pointer`]s say. Whoever describes a scene knows types; this module does not.

use std::net::SocketAddr;
use std::sync::Arc;

/// The task a program runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Thread id, the kernel's pid.
    pub pid: u32,
    /// Process id, the kernel's tgid.
    pub tgid: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Command name, cut to 15 bytes.
    pub comm: String,
    /// Ids of its control group's ancestors from the root down, its own last.
    pub cgroups: Vec<u64>,
    /// Its process namespace, if it is known.
    pub pid_namespace: Option<PidNamespace>,
}

/// A process namespace, as `bpf_get_ns_current_pid_tgid` asks for it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PidNamespace {
    /// Device of its file below `/proc/PID/ns`.
    pub device: u64,
    /// Inode of that file.
    pub inode: u64,
    /// Thread id inside of it.
    pub pid: u32,
    /// Process id inside of it.
    pub tgid: u32,
}

/// Id of the root of the control group hierarchy.
const ROOT_CGROUP_ID: u64 = 1;

impl Default for Task {
    /// The task of a machine nobody described: process 1, user 0, the root's control group.
    fn default() -> Self {
        Self {
            pid: 1,
            tgid: 1,
            uid: 0,
            gid: 0,
            comm: "osmia".to_owned(),
            cgroups: vec![ROOT_CGROUP_ID],
            pid_namespace: None,
        }
    }
}

/// What made the program run, as far as helpers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Addresses of the kernel's call stack, innermost first.
    pub kernel_stack: Vec<u64>,
    /// Addresses of the process' call stack, innermost first.
    pub user_stack: Vec<u64>,
    /// Address of the function the program is attached to; 0 if it is none.
    pub function: u64,
    /// What the attacher gave along (`bpf_get_attach_cookie`).
    pub cookie: u64,
    /// The function's arguments as the context holds them, if it is one traced by its prototype.
    pub call: Option<TracedCall>,
    /// Cookie of the socket that the packet or the event belongs to.
    pub socket: Option<u64>,
    /// The kernel parameter somebody reads or writes.
    pub parameter: Option<Parameter>,
    /// What a perf event counted, and for how many nanoseconds it was enabled and running.
    pub counter: [u64; 3],
    /// What the system call returns unless a program says otherwise.
    pub retval: i32,
    /// The traced function returns, and the program runs for the second time.
    pub is_return: bool,
}

/// The socket that a packet or an event belongs to, as somebody described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSocket {
    /// Its number.
    pub cookie: u64,
    /// User.
    pub uid: u32,
    /// The rest, as `struct bpf_sock`.
    pub bytes: Vec<u8>,
}

/// A connection that is tracked when the run begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedConnection {
    /// Who opened it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// `IPPROTO_TCP` or `IPPROTO_UDP`
    pub protocol: u8,
    /// The zone it is in.
    pub zone: u16,
    /// Its mark.
    pub mark: u32,
    /// Bits of `enum ip_conntrack_status`; that it is confirmed goes without saying.
    pub status: u32,
    /// How long it lives from then on.
    pub milliseconds: u64,
}

/// A kernel parameter that somebody reads or writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, as a path below `/proc/sys`.
    pub name: String,
    /// Its value.
    pub value: Vec<u8>,
    /// The value somebody writes to it.
    pub new_value: Option<Vec<u8>>,
}

/// How the context of a program at a function's entry or exit is made up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TracedCall {
    /// Eight-byte words of arguments.
    pub arguments: u32,
    /// One more word follows them: what the function returned.
    pub returned: bool,
}

/// An object of the kernel that a run finds, its pointers left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The name of its type, for people: `task_struct`.
    pub name: String,
    /// Images of one identity take one address, in later runs too.
    pub identity: Option<String>,
    /// What finds it: a task's pid, a control group's id.
    pub known: Option<Known>,
    /// It is what a variable of the kernel holds, the one of its name.
    pub variable: Option<Holder>,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Where addresses of images go.
    pub pointers: Vec<Pointer>,
    /// Programs may store to it.
    pub writable: bool,
}

/// What an object of the kernel is known by besides its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The number of a task, a control group or an inode.
    pub number: u64,
    /// The number of the process a task belongs to.
    pub process: u64,
    /// Control groups from the root down: a task's own one last, or a group itself.
    pub groups: Vec<u64>,
}

/// Which copy of a variable an image is of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// All of them, or the only one.
    Everybody,
    /// That of a CPU.
    Cpu(u32),
}

/// A place that holds the address of an image.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Offset of the eight bytes.
    pub at: usize,
    /// Which image, by position in the scene.
    pub image: usize,
    /// Offset inside of that image.
    pub offset: usize,
}

/// Memory of the process, at an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMemory {
    /// What it is, for people: `filename`.
    pub name: String,
    /// Address of its first byte.
    pub address: u64,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The memory of a process that lives.
pub trait ProcessMemory: std::fmt::Debug + Send + Sync {
    /// Copies bytes out; how many were there, from the first on.
    fn read(&self, address: u64, out: &mut [u8]) -> usize;

    /// Copies bytes in; how many went there, from the first on.
    fn write(&self, address: u64, bytes: &[u8]) -> usize;
}

/// A process that lives, as the one whose memory programs read. Equal to itself only.
#[derive(Clone, Debug)]
pub struct LiveProcess(pub Arc<dyn ProcessMemory>);

impl PartialEq for LiveProcess {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LiveProcess {}

/// What surrounds a run. The default one leaves everything as the host has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The task, if it is not the host's.
    pub task: Option<Task>,
    /// What made the program run.
    pub event: Option<Event>,
    /// The socket that the packet or the event belongs to.
    pub socket: Option<EventSocket>,
    /// Connections that are tracked.
    pub connections: Vec<TrackedConnection>,
    /// What the clock shows when it begins.
    pub time_ns: Option<u64>,
    /// Objects of the kernel.
    pub images: Vec<Image>,
    /// Memory of the process.
    pub user: Vec<UserMemory>,
    /// Memory of the process where it is not described.
    pub live: Option<LiveProcess>,
    /// Where addresses of images go in the context.
    pub pointers: Vec<Pointer>,
    /// Which image is the task.
    pub current: Option<usize>,
    /// Which image is the task's registers.
    pub registers: Option<usize>,
    /// Which image is the sequence file that an iterator prints to.
    pub sequence: Option<usize>,
}

impl Scene {
    /// True if a run may change a part of it.
    pub fn is_changeable(&self) -> bool {
        let has_setting = self
            .event
            .as_ref()
            .is_some_and(|event| event.parameter.is_some());
        has_setting || !self.user.is_empty() || self.images.iter().any(|image| image.writable)
    }
}

/// Memory of a scene that a run changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What.
    pub memory: SceneMemory,
    /// What it holds now, pointers included.
    pub bytes: Vec<u8>,
}

/// A part of a scene.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SceneMemory {
    /// A writable image, by position.
    Image(usize),
    /// Memory of the process, by position.
    User(usize),
    /// What is written to the event's kernel parameter.
    Parameter,
}
