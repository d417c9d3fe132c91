//! The machine: an interpreter that trusts nothing, the memory it checks, maps and helpers.
//!
//! [`Code::prepare`] decodes a program once; a [`Machine`] takes an input and runs it. A run ends
//! with an [`Outcome`] or with a [`Trap`] that says which instruction did what it may not.
//!
//! This crate does not know object files, packets' origins or Linux system calls.

mod checked;
mod code;
pub mod codes;
mod connection;
mod context;
mod direct;
mod dynptr;
mod env;
mod far;
mod fields;
mod guest;
pub mod heap;
mod held;
mod helper;
mod host_helper;
mod identity;
mod interp;
mod kernel_context;
mod kernel_layout;
mod kfunc;
mod leaf;
pub mod limits;
mod machine;
pub mod map;
pub mod map_call;
pub mod memory;
mod native;
pub mod net;
mod op;
mod own;
pub mod owner;
mod packet;
mod permit;
mod prepare;
mod ready;
pub mod socket;
mod stage;
mod stop;
mod system_calls;
#[cfg(feature = "trace")]
mod trace;
mod trap;
mod variable;
mod world;

pub use checked::Checked;
pub use code::{Code, FindVariable};
pub use env::{Clock, Environment, Random};
pub use far::{Far, MISSED};
pub use fields::check_object_types;
pub use guest::{Call, Fault, Guest};
pub use held::Held;
pub use host_helper::{HostCall, HostHelper};
pub use identity::Identity;
pub use kfunc::has_kfunc;
pub use leaf::Leaf;
pub use machine::{Machine, Outcome};
pub use native::{Native, NativeHelper, Running, layout};
pub use own::{Helpers, OwnFn, OwnHelper};
pub use packet::Packet;
pub use permit::{check_helpers, has_helper};
pub use prepare::PrepareError;
pub use ready::{Demands, Entry, Way};
pub use stage::{Stage, UserPages};
pub use stop::Stop;
pub use system_calls::{CallerMemory, SystemCalls};
#[cfg(feature = "trace")]
pub use trace::{Step, Watch};
pub use trap::{Access, Cause, Target, Trap};
pub use world::{ContextBytes, Destination, InputError, Layer, Redirect, Tunnel, World};
