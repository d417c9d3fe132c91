//! The stack: spills and fills keep what is known of a register; other accesses work on bytes.

use osmia_isa::Reg as RegName;
use osmia_program::limits::STACK_BYTES;
use osmia_program::release::Feature;

use super::{Access, Stored};
use crate::domain::Scalar;
use crate::limits;
use crate::reg::{Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::{Byte, SLOT_BYTES, Slot, place};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn access_stack(
        &mut self,
        access: &Access,
        pointer: &Reg,
        frame: usize,
        stored: Option<Stored>,
    ) -> Check<Reg> {
        let (min, max) = self.stack_range(access, pointer)?;
        let fixed = pointer.num.constant().is_some();
        if !fixed && !self.has(Feature::VariableStack) {
            let (bits, off, bytes) = (pointer.num.bits, access.off, access.bytes);
            return denied(
                self.at,
                format!("variable stack access var_off={bits:?} off={off} size={bytes}"),
            );
        }
        match (stored, fixed) {
            (Some(stored), true) => {
                self.write_slot(frame, min as i32, access.bytes as usize, stored)?;
                Ok(Reg::UNKNOWN)
            }
            (Some(stored), false) => {
                self.write_range(frame, min as i32, max as i32, stored)?;
                Ok(Reg::UNKNOWN)
            }
            (None, true) => self.read_slot(frame, min as i32, access.bytes as usize),
            (None, false) => {
                self.check_initialised(access.base, frame, min as i32, max as i32, false)?;
                Ok(self.read_bytes(frame, min as i32, max as i32))
            }
        }
    }

    /// True if what is known of a number is known of so many bytes of it on the stack.
    fn keeps_spilled(&self, reg: &Reg, bytes: usize) -> bool {
        let constant = reg.num.constant().is_some();
        (constant || self.has(Feature::BoundedSpills))
            && (bytes == SLOT_BYTES || self.has(Feature::NarrowSpills))
    }

    /// The first byte an access may touch and the one behind the last, from the frame pointer.
    pub(crate) fn stack_range(&mut self, access: &Access, pointer: &Reg) -> Check<(i64, i64)> {
        let (at, register) = (self.at, access.base.number());
        let verb = if access.write {
            " write to"
        } else {
            " read from"
        };
        let num = &pointer.num;
        let (min, max) = match num.constant() {
            Some(by) => (access.off + by as i64, access.off + by as i64),
            None => {
                if num.s.max >= limits::OFFSET_MAX || num.s.min <= -limits::OFFSET_MAX {
                    return denied(
                        at,
                        format!("invalid unbounded variable-offset{verb} stack R{register}"),
                    );
                }
                (access.off + num.s.min, access.off + num.s.max)
            }
        };
        let end = max + access.bytes as i64;
        if min < -(STACK_BYTES as i64) || end > 0 || min >= 0 {
            let message = if num.constant().is_some() {
                format!(
                    "invalid{verb} stack R{register} off={min} size={}",
                    access.bytes
                )
            } else {
                format!(
                    "invalid variable-offset{verb} stack R{register} var_off={:?} off={} size={}",
                    num.bits, access.off, access.bytes
                )
            };
            return denied(at, message);
        }
        let What::Stack { frame } = pointer.what else {
            return Ok((min, end));
        };
        let frame = &mut self.state.frames[usize::from(frame)];
        frame.stack.grow(-min as usize);
        let function = frame.function;
        let used = &mut self.stack_bytes[function];
        *used = (*used).max(-min as u32);
        Ok((min, end))
    }

    fn write_slot(&mut self, frame: usize, off: i32, bytes: usize, stored: Stored) -> Check {
        self.check_spilled_pointer(frame, off, bytes)?;
        let spills = matches!(stored, Stored::Register(name) if self.state.reg(name).is_pointer());
        self.fence_store(frame, off, bytes, spills);
        let (index, _) = place(off);
        self.overwrite_dynptr(frame, index)?;
        if bytes == SLOT_BYTES {
            self.events.writes(frame, 1 << index);
        }
        let aligned = off % SLOT_BYTES as i32 == 0;
        let top = self.state.top();
        let whole = |reg: &Reg| significant_bits(&reg.num) <= 8 * bytes as u32;
        let spill = match stored {
            Stored::Register(name) => {
                let reg = *self.state.reg(name);
                if reg.is_number() && aligned && self.keeps_spilled(&reg, bytes) {
                    let mut reg = if whole(&reg) {
                        self.identify(name)
                    } else {
                        reg
                    };
                    if !whole(&reg) {
                        reg.unlink();
                    }
                    Some(reg)
                } else if reg.is_pointer() {
                    if bytes != SLOT_BYTES {
                        return denied(self.at, "invalid size of register spill");
                    }
                    if frame != top && matches!(reg.what, What::Stack { .. }) {
                        return invalid(
                            self.at,
                            "cannot spill pointers to stack into stack frame of the caller",
                        );
                    }
                    Some(reg)
                } else {
                    None
                }
            }
            Stored::Constant(imm) if aligned => Some(Reg::constant(imm as i64 as u64)),
            _ => None,
        };
        if let Some(reg) = spill {
            save(self.state.frames[frame].stack.slot_mut(index), reg, bytes);
            self.note(Some((frame as u8, index as u8)), Vec::new());
            return Ok(());
        }
        let zero = match stored {
            Stored::Register(name) => self.state.reg(name).is_null(),
            Stored::Constant(imm) => imm == 0,
            Stored::Unknown => false,
        };
        if zero && let Stored::Register(name) = stored {
            self.want(name);
        }
        let kind = if zero { Byte::Zero } else { Byte::Misc };
        let stack = &mut self.state.frames[frame].stack;
        stack.slot_mut(index).scrub();
        for byte in 0..bytes as i32 {
            *stack.byte_mut(off + byte) = kind;
        }
        Ok(())
    }

    /// A store to one of several places: what they held may be gone.
    fn write_range(&mut self, frame: usize, min: i32, max: i32, stored: Stored) -> Check {
        let zero = match stored {
            Stored::Register(name) => self.state.reg(name).is_null(),
            Stored::Constant(imm) => imm == 0,
            Stored::Unknown => false,
        };
        let mut zero_counts = false;
        for off in min..max {
            self.overwrite_dynptr(frame, place(off).0)?;
        }
        let stack = &mut self.state.frames[frame].stack;
        for off in min..max {
            let (index, byte) = place(off);
            let slot = stack.slot_mut(index);
            let kind = slot.bytes[byte];
            // Only some of them are written, all count as if they were.
            self.reads_unset_stack |= kind == Byte::Invalid;
            if zero && kind == Byte::Spill && slot.spilled.is_null() {
                zero_counts = true;
                continue;
            }
            slot.scrub();
            let kind = slot.bytes[byte];
            slot.bytes[byte] = if zero && kind == Byte::Zero {
                zero_counts = true;
                Byte::Zero
            } else {
                Byte::Misc
            };
        }
        if zero_counts && let Stored::Register(name) = stored {
            self.want(name);
        }
        Ok(())
    }

    fn read_slot(&mut self, frame: usize, off: i32, bytes: usize) -> Check<Reg> {
        let (index, _) = place(off);
        self.events.reads(frame, 1 << index);
        let slot = *self.state.frames[frame].stack.slot(index);
        let touched = Some((frame as u8, index as u8));
        if !slot.holds_spill() {
            self.check_bytes(frame, off, bytes)?;
            return Ok(self.read_bytes(frame, off, off + bytes as i32));
        }
        let spilled_bytes = slot.spilled_bytes();
        if bytes == SLOT_BYTES && spilled_bytes == SLOT_BYTES {
            self.note(touched, Vec::new());
            return Ok(slot.spilled);
        }
        if !slot.spilled.is_number() {
            return denied(self.at, "invalid size of register fill");
        }
        let starts = off % SLOT_BYTES as i32 == 0;
        if bytes <= spilled_bytes && starts && self.has(Feature::NarrowSpills) {
            self.note(touched, Vec::new());
            let mut reg = slot.spilled;
            if significant_bits(&reg.num) > 8 * bytes as u32 {
                reg.unlink();
            }
            return Ok(reg);
        }
        self.check_bytes(frame, off, bytes)?;
        let stack = &self.state.frames[frame].stack;
        let kinds: Vec<Byte> = (0..bytes as i32)
            .map(|byte| stack.byte(off + byte))
            .collect();
        if kinds.iter().all(|&kind| kind == Byte::Spill) && slot.spilled.is_null() {
            self.note(touched, Vec::new());
            return Ok(Reg::constant(0));
        }
        if kinds.iter().all(|&kind| kind == Byte::Zero) {
            return Ok(Reg::constant(0));
        }
        Ok(Reg::UNKNOWN)
    }

    /// Every byte may be read.
    fn check_bytes(&mut self, frame: usize, off: i32, bytes: usize) -> Check {
        for byte in 0..bytes as i32 {
            let kind = self.state.frames[frame].stack.byte(off + byte);
            if (kind == Byte::Invalid && !self.may_read_unset()) || kind.is_object() {
                return denied(
                    self.at,
                    format!("invalid read from stack off {off}+{byte} size {bytes}"),
                );
            }
        }
        Ok(())
    }

    /// True if bytes that were never written may be read, which then is noted.
    fn may_read_unset(&mut self) -> bool {
        let may = self.reads_uninitialised_stack();
        self.reads_unset_stack |= may;
        may
    }

    /// Zero if all bytes are, else anything.
    fn read_bytes(&self, frame: usize, min: i32, max: i32) -> Reg {
        let stack = &self.state.frames[frame].stack;
        if (min..max).all(|off| stack.byte(off) == Byte::Zero) {
            Reg::constant(0)
        } else {
            Reg::UNKNOWN
        }
    }

    /// Memory a helper reads from the stack; one that writes it, too, leaves bytes of which nothing is
    /// known.
    pub(crate) fn check_initialised(
        &mut self,
        base: RegName,
        frame: usize,
        min: i32,
        max: i32,
        written: bool,
    ) -> Check {
        let register = base.number();
        for off in min..max {
            let (index, byte) = place(off);
            self.events.reads(frame, 1 << index);
            let slot: Slot = *self.state.frames[frame].stack.slot(index);
            let fine = match slot.bytes[byte] {
                Byte::Misc | Byte::Zero => true,
                Byte::Invalid => self.may_read_unset(),
                Byte::Spill => slot.spilled.is_number() || self.options.is_trusted(),
                Byte::Dynptr | Byte::Iterator | Byte::IrqFlags => false,
            };
            if !fine {
                return denied(
                    self.at,
                    format!(
                        "invalid read from stack R{register} off {min}+{} size {}",
                        off - min,
                        max - min
                    ),
                );
            }
            if written {
                let slot = self.state.frames[frame].stack.slot_mut(index);
                slot.scrub();
                slot.bytes[byte] = Byte::Misc;
            }
        }
        Ok(())
    }
}

/// Puts a register into a slot, or its low bytes.
fn save(slot: &mut Slot, reg: Reg, bytes: usize) {
    slot.spilled = reg;
    for (index, byte) in slot.bytes.iter_mut().enumerate() {
        // The bytes at the lowest addresses are the last of the slot.
        if index >= SLOT_BYTES - bytes {
            *byte = Byte::Spill;
        } else if *byte == Byte::Spill {
            *byte = Byte::Misc;
        }
    }
}

/// Bits up to the highest that may be 1.
fn significant_bits(num: &Scalar) -> u32 {
    64 - num.u.max.leading_zeros()
}
