//! What code generation may build on: read off the states that a check of the certificate walks
//! through, so that nothing rests on the exploration alone.

use osmia_isa::{Insn, decode};
use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::checker::{self, Refusal};
use crate::reg::What;
use crate::verified::Verified;

/// Facts about a verified program, by instruction, with the maps it was verified for.
///
/// [`Verified::facts`] is the only way to them, so whoever holds facts holds a verified program.
#[derive(Clone, Debug)]
pub struct Facts<'v> {
    verified: &'v Verified,
    maps: &'v [MapSpec],
    context: Vec<bool>,
    reached: Vec<bool>,
    context_bytes: usize,
}

impl Verified {
    /// Checks the certificate once more and notes what is seen on the way.
    ///
    /// # Errors
    /// As [`Verified::check`].
    pub fn facts<'v>(
        &'v self,
        maps: &'v [MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<Facts<'v>, Refusal> {
        let program = self.program();
        let slots = program.insns.len();
        let (mut context, mut reached) = (vec![false; slots], vec![false; slots]);
        let seen = |at: usize, state: &crate::state::State| {
            reached[at] = true;
            let base = match decode(&program.insns, at) {
                Ok(Insn::Load { base, .. } | Insn::Store { base, .. }) => base,
                _ => return,
            };
            context[at] |= state.reg(base).what == What::Context;
        };
        let checked = checker::walk(self.certificate(), program, maps, target, options, seen)?;
        Ok(Facts {
            verified: self,
            maps,
            context,
            reached,
            context_bytes: checked.context_bytes,
        })
    }
}

impl Facts<'_> {
    /// The program they are about.
    pub fn program(&self) -> &Program {
        self.verified.program()
    }

    /// The maps it was verified for.
    pub fn maps(&self) -> &[MapSpec] {
        self.maps
    }

    /// True if an instruction loads or stores through a pointer to the context. Linux' rules have
    /// it do that on every path or on none.
    pub fn accesses_context(&self, slot: usize) -> bool {
        self.context[slot]
    }

    /// Bytes it touches of a context that is plain memory (syscall programs'): a run with fewer is not
    /// what was verified.
    pub fn context_bytes(&self) -> usize {
        self.context_bytes
    }

    /// True if some path comes by an instruction.
    pub fn is_reached(&self, slot: usize) -> bool {
        self.reached[slot]
    }
}
