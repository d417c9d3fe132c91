//! `bpf_loop` becomes a loop that calls its function, where that is known.

use osmia_isa::Reg;

use super::{Constant, Line, Lowered, Op};

/// `bpf_loop`
const LOOP: u32 = 181;

pub(super) fn inline(lowered: &mut Lowered) {
    if lowered.functions.len() == 1 {
        return;
    }
    for at in 0..lowered.lines.len() {
        if let Op::CallHelper { helper: LOOP } = lowered.lines[at].op
            && let Some(Constant::Function(to)) = lowered.constant_before(at, second())
        {
            lowered.lines[at].op = Op::Loop { to };
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
