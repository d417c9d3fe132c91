//! Comparing states: whether everything that can happen from a new state has been seen from an old
//! one.

use std::collections::HashMap;

use crate::reg::{Range, Reg, What};
use crate::stack::{Byte, Slot, place};
use crate::state::{Frame, State};

/// How alike states have to be.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alike {
    /// What the old state did not look at may differ.
    WhereItMatters,
    /// The same, but numbers must be equal: what a mispredicted path does depends on them.
    Deeply,
    /// Every number must lie in the old one's range, looked at or not: inside loops that are not
    /// explored to their end it is not known yet what is looked at.
    InRange,
    /// The same, but in frames from this one on numbers without an id need only be alike where it
    /// matters: what becomes of them is known.
    InRangeBelow(usize),
    /// The same.
    Exactly,
}

/// Which ids of the old state stand for which of the new one.
#[derive(Default)]
pub(crate) struct Ids {
    pairs: Vec<(u32, u32)>,
    /// Ids for numbers that have none, each different from all others.
    made_up: u32,
}

impl Ids {
    /// True if the two can stand for each other.
    pub(crate) fn same(&mut self, old: u32, new: u32) -> bool {
        if (old == 0) != (new == 0) {
            return false;
        }
        if old == 0 {
            return true;
        }
        for &(known_old, known_new) in &self.pairs {
            if known_old == old {
                return known_new == new;
            }
            if known_new == new {
                return false;
            }
        }
        self.pairs.push((old, new));
        true
    }

    /// The same for numbers: one without an id is unlike every other.
    pub(crate) fn same_number(&mut self, old: u32, new: u32) -> bool {
        let mut or_made_up = |id| {
            if id != 0 {
                return id;
            }
            self.made_up += 1;
            u32::MAX - self.made_up
        };
        let (old, new) = (or_made_up(old), or_made_up(new));
        self.same(old, new)
    }
}

/// True if the paths from `new` are among those that were explored from `old`. `live` gives the
/// registers that matter in each frame.
pub(crate) fn covers(
    old: &State,
    new: &State,
    alike: Alike,
    live: impl Fn(usize, &Frame) -> u16,
) -> bool {
    let mut ids = Ids::default();
    if !alike_outside(old, new, &mut ids) {
        return false;
    }
    let secretive = new.secretive;
    for (number, (old, new)) in old.frames.iter().zip(&new.frames).enumerate() {
        if old.callsite != new.callsite || old.callback != new.callback {
            return false;
        }
        let live = live(number, new);
        let alike = match alike {
            Alike::InRangeBelow(fresh) if number < fresh => Alike::InRange,
            alike => alike,
        };
        if !frame_covers(old, new, live, alike, secretive, &mut ids) {
            return false;
        }
    }
    true
}

/// True if all but what registers and stacks hold is alike.
pub(crate) fn alike_outside(old: &State, new: &State, ids: &mut Ids) -> bool {
    if old.frames.len() != new.frames.len()
        || old.rcu_locks != new.rcu_locks
        || old.speculative && !new.speculative
        || old.preempt_locks != new.preempt_locks
        || old.sleepable != new.sleepable
        || old.references.len() != new.references.len()
        || old.irqs.len() != new.irqs.len()
        || old.locks.len() != new.locks.len()
    {
        return false;
    }
    for (old, new) in old.references.iter().zip(&new.references) {
        if !ids.same(old.id, new.id) {
            return false;
        }
    }
    for (old, new) in old.irqs.iter().zip(&new.irqs) {
        if !ids.same(*old, *new) {
            return false;
        }
    }
    for (old, new) in old.locks.iter().zip(&new.locks) {
        if (old.kind, old.owner) != (new.kind, new.owner) || !ids.same(old.id, new.id) {
            return false;
        }
    }
    true
}

fn frame_covers(
    old: &Frame,
    new: &Frame,
    live: u16,
    alike: Alike,
    secretive: bool,
    ids: &mut Ids,
) -> bool {
    for (number, (old, new)) in old.regs.iter().zip(&new.regs).enumerate() {
        if live & 1 << number != 0 && !reg_covers(old, new, alike, ids) {
            return false;
        }
    }
    stack_covers(old, new, alike, secretive, ids)
}

pub(crate) fn reg_covers(old: &Reg, new: &Reg, alike: Alike, ids: &mut Ids) -> bool {
    if alike == Alike::Exactly {
        return exactly(old, new, ids);
    }
    if old.what == What::Unset {
        return alike != Alike::InRange || new.what == What::Unset;
    }
    match (old.what, new.what) {
        (What::Number, What::Number) => {
            if alike == Alike::Deeply {
                return exactly(old, new, ids);
            }
            let by_what_matters = match alike {
                Alike::WhereItMatters => true,
                Alike::InRangeBelow(_) => old.id == 0,
                _ => false,
            };
            if by_what_matters && !old.precise {
                return true;
            }
            same_distance(old, new) && ids.same_number(old.id, new.id) && old.num.includes(&new.num)
        }
        (What::Packet { range: old_range }, What::Packet { range: new_range })
        | (What::PacketMeta { range: old_range }, What::PacketMeta { range: new_range }) => {
            reaches(old_range, new_range)
                && old.off == new.off
                && old.flags == new.flags
                && ids.same(old.id, new.id)
                && old.num.includes(&new.num)
        }
        (
            What::MapValue { .. }
            | What::MapKey(_)
            | What::Memory { .. }
            | What::TracepointBuffer
            | What::Buffer,
            _,
        ) => {
            same_kind(old.what, new.what, ids)
                && old.flags == new.flags
                && old.off == new.off
                && old.num.includes(&new.num)
                && ids.same(old.id, new.id)
                && ids.same(old.dynptr, new.dynptr)
                && ids.same(old.reference, new.reference)
        }
        (What::Arena, What::Arena) => true,
        _ => exactly(old, new, ids),
    }
}

/// True if a number is as far from others of its family, if it has one.
pub(crate) fn same_distance(old: &Reg, new: &Reg) -> bool {
    old.id == 0 || (old.delta, old.sum) == (new.delta, new.sum)
}

/// True if the packet is known to reach as far as in the old state.
fn reaches(old: Range, new: Range) -> bool {
    match (old, new) {
        (Range::Bytes(old), Range::Bytes(new)) => old <= new,
        _ => old == new,
    }
}

/// The same kind of pointer, inner maps compared by their ids.
pub(crate) fn same_kind(old: What, new: What, ids: &mut Ids) -> bool {
    match (old, new) {
        (
            What::MapValue {
                map: old_map,
                inner: old_inner,
            },
            What::MapValue {
                map: new_map,
                inner: new_inner,
            },
        ) => old_map == new_map && ids.same(old_inner, new_inner),
        _ => old == new,
    }
}

fn exactly(old: &Reg, new: &Reg, ids: &mut Ids) -> bool {
    old.what == new.what
        && old.flags == new.flags
        && old.off == new.off
        && (old.delta, old.sum) == (new.delta, new.sum)
        && old.num == new.num
        && if old.is_number() {
            ids.same_number(old.id, new.id)
        } else {
            ids.same(old.id, new.id)
        }
        && ids.same(old.dynptr, new.dynptr)
        && ids.same(old.reference, new.reference)
}

/// True if the iterator that r1 points to may have more items.
pub(crate) fn steps_on(state: &State) -> bool {
    let reg = state.reg(osmia_isa::Reg::R1);
    let What::Stack { frame } = reg.what else {
        return true;
    };
    let off = i64::from(reg.off) + reg.num.s.min;
    let (slot, _) = place(off as i32);
    let held = state.frames[usize::from(frame)].stack.slot(slot);
    !matches!(held.spilled.what, What::Iterator(iterator) if !iterator.active)
}

/// True if iterators have taken different numbers of items: the path goes on.
pub(crate) fn iterators_differ(old: &State, new: &State) -> bool {
    let depth = |slot: &Slot| match slot.spilled.what {
        What::Iterator(iterator) if slot.bytes[0] == Byte::Iterator => Some(iterator.depth),
        _ => None,
    };
    (old.frames.iter().zip(&new.frames)).any(|(old, new)| {
        let slots = old.stack.slots().iter().enumerate();
        slots
            .filter_map(|(index, slot)| Some((index, depth(slot)?)))
            .any(|(index, old)| depth(new.stack.slot(index)).is_some_and(|new| new != old))
    })
}

fn stack_covers(old: &Frame, new: &Frame, alike: Alike, secretive: bool, ids: &mut Ids) -> bool {
    let deep = new.stack.slots().len();
    (old.stack.slots().iter().enumerate()).all(|(index, old)| {
        let new = new.stack.slot(index);
        if alike == Alike::Exactly && (index >= deep || old.bytes != new.bytes) {
            return false;
        }
        if is_anything(old, secretive) {
            return true;
        }
        // Linux compares nothing with what is deeper than the stack has become.
        index < deep && slot_covers(old, new, alike, secretive, ids)
    })
}

/// Reading what was never written is allowed to most, so anything will do for something.
pub(crate) fn is_anything(slot: &Slot, secretive: bool) -> bool {
    let any = |byte: &Byte| *byte == Byte::Invalid || (*byte == Byte::Misc && !secretive);
    slot.bytes.iter().all(any)
}

pub(crate) fn slot_covers(
    old: &Slot,
    new: &Slot,
    alike: Alike,
    secretive: bool,
    ids: &mut Ids,
) -> bool {
    if old.holds_object() {
        return old.bytes == new.bytes && same_object(&old.spilled, &new.spilled, ids);
    }
    // Eight bytes of something are a number of which nothing is known.
    if let (Some(old), Some(new)) = (as_number(old, secretive), as_number(new, secretive)) {
        return reg_covers(&old, &new, alike, ids);
    }
    let alike_bytes = old
        .bytes
        .iter()
        .zip(&new.bytes)
        .all(|(old, new)| match old {
            Byte::Invalid => true,
            Byte::Misc => !secretive || matches!(new, Byte::Misc | Byte::Zero),
            _ => old == new,
        });
    alike_bytes && (!old.holds_spill() || reg_covers(&old.spilled, &new.spilled, alike, ids))
}

/// The same dynptr, iterator or interrupt flags, as far as it matters.
fn same_object(old: &Reg, new: &Reg, ids: &mut Ids) -> bool {
    let alike = match (old.what, new.what) {
        // How many items were taken does not matter.
        (What::Iterator(old), What::Iterator(new)) => {
            (old.type_id, old.active, old.first) == (new.type_id, new.active, new.first)
        }
        (old, new) => old == new,
    };
    alike && old.flags == new.flags && ids.same(old.reference, new.reference)
}

fn as_number(slot: &Slot, secretive: bool) -> Option<Reg> {
    if slot.holds_full_spill() && slot.spilled.is_number() {
        return Some(slot.spilled);
    }
    let all = |byte: &Byte| *byte == Byte::Misc || (*byte == Byte::Invalid && !secretive);
    slot.bytes.iter().all(all).then_some(Reg::UNKNOWN)
}

/// Takes away ids of numbers that only one register has: they say nothing, and would keep states
/// from matching.
pub(crate) fn drop_single_ids(state: &mut State) {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for reg in state.all_mut() {
        if reg.is_number() && reg.id != 0 {
            *counts.entry(reg.id).or_default() += 1;
        }
    }
    for reg in state.all_mut() {
        if reg.is_number() && counts.get(&reg.id) == Some(&1) {
            reg.unlink();
        }
    }
}
