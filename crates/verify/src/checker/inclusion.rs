//! Whether every run that one state allows is allowed by another.
//!
//! The rule is simpler than the one by which exploration prunes: it never asks whether a number
//! matters, only whether it lies inside.

use crate::Options;
use crate::reg::{Range, Reg, Sum, What};
use crate::stack::{Byte, SLOT_BYTES, Slot};
use crate::state::{Frame, State};

/// Which ids of the wide state stand for which of the narrow one, and by how much numbers of that id
/// differ more.
#[derive(Default)]
struct Ids {
    pairs: Vec<(u32, u32, i64)>,
}

impl Ids {
    /// What has one id in the wide state has one id in the narrow state. The other way round is not
    /// asked: what is known to be related may be forgotten to be.
    fn stands_for(&mut self, wide: u32, narrow: u32, shift: i64) -> bool {
        if wide == 0 {
            return true;
        }
        match self.pairs.iter().find(|pair| pair.0 == wide) {
            Some(pair) => narrow != 0 && *pair == (wide, narrow, shift),
            None => {
                self.pairs.push((wide, narrow, shift));
                narrow != 0 || shift == 0
            }
        }
    }
}

/// True if `wide` allows every run that `narrow` allows.
pub(crate) fn includes(wide: &State, narrow: &State, options: &Options) -> bool {
    let mut ids = Ids::default();
    wide.frames.len() == narrow.frames.len()
        && wide.rcu_locks == narrow.rcu_locks
        && wide.preempt_locks == narrow.preempt_locks
        && wide.references.len() == narrow.references.len()
        && (wide.references.iter().zip(&narrow.references))
            .all(|(wide, narrow)| ids.stands_for(wide.id, narrow.id, 0))
        && wide.sleepable == narrow.sleepable
        // A mispredicted path ends where a real one would be rejected.
        && (!wide.speculative || narrow.speculative)
        && (wide.secretive || !narrow.secretive)
        && wide.locks.len() == narrow.locks.len()
        && (wide.locks.iter().zip(&narrow.locks)).all(|(wide, narrow)| {
            (wide.kind, wide.owner) == (narrow.kind, narrow.owner)
                && ids.stands_for(wide.id, narrow.id, 0)
        })
        && wide.irqs.len() == narrow.irqs.len()
        && (wide.irqs.iter().zip(&narrow.irqs))
            .all(|(wide, narrow)| ids.stands_for(*wide, *narrow, 0))
        // Most often the running function tells them apart.
        && (wide.frames.iter().zip(&narrow.frames).rev())
            .all(|(wide, narrow)| frame_includes(wide, narrow, options, &mut ids))
}

fn frame_includes(wide: &Frame, narrow: &Frame, options: &Options, ids: &mut Ids) -> bool {
    wide.callsite == narrow.callsite
        && wide.function == narrow.function
        && wide.callback == narrow.callback
        && (wide.regs.iter().zip(&narrow.regs))
            .all(|(wide, narrow)| reg_includes(wide, narrow, ids))
        && (wide.stack.slots().iter().enumerate())
            .all(|(index, wide)| slot_includes(wide, narrow.stack.slot(index), options, ids))
}

fn reg_includes(wide: &Reg, narrow: &Reg, ids: &mut Ids) -> bool {
    if wide.what == What::Unset {
        return true;
    }
    if wide.is_number() && narrow.is_number() {
        let shift = i64::from(narrow.delta) - i64::from(wide.delta);
        // What was added to a half is near others in the lower half only.
        let same_sum = wide.id == 0 || (wide.sum == Sum::Half) == (narrow.sum == Sum::Half);
        return same_sum
            && wide.num.includes(&narrow.num)
            && ids.stands_for(wide.id, narrow.id, shift);
    }
    let same_kind = match (wide.what, narrow.what) {
        (What::Packet { range: wide }, What::Packet { range: narrow })
        | (What::PacketMeta { range: wide }, What::PacketMeta { range: narrow }) => {
            reaches(wide, narrow)
        }
        (
            What::MapValue {
                map: wide,
                inner: wide_inner,
            },
            What::MapValue {
                map: narrow,
                inner: narrow_inner,
            },
        ) => wide == narrow && ids.stands_for(wide_inner, narrow_inner, 0),
        // How many items an iterator gave is only counted to tell turns of a loop apart.
        (What::Iterator(wide), What::Iterator(narrow)) => {
            (wide.type_id, wide.active, wide.first) == (narrow.type_id, narrow.active, narrow.first)
        }
        (wide, narrow) => wide == narrow,
    };
    same_kind
        && wide.flags == narrow.flags
        && wide.off == narrow.off
        && wide.num.includes(&narrow.num)
        && ids.stands_for(wide.id, narrow.id, 0)
        && ids.stands_for(wide.dynptr, narrow.dynptr, 0)
        && ids.stands_for(wide.reference, narrow.reference, 0)
}

/// True if the packet of the narrow state reaches at least as far.
fn reaches(wide: Range, narrow: Range) -> bool {
    match (wide, narrow) {
        (Range::Bytes(wide), Range::Bytes(narrow)) => wide <= narrow,
        _ => wide == narrow,
    }
}

fn slot_includes(wide: &Slot, narrow: &Slot, options: &Options, ids: &mut Ids) -> bool {
    // Never written or forgotten: reading it is denied or gives any number.
    if wide.bytes == [Byte::Invalid; SLOT_BYTES] {
        return true;
    }
    if let Some(wide) = as_number(wide) {
        let narrow = as_number(narrow).or_else(|| readable_as_number(narrow, options));
        return narrow.is_some_and(|narrow| reg_includes(&wide, &narrow, ids));
    }
    if wide.holds_object() {
        return wide.bytes == narrow.bytes && reg_includes(&wide.spilled, &narrow.spilled, ids);
    }
    let bytes = (wide.bytes.iter().zip(&narrow.bytes)).all(|(wide, narrow_byte)| match wide {
        Byte::Invalid => true,
        Byte::Misc => match narrow_byte {
            Byte::Invalid => options.is_trusted(),
            Byte::Spill => narrow.spilled.is_number() || options.is_trusted(),
            _ => true,
        },
        Byte::Zero => {
            *narrow_byte == Byte::Zero || *narrow_byte == Byte::Spill && narrow.spilled.is_null()
        }
        _ => wide == narrow_byte,
    });
    bytes && (!wide.holds_spill() || reg_includes(&wide.spilled, &narrow.spilled, ids))
}

/// Eight bytes that are one number.
pub(crate) fn as_number(slot: &Slot) -> Option<Reg> {
    match slot.bytes[0] {
        Byte::Spill if slot.spilled.is_number() => Some(slot.spilled),
        Byte::Zero if slot.bytes == [Byte::Zero; SLOT_BYTES] => Some(Reg::constant(0)),
        Byte::Misc if slot.bytes == [Byte::Misc; SLOT_BYTES] => Some(Reg::UNKNOWN),
        _ => None,
    }
}

/// Eight bytes of whatever kind, for those who may read them as a number of which nothing is known.
fn readable_as_number(slot: &Slot, options: &Options) -> Option<Reg> {
    let readable = slot.bytes.iter().all(|byte| match byte {
        Byte::Invalid => options.is_trusted(),
        Byte::Spill => slot.spilled.is_number() || options.is_trusted(),
        _ => true,
    });
    readable.then_some(Reg::UNKNOWN)
}
