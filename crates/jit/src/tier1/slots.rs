//! Labels of the slots that are jumped to.

use crate::asm::{Assembly, Label};
use crate::lower::Lowered;

/// Labels by slot.
pub(super) struct Slots {
    slots: Vec<u32>,
    labels: Vec<Label>,
    /// Those that loops begin with: something jumps back to them.
    heads: Vec<bool>,
}

impl Slots {
    pub(super) fn new(lowered: &Lowered, asm: &mut impl Assembly) -> Self {
        let slots = lowered.targets();
        let labels = slots.iter().map(|_| asm.label()).collect();
        let mut heads = vec![false; slots.len()];
        for line in &lowered.lines {
            if let Some(to) = line.op.jumps_to().filter(|to| *to <= line.slot)
                && let Ok(found) = slots.binary_search(&to)
            {
                heads[found] = true;
            }
        }
        Self {
            slots,
            labels,
            heads,
        }
    }

    /// The label of a slot, and whether a loop begins there.
    pub(super) fn found(&self, slot: u32) -> Option<(Label, bool)> {
        let found = self.slots.binary_search(&slot).ok()?;
        Some((self.labels[found], self.heads[found]))
    }

    pub(super) fn at(&self, slot: u32) -> Option<Label> {
        let found = self.slots.binary_search(&slot).ok()?;
        Some(self.labels[found])
    }
}
