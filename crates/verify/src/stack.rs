//! The stack of one frame: what each byte holds, and which registers were spilled where.

use osmia_program::limits::STACK_BYTES;

use crate::reg::Reg;

/// Bytes of a slot.
pub(crate) const SLOT_BYTES: usize = 8;

/// What a byte of the stack is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Byte {
    /// Never written.
    Invalid,
    /// Part of a spilled register.
    Spill,
    /// Something.
    Misc,
    /// Zero.
    Zero,
    /// Part of a dynptr.
    Dynptr,
    /// Part of an open-coded iterator.
    Iterator,
    /// Part of saved interrupt flags.
    IrqFlags,
}

impl Byte {
    /// True for parts of what only calls may look at.
    pub(crate) fn is_object(self) -> bool {
        matches!(self, Byte::Dynptr | Byte::Iterator | Byte::IrqFlags)
    }
}

/// Eight bytes of the stack.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// Its bytes, the one at the highest address first.
    pub(crate) bytes: [Byte; SLOT_BYTES],
    /// The register spilled here, if the byte at the lowest address is a spill; else the dynptr,
    /// iterator or interrupt flags, if the bytes say that there are some.
    pub(crate) spilled: Reg,
}

impl Slot {
    /// Never written.
    pub(crate) const EMPTY: Slot = Slot {
        bytes: [Byte::Invalid; SLOT_BYTES],
        spilled: Reg::UNSET,
    };

    /// True if a register, or the low part of one, was spilled here and is whole.
    pub(crate) fn holds_spill(&self) -> bool {
        self.bytes[SLOT_BYTES - 1] == Byte::Spill
    }

    /// True if a dynptr, an iterator or interrupt flags are here.
    pub(crate) fn holds_object(&self) -> bool {
        self.bytes.iter().any(|byte| byte.is_object())
    }

    /// True if all of a register is here.
    pub(crate) fn holds_full_spill(&self) -> bool {
        self.bytes[0] == Byte::Spill
    }

    /// True if a number was spilled here, as a whole or in part.
    pub(crate) fn holds_number(&self) -> bool {
        self.holds_spill() && self.spilled.is_number()
    }

    /// Bytes of the spilled register.
    pub(crate) fn spilled_bytes(&self) -> usize {
        self.bytes
            .iter()
            .filter(|&&byte| byte == Byte::Spill)
            .count()
    }

    /// Turns a spill into bytes of which nothing is known.
    pub(crate) fn scrub(&mut self) {
        if self.holds_spill() {
            for byte in &mut self.bytes {
                if *byte == Byte::Spill {
                    *byte = Byte::Misc;
                }
            }
        }
        self.spilled = Reg::UNSET;
    }
}

/// The stack of a frame; slot 0 is the one next to the frame pointer. It grows as it is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stack {
    slots: Vec<Slot>,
}

impl Stack {
    /// Its slots so far.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Its slots so far.
    pub(crate) fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    /// A slot; empty ones are not there yet.
    pub(crate) fn slot(&self, index: usize) -> &Slot {
        self.slots.get(index).unwrap_or(&Slot::EMPTY)
    }

    /// A slot, made if it is not there yet. Panics beyond the stack: callers check offsets.
    pub(crate) fn slot_mut(&mut self, index: usize) -> &mut Slot {
        assert!(index < STACK_BYTES / SLOT_BYTES, "slot {index}");
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::EMPTY);
        }
        &mut self.slots[index]
    }

    /// Makes it at least so many bytes deep, as an access does wherever it may go.
    pub(crate) fn grow(&mut self, bytes: usize) {
        let slots = bytes.div_ceil(SLOT_BYTES);
        if slots > self.slots.len() {
            self.slots.resize(slots, Slot::EMPTY);
        }
    }

    /// The byte at an offset from the frame pointer (-512 to -1).
    pub(crate) fn byte(&self, offset: i32) -> Byte {
        let (slot, byte) = place(offset);
        self.slot(slot).bytes[byte]
    }

    /// The byte at an offset from the frame pointer, made if it is not there yet.
    pub(crate) fn byte_mut(&mut self, offset: i32) -> &mut Byte {
        let (slot, byte) = place(offset);
        &mut self.slot_mut(slot).bytes[byte]
    }
}

/// The slot and the byte in it of an offset from the frame pointer.
pub(crate) fn place(offset: i32) -> (usize, usize) {
    let depth = (-1 - offset) as usize;
    (depth / SLOT_BYTES, depth % SLOT_BYTES)
}
