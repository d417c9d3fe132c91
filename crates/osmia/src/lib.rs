//! Osmia as a library: everything an embedder needs, one file per state of the flow.
//!
//! An [`Object`] is what a file says; linked for a target it is [`Linked`]; loaded on a
//! [`Host`] it is [`Loaded`]; a run yields [`Event`]s and a [`RunSummary`]; what maps hold afterwards
//! is [`MapContents`]. Nothing here knows terminals.
//!
//! ```
//! use std::ops::ControlFlow;
//! use osmia::{Host, LinkOptions, Object, RunOptions, UserHost, UserOptions};
//! use osmia::capture::CaptureReader;
//!
//! # let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
//! let object = Object::open(format!("{examples}/hello.bpf.o"))?;
//! let host = UserHost::new(UserOptions::default())?;
//! let linked = object.link(host.target(), &LinkOptions::default())?;
//! let loaded = linked.load(&host, &["hello"])?;
//!
//! let pcap = std::fs::File::open(format!("{examples}/ping.pcap"))?;
//! let mut capture = CaptureReader::new(pcap)?;
//! let summary = loaded.run_capture("hello", &mut capture, &RunOptions::default(), &mut |event| {
//!     if let osmia::Event::Trace { packet, text, .. } = event {
//!         println!("packet {packet}: {text}");
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(summary.verdicts[0].verdict, "XDP_PASS");
//! assert_eq!(summary.packets, 21);
//! assert_eq!(loaded.globals()?[0].value.json, 21);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attach;
mod changes;
pub mod codes;
mod contents;
mod described;
pub mod doctor;
pub mod embed;
mod engine;
mod error;
pub mod feature;
pub mod glob;
pub mod hex;
mod inspect;
pub mod limits;
mod linked;
mod listen;
mod listing;
pub mod live;
mod loaded;
mod log;
mod machine;
mod matrix;
mod object;
mod place;
mod record_type;
mod resident;
mod run;
mod shown;
mod target;
mod twins;
mod verdict;
mod verified;
mod watched;

pub use attach::{Attached, Ground, XdpMode};
pub use changes::Change;
pub use contents::{GlobalValue, MapContents, MapEntry};
pub use described::{Description, Input, plain_scene};
pub use engine::Engine;
pub use error::Error;
pub use inspect::Overview;
pub use linked::Linked;
pub use listen::{Ended, Listener, LiveSummary, TreeOptions, listening_places};
pub use listing::{ListedInsn, Listing, ProgramStage};
pub use loaded::Loaded;
pub use log::{ExplainedLog, explain_log};
pub use machine::{reference_note, reference_types, use_machine_network, user_options};
pub use matrix::{Predicted, as_release};
pub use object::{Object, read_btf};
pub use osmia_jit::{Isa, Optimised};
pub use place::{Place, PlacedMap, PlacedProgram};
pub use run::{Event, Heard, Inputs, Outcome, RedirectCount, RunOptions, RunSummary, Sink};
pub use shown::Shown;
pub use target::{TargetName, UnknownTarget};
pub use verdict::{Verdict, VerdictCount};
pub use verified::Judged;
pub use watched::{KnownAt, KnownValue, LineHeat, Watching};

pub use osmia_btf as btf;
pub use osmia_diag as diag;
pub use osmia_isa as isa;
pub use osmia_object::{LinkOptions, ProgramType};
pub use osmia_program::{
    AttachKind, Fault, Form, Global, Hook, Host, HostMap, HostProgram, Interpreted, Kconfig,
    KernelVersion, MapKind, MapSpec, Privilege, Program, ProgramKind, ProgramSet, Release, Rules,
    Standing, Target, Task, TierTimes,
};
pub use osmia_user::{Clock, UserHost, UserOptions, capture};
pub use osmia_verify::explain;
pub use zerocopy;

/// Pages whose examples are tests of this crate.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/embedding.md")]
    mod embedding {}
    #[doc = include_str!("../../../docs/diagnostics/embed-helper.md")]
    mod embed_helper {}
    #[doc = include_str!("../../../docs/diagnostics/embed-map.md")]
    mod embed_map {}
    #[doc = include_str!("../../../docs/diagnostics/embed-name.md")]
    mod embed_name {}
    #[doc = include_str!("../../../docs/diagnostics/embed-type.md")]
    mod embed_type {}
    #[doc = include_str!("../../../docs/diagnostics/embed-worker.md")]
    mod embed_worker {}
}
