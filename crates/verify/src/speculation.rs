//! What mispredicted branches may do, in programs of those who may not see kernel memory.
//!
//! A processor may run a few instructions of a path that cannot happen. Linux follows such paths, too:
//! from every branch that is decided, the other way, with the operands unknown; from every sum of a
//! pointer and a number that it masks, as if the mask had cut the number to 0. What is not allowed there
//! is not rejected: a barrier keeps the processor from getting that far. What cannot be masked is
//! rejected on the paths that do happen.
//!
//! Only exploration speculates. The checker of certificates is about what programs do.

use std::collections::{HashMap, HashSet};

use osmia_isa::{AluOp, Operand, Reg as RegName};
use osmia_program::Errno;
use osmia_program::limits::STACK_BYTES;

use crate::memory::Access;
use crate::reg::{Reg, What};
use crate::reject::{Check, Reject, denied};
use crate::stack::{Byte, place};
use crate::transfer::Transfer;

/// How an addition is masked; one instruction has one mask, whichever path comes by.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// No pointer takes part.
    Numbers,
    /// A pointer moves.
    Pointer {
        /// Towards lower addresses.
        negative: bool,
        /// By a known number.
        constant: bool,
        /// The pointer stands in the register that is written.
        in_place: bool,
        /// How far.
        limit: u32,
    },
}

/// What has been found out about mispredicted paths.
#[derive(Debug, Default)]
pub(crate) struct Speculation {
    /// Masks by instruction.
    masks: HashMap<usize, Mask>,
    /// Instructions that no mispredicted path gets to.
    barriers: HashSet<usize>,
    /// Stores that no mispredicted path gets past.
    fences: HashSet<usize>,
    /// A number that is added is not known: every path counts, alike or not.
    pub(crate) deep: bool,
}

/// A sum that is about to be masked.
pub(crate) struct Masked<'r> {
    pub(crate) op: AluOp,
    pub(crate) dst: RegName,
    pub(crate) pointer: &'r Reg,
    pub(crate) number: &'r Reg,
    /// The pointer is the second operand.
    pub(crate) reversed: bool,
}

impl Masked<'_> {
    /// True if the sum is at a lower address than the pointer.
    fn goes_down(&self) -> bool {
        (self.op == AluOp::Add) == (self.number.num.s.min < 0)
    }
}

impl Transfer<'_> {
    /// Follows mispredicted paths from now on, if the program is of somebody who may not see all.
    pub(crate) fn speculate(&mut self) {
        let secretive = !self.options.is_trusted();
        self.speculation = secretive.then(Speculation::default);
    }

    /// True if the path cannot happen, and a barrier keeps the processor from this instruction.
    pub(crate) fn is_barred(&self) -> bool {
        let here = |speculation: &Speculation| speculation.barriers.contains(&self.at);
        self.state.speculative && self.speculation.as_ref().is_some_and(here)
    }

    /// The same for what is behind this instruction.
    pub(crate) fn is_fenced(&self) -> bool {
        let here = |speculation: &Speculation| speculation.fences.contains(&self.at);
        self.state.speculative && self.speculation.as_ref().is_some_and(here)
    }

    /// Puts a barrier where a path that cannot happen does what is not allowed; false if no barrier
    /// would help.
    pub(crate) fn bar(&mut self, why: &Reject) -> bool {
        let curable = matches!(why.errno, Errno::EPERM | Errno::EACCES | Errno::EINVAL);
        let at = self.at;
        match &mut self.speculation {
            Some(speculation) if curable && self.state.speculative => {
                speculation.barriers.insert(at);
                true
            }
            _ => false,
        }
    }

    /// Follows the way that a decided branch does not take.
    pub(crate) fn mispredict(&mut self, other_way: usize, dst: RegName, src: Operand) {
        if self.speculation.is_none() {
            return;
        }
        let state = self.fork(other_way);
        state.speculative = true;
        *state.reg_mut(dst) = Reg::UNKNOWN;
        if let Operand::Reg(src) = src {
            *state.reg_mut(src) = Reg::UNKNOWN;
        }
    }

    /// An addition or subtraction of numbers, one of them in a register.
    pub(crate) fn mask_numbers(&mut self, op: AluOp, src: Operand) -> Check {
        if !self.masks(op, src) || self.state.speculative {
            return Ok(());
        }
        self.put_mask(op, Mask::Numbers)
    }

    /// Masks the sum of a pointer and a number in a register, before it is made: gives the mask.
    pub(crate) fn mask_pointer(&mut self, sum: &Masked<'_>, src: Operand) -> Check<Option<Mask>> {
        if !self.masks(sum.op, src) {
            return Ok(None);
        }
        let num = &sum.number.num;
        let constant = num.constant().is_some();
        if !self.state.speculative && !constant && (num.s.min < 0) != (num.s.max < 0) {
            return self.unmaskable(sum, "has unknown scalar with mixed signed bounds");
        }
        let mask = Mask::Pointer {
            negative: num.s.min < 0,
            constant,
            in_place: !sum.reversed,
            limit: self.room(sum, sum.pointer)?,
        };
        if constant {
            return Ok(Some(mask));
        }
        if let Some(speculation) = &mut self.speculation {
            speculation.deep |= !self.state.speculative;
        }
        // Cut to 0, the number leaves the pointer where it was.
        let (next, pointer) = (self.at + 1, *sum.pointer);
        let state = self.fork(next);
        state.speculative = true;
        *state.reg_mut(sum.dst) = pointer;
        Ok(Some(mask))
    }

    /// The sum was made: the mask is as narrow as the way the pointer went.
    pub(crate) fn commit_mask(&mut self, sum: &Masked<'_>, mask: Mask, result: &Reg) -> Check {
        if self.state.speculative {
            return Ok(());
        }
        let after = self.room(sum, result)?;
        let mask = match mask {
            Mask::Pointer {
                negative,
                constant,
                in_place,
                limit,
            } => Mask::Pointer {
                negative,
                constant,
                in_place,
                limit: limit.abs_diff(after),
            },
            Mask::Numbers => Mask::Numbers,
        };
        self.put_mask(sum.op, mask)
    }

    /// A pointer that was moved must still point into its memory, by as much as is known.
    pub(crate) fn check_moved(&mut self, dst: RegName, moved: &Reg) -> Check {
        if self.options.is_trusted() {
            return Ok(());
        }
        let (register, known) = (dst.number(), moved.num.constant());
        match moved.what {
            What::Stack { .. } => {
                let Some(known) = known else {
                    return denied(
                        self.at,
                        format!(
                            "R{register} variable stack access prohibited for !root, var_off={:?} off={}",
                            moved.num.bits, moved.off
                        ),
                    );
                };
                let off = i64::from(moved.off) + known as i64;
                if (-(STACK_BYTES as i64)..0).contains(&off) {
                    return Ok(());
                }
                denied(
                    self.at,
                    format!(
                        "R{register} stack pointer arithmetic goes out of range, prohibited for !root; off={off}"
                    ),
                )
            }
            What::MapValue { map, .. } => {
                let access = Access {
                    base: dst,
                    off: i64::from(moved.off),
                    bytes: 1,
                    write: false,
                    aligned: false,
                };
                let bytes = u64::from(self.maps[usize::from(map)].value_size);
                let inside = self.check_region(&access, moved, bytes);
                let fine = inside.and_then(|()| self.access_field(&access, moved, map, None));
                fine.map(|_| ()).or_else(|_| denied(
                    self.at,
                    format!(
                        "R{register} pointer arithmetic of map value goes out of range, prohibited for !root"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// A store to the stack that a load may overtake: a mispredicted load could see what lay there.
    pub(crate) fn fence_store(&mut self, frame: usize, off: i32, bytes: usize, spills: bool) {
        let at = self.at;
        let Some(speculation) = &mut self.speculation else {
            return;
        };
        let stack = &self.state.frames[frame].stack;
        let plain = |byte| matches!(stack.byte(off + byte), Byte::Misc | Byte::Zero);
        if spills || !(0..bytes as i32).all(plain) {
            speculation.fences.insert(at);
        }
    }

    /// A partial store over a spilled pointer would let parts of the address be read.
    pub(crate) fn check_spilled_pointer(&self, frame: usize, off: i32, bytes: usize) -> Check {
        let slot = self.state.frames[frame].stack.slot(place(off).0);
        let corrupts = slot.holds_spill() && !slot.spilled.is_number() && bytes != 8;
        if corrupts && !self.options.is_trusted() {
            return denied(self.at, "attempt to corrupt spilled pointer on stack");
        }
        Ok(())
    }

    /// True if this addition or subtraction is masked.
    fn masks(&self, op: AluOp, src: Operand) -> bool {
        let sums = matches!(op, AluOp::Add | AluOp::Sub) && matches!(src, Operand::Reg(_));
        let open = |speculation: &Speculation| !speculation.barriers.contains(&self.at);
        sums && self.speculation.as_ref().is_some_and(open)
    }

    /// How far a pointer is from the end of its memory that the sum brings it nearer to.
    fn room(&self, sum: &Masked<'_>, pointer: &Reg) -> Check<u32> {
        let down = sum.goes_down();
        let off = i64::from(pointer.off);
        let (limit, max) = match pointer.what {
            What::Stack { .. } => {
                // One byte behind the stack is as far as a pointer into it starts out.
                let max = STACK_BYTES as i64 + i64::from(down);
                (-(pointer.num.bits.value as i64).wrapping_add(off), max)
            }
            What::MapValue { map, .. } => {
                let moved = if down {
                    pointer.num.s.min
                } else {
                    pointer.num.u.max as i64
                };
                let size = self.maps[usize::from(map)].value_size;
                (moved.wrapping_add(off), i64::from(size))
            }
            _ if self.state.speculative => return Ok(0),
            _ => return self.unmaskable(sum, "has pointer with unsupported alu operation"),
        };
        match u32::try_from(limit) {
            Ok(room) if limit < max || self.state.speculative => Ok(room),
            _ if self.state.speculative => Ok(0),
            _ => {
                let words = format!("tried to {} beyond pointer bounds", verb(sum.op));
                self.unmaskable(sum, &words)
            }
        }
    }

    fn put_mask(&mut self, op: AluOp, mask: Mask) -> Check {
        let at = self.at;
        let Some(speculation) = &mut self.speculation else {
            return Ok(());
        };
        let first = *speculation.masks.entry(at).or_insert(mask);
        if first == mask {
            return Ok(());
        }
        denied(
            at,
            format!(
                "tried to {} from different maps, paths or scalars, pointer arithmetic with it prohibited for !root",
                verb(op)
            ),
        )
    }

    fn unmaskable<T>(&self, sum: &Masked<'_>, words: &str) -> Check<T> {
        denied(
            self.at,
            format!(
                "R{} {words}, pointer arithmetic with it prohibited for !root",
                sum.dst.number()
            ),
        )
    }
}

fn verb(op: AluOp) -> &'static str {
    match op {
        AluOp::Sub => "sub",
        _ => "add",
    }
}
