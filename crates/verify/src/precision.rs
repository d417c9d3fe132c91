//! Which numbers matter: walking back along the path from a number that decided something to where
//! it came from, so that kept states are compared by it and by nothing else.

use osmia_isa::{AluOp, AtomicOp, Callee, Insn, Operand};

use crate::path::{Kept, Path, StateId, Step as PathStep};
use crate::shape::{Shape, TAIL_CALL};
use crate::state::{Linked, State};

/// The registers r1 to r5.
const ARGUMENTS: u16 = 0x3e;

/// What is still looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    frame: usize,
    regs: [u16; FRAMES],
    slots: [u64; FRAMES],
}

const FRAMES: usize = osmia_program::limits::CALL_FRAMES_MAX;

/// The path cannot be followed further back: every number has to count.
struct Lost;

/// What going back along a path came by, for those who want to read it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A stretch of the path begins: its last and first instruction, and the one after it.
    Stretch {
        frame: usize,
        last: usize,
        first: usize,
        after: Option<usize>,
    },
    /// What is wanted before an instruction is undone.
    Before {
        frame: usize,
        regs: u16,
        slots: u64,
        at: usize,
    },
    /// What a kept state, as it is now, was marked with in a frame.
    Kept {
        frame: usize,
        regs: u16,
        slots: u64,
        state: State,
    },
    /// The path cannot be followed further: every number counts.
    Lost { frame: usize },
}

impl Wanted {
    /// Nothing, from a frame on.
    pub(crate) fn from_frame(frame: usize) -> Wanted {
        Wanted {
            frame,
            ..Wanted::default()
        }
    }

    /// Also a register of a frame.
    pub(crate) fn want_reg(&mut self, frame: usize, reg: usize) {
        self.regs[frame] |= 1 << reg;
    }

    /// Also a slot of a frame.
    pub(crate) fn want_slot(&mut self, frame: usize, slot: usize) {
        self.slots[frame] |= 1 << slot;
    }

    /// True if nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        // All at once: this is asked at every step back.
        let regs = self.regs.iter().fold(0, |all, regs| all | regs);
        let slots = self.slots.iter().fold(0, |all, slots| all | slots);
        regs == 0 && slots == 0
    }

    fn has(&self, reg: osmia_isa::Reg) -> bool {
        self.regs[self.frame] & 1 << reg.number() != 0
    }

    fn set(&mut self, reg: osmia_isa::Reg) {
        // The frame pointer is no number.
        if reg != osmia_isa::Reg::R10 {
            self.regs[self.frame] |= 1 << reg.number();
        }
    }

    fn clear(&mut self, reg: osmia_isa::Reg) {
        self.regs[self.frame] &= !(1 << reg.number());
    }

    fn current(&mut self) -> &mut u16 {
        &mut self.regs[self.frame]
    }

    /// If one of the registers that share a number is wanted, all are.
    fn share(&mut self, linked: &[Linked]) {
        let wanted = |wanted: &Wanted, one: &Linked| {
            let frame = usize::from(one.frame);
            if one.spilled {
                wanted.slots[frame] & 1 << one.place != 0
            } else {
                wanted.regs[frame] & 1 << one.place != 0
            }
        };
        if linked.iter().any(|one| wanted(self, one)) {
            for one in linked {
                let frame = usize::from(one.frame);
                if one.spilled {
                    self.want_slot(frame, usize::from(one.place));
                } else {
                    self.want_reg(frame, usize::from(one.place));
                }
            }
        }
    }

    fn leave(&mut self) -> Result<(), Lost> {
        self.frame = self.frame.checked_sub(1).ok_or(Lost)?;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Lost> {
        self.frame += 1;
        if self.frame == FRAMES {
            Err(Lost)
        } else {
            Ok(())
        }
    }

    /// Undoes one instruction. `after` is the one that followed on the path.
    fn undo(
        &mut self,
        shape: &Shape,
        at: usize,
        after: Option<usize>,
        step: Option<&PathStep>,
    ) -> Result<(), Lost> {
        let Some(insn) = shape.insns[at] else {
            return Ok(());
        };
        if let Some(step) = step {
            self.share(&step.linked);
        }
        let stack = step.and_then(|step| step.stack);
        match insn {
            Insn::Alu { op, dst, src, .. } if self.has(dst) => {
                if op == AluOp::Mov {
                    self.clear(dst);
                }
                if let Operand::Reg(src) = src {
                    self.set(src);
                }
            }
            Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. }
                if self.has(dst) =>
            {
                self.clear(dst);
                self.set(src);
            }
            Insn::LoadImm64 { dst, .. } => self.clear(dst),
            Insn::Load { dst, .. } | Insn::LoadAcquire { dst, .. } if self.has(dst) => {
                self.clear(dst);
                if let Some((frame, slot)) = stack {
                    self.want_slot(usize::from(frame), usize::from(slot));
                }
            }
            // A pointer as a wanted number: pointers were subtracted.
            Insn::Store { base, .. } | Insn::StoreRelease { base, .. } if self.has(base) => {
                return Err(Lost);
            }
            Insn::Store { src, .. } => self.undo_store(stack, src),
            Insn::StoreRelease { src, .. } => self.undo_store(stack, Operand::Reg(src)),
            Insn::Atomic { op, base, src, .. } => {
                let fetched = match op {
                    AtomicOp::Cmpxchg => Some(osmia_isa::Reg::R0),
                    AtomicOp::Xchg
                    | AtomicOp::Add { fetch: true }
                    | AtomicOp::Or { fetch: true }
                    | AtomicOp::And { fetch: true }
                    | AtomicOp::Xor { fetch: true } => Some(src),
                    _ => None,
                };
                if self.has(base) {
                    return Err(Lost);
                }
                if let Some(reg) = fetched.filter(|&reg| self.has(reg)) {
                    self.clear(reg);
                    if let Some((frame, slot)) = stack {
                        self.want_slot(usize::from(frame), usize::from(slot));
                    }
                } else {
                    self.undo_store(stack, Operand::Reg(src));
                }
            }
            Insn::LoadPacket { .. } if after != Some(at + 1) => {
                self.clear(osmia_isa::Reg::R0);
                self.enter()?;
            }
            Insn::LoadPacket { .. } if self.has(osmia_isa::Reg::R0) => return Err(Lost),
            Insn::JumpIf {
                dst,
                src: Operand::Reg(src),
                ..
            } if self.has(dst) || self.has(src) => {
                self.set(dst);
                self.set(src);
            }
            Insn::Call(callee) => self.undo_call(shape, callee, at, after)?,
            Insn::Exit => self.undo_exit(shape, after)?,
            _ => {}
        }
        if let Some(step) = step {
            self.share(&step.linked);
        }
        Ok(())
    }

    fn undo_store(&mut self, stack: Option<(u8, u8)>, src: Operand) {
        let Some((frame, slot)) = stack else { return };
        let (frame, bit) = (usize::from(frame), 1_u64 << slot);
        if self.slots[frame] & bit == 0 {
            return;
        }
        self.slots[frame] &= !bit;
        if let Operand::Reg(src) = src {
            self.set(src);
        }
    }

    /// Going back over a call: into the callee's start, out of a callback, or over a helper.
    fn undo_call(
        &mut self,
        shape: &Shape,
        callee: Callee,
        at: usize,
        after: Option<usize>,
    ) -> Result<(), Lost> {
        let straight = after == Some(at + 1);
        match callee {
            Callee::Local(_) if !straight => {
                // What is wanted of the callee's arguments is wanted of the caller's registers.
                let arguments = *self.current() & ARGUMENTS;
                if *self.current() != arguments || self.slots[self.frame] != 0 {
                    return Err(Lost);
                }
                *self.current() = 0;
                self.leave()?;
                *self.current() |= arguments;
            }
            _ if shape.marks[at].calls_back && !straight => {
                if *self.current() & !ARGUMENTS != 0 || self.slots[self.frame] != 0 {
                    return Err(Lost);
                }
                *self.current() = 0;
                self.leave()?;
            }
            _ => {
                self.clear(osmia_isa::Reg::R0);
                if *self.current() & ARGUMENTS != 0 {
                    return Err(Lost);
                }
                // A tail call that took place, in a function: back into it.
                if callee == Callee::Helper(TAIL_CALL) && !straight {
                    self.enter()?;
                }
            }
        }
        Ok(())
    }

    /// Going back over an exit: into the callee's end.
    fn undo_exit(&mut self, shape: &Shape, after: Option<usize>) -> Result<(), Lost> {
        let call = after.and_then(|after| after.checked_sub(1));
        let from_call = call
            .is_some_and(|call| matches!(shape.insns[call], Some(Insn::Call(Callee::Local(_)))));
        if after.is_some_and(|after| shape.marks[after].calls_back) {
            *self.current() &= !ARGUMENTS;
        }
        if *self.current() & ARGUMENTS != 0 {
            return Err(Lost);
        }
        let result = from_call && self.has(osmia_isa::Reg::R0);
        self.clear(osmia_isa::Reg::R0);
        self.enter()?;
        if result {
            self.set(osmia_isa::Reg::R0);
        }
        Ok(())
    }

    /// Marks what is wanted in a kept state; what is marked already need not be followed further.
    /// True if something was not marked before.
    fn mark(&mut self, state: &mut State) -> bool {
        let mut changed = false;
        for (number, frame) in state.frames.iter_mut().enumerate() {
            for reg in bits(self.regs[number].into()) {
                let value = &mut frame.regs[reg];
                if !value.is_number() || value.precise {
                    self.regs[number] &= !(1 << reg);
                } else {
                    value.precise = true;
                    changed = true;
                }
            }
            for slot in bits(self.slots[number]) {
                let held = frame.stack.slots_mut().get_mut(slot);
                match held.filter(|slot| slot.holds_number() && !slot.spilled.precise) {
                    Some(slot) => {
                        slot.spilled.precise = true;
                        changed = true;
                    }
                    None => self.slots[number] &= !(1 << slot),
                }
            }
        }
        changed
    }
}

/// The positions of the bits that are set.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(lowest)
    })
}

/// Follows what is wanted back from instruction `from` of `current` and marks it in every kept state
/// on the way. True if something was not marked before.
pub(crate) fn follow(
    shape: &Shape,
    states: &mut [Kept],
    current: &Path,
    from: usize,
    mut wanted: Wanted,
    mut told: Option<&mut Vec<Step>>,
) -> bool {
    let mut changed = false;
    let mut skip_first = true;
    let mut after = None;
    let mut last = from;
    let mut id: Option<StateId> = None;
    while !wanted.is_empty() {
        let lost = {
            let path = id.map_or(current, |id| &states[id].path);
            if let Some(told) = &mut told {
                told.push(Step::Stretch {
                    frame: wanted.frame,
                    last,
                    first: path.first,
                    after,
                });
            }
            let told = told.as_deref_mut();
            walk(
                shape,
                path,
                last,
                &mut after,
                &mut wanted,
                &mut skip_first,
                told,
            )
        };
        if lost.is_err() {
            if let Some(told) = &mut told {
                let frame = wanted.frame;
                told.push(Step::Lost { frame });
            }
            mark_all(states, current);
            return true;
        }
        if wanted.is_empty() {
            return changed;
        }
        let path = id.map_or(current, |id| &states[id].path);
        let (first, Some(parent)) = (path.first, path.parent) else {
            // At the start of the program numbers are wanted that nobody wrote.
            mark_all(states, current);
            return true;
        };
        let kept = &mut states[parent];
        changed |= wanted.mark(&mut kept.state);
        if let Some(told) = &mut told {
            told.extend((0..=wanted.frame).rev().map(|frame| Step::Kept {
                frame,
                regs: wanted.regs[frame],
                slots: wanted.slots[frame],
                state: kept.state.clone(),
            }));
        }
        after = Some(first);
        last = kept.path.last;
        id = Some(parent);
    }
    changed
}

/// Goes back through one stretch of the path.
fn walk(
    shape: &Shape,
    path: &Path,
    last: usize,
    after: &mut Option<usize>,
    wanted: &mut Wanted,
    skip_first: &mut bool,
    mut told: Option<&mut Vec<Step>>,
) -> Result<(), Lost> {
    let mut history = path.history.as_slice();
    let mut at = last;
    loop {
        if std::mem::take(skip_first) {
            // The instruction being looked at has not happened.
        } else {
            // The second half of a long instruction is none.
            if let Some(told) = told.as_mut().filter(|_| shape.insns[at].is_some()) {
                let frame = wanted.frame;
                told.push(Step::Before {
                    frame,
                    regs: wanted.regs[frame],
                    slots: wanted.slots[frame],
                    at,
                });
            }
            let step = history.last().filter(|step| step.at == at);
            wanted.undo(shape, at, *after, step)?;
        }
        if wanted.is_empty() {
            return Ok(());
        }
        *after = Some(at);
        let done = match history {
            [] => true,
            [only] => only.at == at,
            _ => false,
        };
        if at == path.first && done {
            return Ok(());
        }
        match history.split_last() {
            Some((step, rest)) if step.at == at => {
                at = step.before;
                history = rest;
            }
            _ => at -= 1,
        }
    }
}

/// Every number counts, in every state on the path.
pub(crate) fn mark_all(states: &mut [Kept], current: &Path) {
    let mut id = current.parent;
    let mark = |state: &mut State| {
        for reg in state.all_mut() {
            if reg.is_number() {
                reg.precise = true;
            }
        }
    };
    while let Some(parent) = id {
        let kept = &mut states[parent];
        mark(&mut kept.state);
        id = kept.path.parent;
    }
}
