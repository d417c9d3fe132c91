//! What verification found out that code generation builds on.

use osmia_verify::Facts as Verified;

/// Facts by slot.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Instructions that load or store through a pointer to the context.
    pub(crate) context: Vec<bool>,
    /// Instructions that some path reaches.
    pub(crate) reached: Vec<bool>,
    /// Bytes touched of a context that is plain memory.
    pub(crate) context_bytes: usize,
}

impl Facts {
    pub(crate) fn of(verified: &Verified<'_>) -> Self {
        let slots = 0..verified.program().insns.len();
        Self {
            context: slots
                .clone()
                .map(|at| verified.accesses_context(at))
                .collect(),
            reached: slots.map(|at| verified.is_reached(at)).collect(),
            context_bytes: verified.context_bytes(),
        }
    }
}
