//! Dynptrs: two slots of the stack that say where bytes are and how many, made and ended by calls.

use osmia_isa::Reg as RegName;
use osmia_program::helper::Helper;

use crate::memory::Access;
use crate::reg::{Dynptr, DynptrMemory, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::{Byte, SLOT_BYTES, Slot, place};
use crate::transfer::Transfer;

/// Room for a new dynptr: the frame and the slot at the lower address.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) frame: usize,
    /// The slot at the lower address; its number is the higher one.
    pub(crate) slot: usize,
}

/// `bpf_dynptr_from_mem`
const FROM_MEM: u32 = 197;
/// `bpf_ringbuf_reserve_dynptr`
const RESERVE_DYNPTR: u32 = 198;
/// Slots of a dynptr.
const SLOTS: usize = 2;

impl Transfer<'_> {
    /// Where on the stack an object of so many slots lies that an argument points to.
    pub(crate) fn object_room(
        &mut self,
        name: RegName,
        reg: &Reg,
        slots: usize,
        what: &str,
    ) -> Check<Option<Room>> {
        let What::Stack { frame } = reg.what else {
            return Ok(None);
        };
        let Some(by) = reg.num.constant() else {
            return invalid(self.at, format!("{what} has to be at a constant offset"));
        };
        let off = i64::from(reg.off) + by as i64;
        let bytes = (slots * SLOT_BYTES) as i64;
        if off % SLOT_BYTES as i64 != 0 || off > -bytes {
            return invalid(self.at, format!("cannot pass in {what} at an offset={off}"));
        }
        let access = Access {
            base: name,
            off: i64::from(reg.off),
            bytes: bytes as u64,
            write: true,
            aligned: false,
        };
        self.stack_range(&access, reg)?;
        let (slot, _) = place(off as i32);
        Ok(Some(Room {
            frame: usize::from(frame),
            slot,
        }))
    }

    /// An argument that is a dynptr: what it points into, and its slot or register.
    pub(crate) fn check_dynptr(&mut self, name: RegName, reg: &Reg) -> Check<(Dynptr, Reg)> {
        let argument = name.number();
        if let What::Dynptr(dynptr) = reg.what {
            return Ok((dynptr, *reg));
        }
        let Some(room) = self.object_room(name, reg, SLOTS, "dynptr")? else {
            return invalid(
                self.at,
                format!(
                    "arg#{} expected pointer to stack or const struct bpf_dynptr",
                    argument - 1
                ),
            );
        };
        self.touch(room, SLOTS, false);
        let slot = self.state.frames[room.frame].stack.slot(room.slot);
        match slot.spilled.what {
            What::Dynptr(dynptr) if slot.bytes[0] == Byte::Dynptr && dynptr.first => {
                Ok((dynptr, slot.spilled))
            }
            _ => invalid(
                self.at,
                format!("Expected an initialized dynptr as arg #{}", argument - 1),
            ),
        }
    }

    /// An argument that is room for a new dynptr.
    pub(crate) fn check_dynptr_room(&mut self, name: RegName, reg: &Reg) -> Check<Room> {
        match self.object_room(name, reg, SLOTS, "dynptr")? {
            Some(room) => Ok(room),
            None => invalid(self.at, "Dynptr has to be an uninitialized dynptr"),
        }
    }

    /// The slots of an object are read, or written as a whole.
    pub(crate) fn touch(&mut self, room: Room, slots: usize, writes: bool) {
        for slot in room.slot + 1 - slots..=room.slot {
            if writes {
                self.events.writes(room.frame, 1 << slot);
            } else {
                self.events.reads(room.frame, 1 << slot);
            }
        }
    }

    pub(crate) fn make_helper_dynptr(&mut self, helper: &Helper, room: Room) -> Check {
        match helper.id {
            FROM_MEM => {
                let memory = *self.state.reg(RegName::R1);
                if !matches!(memory.what, What::MapValue { .. }) {
                    let name = memory.name();
                    return denied(
                        self.at,
                        format!("Unsupported reg type {name} for bpf_dynptr_from_mem data"),
                    );
                }
                self.make_dynptr(room, DynptrMemory::Local, None)
            }
            RESERVE_DYNPTR => self.make_dynptr(room, DynptrMemory::Ringbuf, None),
            _ => self.unsupported("a dynptr of this helper"),
        }
    }

    /// Makes a dynptr; a clone shares the reference of the one it was made from.
    pub(crate) fn make_dynptr(
        &mut self,
        room: Room,
        memory: DynptrMemory,
        shared: Option<u32>,
    ) -> Check {
        self.overwrite_dynptr(room.frame, room.slot)?;
        self.overwrite_dynptr(room.frame, room.slot - 1)?;
        let id = self.fresh_id();
        let reference = match (memory, shared) {
            (DynptrMemory::Ringbuf, Some(shared)) => shared,
            (DynptrMemory::Ringbuf, None) => self.acquire(),
            _ => 0,
        };
        self.touch(room, SLOTS, true);
        for (slot, first) in [(room.slot, true), (room.slot - 1, false)] {
            let held = Reg {
                id,
                reference,
                ..Reg::pointer(What::Dynptr(Dynptr { memory, first }))
            };
            *self.state.frames[room.frame].stack.slot_mut(slot) = Slot {
                bytes: [Byte::Dynptr; SLOT_BYTES],
                spilled: held,
            };
        }
        Ok(())
    }

    /// A slot is written: if a dynptr is in it, that is gone, and so is what was read through it.
    pub(crate) fn overwrite_dynptr(&mut self, frame: usize, slot: usize) -> Check {
        let held = *self.state.frames[frame].stack.slot(slot);
        let What::Dynptr(dynptr) = held.spilled.what else {
            return Ok(());
        };
        if held.bytes[0] != Byte::Dynptr {
            return Ok(());
        }
        if dynptr.memory == DynptrMemory::Ringbuf {
            let same = |slot: &&Slot| {
                slot.bytes[0] == Byte::Dynptr
                    && slot.spilled.reference == held.spilled.reference
                    && matches!(slot.spilled.what, What::Dynptr(dynptr) if dynptr.first)
            };
            let frames = self.state.frames.iter();
            let clones = frames.flat_map(|frame| frame.stack.slots()).filter(same);
            if clones.count() <= 1 {
                return invalid(self.at, "cannot overwrite referenced dynptr");
            }
        }
        self.forget_slices(held.spilled.id);
        self.clear_dynptr(|slot| slot.spilled.id == held.spilled.id);
        Ok(())
    }

    /// A call ends a dynptr, with its clones and what was read through them.
    pub(crate) fn end_dynptr(&mut self, held: Reg) {
        self.state.release(held.reference);
        self.state.forget_reference(held.reference);
        let same = |slot: &&Slot| {
            slot.bytes[0] == Byte::Dynptr && slot.spilled.reference == held.reference
        };
        let frames = self.state.frames.iter();
        let clones = frames.flat_map(|frame| frame.stack.slots()).filter(same);
        let clones: Vec<u32> = clones.map(|slot| slot.spilled.id).collect();
        for clone in clones {
            self.forget_slices(clone);
        }
        self.clear_dynptr(|slot| slot.spilled.reference == held.reference);
    }

    fn clear_dynptr(&mut self, is: impl Fn(&Slot) -> bool) {
        for frame in &mut self.state.frames {
            for slot in frame.stack.slots_mut() {
                if slot.bytes[0] == Byte::Dynptr && is(slot) {
                    *slot = Slot::EMPTY;
                }
            }
        }
    }

    fn forget_slices(&mut self, dynptr: u32) {
        let invalid = self.state.invalid();
        for reg in self.state.all_mut() {
            if reg.dynptr == dynptr && dynptr != 0 {
                *reg = invalid;
            }
        }
    }
}
