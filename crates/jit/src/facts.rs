//! What verification found out that code generation builds on.

use std::collections::BTreeMap;

use osmia_verify::Facts as Verified;
use osmia_vm::Code;

/// The operation code of `ld_imm64`.
const LOAD_IMM64: u8 = 0x18;

/// Facts by slot.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Instructions that load or store through a pointer to the context.
    pub(crate) context: Vec<bool>,
    /// Instructions that load or store through a pointer that may lead to something else than what belongs
    /// to the run.
    pub(crate) far: Vec<bool>,
    /// Calls with such a pointer.
    pub(crate) far_arguments: Vec<bool>,
    /// Instructions that some path reaches.
    pub(crate) reached: Vec<bool>,
    /// Bytes touched of a context that is plain memory.
    pub(crate) context_bytes: usize,
    /// What instructions load that name something of the kernel's, or in an arena.
    pub(crate) constants: BTreeMap<usize, u64>,
    /// Where functions begin that were verified on their own.
    pub(crate) apart: Vec<u32>,
    /// Bytes of the stack may be read that were never written.
    pub(crate) reads_unset_stack: bool,
}

impl Facts {
    pub(crate) fn of(verified: &Verified<'_>, code: &Code) -> Self {
        let insns = &verified.program().insns;
        let slots = 0..insns.len();
        let reached: Vec<bool> = slots.clone().map(|at| verified.is_reached(at)).collect();
        let named = |at: &usize| insns[*at].code == LOAD_IMM64 && reached[*at];
        let constants = slots.clone().filter(named);
        let mut apart: Vec<u32> = (verified.functions_apart().iter())
            .map(|slot| *slot as u32)
            .collect();
        apart.sort_unstable();
        Self {
            context: (slots.clone())
                .map(|at| verified.accesses_context(at))
                .collect(),
            far: slots.clone().map(|at| verified.accesses_far(at)).collect(),
            far_arguments: slots.map(|at| verified.passes_far(at)).collect(),
            constants: constants
                .filter_map(|at| Some((at, code.constant_at(at)?)))
                .collect(),
            context_bytes: verified.context_bytes(),
            reached,
            apart,
            reads_unset_stack: verified.reads_unset_stack(),
        }
    }
}
