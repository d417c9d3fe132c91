//! The commands of bpf(2) as values: what is asked, what is answered.
//!
//! Requests are as raw as the caller's words: kinds are numbers, flags are bits, descriptors are any
//! number. Nothing here is checked; [`crate::Process`] does that, in the kernel's order, and answers
//! with the kernel's errno. What attributes point to is given as bytes: `None` is a null pointer, and
//! a slice shorter than what the kernel would read ends where readable memory ends (`EFAULT`); bytes
//! behind that are not looked at.

mod attach;
mod btf;
mod link;
mod map;
mod object;
mod perf_event;
mod program;
mod system;

pub use attach::{ProgAttach, ProgDetach, ProgQuery, ProgQueryAnswer, QueriedProgram};
pub use btf::BtfLoad;
pub use link::{
    IterCreate, KprobeMulti, LinkCreate, LinkDetach, LinkDetail, LinkFamily, LinkUpdate,
    NetfilterHook, RawTracepointOpen, Relative, UprobeMulti,
};
pub use map::{Batch, BatchAnswer, Element, MapCreate, MapFreeze, MapSizes};
pub use object::{
    BtfInfo, FdById, IterTarget, LinkInfo, LinkInfoDetail, MapHash, MapInfo, NextId, ObjGet,
    ObjInfo, ObjPin, PerfEventInfo, ProgInfo,
};
pub use perf_event::{PerfEventOpen, PerfEventSource};
pub use program::{
    LogAnswer, LogRequest, ProgBindMap, ProgLoad, ProgLoadAnswer, ProgTestRun, ProgTestRunAnswer,
    Records,
};
pub use system::{EnableStats, StreamRead, TaskFdQuery, TaskFdQueryAnswer, TokenCreate};

/// A file descriptor as a caller names it: any number.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

impl std::fmt::Display for Fd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A name as attributes carry it, with the zeroes behind it (`BPF_OBJ_NAME_LEN`).
pub type ObjectName = [u8; crate::limits::OBJECT_NAME_BYTES];
