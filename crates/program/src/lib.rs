//! The waist of Osmia: what every front end produces and every host takes.
//!
//! A [`Program`] has nothing left to relocate and every jump lands on an instruction; a
//! [`ProgramSet`] is programs with the maps they share; a [`Target`] describes a place programs can
//! be loaded; a [`Host`] is such a place. Numbers and names are Linux's.
//!
//! This crate does not know ELF, any syntax, or how code is run.

mod abi;
pub mod attr;
pub mod context;
mod errno;
pub mod format;
pub mod helper;
mod hook;
mod host;
pub mod kfunc;
mod kind;
pub mod limits;
mod listing;
mod map_spec;
pub mod outcome;
mod privilege;
mod program;
mod record;
pub mod release;
mod rules;
mod scene;
mod set;
mod target;

pub use errno::Errno;
pub use hook::{Hook, Role};
pub use host::{
    Fault, Form, Host, HostError, HostMap, HostProgram, Interpreted, RedirectTarget, Redirected,
    Remote, Run, Signal, Slotted, Standing, TierTimes, UpdateMode,
};
pub use kind::{AttachKind, MapKind, ProgramKind};
pub use listing::{insn_text, listing};
pub use map_spec::{Initial, MapBtf, MapFlags, MapIndex, MapOrigin, MapSpec, Pinning, SlotContent};
pub use privilege::Privilege;
pub use program::{
    DebugInfo, FuncRecord, Function, KfuncRef, LineRecord, Poison, Program, ProgramError,
    ProgramFlags, ProgramParts, SourceLine,
};
pub use record::{Record, RecordSource};
pub use release::Release;
pub use rules::Rules;
pub use scene::{
    Changed, Event, EventSocket, Holder, Image, Known, LiveProcess, Parameter, PidNamespace,
    Pointer, ProcessMemory, Scene, SceneMemory, Task, TracedCall, TrackedConnection, UserMemory,
};
pub use set::{Global, ProgramSet};
pub use target::{Kconfig, KernelVersion, PARTIAL_TYPES, Target};
