//! What a host is asked, and what it answers. Plain bytes: nothing here knows commands.

use std::sync::Arc;

use osmia_btf::Btf;

/// Where a pointer to a buffer goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The buffer it lies in; `None` for the attributes.
    pub parent: Option<usize>,
    /// The offset there.
    pub offset: usize,
}

/// Memory of the caller that a call points to. It ends where readable memory ends.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// What the field is called.
    pub name: String,
    /// Where its address goes.
    pub place: Place,
    /// Its bytes before the call.
    pub bytes: Vec<u8>,
}

/// One call of bpf(2).
#[derive(Clone, Debug)]
pub struct Call {
    /// The command's number.
    pub command: u32,
    /// The attributes in memory, pointers to buffers still zero.
    pub attr: Vec<u8>,
    /// How many bytes of them the caller says there are.
    pub size: u32,
    /// What pointers lead to; parents come first.
    pub buffers: Vec<Buffer>,
}

/// One thing asked of a host.
#[derive(Clone, Debug)]
pub enum Request {
    /// bpf(2).
    Bpf(Call),
    /// close(2).
    Close(i32),
    /// mkdir(2).
    Mkdir(String),
    /// rmdir(2).
    Rmdir(String),
    /// unlink(2).
    Unlink(String),
    /// rename(2).
    Rename(String, String),
    /// open(2) of a directory.
    Open(String),
    /// read(2) of at most this many bytes.
    Read(i32, usize),
    /// perf_event_open(2) of this type and configuration, for the caller itself on any CPU.
    PerfEvent(u32, u64),
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Returned {
    /// What the call returns; a negative errno if it failed.
    pub result: i64,
    /// The attributes afterwards.
    pub attr: Vec<u8>,
    /// The buffers afterwards; the bytes read.
    pub buffers: Vec<Vec<u8>>,
}

/// A place that calls can be made.
pub trait Host {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the host cannot be reached: a sentence for people.
    fn ask(&mut self, request: &Request) -> Result<Returned, String>;

    /// The kernel's types, by which cases name functions.
    fn types(&self) -> Option<Arc<Btf>>;

    /// The number of the process that makes the calls.
    fn pid(&self) -> u32;

    /// Closes every descriptor and empties the bpffs on `/sys/fs/bpf`.
    ///
    /// # Errors
    /// If the host cannot be reached.
    fn reset(&mut self) -> Result<(), String>;
}
