//! The checker: accepts a certificate or refuses it, knowing the transfer functions and none of the
//! exploration that made it.
//!
//! From the start of each function, and from each state of the certificate that is met, it walks
//! every path until it comes to a state that the certificate covers. If nothing is rejected on the
//! way, every run stays inside: a run is always inside the state its walk is in, and where a walk
//! ends another begins that is inside no less.

pub(crate) mod inclusion;

use std::collections::VecDeque;
use std::sync::Arc;

use osmia_isa::Reg as RegName;
use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::attach;
use crate::certificate::{Certificate, Claim};
use crate::limits;
use crate::reg::Reg;
use crate::reject::{Check, Reject, invalid};
use crate::shape::Shape;
use crate::state::State;
use crate::transfer::{Next, Transfer};

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A step from a state of the certificate is not allowed.
    Step(Box<Reject>),
    /// A function is called that the certificate says nothing of.
    NoClaim {
        /// Which, by position.
        function: usize,
    },
    /// The walks do not come back to the certificate's states within
    /// [`limits::CHECK_STEPS_PER_VISIT_MAX`] steps for each instruction that may be visited.
    TooLong,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Step(why) => match why.at {
                Some(at) => write!(f, "instruction {at}: {}", why.message),
                None => f.write_str(&why.message),
            },
            Refusal::NoClaim { function } => write!(f, "nothing is claimed of function {function}"),
            Refusal::TooLong => f.write_str("the walks do not end"),
        }
    }
}

/// What a check counted.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Instructions walked over.
    pub insns: usize,
    /// States of the certificate that were met.
    pub states: usize,
    /// Bytes that the program touches of a context that is plain memory.
    pub context_bytes: usize,
}

/// Checks a certificate for a program, of which the shape says nothing that its instructions do not.
///
/// # Errors
/// What the certificate fails to show.
pub(crate) fn check(
    certificate: &Certificate,
    of: (&Program, &Arc<Shape>),
    maps: &[MapSpec],
    target: &Target,
    options: &Options,
) -> Result<Checked, Refusal> {
    walk(certificate, of, maps, target, options, |_, _| {}).map(|walked| walked.checked)
}

/// Checks a certificate and shows every state it walks through, with the instruction it stands at.
pub(crate) fn walk(
    certificate: &Certificate,
    (program, shape): (&Program, &Arc<Shape>),
    maps: &[MapSpec],
    target: &Target,
    options: &Options,
    seen: impl FnMut(usize, &State),
) -> Result<Walked, Refusal> {
    let program = attach::replacing(program, target, options).map_err(Refusal::Step)?;
    let transfer = Transfer::shaped(&program, Arc::clone(shape), maps, target, options);
    let mut checker = Checker {
        transfer: transfer.know(certificate),
        certificate,
        seen,
        counted: Checked::default(),
    };
    checker.run()?;
    checker.counted.context_bytes = checker.transfer.context_bytes;
    let functions = &checker.transfer.shape.functions;
    let apart = certificate.functions.iter().map(|claim| claim.function);
    Ok(Walked {
        checked: checker.counted,
        apart: (apart.filter(|function| *function != 0))
            .map(|function| functions[function].start)
            .collect(),
        reads_unset_stack: checker.transfer.reads_unset_stack,
    })
}

/// What a walk found out besides.
pub(crate) struct Walked {
    pub(crate) checked: Checked,
    /// Where functions begin that it walked through on their own.
    pub(crate) apart: Vec<usize>,
    /// An instruction may read stack bytes that were never written.
    pub(crate) reads_unset_stack: bool,
}

/// A state of the certificate: where, and which of them.
type Met = (usize, usize);

struct Checker<'a, S> {
    transfer: Transfer<'a>,
    certificate: &'a Certificate,
    seen: S,
    counted: Checked,
}

impl<'a, S: FnMut(usize, &State)> Checker<'a, S> {
    fn run(&mut self) -> Result<(), Refusal> {
        self.transfer.check_program().map_err(Refusal::Step)?;
        let arguments = self.transfer.entry_arguments();
        self.check_function(0, &arguments.map_err(Refusal::Step)?)?;
        let mut done = 0;
        while let Some(&function) = self.transfer.wanted_functions.get(done) {
            done += 1;
            let arguments = self.transfer.global_arguments(function);
            self.check_function(function, &arguments.map_err(Refusal::Step)?)?;
        }
        self.transfer.check_stack_depth().map_err(Refusal::Step)
    }

    fn check_function(
        &mut self,
        function: usize,
        arguments: &[(RegName, Reg)],
    ) -> Result<(), Refusal> {
        let certificate = self.certificate;
        let claim = (certificate.functions.iter())
            .find(|claim| claim.function == function)
            .ok_or(Refusal::NoClaim { function })?;
        let mut walk = Walk::new(claim);
        self.transfer.enter(function, arguments);
        self.follow(&mut walk)?;
        while let Some((at, index)) = walk.waiting.pop_front() {
            self.counted.states += 1;
            self.transfer.at = at;
            self.transfer.state = claim.states[&at].state(index).clone();
            self.follow(&mut walk)?;
        }
        Ok(())
    }

    /// Follows every path from the current state until each has ended or is covered.
    fn follow(&mut self, walk: &mut Walk<'a>) -> Result<(), Refusal> {
        let steps_max = (self.transfer.options.insns_visited_max)
            .saturating_mul(limits::CHECK_STEPS_PER_VISIT_MAX);
        let mut asides = Vec::new();
        loop {
            self.counted.insns += 1;
            if self.counted.insns > steps_max {
                return Err(Refusal::TooLong);
            }
            (self.seen)(self.transfer.at, &self.transfer.state);
            let goes_on = self.step().map_err(Refusal::Step)?;
            asides.append(&mut self.transfer.asides);
            if goes_on && !walk.covers(&self.transfer) {
                continue;
            }
            loop {
                let Some(aside) = asides.pop() else {
                    return Ok(());
                };
                (self.transfer.state, self.transfer.at) = (aside.state, aside.at);
                if !walk.covers(&self.transfer) {
                    break;
                }
            }
        }
    }

    /// Takes a step; false if the path ends.
    fn step(&mut self) -> Check<bool> {
        let at = self.transfer.at;
        let slots = self.transfer.shape.insn(at).slots();
        match self.transfer.step()? {
            Next::Through => self.transfer.at = at + slots,
            Next::To(target) => self.transfer.at = target,
            Next::End => return Ok(false),
        }
        if self.transfer.at >= self.transfer.shape.insns.len() {
            return invalid(at, "the path runs out of the program");
        }
        Ok(true)
    }
}

/// The states of a claim that were met, and those of them still to be walked from.
struct Walk<'a> {
    claim: &'a Claim,
    met: rustc_hash::FxHashSet<Met>,
    waiting: VecDeque<Met>,
}

impl<'a> Walk<'a> {
    fn new(claim: &'a Claim) -> Self {
        Self {
            claim,
            met: Default::default(),
            waiting: VecDeque::new(),
        }
    }

    /// True if a state of the claim covers this one; it will be walked from.
    fn covers(&mut self, transfer: &Transfer<'_>) -> bool {
        let Some(claimed) = self.claim.states.get(&transfer.at) else {
            return false;
        };
        let covering = claimed.covering(&transfer.state, transfer.options);
        if let Some(index) = covering
            && self.met.insert((transfer.at, index))
        {
            self.waiting.push_back((transfer.at, index));
        }
        covering.is_some()
    }
}
