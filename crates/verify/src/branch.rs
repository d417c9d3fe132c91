//! Conditional jumps: which ways are possible, and what each says about the values compared.

use osmia_isa::{Cond, Operand, Reg as RegName, Width};
use osmia_program::release::Feature;

use crate::domain::{Op, Scalar, mirrored};
use crate::events::Turn;
use crate::reg::{Flags, Range, Reg, Socket, Sum, What};
use crate::reject::{Check, denied};
use crate::state::{Linked, State};
use crate::transfer::{Next, Transfer};

impl Transfer<'_> {
    pub(crate) fn branch(
        &mut self,
        cond: Cond,
        width: Width,
        dst: RegName,
        src: Operand,
        target: usize,
    ) -> Check<Next> {
        let half = width == Width::W32;
        let other = match src {
            Operand::Reg(src) => self.read(src)?,
            Operand::Imm(imm) => Reg::constant(imm as i64 as u64),
        };
        let this = self.read(dst)?;
        if let Some(taken) = decided(cond, half, &this, &other) {
            if this.is_number() {
                self.want(dst);
            }
            if let Operand::Reg(src) = src
                && other.is_number()
            {
                self.want(src);
            }
            let (next, other_way) = if taken {
                (Next::To(target), self.at + 1)
            } else {
                (Next::Through, target)
            };
            self.mispredict(other_way, dst, src);
            return Ok(next);
        }
        // Registers that hold the same numbers learn the same.
        let families = [this, other].map(|reg| if reg.is_number() { reg.id } else { 0 });
        let linked = linked(&self.state, families);
        if linked.len() > 1 {
            self.note(None, linked.clone());
        }
        let compares = self.has(Feature::ComparedPointers);
        self.fork(target);
        let (falls, jumps) = self.both_ways();
        learn(cond, half, true, dst, src, &linked, jumps);
        learn(cond, half, false, dst, src, &linked, falls);

        let null_check = !half && other.is_null() && matches!(src, Operand::Imm(0));
        if null_check && matches!(cond, Cond::Eq | Cond::Ne) && this.may_be_null() {
            resolve_null(jumps, &this, cond == Cond::Eq);
            resolve_null(falls, &this, cond == Cond::Ne);
            return Ok(Next::Through);
        }
        if !half && matches!(cond, Cond::Eq | Cond::Ne) && compares {
            lift_null(cond, &this, &other, falls, jumps);
        }
        let packet = match_packet(cond, half, &this, &other, (dst, src), falls, jumps);
        if !packet && this.is_pointer() && !self.options.is_trusted() {
            return denied(
                self.at,
                format!("R{} pointer comparison prohibited", dst.number()),
            );
        }
        Ok(Next::Through)
    }

    pub(crate) fn may_goto(&mut self, target: usize) -> Check<Next> {
        let after = self.at + 1;
        self.fork(after).may_goto_depth += 1;
        self.events.turn = Some(Turn::Aside);
        Ok(Next::To(target))
    }
}

/// Puts what an outcome says into a state.
fn learn(
    cond: Cond,
    half: bool,
    outcome: bool,
    dst: RegName,
    src: Operand,
    linked: &[Linked],
    state: &mut State,
) {
    let this = *state.reg(dst);
    let other = match src {
        Operand::Reg(src) => *state.reg(src),
        Operand::Imm(imm) => Reg::constant(imm as i64 as u64),
    };
    if !this.is_number() || !other.is_number() {
        return;
    }
    let (mut a, mut b) = (this.num, other.num);
    Scalar::refine(cond, half, outcome, &mut a, &mut b);
    state.reg_mut(dst).num = a;
    if let Operand::Reg(src) = src {
        state.reg_mut(src).num = b;
        let known = *state.reg(src);
        spread(state, &known, linked);
    }
    let known = *state.reg(dst);
    spread(state, &known, linked);
}

/// Whether a comparison always or never holds.
fn decided(cond: Cond, half: bool, this: &Reg, other: &Reg) -> Option<bool> {
    if this.is_number() && other.is_number() {
        return Scalar::decided(cond, half, &this.num, &other.num);
    }
    if !half && let Some(taken) = decided_by_end(cond, this, other) {
        return Some(taken);
    }
    // A pointer that is not null is unlike 0.
    let (pointer, number) = if other.is_number() {
        (this, other)
    } else {
        (other, this)
    };
    if half || number.value() != Some(0) || !surely_not_null(pointer) {
        return None;
    }
    match cond {
        Cond::Eq => Some(false),
        Cond::Ne => Some(true),
        _ => None,
    }
}

fn surely_not_null(reg: &Reg) -> bool {
    !reg.may_be_null()
        && match reg.what {
            What::MapValue { .. } | What::MapKey(_) | What::Map(_) => true,
            What::Socket(socket) => socket != Socket::Xdp,
            What::Memory { .. } => !reg.flags.has(Flags::UNTRUSTED),
            What::Kernel { .. } | What::Object(_) => Transfer::is_trusted(reg),
            _ => false,
        }
}

/// Registers and spilled registers of these families, if more than one.
fn linked(state: &State, families: [u32; 2]) -> Vec<Linked> {
    /// As many as Linux notes for one comparison.
    const LINKED_MAX: usize = 6;
    let mut found = Vec::new();
    if families == [0, 0] {
        return found;
    }
    let belongs = |reg: &Reg| reg.is_number() && reg.id != 0 && families.contains(&reg.id);
    for (number, frame) in state.frames.iter().enumerate() {
        for (place, reg) in frame.regs.iter().enumerate() {
            if belongs(reg) && found.len() < LINKED_MAX {
                found.push(Linked {
                    frame: number as u8,
                    place: place as u8,
                    spilled: false,
                });
            }
        }
        for (place, slot) in frame.stack.slots().iter().enumerate() {
            if slot.holds_spill() && belongs(&slot.spilled) && found.len() < LINKED_MAX {
                found.push(Linked {
                    frame: number as u8,
                    place: place as u8,
                    spilled: true,
                });
            }
        }
    }
    found
}

/// Gives the others of a number's family what is known of it.
fn spread(state: &mut State, known: &Reg, linked: &[Linked]) {
    if known.id == 0 {
        return;
    }
    for one in linked {
        let frame = &mut state.frames[usize::from(one.frame)];
        let reg = if one.spilled {
            &mut frame.stack.slot_mut(usize::from(one.place)).spilled
        } else {
            &mut frame.regs[usize::from(one.place)]
        };
        if !reg.is_number() || reg.id != known.id {
            continue;
        }
        let half = match (reg.sum, known.sum) {
            // One came from the other's lower half at most, which says nothing of the whole.
            (Sum::Whole, Sum::Half) | (Sum::Half, Sum::Whole) => continue,
            (sum, other) => sum == Sum::Half || other == Sum::Half,
        };
        if reg.delta == known.delta {
            reg.num = known.num;
            continue;
        }
        let distance = i64::from(reg.delta) - i64::from(known.delta);
        let distance = Scalar::known(distance as u64);
        reg.num = if half {
            known.num.apply32(Op::Add, &distance)
        } else {
            known.num.apply(Op::Add, &distance)
        };
    }
}

/// Every copy of a pointer that may be null is now null, or is not.
pub(crate) fn resolve_null(state: &mut State, pointer: &Reg, is_null: bool) {
    let (id, reference) = (pointer.id, pointer.reference);
    if is_null && reference != 0 && reference == id {
        // A resource that was not to be had need not be given back.
        state.release(reference);
    }
    for reg in state.all_mut() {
        if !reg.may_be_null() || reg.id != id {
            continue;
        }
        if is_null {
            *reg = Reg::constant(0);
            continue;
        }
        reg.flags = reg.flags.without(Flags::MAYBE_NULL);
        // A value with a lock keeps the id, which says whose lock it is.
        if reg.reference == 0 && !matches!(reg.what, What::MapValue { .. }) {
            reg.id = 0;
        }
    }
}

/// A pointer that equals one which is surely not null is not null either.
fn lift_null(cond: Cond, this: &Reg, other: &Reg, falls: &mut State, jumps: &mut State) {
    let equal = if cond == Cond::Eq { jumps } else { falls };
    let kernel = |reg: &Reg| matches!(reg.what, What::Kernel { .. });
    if !this.is_pointer() || !other.is_pointer() || kernel(this) || kernel(other) {
        return;
    }
    match (this.may_be_null(), other.may_be_null()) {
        (true, false) => resolve_null(equal, this, false),
        (false, true) => resolve_null(equal, other, false),
        _ => {}
    }
}

/// Comparisons of packet pointers with the end of what they point into: how far they reach.
fn match_packet(
    cond: Cond,
    half: bool,
    this: &Reg,
    other: &Reg,
    (dst, src): (RegName, Operand),
    falls: &mut State,
    jumps: &mut State,
) -> bool {
    if half || !matches!(src, Operand::Reg(_)) {
        return false;
    }
    let is_end = |pointer: &Reg, end: &Reg| match pointer.what {
        What::Packet { .. } => end.what == What::PacketEnd,
        // The metadata ends where the packet starts.
        What::PacketMeta { .. } => {
            matches!(end.what, What::Packet { .. }) && end.off == 0 && end.num == Scalar::known(0)
        }
        _ => false,
    };
    let (pointer, cond) = if is_end(this, other) {
        (this, cond)
    } else if is_end(other, this) {
        (other, mirrored(cond))
    } else {
        return false;
    };
    // Where `pointer <= end` holds, all bytes before it are there; where `pointer < end` holds, one
    // more is.
    let name = if std::ptr::eq(pointer, this) {
        dst
    } else {
        match src {
            Operand::Reg(src) => src,
            Operand::Imm(_) => return false,
        }
    };
    let (good, open, bad, end) = match cond {
        Cond::Gt => (falls, false, jumps, Range::EndsBefore),
        Cond::Ge => (falls, true, jumps, Range::EndsHere),
        Cond::Lt => (jumps, true, falls, Range::EndsHere),
        Cond::Le => (jumps, false, falls, Range::EndsBefore),
        _ => return false,
    };
    reach(good, pointer, open);
    if let What::Packet { range } = &mut bad.reg_mut(name).what {
        *range = end;
    }
    true
}

/// Whether a comparison with the end is decided by an earlier one.
fn decided_by_end(cond: Cond, this: &Reg, other: &Reg) -> Option<bool> {
    let (range, cond) = match (this.what, other.what) {
        (What::Packet { range }, What::PacketEnd) => (range, cond),
        (What::PacketEnd, What::Packet { range }) => (range, mirrored(cond)),
        _ => return None,
    };
    match (range, cond) {
        (Range::EndsBefore, Cond::Gt | Cond::Le) => Some(cond == Cond::Gt),
        (Range::EndsBefore | Range::EndsHere, Cond::Ge | Cond::Lt) => Some(cond == Cond::Ge),
        _ => None,
    }
}

/// The packet reaches at least to this pointer, or one byte further.
fn reach(state: &mut State, pointer: &Reg, one_more: bool) {
    // The range counts from the fixed offset 0 of the family.
    if pointer.off <= 0 {
        return;
    }
    if pointer.num.u.max > crate::limits::PACKET_OFFSET_MAX as u64
        || pointer.num.u.max + pointer.off as u64 > crate::limits::PACKET_OFFSET_MAX as u64
    {
        return;
    }
    let new = (pointer.off as u64 + u64::from(one_more)).min(u64::from(u16::MAX)) as u16;
    for reg in state.all_mut() {
        let same = std::mem::discriminant(&reg.what) == std::mem::discriminant(&pointer.what);
        if same
            && reg.id == pointer.id
            && let What::Packet { range } | What::PacketMeta { range } = &mut reg.what
        {
            *range = Range::Bytes(new.max(range.bytes() as u16));
        }
    }
}

/// Makes numbers that differ from the earlier turn of a loop, and that nobody has looked at, unknown:
/// so that turns become alike.
pub(crate) fn widen(earlier: &State, state: &mut State) {
    for (old_frame, frame) in earlier.frames.iter().zip(&mut state.frames) {
        for (old, reg) in old_frame.regs.iter().zip(&mut frame.regs) {
            widen_reg(old, reg);
        }
        for (index, slot) in frame.stack.slots_mut().iter_mut().enumerate() {
            let old = old_frame.stack.slot(index);
            if old.holds_number() && slot.holds_number() {
                widen_reg(&old.spilled, &mut slot.spilled);
            }
        }
    }
}

fn widen_reg(old: &Reg, reg: &mut Reg) {
    if !old.is_number() || !reg.is_number() || old.precise {
        return;
    }
    if old.num != reg.num || old.id != reg.id {
        *reg = Reg::UNKNOWN;
    }
}
