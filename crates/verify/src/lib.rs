//! The verifier: whether a program is safe, by Linux's rules.
//!
//! [`verify`] explores every path of a program with what is known about each value ([`domain`]) and
//! gives a verdict. It does not know how code runs; hosts decide what to do with a verdict.

mod arithmetic;
mod branch;
mod call;
mod chains;
pub mod codes;
pub mod domain;
mod events;
mod explore;
mod fields;
mod globals;
mod kernel;
pub mod limits;
mod liveness;
mod memory;
mod mistake;
mod needs;
mod options;
mod path;
mod precision;
mod prune;
mod reg;
mod reject;
mod shape;
mod stack;
mod state;
mod transfer;

use osmia_isa::Reg as RegName;
use osmia_program::{MapSpec, Program, Target};

use crate::explore::Explorer;
pub use crate::explore::Stats;
pub use crate::mistake::Mistake;
pub use crate::options::Options;
use crate::reg::{Reg, What};
pub use crate::reject::Reject;
use crate::transfer::Transfer;

/// The outcome of exploring a program.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Accepted, or why not.
    pub result: Result<(), Box<Reject>>,
    /// What exploration counted.
    pub stats: Stats,
}

/// Explores a program. `maps` are those of `program.maps`, in that order.
pub fn verify(program: &Program, maps: &[MapSpec], target: &Target, options: &Options) -> Verdict {
    let mut explorer = match Transfer::new(program, maps, target, options) {
        Ok(transfer) => Explorer::new(transfer),
        Err(why) => {
            return Verdict {
                result: Err(why),
                stats: Stats::default(),
            };
        }
    };
    let result = explorer.run();
    Verdict {
        result,
        stats: explorer.stats,
    }
}

impl Explorer<'_> {
    /// The entry, then every function that is verified on its own.
    fn run(&mut self) -> reject::Check {
        self.transfer.check_needs()?;
        self.transfer.check_program()?;
        let context = Reg::pointer(What::Context);
        self.explore(0, &[(RegName::R1, context)])?;
        let mut done = 0;
        while let Some(&function) = self.transfer.wanted_functions.get(done) {
            done += 1;
            let arguments = self.transfer.global_arguments(function)?;
            self.explore(function, &arguments)?;
        }
        self.transfer.check_stack_depth()
    }
}
