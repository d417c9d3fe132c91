//! Values that nobody looks at are not computed.

use osmia_isa::Reg;

use super::{Lowered, Op, Place};

/// Passes backwards over a program; what has not settled then is left as it is. More than nested loops
/// need.
const SWEEPS_MAX: usize = 8;

/// Registers, one bit each.
type Set = u16;

pub(super) fn remove(lowered: &mut Lowered) {
    let Some(live) = live(lowered) else {
        return;
    };
    let is_needed = |(at, op): (usize, &Op)| match op.result() {
        Some(dst) => live[at + 1] & bit(dst) != 0,
        None => true,
    };
    let lines = lowered.lines.iter().map(|line| &line.op).enumerate();
    let kept: Vec<bool> = lines.map(is_needed).collect();
    lowered.keep(&kept);
}

/// Registers that are looked at from each line on; none from behind the last.
fn live(lowered: &Lowered) -> Option<Vec<Set>> {
    let places = Place::of_targets(lowered);
    let lines = &lowered.lines;
    let effects: Vec<(Set, Set)> = lines.iter().map(|line| effect(&line.op)).collect();
    let mut live = vec![0; lines.len() + 1];
    for _ in 0..SWEEPS_MAX {
        let mut settled = true;
        for (at, line) in lines.iter().enumerate().rev() {
            let mut after = match line.op {
                Op::Jump { .. } | Op::Exit | Op::Unreachable => 0,
                _ => live[at + 1],
            };
            if let Some(to) = line.op.jumps_to() {
                after |= live[places.of(to)];
            }
            let (reads, sets) = effects[at];
            let before = after & !sets | reads;
            settled &= before == live[at];
            live[at] = before;
        }
        if settled {
            return Some(live);
        }
    }
    None
}

fn bit(reg: Reg) -> Set {
    1 << reg.number()
}

/// What a line reads, and what it sets whatever was there before.
fn effect(op: &Op) -> (Set, Set) {
    let all = (0..=10).filter_map(Reg::new);
    let reads = all.filter(|reg| op.reads(*reg)).map(bit);
    let sets = match op {
        // A choice may keep what was there.
        Op::Unless { .. } => 0,
        // Registers of arguments cannot be read behind a call.
        Op::CallHelper { .. }
        | Op::CallLeaf { .. }
        | Op::CallMap { .. }
        | Op::ArrayElement { .. } => 0b11_1111,
        Op::CallFunction { .. } | Op::Loop { .. } => 0b11_1111,
        _ => op.result().map_or(0, bit),
    };
    (reads.fold(0, |set, bit| set | bit), sets)
}
