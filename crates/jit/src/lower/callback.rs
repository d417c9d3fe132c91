//! `bpf_loop` becomes a loop that calls its function, where that is known.

use osmia_isa::Reg;

use super::{Constant, Line, Lowered, Op};

/// `bpf_loop`
const LOOP: u32 = 181;

pub(super) fn inline(lowered: &mut Lowered) {
    let targets = lowered.targets();
    // The function that r2 stands for, as far as the lines since the last jump's target tell.
    let mut known = None;
    for line in &mut lowered.lines {
        if targets.binary_search(&line.slot).is_ok() {
            known = None;
        }
        match line.op {
            Op::CallHelper { helper: LOOP } => {
                if let Some(to) = known {
                    line.op = Op::Loop { to };
                }
                known = None;
            }
            Op::Constant {
                dst,
                value: Constant::Function(to),
            } if dst.number() == 2 => known = Some(to),
            _ if line.op.writes(second()) => known = None,
            _ => {}
        }
    }
    forget_addresses(lowered);
}

/// Helpers that call back.
pub(crate) const CALL_BACK: [u32; 4] = [164, 180, LOOP, 209];
/// `bpf_timer_set_callback`
const SET_CALLBACK: u32 = 170;

/// Where nobody else looks at functions' addresses, loads of them are of no use.
fn forget_addresses(lowered: &mut Lowered) {
    let looks = |line: &Line| match line.op {
        Op::CallHelper { helper } => helper == SET_CALLBACK || CALL_BACK.contains(&helper),
        Op::CallKfunc { .. } => true,
        _ => false,
    };
    if lowered.lines.iter().any(looks) {
        return;
    }
    for line in &mut lowered.lines {
        if let Op::Constant {
            value: value @ Constant::Function(_),
            ..
        } = &mut line.op
        {
            *value = Constant::Number(0);
        }
    }
}

fn second() -> Reg {
    Reg::new(2).expect("there are eleven registers")
}
