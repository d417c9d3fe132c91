//! Loops of one block that count: several of their turns can be taken at once while more than those are
//! left.

use std::ops::Range;

use osmia_isa::{AluOp, Cond, Operand, Reg, Width};

use crate::limits::COPIED_LINES_MAX;
use crate::lower::{Line, Op};

/// Such a loop. It goes on while the counter is not, or below, the bound.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Its lines by position, without the jump back.
    pub(super) body: Range<usize>,
    /// The slot it begins at.
    pub(super) header: u32,
    /// The slot of the jump back.
    pub(super) back: u32,
    pub(super) counter: Reg,
    /// What a turn adds to the counter.
    pub(super) step: i32,
    /// How the counter is compared.
    pub(super) width: Width,
    pub(super) bound: Operand,
    /// It goes on below the bound; otherwise at any other number.
    pub(super) below: bool,
}

/// The counted loops of a function, of which `lines` are given by position.
pub(super) fn find(all: &[Line], lines: Range<usize>) -> Vec<Counted> {
    let function = &all[lines.clone()];
    let mut targets: Vec<u32> = (function.iter())
        .filter_map(|line| line.op.jumps_to())
        .collect();
    targets.sort_unstable();
    let mut found = Vec::new();
    for (at, line) in function.iter().enumerate() {
        let Op::Branch {
            cond: cond @ (Cond::Ne | Cond::Lt),
            width,
            dst: counter,
            src: bound,
            to,
        } = line.op
        else {
            continue;
        };
        let start = function.partition_point(|line| line.slot < to);
        let first_inside = targets.partition_point(|target| *target <= to);
        let is_one_block = start < at
            && at - start <= COPIED_LINES_MAX
            && function[start].slot == to
            && (targets.get(first_inside)).is_none_or(|target| *target > line.slot);
        if !is_one_block {
            continue;
        }
        let body = &function[start..at];
        let below = cond == Cond::Lt;
        let Some(step) = step(body, counter, width, bound) else {
            continue;
        };
        if step == 0 || step == i32::MIN || below && step < 0 {
            continue;
        }
        found.push(Counted {
            body: lines.start + start..lines.start + at,
            header: to,
            back: line.slot,
            counter,
            step,
            width,
            bound,
            below,
        });
    }
    found
}

/// What a turn adds to the counter, if that is all it does to it, if the bound stays, and if nothing but
/// plain operations are in the way.
fn step(body: &[Line], counter: Reg, width: Width, bound: Operand) -> Option<i32> {
    let mut step = None;
    for line in body {
        if !is_plain(&line.op) || matches!(bound, Operand::Reg(bound) if line.op.writes(bound)) {
            return None;
        }
        if !line.op.writes(counter) {
            continue;
        }
        let (added, at) = match line.op {
            Op::Alu {
                op: AluOp::Add,
                width,
                src: Operand::Imm(imm),
                ..
            } => (imm, width),
            Op::Sum { src, imm, .. } if src == counter => (imm, Width::W64),
            _ => return None,
        };
        // A narrower counter would wrap where the comparison does not see it.
        let is_seen = at == Width::W64 || width == Width::W32;
        if !is_seen || step.replace(added).is_some() {
            return None;
        }
    }
    step
}

/// True for what neither jumps nor calls.
pub(super) fn is_plain(op: &Op) -> bool {
    matches!(op, Op::Store { .. }) || op.result().is_some()
}
