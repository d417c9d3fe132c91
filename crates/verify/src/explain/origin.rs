//! Where a value came from: walking back along a path from where it was used.

use osmia_isa::{AluOp, Callee, Insn, Operand};

use super::trace::{Change, Place, Step, Trace};
use super::value::Value;

/// What happened to a value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was there when the path began.
    Start,
    /// A call returned it.
    Returned,
    /// A call left nothing there.
    Clobbered,
    /// A call changed what is known about it.
    ByCall,
    /// It was read from memory, at an offset from a register.
    Loaded { base: u8, off: i16 },
    /// It was written as a constant.
    Constant,
    /// It was computed, maybe with another register.
    Computed { with: Option<u8> },
    /// A comparison told more about it.
    Narrowed,
    /// Something else was written there.
    Written,
}

/// Something that happened to a value.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The step it happened at.
    pub(crate) step: usize,
    pub(crate) happened: Happened,
    /// What was known before.
    pub(crate) was: Value,
    /// What is known since.
    pub(crate) now: Value,
    /// What it was computed with.
    pub(crate) operand: Option<Place>,
}

/// What happened to what is in a place before a step, the first thing first.
pub(crate) fn origin(trace: &Trace, place: Place, before: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut place, mut step) = (place, before);
    while step > 0 {
        step -= 1;
        let here = &trace.steps[step];
        let Some(change) = here
            .changes
            .iter()
            .rev()
            .find(|change| change.place == place)
        else {
            continue;
        };
        match look(trace, here, step, change) {
            Found::Moved(to) => place = to,
            Found::Ends(happened) => {
                events.push(event(step, happened, change));
                events.reverse();
                return events;
            }
            Found::GoesOn(happened) => {
                let mut event = event(step, happened, change);
                if let Happened::Computed { with: Some(with) } = happened {
                    let with = Place::Reg {
                        frame: here.frame,
                        number: usize::from(with),
                    };
                    // A number plus an address: the address is what is followed.
                    let (on, operand) = if change.was.is_number() && !change.now.is_number() {
                        (with, place)
                    } else {
                        (place, with)
                    };
                    place = on;
                    event.operand = Some(operand);
                }
                events.push(event);
            }
            Found::Silent => {}
        }
    }
    if let Some(value) = trace.value(place, 0) {
        events.push(Event {
            step: 0,
            happened: Happened::Start,
            was: Value::unset(),
            now: value.clone(),
            operand: None,
        });
    }
    events.reverse();
    events
}

fn event(step: usize, happened: Happened, change: &Change) -> Event {
    Event {
        step,
        happened,
        was: change.was.clone(),
        now: change.now.clone(),
        operand: None,
    }
}

/// What a step says about a place it changed.
enum Found {
    /// The value was moved here from there.
    Moved(Place),
    /// It began here.
    Ends(Happened),
    /// It was changed here.
    GoesOn(Happened),
    /// Nothing worth telling.
    Silent,
}

fn look(trace: &Trace, step: &Step, number: usize, change: &Change) -> Found {
    let frame = step.frame;
    let reg = |register: osmia_isa::Reg| Place::Reg {
        frame,
        number: register.index(),
    };
    let Some(insn) = step.insn else {
        return Found::Ends(Happened::Written);
    };
    let is_dst = |dst: osmia_isa::Reg| change.place == reg(dst);
    match insn {
        Insn::JumpIf { .. } if change.was.says_the_same(&change.now) => Found::Silent,
        Insn::JumpIf { .. } => Found::GoesOn(Happened::Narrowed),
        Insn::Alu {
            op: AluOp::Mov,
            dst,
            src,
            ..
        } if is_dst(dst) => match src {
            Operand::Reg(src) => Found::Moved(reg(src)),
            Operand::Imm(_) => Found::Ends(Happened::Constant),
        },
        Insn::MovSx { dst, src, .. } if is_dst(dst) => Found::Moved(reg(src)),
        Insn::Alu { dst, src, .. } if is_dst(dst) => Found::GoesOn(Happened::Computed {
            with: match src {
                Operand::Reg(src) => Some(src.number()),
                Operand::Imm(_) => None,
            },
        }),
        Insn::Neg { dst, .. } | Insn::End { dst, .. } if is_dst(dst) => {
            Found::GoesOn(Happened::Computed { with: None })
        }
        Insn::LoadImm64 { dst, .. } if is_dst(dst) => Found::Ends(Happened::Constant),
        Insn::Load { dst, base, off, .. } | Insn::LoadAcquire { dst, base, off, .. }
            if is_dst(dst) =>
        {
            match spilled(trace, number, frame, base.index(), off) {
                Some(slot) => Found::Moved(slot),
                None => Found::Ends(Happened::Loaded {
                    base: base.number(),
                    off,
                }),
            }
        }
        Insn::Store { src, .. } => match (change.place, src) {
            (Place::Slot { .. }, Operand::Reg(src)) if !change.now.is_unset() => {
                Found::Moved(reg(src))
            }
            _ => Found::Ends(Happened::Written),
        },
        Insn::Call(callee) => call(callee, frame, change),
        Insn::Exit => match change.place {
            Place::Reg { number: 0, .. } => Found::Moved(Place::Reg { frame, number: 0 }),
            _ => Found::Silent,
        },
        _ if change.was.says_the_same(&change.now) => Found::Silent,
        // A log tells it later than it happened.
        _ if change.was.name == change.now.name => Found::GoesOn(Happened::Narrowed),
        _ => Found::GoesOn(Happened::Written),
    }
}

fn call(callee: Callee, frame: usize, change: &Change) -> Found {
    match (change.place, callee) {
        (Place::Reg { frame: to, number }, Callee::Local(_)) if to > frame => {
            Found::Moved(Place::Reg { frame, number })
        }
        (
            Place::Reg {
                frame: to,
                number: 0,
            },
            _,
        ) if to == frame => Found::Ends(Happened::Returned),
        (Place::Reg { frame: to, .. }, _) if to > frame => Found::Ends(Happened::Start),
        (Place::Reg { .. }, _) if change.now.is_unset() => Found::Ends(Happened::Clobbered),
        _ => Found::GoesOn(Happened::ByCall),
    }
}

/// The slot a load reads, if it reads the stack.
fn spilled(trace: &Trace, step: usize, frame: usize, base: usize, off: i16) -> Option<Place> {
    let base = Place::Reg {
        frame,
        number: base,
    };
    let value = trace.value(base, step)?;
    if !value.is_stack() {
        return None;
    }
    let place = value.off + value.num.constant()? as i64 + i64::from(off);
    let index = usize::try_from((-1 - place) / 8).ok()?;
    let frame = value.frame.map_or(frame, usize::from);
    Some(Place::Slot { frame, index })
}
