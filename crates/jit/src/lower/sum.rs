//! A copy and an addition to it become one operation: how programs make addresses.

use osmia_isa::{AluOp, Operand, Width};

use super::{Line, Lowered, Op};

pub(super) fn merge(lowered: &mut Lowered) {
    let targets = lowered.targets();
    let mut merged: Vec<Line> = Vec::with_capacity(lowered.lines.len());
    for line in &lowered.lines {
        let is_target = targets.binary_search(&line.slot).is_ok();
        let before = merged.last_mut().filter(|_| !is_target);
        match before.and_then(|before| Some((sum(&before.op, &line.op)?, before))) {
            Some((sum, before)) => before.op = sum,
            None => merged.push(*line),
        }
    }
    lowered.lines = merged;
}

/// What both do together.
fn sum(copy: &Op, addition: &Op) -> Option<Op> {
    let Op::Alu {
        op: AluOp::Mov,
        width: Width::W64,
        dst,
        src: Operand::Reg(src),
    } = *copy
    else {
        return None;
    };
    match *addition {
        Op::Alu {
            op: AluOp::Add,
            width: Width::W64,
            dst: to,
            src: Operand::Imm(imm),
        } if to == dst => Some(Op::Sum { dst, src, imm }),
        _ => None,
    }
}
