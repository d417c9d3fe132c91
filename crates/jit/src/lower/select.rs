//! A branch around one copy becomes a copy on a condition: what compilers make of such a choice where
//! the instruction set has no other way to say it, and a jump less to be mistaken about.

use osmia_isa::AluOp;

use super::{Lowered, Op};

pub(super) fn convert(lowered: &mut Lowered) {
    let places = &lowered.places;
    let mut kept = vec![true; lowered.lines.len()];
    let mut at = 0;
    while at + 2 < lowered.lines.len() {
        let [branch, copy, behind] = [0, 1, 2].map(|next| lowered.lines[at + next]);
        let Op::Branch {
            cond,
            width,
            dst: first,
            src: second,
            to,
        } = branch.op
        else {
            at += 1;
            continue;
        };
        let meets = places.of(to) == at + 2 || behind.op == Op::Jump { to };
        match copy.op {
            Op::Alu {
                op: AluOp::Mov,
                width: copied,
                dst,
                src,
            } if meets && !places.is_target(copy.slot) => {
                lowered.lines[at].op = Op::Unless {
                    cond,
                    width,
                    first,
                    second,
                    dst,
                    copied,
                    src,
                };
                kept[at + 1] = false;
                at += 2;
            }
            _ => at += 1,
        }
    }
    lowered.keep(&kept);
}
