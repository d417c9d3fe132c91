//! Cases that run on two hosts: sequences of bpf(2) calls, and what Linux answers.
//!
//! A case is text under `tests/both` (`tests/both/README.md` describes it). It is turned into the
//! same [`Request`]s for every [`Host`]; each answer becomes one line, and lines are compared. The
//! kernel's lines are committed, so that a machine without privileges is judged by Linux too.
//!
//! This crate does not know how a kernel is reached.

mod answer;
mod call;
mod case;
mod constants;
mod file;
mod literal;
mod request;
mod run;
mod types;
mod user;

pub use case::{Case, Known, Step};
pub use file::{CaseFile, files};
pub use request::{Buffer, Call, Host, Request, Returned};
pub use run::{StepOutcome, run};
pub use user::User;
