//! Instructions as people read them, with the names of helpers.

use std::borrow::Cow;

use osmia_isa::{Names, Slot, decode};

struct HelperNames;

impl Names for HelperNames {
    fn helper(&self, id: i32) -> Option<Cow<'_, str>> {
        let id = u32::try_from(id).ok()?;
        osmia_program::helper::by_id(id).map(|helper| Cow::Borrowed(helper.name))
    }
}

/// The instruction at a slot.
pub(crate) fn line(slots: &[Slot], at: usize) -> String {
    match decode(slots, at) {
        Ok(insn) => insn.show(at, &HelperNames).to_string(),
        Err(error) => error.to_string(),
    }
}
