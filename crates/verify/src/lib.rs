//! The verifier: whether a program is safe, by Linux's rules.
//!
//! [`verify`] explores every path of a program with what is known about each value ([`domain`]) and
//! gives a verdict. It does not know how code runs; hosts decide what to do with a verdict.

mod arithmetic;
mod attach;
mod branch;
mod call;
mod certificate;
mod chains;
mod checker;
pub mod codes;
pub mod domain;
mod events;
pub mod explain;
mod explore;
mod facts;
mod fields;
mod globals;
mod judge;
mod kernel;
pub mod limits;
mod liveness;
mod loops;
mod memory;
mod merge;
mod mistake;
mod needs;
mod options;
mod parameter;
mod path;
mod precision;
mod privileges;
mod prune;
mod reach;
mod reg;
mod reject;
mod shape;
mod speculation;
mod stack;
mod state;
mod trail;
mod transfer;
mod turns;
mod verified;

use std::time::Duration;

pub use osmia_program::Privilege;
use osmia_program::{MapSpec, Program, Target};

pub use crate::attach::Replaced;
pub use crate::certificate::Certificate;
pub use crate::checker::{Checked, Refusal};
use crate::explain::{Seen, Trace, Wish};
use crate::explore::Explorer;
pub use crate::explore::Stats;
pub use crate::facts::Facts;
use crate::judge::judge;
pub use crate::mistake::Mistake;
pub use crate::options::Options;
pub use crate::reach::Reach;
pub use crate::reject::Reject;
pub use crate::trail::{Run, Trail};
pub use crate::verified::Verified;

/// The outcome of exploring a program.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The program with what was found, or why it is rejected.
    pub result: Result<Verified, Box<Reject>>,
    /// What exploration counted.
    pub stats: Stats,
    /// What the checker counted and how long it took, if it was asked.
    pub check: Option<(Checked, Duration)>,
}

/// Explores a program. `maps` are those of `program.maps`, in that order.
pub fn verify(program: &Program, maps: &[MapSpec], target: &Target, options: &Options) -> Verdict {
    judge(program, maps, target, options, None, |_, _| ()).0
}

/// Explores a program and watches.
pub fn verify_and_watch(
    program: &Program,
    maps: &[MapSpec],
    target: &Target,
    options: &Options,
    wish: &Wish,
) -> (Verdict, Trace, Seen) {
    let mut trace = Trace::default();
    let tell = |explorer: &mut Explorer<'_>, why: &Reject| trace = explorer.trace(why.at);
    let (verdict, watch) = judge(program, maps, target, options, Some(wish), tell);
    let message = verdict
        .result
        .as_ref()
        .err()
        .map(|why| why.message.as_str());
    let stats = verdict.stats;
    let seen = watch.map(|watch| watch.ends(message, stats));
    (verdict, trace, seen.unwrap_or_default())
}

/// Explores a program and tells, if it is rejected, the path that is.
pub fn verify_and_trace(
    program: &Program,
    maps: &[MapSpec],
    target: &Target,
    options: &Options,
) -> (Verdict, Trace) {
    let mut trace = Trace::default();
    let tell = |explorer: &mut Explorer<'_>, why: &Reject| trace = explorer.trace(why.at);
    let verdict = judge(program, maps, target, options, None, tell).0;
    (verdict, trace)
}

impl Explorer<'_> {
    /// The entry, then every function that is verified on its own.
    fn run(&mut self) -> reject::Check {
        self.transfer.check_needs()?;
        self.transfer.check_privileges()?;
        self.transfer.check_program()?;
        let arguments = self.transfer.entry_arguments()?;
        self.explore(0, &arguments)?;
        let mut done = 0;
        while let Some(&function) = self.transfer.wanted_functions.get(done) {
            done += 1;
            let arguments = self.transfer.global_arguments(function)?;
            self.explore(function, &arguments)?;
        }
        self.transfer.check_stack_depth()
    }
}
