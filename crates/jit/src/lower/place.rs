//! Where slots are among the lines, and what leads to them.

use super::{Lowered, Op};

/// Lines by slot, made anew whenever lines are dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// The position of the first line at or behind each slot.
    lines: Vec<u32>,
    /// What leads to each slot.
    leads: Vec<u8>,
}

/// A jump or a call, or a function begins there.
const LEAD: u8 = 1;
/// A jump from further on.
const BACK: u8 = 2;
/// A function begins there.
const FUNCTION: u8 = 4;

impl Places {
    /// The position of a slot; of one that was dropped, that of the next.
    pub(super) fn of(&self, slot: u32) -> usize {
        self.lines[slot as usize] as usize
    }

    /// True if something may lead to a slot besides the line before.
    pub(crate) fn is_target(&self, slot: u32) -> bool {
        self.leads[slot as usize] != 0
    }

    /// True if a loop begins at a slot: something jumps back to it.
    pub(crate) fn is_head(&self, slot: u32) -> bool {
        self.leads[slot as usize] & BACK != 0
    }

    /// True if a function begins at a slot.
    pub(crate) fn is_function(&self, slot: u32) -> bool {
        self.leads[slot as usize] & FUNCTION != 0
    }
}

impl Lowered {
    /// Drops lines, but none that a function begins with; who jumped to one of them jumps to the next.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let mut kept = kept.iter();
        let places = &self.places;
        self.lines
            .retain(|line| kept.next().is_none_or(|kept| *kept) || places.is_function(line.slot));
        self.settle();
    }

    /// Finds where slots are, and has jumps name slots that are there.
    pub(super) fn settle(&mut self) {
        let Self {
            program,
            functions,
            lines,
            places,
            ..
        } = self;
        let slots = program.insns.len();
        places.lines.resize(slots, 0);
        let mut first = 0;
        for (at, line) in lines.iter().enumerate() {
            let behind = line.slot as usize + 1;
            places.lines[first..behind].fill(at as u32);
            first = behind;
        }
        places.lines[first..].fill(lines.len() as u32);
        places.leads.clear();
        places.leads.resize(slots, 0);
        for at in 0..lines.len() {
            let (to, lead) = match lines[at].op {
                Op::Jump { to } | Op::Branch { to, .. } | Op::MayGoto { to } => {
                    let to = lines[places.of(to)].slot;
                    let line = &mut lines[at];
                    let back = if to <= line.slot { BACK } else { 0 };
                    if let Op::Jump { to: old }
                    | Op::Branch { to: old, .. }
                    | Op::MayGoto { to: old } = &mut line.op
                    {
                        *old = to;
                    }
                    (to, LEAD | back)
                }
                Op::CallFunction { to } | Op::Loop { to } => (to, LEAD),
                _ => continue,
            };
            places.leads[to as usize] |= lead;
        }
        for start in functions {
            places.leads[*start as usize] |= LEAD | FUNCTION;
        }
    }
}
