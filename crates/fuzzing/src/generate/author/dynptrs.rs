//! Dynptrs, on values of maps and on reservations in a ring buffer.

use osmia_isa::{Cond, Operand, Width};

use super::{Author, Held, Kind};
use crate::generate::{VALUE_BYTES, maps};

const FROM_MEMORY: i32 = 197;
const RESERVE: i32 = 198;
const READ: i32 = 201;
const WRITE: i32 = 202;
const DATA: i32 = 203;
/// Where dynptrs lie.
const PLACE: i16 = -96;

impl Author<'_> {
    /// Makes a dynptr and uses it.
    pub(super) fn dynptr(&mut self) {
        let held = (self.held.iter()).any(|held| !matches!(held, Held::Iterator(_)));
        if held || self.depth > 2 {
            return self.arithmetic();
        }
        let values = self.has(|kind| kind == Kind::Value(0));
        let bytes = match values.first() {
            Some(&value) if self.chance.percent(60) => {
                self.copy(1, value);
                let bytes = 8 * self.chance.between(1, VALUE_BYTES / 8);
                self.set(2, bytes as i32);
                self.set(3, 0);
                self.stack_address(4, PLACE);
                self.helper(FROM_MEMORY);
                bytes
            }
            _ => {
                let bytes = 8 * self.chance.between(1, 4);
                self.map(1, maps::RING);
                self.set(2, bytes as i32);
                self.set(3, 0);
                self.stack_address(4, PLACE);
                self.helper(RESERVE);
                self.held.push(Held::Dynptr(PLACE));
                bytes
            }
        };
        self.depth += 1;
        for _ in 0..1 + self.chance.below(3) {
            match self.chance.below(5) {
                0 => self.copy_out(),
                1 => self.copy_in(),
                2 => self.look_into(bytes),
                3 => self.memory_access(),
                _ => self.arithmetic(),
            }
        }
        self.depth -= 1;
        let reserved = self.held.last() == Some(&Held::Dynptr(PLACE));
        if reserved {
            self.held.pop();
            self.give_back(Held::Dynptr(PLACE));
        }
    }

    /// Copies bytes from behind the dynptr into the stack.
    fn copy_out(&mut self) {
        self.fill_slots(2);
        self.stack_address(1, -16);
        let bytes = self.chance.between(1, 16) as i32;
        self.set(2, bytes);
        self.stack_address(3, PLACE);
        let off = self.chance.between(0, 16) as i32;
        self.set(4, off);
        self.set(5, 0);
        self.helper(READ);
    }

    /// Copies bytes from the stack to behind the dynptr.
    fn copy_in(&mut self) {
        self.fill_slots(2);
        self.stack_address(1, PLACE);
        let off = self.chance.between(0, 16) as i32;
        self.set(2, off);
        self.stack_address(3, -16);
        let bytes = self.chance.between(1, 16) as i32;
        self.set(4, bytes);
        self.set(5, 0);
        self.helper(WRITE);
    }

    /// The address of what is behind the dynptr.
    fn look_into(&mut self, bytes: i64) {
        let wanted = self.chance.between(1, bytes);
        let slice = self.chance.percent(30);
        self.stack_address(1, PLACE);
        self.set(2, 0);
        self.set(3, if slice { 0 } else { wanted as i32 });
        if slice {
            self.set(4, wanted as i32);
            self.kfunc("bpf_dynptr_slice_rdwr");
        } else {
            self.helper(DATA);
        }
        let present = self.code.label();
        self.jump_if(Cond::Ne, Width::W64, 0, Operand::Imm(0), present);
        let (regs, stack) = (self.regs, self.stack);
        self.leave();
        (self.regs, self.stack) = (regs, stack);
        self.code.place(present);
        self.regs[0] = Kind::Memory(wanted);
    }
}
