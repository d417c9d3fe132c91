//! From a program to its verdict: exploration, and the check of what it yields; where states are merged, once
//! with and, if that leads to nothing, once without.

use std::sync::Arc;
use std::time::Instant;

use osmia_program::{Errno, MapSpec, Program, Rules, Target};

use crate::checker::Refusal;
use crate::explain::{Watch, Wish};
use crate::explore::{Explorer, Stats};
use crate::reject::{self, Reject};
use crate::transfer::Transfer;
use crate::{Options, Verdict, Verified, attach};

/// Explores a program; `rejected` is shown where exploration stands, if it finds something.
pub(crate) fn judge(
    program: &Program,
    maps: &[MapSpec],
    target: &Target,
    options: &Options,
    wish: Option<&Wish>,
    rejected: impl FnOnce(&mut Explorer<'_>, &Reject),
) -> (Verdict, Option<Watch>) {
    let seen = match attach::replacing(program, target, options) {
        Ok(seen) => seen,
        Err(why) => return (refused(why), wish.map(|wish| watching(wish, program))),
    };
    let judge = Judge {
        program,
        seen: &seen,
        maps,
        target,
        options,
        wish,
    };
    // What others may not see depends on what is kept apart.
    let merges = target.rules == Rules::Osmia && options.is_trusted();
    let merged = merges.then(|| judge.explore(true, |_, _| ()));
    match merged {
        None => judge.explore(false, rejected),
        Some(merged) if merged.0.result.is_ok() => merged,
        // Merging must not be the reason.
        Some((merged, _)) => {
            let (mut verdict, watch) = judge.explore(false, rejected);
            verdict.stats.add(merged.stats);
            (verdict, watch)
        }
    }
}

/// A program, and all that a verdict depends on.
struct Judge<'a> {
    program: &'a Program,
    /// The program as it is seen where it is attached.
    seen: &'a Program,
    maps: &'a [MapSpec],
    target: &'a Target,
    options: &'a Options,
    wish: Option<&'a Wish>,
}

impl Judge<'_> {
    fn explore(
        &self,
        merging: bool,
        rejected: impl FnOnce(&mut Explorer<'_>, &Reject),
    ) -> (Verdict, Option<Watch>) {
        let (maps, target, options) = (self.maps, self.target, self.options);
        let watch = self.wish.map(|wish| watching(wish, self.program));
        let mut explorer = match Transfer::new(self.seen, maps, target, options) {
            Ok(mut transfer) => {
                transfer.speculate();
                Explorer::new(transfer)
            }
            Err(why) => return (refused(why), watch),
        };
        if merging {
            explorer.merge_states();
        }
        explorer.watch = watch;
        let result = explorer.run();
        let stats = explorer.stats;
        if let Err(why) = &result {
            rejected(&mut explorer, why);
        }
        let watch = explorer.watch.take();
        let reach = explorer.transfer.reach;
        let shape = Arc::clone(&explorer.transfer.shape);
        let certified = |()| {
            let certificate = explorer.into_certificate();
            Verified::new(self.program, shape, certificate, reach)
        };
        let mut verdict = Verdict {
            stats,
            result: result.map(certified),
            check: None,
        };
        if options.check_certificate
            && let Ok(verified) = &mut verdict.result
        {
            let start = Instant::now();
            match verified.be_checked(maps, target, options) {
                Ok(checked) => verdict.check = Some((checked, start.elapsed())),
                Err(refusal) => verdict.result = not_held(&refusal),
            }
        }
        (verdict, watch)
    }
}

fn watching(wish: &Wish, program: &Program) -> Watch {
    Watch::new(wish, program.insns.len())
}

fn refused(why: Box<Reject>) -> Verdict {
    Verdict {
        result: Err(why),
        stats: Stats::default(),
        check: None,
    }
}

/// A mistake of ours: there is no telling whether the program is safe.
fn not_held(refusal: &Refusal) -> Result<Verified, Box<Reject>> {
    reject::reject(
        None,
        format!("the verifier's certificate does not hold: {refusal}"),
        Errno::EFAULT,
    )
}
