//! Merging two states into one that allows what the newer does and, where that can matter, what the older
//! does: beyond Linux, which keeps them apart.
//!
//! What is made is the newer state with some things forgotten: it includes the newer state whatever the
//! older was, and that is all soundness asks. Only numbers that decided something in the older state are
//! widened; everything else stays as the newer state has it, since the older is content with it anyway.
//! Pointers must be of one kind, and are widened in their variable offset only.

use osmia_program::limits::CALL_FRAMES_MAX;

use crate::checker::inclusion::as_number;
use crate::domain::Scalar;
use crate::prune::{
    Alike, Ids, alike_outside, is_anything, reg_covers, same_distance, same_kind, slot_covers,
};
use crate::reg::{Range, Reg, What};
use crate::stack::{Byte, SLOT_BYTES, Slot};
use crate::state::{Frame, State};

/// Registers and slots by frame, as sets of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    regs: [u16; CALL_FRAMES_MAX],
    slots: [u64; CALL_FRAMES_MAX],
}

impl Places {
    /// True if there are none.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Places::default()
    }

    /// These, too.
    pub(crate) fn add(&mut self, more: &Places) {
        (self.regs.iter_mut().zip(more.regs)).for_each(|(regs, more)| *regs |= more);
        (self.slots.iter_mut().zip(more.slots)).for_each(|(slots, more)| *slots |= more);
    }

    /// Without these.
    pub(crate) fn remove(&mut self, less: &Places) {
        (self.regs.iter_mut().zip(less.regs)).for_each(|(regs, less)| *regs &= !less);
        (self.slots.iter_mut().zip(less.slots)).for_each(|(slots, less)| *slots &= !less);
    }
}

/// How much more general than both a merged number becomes, so that merging ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// Not at all.
    Hull,
    /// To the next power of two.
    Rounded,
    /// To anything.
    Anything,
}

impl Breadth {
    /// After so many merges into one.
    pub(crate) fn after(merges: u32) -> Breadth {
        match merges {
            0..6 => Breadth::Hull,
            6..24 => Breadth::Rounded,
            _ => Breadth::Anything,
        }
    }

    fn of(self, hull: Scalar) -> Scalar {
        match self {
            Breadth::Hull => hull,
            Breadth::Rounded => hull.rounded(),
            Breadth::Anything => Scalar::UNKNOWN,
        }
    }
}

/// A merged state, and where it says less than the newer of the two.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) state: State,
    pub(crate) widened: Places,
}

/// The newer state made to allow what the older does; nothing if they are too unlike, or differ in what is to
/// be kept `apart`. `live` gives the registers that matter in each frame.
pub(crate) fn merge(
    old: &State,
    new: &State,
    live: impl Fn(usize, &Frame) -> u16,
    apart: &Places,
    breadth: Breadth,
) -> Option<Merged> {
    let mut ids = Ids::default();
    let alike = old.frames.len() == new.frames.len()
        && !old.speculative
        && !new.speculative
        && !new.secretive
        && alike_outside(old, new, &mut ids);
    if !alike {
        return None;
    }
    let mut state = new.clone();
    let mut widened = Places::default();
    for (number, (old, frame)) in old.frames.iter().zip(&mut state.frames).enumerate() {
        let new = &new.frames[number];
        if old.callsite != new.callsite || old.callback != new.callback {
            return None;
        }
        let live = live(number, new);
        let mut merging = Merging {
            breadth,
            ids: &mut ids,
        };
        for (place, (old, reg)) in old.regs.iter().zip(&mut frame.regs).enumerate() {
            if live & 1 << place == 0 {
                continue;
            }
            if apart.regs[number] & 1 << place != 0 {
                if reg_covers(old, reg, Alike::WhereItMatters, merging.ids) {
                    continue;
                }
                return None;
            }
            let merged = merging.reg(old, reg)?;
            if merged != *reg {
                widened.regs[number] |= 1 << place;
                *reg = merged;
            }
        }
        let deep = new.stack.slots().len();
        for (place, old) in old.stack.slots().iter().enumerate() {
            let anything = is_anything(old, false);
            if place >= deep {
                if anything {
                    continue;
                }
                return None;
            }
            let slot = frame.stack.slot_mut(place);
            if apart.slots[number] & 1 << place != 0 {
                let alike = Alike::WhereItMatters;
                if anything || slot_covers(old, slot, alike, false, merging.ids) {
                    continue;
                }
                return None;
            }
            let merged = merging.slot(old, slot)?;
            if merged != *slot {
                widened.slots[number] |= 1 << place;
                *slot = merged;
            }
        }
    }
    (!widened.is_empty()).then_some(Merged { state, widened })
}

struct Merging<'a> {
    breadth: Breadth,
    ids: &'a mut Ids,
}

impl Merging<'_> {
    fn reg(&mut self, old: &Reg, new: &Reg) -> Option<Reg> {
        if reg_covers(old, new, Alike::WhereItMatters, self.ids) {
            return Some(as_general(old, new));
        }
        if old.is_number() && new.is_number() {
            let related =
                old.id != 0 && same_distance(old, new) && self.ids.same_number(old.id, new.id);
            let mut merged = *new;
            merged.num = self.number(old, new);
            if !related {
                merged.unlink();
            }
            return Some(merged);
        }
        self.pointer(old, new)
    }

    fn number(&self, old: &Reg, new: &Reg) -> Scalar {
        if old.num.includes(&new.num) {
            old.num
        } else {
            self.breadth.of(old.num.hull(&new.num))
        }
    }

    fn pointer(&mut self, old: &Reg, new: &Reg) -> Option<Reg> {
        let what = match (old.what, new.what) {
            (What::Packet { range: old }, What::Packet { range: new }) => What::Packet {
                range: least(old, new)?,
            },
            (What::PacketMeta { range: old }, What::PacketMeta { range: new }) => {
                What::PacketMeta {
                    range: least(old, new)?,
                }
            }
            (
                What::MapValue { .. }
                | What::MapKey(_)
                | What::Memory { .. }
                | What::TracepointBuffer
                | What::Buffer,
                _,
            ) if same_kind(old.what, new.what, self.ids) => new.what,
            _ => return None,
        };
        let alike = old.flags == new.flags
            && old.off == new.off
            && self.ids.same(old.id, new.id)
            && self.ids.same(old.dynptr, new.dynptr)
            && self.ids.same(old.reference, new.reference);
        // An offset that may be anything is of no use.
        (alike && self.breadth != Breadth::Anything).then(|| Reg {
            what,
            num: self.number(old, new),
            ..*new
        })
    }

    fn slot(&mut self, old: &Slot, new: &Slot) -> Option<Slot> {
        if is_anything(old, false) {
            return Some(as_anything(old, new));
        }
        if let (Some(old), Some(as_new)) = (as_number(old), as_number(new)) {
            let merged = self.reg(&old, &as_new)?;
            return Some(if merged == as_new {
                *new
            } else {
                Slot {
                    bytes: [Byte::Spill; SLOT_BYTES],
                    spilled: merged,
                }
            });
        }
        if slot_covers(old, new, Alike::WhereItMatters, false, self.ids) {
            let mut merged = *new;
            if old.holds_spill() && new.holds_spill() {
                merged.spilled = as_general(&old.spilled, &new.spilled);
            }
            return Some(merged);
        }
        if old.bytes == new.bytes && old.holds_spill() {
            let spilled = self.reg(&old.spilled, &new.spilled)?;
            return Some(Slot { spilled, ..*new });
        }
        (is_plain(old) && is_plain(new)).then_some(Slot {
            bytes: [Byte::Misc; SLOT_BYTES],
            spilled: Reg::UNSET,
        })
    }
}

/// The newer register, which the older covers, as general as the older where that was looked at.
fn as_general(old: &Reg, new: &Reg) -> Reg {
    match (old.what, new.what) {
        (What::Unset, _) => *new,
        (What::Number, What::Number) if !old.precise => *new,
        (What::Number, What::Number) => {
            let mut reg = Reg {
                num: old.num,
                ..*new
            };
            if old.id == 0 {
                reg.unlink();
            }
            reg
        }
        (What::Packet { .. } | What::PacketMeta { .. }, _) => Reg {
            what: old.what,
            num: old.num,
            ..*new
        },
        // In an arena, and where pointers are equal, there is nothing to widen.
        (What::Arena, _) => *new,
        _ => Reg {
            num: old.num,
            ..*new
        },
    }
}

/// The newer slot, where the older says nothing: eight bytes of which nothing is known, if the older has them.
fn as_anything(old: &Slot, new: &Slot) -> Slot {
    if old.bytes == [Byte::Misc; SLOT_BYTES]
        && !new.holds_object()
        && !new.bytes.contains(&Byte::Invalid)
    {
        *old
    } else {
        *new
    }
}

/// Bytes that are numbers, whatever else is known of them.
fn is_plain(slot: &Slot) -> bool {
    slot.bytes.iter().all(|byte| match byte {
        Byte::Misc | Byte::Zero => true,
        Byte::Spill => slot.spilled.is_number(),
        _ => false,
    })
}

/// What is known of a packet by both.
fn least(old: Range, new: Range) -> Option<Range> {
    match (old, new) {
        (Range::Bytes(old), Range::Bytes(new)) => Some(Range::Bytes(old.min(new))),
        _ => (old == new).then_some(old),
    }
}
