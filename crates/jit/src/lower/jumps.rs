//! Jumps that go nowhere else than the line behind them, jumps over jumps, and branches that
//! verification showed to be decided.

use osmia_isa::Cond;

use super::{Lowered, Op};

pub(super) fn straighten(lowered: &mut Lowered) {
    let places = &lowered.places;
    let mut kept = vec![true; lowered.lines.len()];
    for at in 0..lowered.lines.len() {
        if let Op::Branch { to, .. } = lowered.lines[at].op {
            let never = |at: usize| lowered.lines[at].op == Op::Unreachable;
            if never(at + 1) {
                lowered.lines[at].op = Op::Jump { to };
            } else if never(places.of(to)) {
                kept[at] = false;
                continue;
            }
        }
        match lowered.lines[at].op {
            Op::Branch { cond, to, .. } if places.of(to) == at + 2 => {
                // `if c goto A; goto B; A:` is `if not c goto B; A:`.
                let over = lowered.lines[at + 1];
                if let (Op::Jump { to: far }, Some(opposite)) = (over.op, opposite(cond))
                    && !places.is_target(over.slot)
                {
                    let Op::Branch { cond, to, .. } = &mut lowered.lines[at].op else {
                        unreachable!("it was one just now");
                    };
                    (*cond, *to) = (opposite, far);
                    kept[at + 1] = false;
                }
            }
            Op::Jump { to } => kept[at] &= places.of(to) != at + 1,
            _ => {}
        }
    }
    lowered.keep(&kept);
}

/// The comparison that holds when this one does not.
pub(crate) fn opposite(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::Gt => Cond::Le,
        Cond::Ge => Cond::Lt,
        Cond::Lt => Cond::Ge,
        Cond::Le => Cond::Gt,
        Cond::Sgt => Cond::Sle,
        Cond::Sge => Cond::Slt,
        Cond::Slt => Cond::Sge,
        Cond::Sle => Cond::Sgt,
        // Nothing asks whether no bit is common.
        Cond::Set => return None,
    })
}
