//! What code generation may build on: read off the states that a check of the certificate walks
//! through, so that nothing rests on the exploration alone.

use std::sync::Arc;

use osmia_isa::{Insn, Reg as RegName, decode};
use osmia_program::{MapKind, MapSpec, Program, Target};

use crate::Options;
use crate::certificate::Certificate;
use crate::checker::{self, Checked, Refusal};
use crate::reg::{Flags, Reg, What};
use crate::shape::Shape;
use crate::state::State;
use crate::verified::Verified;

/// Facts about a verified program, by instruction, with the maps it was verified for.
///
/// [`Verified::facts`] is the only way to them, so whoever holds facts holds a verified program.
#[derive(Clone, Debug)]
pub struct Facts<'v> {
    verified: &'v Verified,
    maps: &'v [MapSpec],
    seen: Seen,
}

/// What a check saw on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// By slot: what [`bit`] names.
    slots: Vec<u8>,
    /// Slots that functions verified on their own begin at, the entry's not among them.
    apart: Vec<usize>,
    /// Bytes of the stack may be read that were never written.
    reads_unset_stack: bool,
    /// Bytes touched of a context that is plain memory.
    context_bytes: usize,
}

/// What is known of a slot.
mod bit {
    pub(super) const REACHED: u8 = 1;
    pub(super) const CONTEXT: u8 = 2;
    pub(super) const FAR: u8 = 4;
    pub(super) const FAR_ARGUMENT: u8 = 8;
}

impl Seen {
    /// Checks a certificate and notes what is seen.
    pub(crate) fn check(
        certificate: &Certificate,
        (program, shape): (&Program, &Arc<Shape>),
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<(Checked, Seen), Refusal> {
        let mut slots = vec![0; program.insns.len()];
        let looks: Vec<Look> = (0..slots.len()).map(|at| Look::at(program, at)).collect();
        let note = |at: usize, state: &State| slots[at] |= looks[at].seen(maps, state);
        let walked = checker::walk(certificate, (program, shape), maps, target, options, note)?;
        let seen = Seen {
            slots,
            apart: walked.apart,
            reads_unset_stack: walked.reads_unset_stack,
            context_bytes: walked.checked.context_bytes,
        };
        Ok((walked.checked, seen))
    }
}

/// What is looked at where an instruction stands.
#[derive(Copy, Clone)]
enum Look {
    /// That it is reached.
    Nowhere,
    /// The pointer it loads or stores through.
    Pointer(RegName),
    /// The arguments of a call.
    Arguments,
}

impl Look {
    fn at(program: &Program, at: usize) -> Look {
        match decode(&program.insns, at) {
            Ok(
                Insn::Load { base, .. }
                | Insn::LoadAcquire { base, .. }
                | Insn::Store { base, .. }
                | Insn::StoreRelease { base, .. }
                | Insn::Atomic { base, .. },
            ) => Look::Pointer(base),
            Ok(Insn::Call(_)) => Look::Arguments,
            _ => Look::Nowhere,
        }
    }

    /// What a state shows of the instruction it stands at.
    fn seen(self, maps: &[MapSpec], state: &State) -> u8 {
        let more = match self {
            Look::Nowhere => 0,
            Look::Pointer(base) => match state.reg(base) {
                base if base.what == What::Context => bit::CONTEXT,
                base if is_far(base, maps) => bit::FAR,
                _ => 0,
            },
            Look::Arguments => {
                let mut arguments = (1..=5).filter_map(RegName::new);
                let far = arguments.any(|name| is_far(state.reg(name), maps));
                if far { bit::FAR_ARGUMENT } else { 0 }
            }
        };
        bit::REACHED | more
    }
}

/// True for pointers that may lead to something else than what belongs to the run: its stack, packet
/// and context, its maps' values, what it reserved.
fn is_far(reg: &Reg, maps: &[MapSpec]) -> bool {
    match reg.what {
        What::Unset
        | What::Number
        | What::Context
        | What::Stack { .. }
        | What::Map(_)
        | What::MapKey(_)
        | What::Packet { .. }
        | What::PacketMeta { .. }
        | What::PacketEnd
        | What::Iterator(_)
        | What::IrqFlags { .. }
        | What::Function(_) => false,
        // What maps keep about an object goes with it, and lies beside it.
        What::MapValue { map, .. } => maps.get(usize::from(map)).is_some_and(|map| {
            matches!(
                map.kind,
                MapKind::CgroupStorage
                    | MapKind::PercpuCgroupStorage
                    | MapKind::CgrpStorage
                    | MapKind::SkStorage
                    | MapKind::TaskStorage
                    | MapKind::InodeStorage
            )
        }),
        What::Memory { .. } => !reg.flags.has(Flags::RINGBUF),
        What::FlowKeys
        | What::Socket(_)
        | What::TracepointBuffer
        | What::Buffer
        | What::Kernel { .. }
        | What::Object(_)
        | What::Arena
        | What::Dynptr(_) => true,
    }
}

impl Verified {
    /// What code generation may build on, for the maps, target and options it was verified with: noted
    /// when its certificate was checked, which is done now if it was not.
    ///
    /// # Errors
    /// As [`Verified::check`].
    pub fn facts<'v>(
        &'v self,
        maps: &'v [MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<Facts<'v>, Refusal> {
        let seen = match self.seen() {
            Some(seen) => seen.clone(),
            None => self.look(maps, target, options)?.1,
        };
        Ok(Facts {
            verified: self,
            maps,
            seen,
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
        self.seen.slots[slot] & bit::CONTEXT != 0
    }

    /// True if an instruction loads or stores through a pointer that may lead to an object of the kernel's
    /// or the program's making, into an arena, or nowhere: where loads give zero.
    pub fn accesses_far(&self, slot: usize) -> bool {
        self.seen.slots[slot] & bit::FAR != 0
    }

    /// True if an argument of a call may be such a pointer.
    pub fn passes_far(&self, slot: usize) -> bool {
        self.seen.slots[slot] & bit::FAR_ARGUMENT != 0
    }

    /// Bytes it touches of a context that is plain memory (syscall programs'): a run with fewer is not
    /// what was verified.
    pub fn context_bytes(&self) -> usize {
        self.seen.context_bytes
    }

    /// True if some path comes by an instruction.
    pub fn is_reached(&self, slot: usize) -> bool {
        self.seen.slots[slot] & bit::REACHED != 0
    }

    /// Slots that functions begin at which were verified on their own: how often they are called the
    /// verifier did not count.
    pub fn functions_apart(&self) -> &[usize] {
        &self.seen.apart
    }

    /// True if bytes of the stack may be read that the run never wrote.
    pub fn reads_unset_stack(&self) -> bool {
        self.seen.reads_unset_stack
    }
}
