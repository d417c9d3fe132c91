//! Programs inside of an application: loaded once, called like functions, thousands of times.
//!
//! Each type is a state, and each arrow one call: an [`Object`](crate::Object) is linked
//! ([`Sandbox::link`]), verified ([`Sandbox::verify`]) and loaded ([`Verified::load`]);
//! [`Sandbox::load`] does the three in one. A [`Module`] gives typed handles: [`Program`], [`Map`],
//! [`Global`] and others. A [`Worker`] is a CPU of the sandbox; a thread has one and runs programs on it.
//!
//! ```
//! use osmia::embed::{Map, Sandbox};
//! use osmia::zerocopy::{FromBytes, Immutable, IntoBytes};
//!
//! /// What the rules in `rules.bpf.c` look at: the same fields in the same order.
//! #[derive(Clone, Debug, FromBytes, IntoBytes, Immutable)]
//! #[repr(C)]
//! struct Payment {
//!     account: u32,
//!     country: u32,
//!     cents: u64,
//!     score: u32,
//!     reason: u32,
//! }
//!
//! # let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rules/rules.bpf.o");
//! let sandbox = Sandbox::new()?;
//! let module = sandbox.load(&osmia::Object::open(rules)?)?;
//! let large = module.program::<Payment>("large")?;
//! let limits: Map<u32, u64> = module.map("limits")?;
//! limits.set(&41, &100_000)?;
//!
//! let mut worker = sandbox.worker()?;
//! let mut payment = Payment { account: 41, country: 0, cents: 250_000, score: 0, reason: 0 };
//! assert_eq!(large.run(&mut worker, &mut payment)?, 1);
//! assert_eq!(payment.score, 40);
//! # Ok::<(), osmia::Error>(())
//! ```

mod builder;
mod events;
mod global;
mod map;
mod module;
mod per_cpu;
mod program;
mod queue;
mod sandbox;
mod untyped;
mod verified;
mod worker;

use osmia_diag::{Code, Diagnostic};
use osmia_program::Fault;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::Error;

pub use builder::Builder;
pub use events::Events;
pub use global::Global;
pub use map::{Entries, Map};
pub use module::Module;
pub use osmia_program::UpdateMode;
pub use osmia_program::helper::{Arg, Helper, NotOwn, OWN_START, Returns};
pub use osmia_vm::{Fault as HelperFault, HostCall as HelperCall, Stop};
pub use per_cpu::PerCpuMap;
pub use program::{Packet, Program};
pub use queue::Queue;
pub use sandbox::Sandbox;
pub use untyped::UntypedMap;
pub use verified::Verified;
pub use worker::Worker;

/// Values that are nothing but their bytes: what a program and the application can share.
///
/// Derive what it asks for with [`zerocopy`]: structures are `#[repr(C)]`, without
/// padding, of integers, floats, arrays and other such structures.
pub trait Plain: FromBytes + IntoBytes + Immutable {}

impl<T: FromBytes + IntoBytes + Immutable + ?Sized> Plain for T {}

/// Something the application asked for that is not so.
fn misuse(code: Code, message: impl Into<String>) -> Error {
    Error::new(Fault::Usage, Diagnostic::error(code, message))
}
