//! Where slots that are jumped to are among the lines.

use super::{Lowered, Op};

/// Lines by slot.
pub(super) struct Place {
    /// In order, with the position of each one's line.
    targets: Vec<(u32, usize)>,
}

impl Place {
    pub(super) fn of_targets(lowered: &Lowered) -> Self {
        let mut lines = lowered.lines.iter().enumerate().peekable();
        let mut position = |slot: u32| {
            while lines.next_if(|(_, line)| line.slot < slot).is_some() {}
            lines.peek().map_or(lowered.lines.len(), |(at, _)| *at)
        };
        let targets = lowered.targets().into_iter();
        Self {
            targets: targets.map(|slot| (slot, position(slot))).collect(),
        }
    }

    /// The position of a slot that is jumped to.
    pub(super) fn of(&self, slot: u32) -> usize {
        let found = self.targets.binary_search_by_key(&slot, |(slot, _)| *slot);
        self.targets[found.expect("somebody jumps there")].1
    }

    pub(super) fn is_target(&self, slot: u32) -> bool {
        self.targets
            .binary_search_by_key(&slot, |(slot, _)| *slot)
            .is_ok()
    }
}

impl Lowered {
    /// Drops lines, but none that a function begins with; who jumped to one of them jumps to the next.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        let mut dropped: Vec<(u32, u32)> = Vec::new();
        let mut next = u32::MAX;
        for (line, kept) in self.lines.iter().zip(kept).rev() {
            if *kept || self.functions.binary_search(&line.slot).is_ok() {
                next = line.slot;
            } else {
                dropped.push((line.slot, next));
            }
        }
        dropped.reverse();
        let heir = |slot: u32| {
            let found = dropped.binary_search_by_key(&slot, |(slot, _)| *slot);
            found.ok().map(|found| dropped[found].1)
        };
        self.lines.retain(|line| heir(line.slot).is_none());
        for line in &mut self.lines {
            if let Op::Jump { to } | Op::Branch { to, .. } | Op::MayGoto { to } = &mut line.op {
                *to = heir(*to).unwrap_or(*to);
            }
        }
    }
}
