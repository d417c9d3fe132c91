//! Instructions as people read them, with the names of helpers and kernel functions.

use std::borrow::Cow;

use osmia_isa::{Names, decode};
use osmia_program::Program;

/// Names at one slot of a program.
struct NamesAt<'p> {
    program: &'p Program,
    slot: usize,
}

impl Names for NamesAt<'_> {
    fn helper(&self, id: i32) -> Option<Cow<'_, str>> {
        let id = u32::try_from(id).ok()?;
        osmia_program::helper::by_id(id).map(|helper| Cow::Borrowed(helper.name))
    }

    fn kfunc(&self, _id: i32, _module: i16) -> Option<Cow<'_, str>> {
        self.program.kfunc_at(self.slot).map(Cow::Borrowed)
    }
}

/// The instruction at a slot.
pub(crate) fn line(program: &Program, slot: usize) -> String {
    match decode(&program.insns, slot) {
        Ok(insn) => insn.show(slot, &NamesAt { program, slot }).to_string(),
        Err(error) => error.to_string(),
    }
}
