//! Whether a run is inside of a state: its numbers, its addresses, its stack.

use std::ops::RangeInclusive;

use osmia_isa::Reg as RegName;

use super::Run;
use crate::reg::{Flags, Range, Reg, Sum, What};
use crate::stack::{Byte, SLOT_BYTES, Slot};
use crate::state::State;

/// True if everything that a state says holds of a run.
pub(super) fn is_inside(state: &State, run: &impl Run) -> bool {
    let frames = run.frames();
    // A function verified on its own begins with a frame of its own.
    let Some(outer) = frames.len().checked_sub(state.frames.len()) else {
        return false;
    };
    let mut held = Held {
        run,
        frames: &frames[outer..],
        is_whole: outer == 0,
        families: Vec::new(),
    };
    (state.frames.iter().zip(held.frames)).all(|(frame, regs)| {
        let base = regs[RegName::R10.index()];
        (frame.regs.iter().zip(regs)).all(|(reg, &value)| held.holds(reg, value))
            && (frame.stack.slots().iter().enumerate())
                .all(|(number, slot)| held.slot_holds(slot, base, number))
    })
}

/// What is shared by registers with the same id.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Shared {
    /// Numbers: what is left without their constants.
    Number,
    /// Numbers: the lower half of that.
    Half,
    /// Addresses in the packet: where the fixed part of their offset begins.
    Packet,
    /// Addresses that may be null: whether they are.
    Null,
}

/// A run that is being held against a state.
struct Held<'a, R> {
    run: &'a R,
    /// Registers of those of the run's functions that the state speaks of.
    frames: &'a [[u64; 11]],
    /// The state speaks of all of them.
    is_whole: bool,
    families: Vec<(Shared, u32, u64)>,
}

impl<R: Run> Held<'_, R> {
    fn holds(&mut self, reg: &Reg, value: u64) -> bool {
        if reg.may_be_null() {
            let null = u64::from(value == 0);
            if !self.is_of_family(Shared::Null, reg.id, null) {
                return false;
            }
            if value == 0 {
                return true;
            }
        }
        let run = self.run;
        let from = |base: u64| is_from(reg, base, value);
        match reg.what {
            What::Unset => true,
            What::Number => {
                let origin = value.wrapping_sub(i64::from(reg.delta) as u64);
                let low = origin & u64::from(u32::MAX);
                reg.num.contains(value)
                    && self.is_of_family(Shared::Half, reg.id, low)
                    && (reg.sum == Sum::Half || self.is_of_family(Shared::Number, reg.id, origin))
            }
            What::Stack { frame } => from(self.frames[usize::from(frame)][RegName::R10.index()]),
            What::Context => !self.is_whole || from(run.context()),
            What::Map(map) if reg.id == 0 => value == run.map(usize::from(map)),
            What::MapValue { map, inner: 0 } => {
                run.any_value(usize::from(map), bases(reg, value), &from)
            }
            What::Packet { range } => {
                let [_, start, end] = run.packet();
                from(start) && self.reaches(reg, value, range, end)
            }
            What::PacketMeta { range } => {
                let [meta, start, _] = run.packet();
                from(meta) && self.reaches(reg, value, range, start)
            }
            What::PacketEnd => value == run.packet()[2],
            What::Memory { bytes } => {
                let start = (reg.num.constant())
                    .map(|off| value.wrapping_sub(off).wrapping_sub(reg.off as u64));
                let write = !reg.flags.has(Flags::READ_ONLY);
                value != 0 && start.is_none_or(|start| run.allows(start, bytes, write))
            }
            _ => value != 0,
        }
    }

    /// True if the packet ends where an address says that it does, or behind.
    fn reaches(&mut self, reg: &Reg, value: u64, range: Range, end: u64) -> bool {
        let family = value.wrapping_sub(reg.off as u64);
        let reaches = match range {
            Range::Bytes(0) => true,
            Range::Bytes(bytes) => family.wrapping_add(u64::from(bytes)) <= end,
            Range::EndsHere => value >= end,
            Range::EndsBefore => value > end,
        };
        reaches && self.is_of_family(Shared::Packet, reg.id, family)
    }

    /// True if what is shared by the registers of an id is the same for all of them.
    fn is_of_family(&mut self, shared: Shared, id: u32, what: u64) -> bool {
        if id == 0 {
            return true;
        }
        let same = |family: &&(Shared, u32, u64)| (family.0, family.1) == (shared, id);
        match self.families.iter().find(same) {
            Some(family) => family.2 == what,
            None => {
                self.families.push((shared, id, what));
                true
            }
        }
    }

    /// True if the stack below a frame pointer holds what a slot says.
    fn slot_holds(&mut self, slot: &Slot, base: u64, number: usize) -> bool {
        let known = |byte: &Byte| matches!(byte, Byte::Zero | Byte::Spill);
        if !slot.bytes.iter().any(known) {
            return true;
        }
        let mut bytes = [0; SLOT_BYTES];
        let address = base.wrapping_sub((SLOT_BYTES * (number + 1)) as u64);
        if !self.run.read(address, &mut bytes) {
            return false;
        }
        let zeroes = (slot.bytes.iter().zip(bytes.iter().rev()))
            .all(|(&byte, &value)| byte != Byte::Zero || value == 0);
        if !zeroes || !slot.holds_spill() {
            return zeroes;
        }
        let count = slot.spilled_bytes();
        bytes[count..].fill(0);
        let mut spilled = slot.spilled;
        if count < SLOT_BYTES {
            // The slot says what was stored, of which only the low bytes are there.
            spilled.num.truncate_to(8 * count as u32);
        }
        self.holds(&spilled, u64::from_le_bytes(bytes))
    }
}

/// Where the base of an address may lie by the range of its register.
fn bases(reg: &Reg, value: u64) -> RangeInclusive<u64> {
    let origin = i128::from(value) - i128::from(reg.off);
    let within = |base: i128| base.clamp(0, u64::MAX.into()) as u64;
    within(origin - i128::from(reg.num.s.max))..=within(origin - i128::from(reg.num.s.min))
}

/// True if an address is as far from its base as its register says.
fn is_from(reg: &Reg, base: u64, value: u64) -> bool {
    let distance = value.wrapping_sub(base).wrapping_sub(reg.off as u64);
    reg.num.contains(distance)
}
