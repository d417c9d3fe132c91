//! `bpf_loop` becomes a loop that calls its function; what calls back otherwise is refused.

use osmia_isa::Reg;
use osmia_program::helper::OWN_START;
use osmia_vm::NativeHelper;

use super::{Constant, Line, Lowered, Op};
use crate::refused::{Refused, Unsupported};

/// `bpf_loop`
const LOOP: u32 = 181;

pub(super) fn inline(lowered: &mut Lowered) -> Result<(), Refused> {
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
    // Nothing else looks at a function's address.
    let is_address = |line: &Line| {
        matches!(
            line.op,
            Op::Constant {
                value: Constant::Function(_),
                ..
            }
        )
    };
    lowered.lines.retain(|line| !is_address(line));
    let program = &lowered.program;
    let unknown = lowered.lines.iter().find_map(|line| match line.op {
        Op::CallHelper { helper } if !is_native(helper) => Some((line.slot, helper)),
        _ => None,
    });
    match unknown {
        Some((slot, helper)) => {
            let what = Unsupported::Helper(helper);
            Err(Refused::new(program, slot as usize, what))
        }
        None => Ok(()),
    }
}

/// The application's helpers are what a code was prepared with; they never call back.
fn is_native(helper: u32) -> bool {
    helper >= OWN_START || NativeHelper::by_id(helper).is_some()
}

fn second() -> Reg {
    Reg::new(2).expect("there are eleven registers")
}
