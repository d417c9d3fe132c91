//! Programs that were loaded before: a load of the same one finds the verdict and the machine code that are
//! there already.
//!
//! The same is one that neither can depend on differently: instructions after relocation, hook, flags,
//! types and names; maps as the verifier saw them, with what is frozen in them. Target and options are
//! the kernel's own, which has one of these. Machine code is made for maps laid out alike and gets
//! the addresses of each load. Nothing is kept on disk, where others could put machine code of theirs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use osmia_btf::Btf;
use osmia_program::{DebugInfo, MapBtf, MapSpec, Program, Target};
use osmia_verify::{Reject, Stats, verify};

use crate::limits::{REPEATED_INSNS_MAX, REPEATED_PROGRAMS_MAX};
use crate::proof::{self, Proof};

/// How often verdicts and machine code were asked for, and found.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// Programs that were verified, and became machine code if the compiler takes them.
    pub new: u64,
    /// Programs that had been before.
    pub repeated: u64,
}

/// What was accepted, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    proofs: VecDeque<Arc<Proof>>,
    loads: Loads,
}

impl Repeats {
    /// Asks the verifier, unless it was asked before; says how much it looked at, too.
    pub(crate) fn prove(
        &self,
        program: &Program,
        maps: Vec<MapSpec>,
        target: &Target,
    ) -> (Result<Arc<Proof>, Box<Reject>>, Stats) {
        if let Some(proof) = self.find(program, &maps) {
            let stats = proof.stats();
            return (Ok(proof), stats);
        }
        let options = proof::options(program, None);
        let verdict = verify(program, &maps, target, &options);
        let stats = verdict.stats;
        let keep = |verified| {
            let proof = Arc::new(Proof::new(verified, maps, options, stats));
            self.keep(&proof);
            proof
        };
        (verdict.result.map(keep), stats)
    }

    /// What is known of a program with these maps.
    fn find(&self, program: &Program, maps: &[MapSpec]) -> Option<Arc<Proof>> {
        let mut known = self.known();
        let is_it = |proof: &Arc<Proof>| {
            is_same_program(proof.verified().program(), program)
                && proof.maps().len() == maps.len()
                && (proof.maps().iter().zip(maps)).all(|(one, other)| is_same_map(one, other))
        };
        let at = known.proofs.iter().position(is_it)?;
        let found = known.proofs.remove(at)?;
        known.proofs.push_back(Arc::clone(&found));
        known.loads.repeated += 1;
        Some(found)
    }

    /// Keeps what was found out about a program, and forgets what was not asked for in the longest time.
    fn keep(&self, proof: &Arc<Proof>) {
        let mut known = self.known();
        known.loads.new += 1;
        if weight(proof) > REPEATED_INSNS_MAX {
            return;
        }
        known.proofs.push_back(Arc::clone(proof));
        let mut insns: usize = known.proofs.iter().map(|proof| weight(proof)).sum();
        while known.proofs.len() > REPEATED_PROGRAMS_MAX || insns > REPEATED_INSNS_MAX {
            let oldest = known.proofs.pop_front();
            insns -= oldest.map_or(insns, |proof| weight(&proof));
        }
    }

    pub(crate) fn loads(&self) -> Loads {
        self.known().loads
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Roughly what keeping a proof costs.
fn weight(proof: &Proof) -> usize {
    proof.verified().program().insns.len()
}

fn is_same_program(one: &Program, other: &Program) -> bool {
    one.insns == other.insns
        && one.name == other.name
        && one.hook == other.hook
        && one.flags == other.flags
        && one.license == other.license
        && one.kernel_version == other.kernel_version
        && one.functions == other.functions
        && one.poisons == other.poisons
        && one.kfuncs == other.kfuncs
        && match (&one.debug, &other.debug) {
            (None, None) => true,
            (Some(one), Some(other)) => is_same_debug(one, other),
            _ => false,
        }
}

fn is_same_debug(one: &DebugInfo, other: &DebugInfo) -> bool {
    one.funcs == other.funcs && one.lines == other.lines && is_same_btf(&one.btf, &other.btf)
}

fn is_same_btf(one: &Arc<Btf>, other: &Arc<Btf>) -> bool {
    Arc::ptr_eq(one, other)
        || one.base().is_none() && other.base().is_none() && one.as_bytes() == other.as_bytes()
}

fn is_same_map(one: &MapSpec, other: &MapSpec) -> bool {
    let sizes = |spec: &MapSpec| (spec.key_size, spec.value_size, spec.max_entries, spec.extra);
    one.kind == other.kind
        && sizes(one) == sizes(other)
        && one.name == other.name
        && one.origin == other.origin
        && one.flags == other.flags
        && one.frozen == other.frozen
        && one.initial == other.initial
        && match (&one.btf, &other.btf) {
            (None, None) => true,
            (Some(one), Some(other)) => is_same_types(one, other),
            _ => false,
        }
        && match (&one.inner, &other.inner) {
            (None, None) => true,
            (Some(one), Some(other)) => is_same_map(one, other),
            _ => false,
        }
}

fn is_same_types(one: &MapBtf, other: &MapBtf) -> bool {
    one.key == other.key && one.value == other.value && is_same_btf(&one.btf, &other.btf)
}
