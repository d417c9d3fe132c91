//! Explanations: why a program is rejected, told from the path that was rejected.
//!
//! [`Trace`] is a path with what every instruction changed, made by walking the path once more or by
//! reading a kernel's log; everything else works on traces.

mod advice;
mod explanation;
mod kernel_log;
mod log;
mod names;
mod origin;
mod parse;
mod replay;
mod thread;
mod trace;
mod turnings;
mod value;
mod watch;
mod words;

pub use explanation::{Explanation, Happening, Known, Missing, explain};
pub use kernel_log::LoggedPaths;
pub use log::{Log, read_log};
pub use trace::{Change, Place, Source, Step, Trace};
pub use turnings::Turning;
pub use value::{MapName, Value};
pub(crate) use watch::Watch;
pub use watch::{Seen, Wish};
pub use words::value as in_words;
