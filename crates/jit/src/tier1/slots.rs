//! Labels of the slots that something leads to.

use crate::asm::{Assembly, Label};
use crate::lower::Lowered;

/// Labels by slot.
pub(super) struct Slots(Vec<Option<Label>>);

impl Slots {
    pub(super) fn new(lowered: &Lowered, asm: &mut impl Assembly) -> Self {
        let slots = 0..lowered.program.insns.len() as u32;
        let label = |slot| lowered.places.is_target(slot).then(|| asm.label());
        Self(slots.map(label).collect())
    }

    pub(super) fn at(&self, slot: u32) -> Option<Label> {
        self.0[slot as usize]
    }
}
