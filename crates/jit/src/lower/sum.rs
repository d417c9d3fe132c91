//! A copy and an addition to it become one operation: how programs make addresses.

use osmia_isa::{AluOp, Operand, Width};

use super::{Lowered, Op};

pub(super) fn merge(lowered: &mut Lowered) {
    let mut kept = vec![true; lowered.lines.len()];
    for (before, kept) in (0..).zip(kept.iter_mut().skip(1)) {
        let [copy, addition] = [before, before + 1].map(|at| lowered.lines[at]);
        if let Some(sum) = sum(&copy.op, &addition.op)
            && !lowered.places.is_target(addition.slot)
        {
            lowered.lines[before].op = sum;
            *kept = false;
        }
    }
    lowered.keep(&kept);
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
