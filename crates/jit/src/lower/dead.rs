//! Values that nobody looks at are not computed.

use super::{Lowered, Op, Regs};

/// Passes backwards over a program; what has not settled then is left as it is. More than nested loops
/// need.
const SWEEPS_MAX: usize = 8;

pub(super) fn remove(lowered: &mut Lowered) {
    let Some(live) = live(lowered) else {
        return;
    };
    let is_needed = |(at, op): (usize, &Op)| match op.result() {
        Some(dst) => live[at + 1].has(dst),
        None => true,
    };
    let lines = lowered.lines.iter().map(|line| &line.op).enumerate();
    let kept: Vec<bool> = lines.map(is_needed).collect();
    lowered.keep(&kept);
}

/// Registers that are looked at from each line on; none from behind the last.
fn live(lowered: &Lowered) -> Option<Vec<Regs>> {
    let Lowered { lines, places, .. } = lowered;
    let mut live = vec![Regs::NONE; lines.len() + 1];
    // What was live, as far as known by then, where jumps back go to.
    let mut assumed: Vec<(usize, Regs)> = Vec::new();
    for _ in 0..SWEEPS_MAX {
        assumed.clear();
        for (at, line) in lines.iter().enumerate().rev() {
            let mut after = match line.op {
                Op::Jump { .. } | Op::Exit | Op::Unreachable => Regs::NONE,
                _ => live[at + 1],
            };
            if let Some(to) = line.op.jumps_to() {
                let to = places.of(to);
                if to <= at {
                    assumed.push((to, live[to]));
                }
                after = after.and(live[to]);
            }
            live[at] = after.without(sets(&line.op)).and(line.op.read());
        }
        // All else follows from what is further on.
        if assumed.iter().all(|(to, assumed)| live[*to] == *assumed) {
            return Some(live);
        }
    }
    None
}

/// What a line sets whatever was there before.
fn sets(op: &Op) -> Regs {
    match op {
        // A choice may keep what was there.
        Op::Unless { .. } => Regs::NONE,
        // Registers of arguments cannot be read behind a call.
        Op::CallHelper { .. }
        | Op::CallLeaf { .. }
        | Op::CallMap { .. }
        | Op::ArrayElement { .. }
        | Op::CallFunction { .. }
        | Op::Loop { .. } => Regs::CALLER_SAVED,
        _ => op.result().map_or(Regs::NONE, Regs::of),
    }
}
