//! What code generation may build on: read off the states that a check of the certificate walks
//! through, so that nothing rests on the exploration alone.

use std::borrow::Cow;

use osmia_isa::{Insn, Reg as RegName, decode};
use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::certificate::Certificate;
use crate::checker::{self, Checked, Refusal};
use crate::reg::What;
use crate::verified::Verified;

/// Facts about a verified program, by instruction, with the maps it was verified for.
///
/// [`Verified::facts`] is the only way to them, so whoever holds facts holds a verified program.
#[derive(Clone, Debug)]
pub struct Facts<'v> {
    verified: &'v Verified,
    maps: &'v [MapSpec],
    noted: Cow<'v, Noted>,
}

/// What a check noted, by slot.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    context: Vec<bool>,
    reached: Vec<bool>,
    context_bytes: usize,
}

impl Noted {
    /// Checks a certificate and notes what is seen on the way.
    pub(crate) fn check(
        certificate: &Certificate,
        program: &Program,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<(Checked, Noted), Refusal> {
        let bases: Vec<Option<RegName>> = (0..program.insns.len())
            .map(|at| match decode(&program.insns, at) {
                Ok(Insn::Load { base, .. } | Insn::Store { base, .. }) => Some(base),
                _ => None,
            })
            .collect();
        let mut noted = Noted {
            context: vec![false; bases.len()],
            reached: vec![false; bases.len()],
            context_bytes: 0,
        };
        let seen = |at: usize, state: &crate::state::State| {
            noted.reached[at] = true;
            if let Some(base) = bases[at] {
                noted.context[at] |= state.reg(base).what == What::Context;
            }
        };
        let checked = checker::walk(certificate, program, maps, target, options, seen)?;
        noted.context_bytes = checked.context_bytes;
        Ok((checked, noted))
    }
}

impl Verified {
    /// What the check of the certificate saw; checks it now if verifying did not
    /// ([`Options::check_certificate`]).
    ///
    /// # Errors
    /// As [`Verified::check`].
    pub fn facts<'v>(
        &'v self,
        maps: &'v [MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<Facts<'v>, Refusal> {
        let noted = match self.noted() {
            Some(noted) => Cow::Borrowed(noted),
            None => {
                let certificate = self.certificate();
                Cow::Owned(Noted::check(certificate, self.program(), maps, target, options)?.1)
            }
        };
        Ok(Facts {
            verified: self,
            maps,
            noted,
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
        self.noted.context[slot]
    }

    /// Bytes it touches of a context that is plain memory (syscall programs'): a run with fewer is not
    /// what was verified.
    pub fn context_bytes(&self) -> usize {
        self.noted.context_bytes
    }

    /// True if some path comes by an instruction.
    pub fn is_reached(&self, slot: usize) -> bool {
        self.noted.reached[slot]
    }
}
