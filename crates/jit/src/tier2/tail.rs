//! What a jump back leads to is often short: a counter grows, and either the loop goes on or it ends. Copied
//! to where it is jumped to from, it costs one jump less a turn.

use std::ops::Range;

use cranelift_codegen::ir::Block;
use osmia_isa::{AluOp, Cond, Operand, Reg};

use super::body::Body;
use super::counted::is_plain;
use crate::limits::{HIDDEN_BOUNDS_MAX, TAIL_LINES_MAX};
use crate::lower::{Line, Op, opposite};

/// The lines from a slot, up to a branch, a jump or the end, if there are few.
pub(super) fn find(lines: &[Line], slot: u32) -> Option<Range<usize>> {
    let start = lines.partition_point(|line| line.slot < slot);
    let length = (lines[start..].iter().take(TAIL_LINES_MAX)).position(|line| !is_plain(&line.op));
    let end = start + length?;
    let ends = matches!(
        lines[end].op,
        Op::Branch { .. } | Op::Jump { .. } | Op::Exit
    );
    ends.then_some(start..end + 1)
}

/// Slots behind the branches that tails end with: copies go on there.
pub(super) fn behind(lines: &[Line]) -> impl Iterator<Item = u32> {
    let jumps = lines.iter().filter(|line| is_back(line).is_some());
    jumps.filter_map(|line| {
        let tail = find(lines, is_back(line)?)?;
        let is_branch = matches!(lines[tail.end - 1].op, Op::Branch { .. });
        is_branch.then(|| lines.get(tail.end).map(|line| line.slot))?
    })
}

/// Where a line jumps back to.
fn is_back(line: &Line) -> Option<u32> {
    match line.op {
        Op::Jump { to } | Op::Branch { to, .. } if to <= line.slot => Some(to),
        _ => None,
    }
}

/// What counters are compared with that a loop ends or goes on by, with the slots of the branches.
pub(super) fn bounds(lines: &[Line]) -> Vec<(u32, i32)> {
    let ends = lines.iter().enumerate().filter_map(|(at, line)| {
        let tail = find(lines, is_back(line)?);
        let itself = matches!(line.op, Op::Branch { .. }).then_some(at);
        Some([itself, tail.map(|tail| tail.end - 1)])
    });
    let mut ends: Vec<usize> = ends.flatten().flatten().collect();
    ends.sort_unstable();
    ends.dedup();
    let bounds = ends.into_iter().filter_map(|at| {
        let Op::Branch {
            cond: Cond::Eq | Cond::Ne,
            dst,
            src: Operand::Imm(bound),
            ..
        } = lines[at].op
        else {
            return None;
        };
        let before = &lines[at.saturating_sub(TAIL_LINES_MAX)..at];
        let counts = before.iter().any(|line| is_step(&line.op, dst));
        counts.then_some((lines[at].slot, bound))
    });
    bounds.take(HIDDEN_BOUNDS_MAX).collect()
}

/// True for what adds a number to a register.
fn is_step(op: &Op, reg: Reg) -> bool {
    match *op {
        Op::Alu {
            op: AluOp::Add,
            dst,
            src: Operand::Imm(_),
            ..
        } => dst == reg,
        Op::Sum { dst, src, .. } => dst == reg && src == reg,
        _ => false,
    }
}

/// True if what follows a branch back is rare: the loop goes on for any number but one, and there is more of
/// it behind the branch.
pub(super) fn stays(lines: &[Line], line: &Line) -> bool {
    let is_likely = matches!(
        line.op,
        Op::Branch {
            cond: Cond::Ne,
            src: Operand::Imm(_),
            ..
        }
    );
    let Some(to) = is_back(line).filter(|_| is_likely) else {
        return false;
    };
    let behind = lines.partition_point(|other| other.slot <= line.slot);
    (lines[behind..].iter()).any(|line| line.op.jumps_to() == Some(to))
}

impl Body<'_, '_> {
    /// The tail that a line jumps back to, if it is to be copied.
    pub(super) fn tail_of(&mut self, line: &Line) -> Option<Range<usize>> {
        let to = is_back(line)?;
        if self.is_counted(to) {
            return None;
        }
        let tail = find(self.lines(), to)?;
        // What follows a branch may be in another function, if nothing ever comes there.
        let goes_on = match self.lines()[tail.end - 1].op {
            Op::Branch { .. } => {
                let behind = self.lines().get(tail.end);
                behind.is_some_and(|line| self.is_jumped_to(line.slot))
            }
            _ => true,
        };
        (goes_on && self.room.copy(tail.len())).then_some(tail)
    }

    /// A branch back whose tail is copied to it; of two ways the one that comes last in a comparison is
    /// laid out next.
    pub(super) fn turn_at_once(&mut self, line: &Line, tail: Range<usize>, otherwise: Block) {
        if stays(self.lines(), line) {
            self.builder.set_cold_block(otherwise);
        }
        let copy = self.builder.create_block();
        let mut turned = *line;
        match &mut turned.op {
            Op::Branch { cond, .. } if opposite(*cond).is_some() => {
                *cond = opposite(*cond).expect("it was looked at");
                self.choose_way(&turned, otherwise, copy);
            }
            _ => self.choose_way(line, copy, otherwise),
        }
        let kept = self.kept_chains();
        self.go_on(copy);
        self.copy_tail(tail);
        self.keep_chains(kept);
    }

    /// Copies a tail to where the builder is.
    pub(super) fn copy_tail(&mut self, tail: Range<usize>) {
        let lines = self.lines();
        let (last, plain) = lines[tail.clone()].split_last().expect("it has an end");
        plain.iter().for_each(|line| self.line(line, None));
        match last.op {
            Op::Branch { to, .. } => {
                let behind = lines[tail.end].slot;
                self.choose_way(last, self.block(to), self.block(behind));
            }
            Op::Jump { to } => self.jump(self.block(to), &[]),
            _ => self.exit(),
        }
    }
}
