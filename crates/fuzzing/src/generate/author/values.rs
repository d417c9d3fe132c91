//! Values of maps: looking them up, checking that they are there, using them.

use osmia_isa::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

use super::{Author, Kind, SIZES, SLOTS, reg};
use crate::generate::{VALUE_BYTES, maps};

const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;

impl Author<'_> {
    /// Looks an element up and, mostly, checks that it is there.
    pub(super) fn look_up(&mut self) {
        let hash = self.chance.percent(40);
        self.key(if hash { maps::HASH } else { maps::ARRAY });
        if hash && self.chance.percent(30) {
            if self.chance.percent(50) {
                // The value lies in slots that may not have been written: that is allowed.
                self.stack_address(3, -VALUE_BYTES as i16);
                self.set(4, 0);
                self.helper(UPDATE);
            } else {
                self.helper(DELETE);
            }
            return;
        }
        self.helper(LOOKUP);
        let lot = self.chance.below(100);
        if lot < 20 {
            self.lookups += 1;
            self.regs[0] = Kind::Maybe(self.lookups);
            return self.keep_copy();
        }
        let end = self.code.label();
        if lot < 97 {
            let present = self.code.label();
            self.jump_if(Cond::Ne, Width::W64, 0, Operand::Imm(0), present);
            let (regs, stack) = (self.regs, self.stack);
            if self.chance.percent(60) || self.depth > 2 {
                self.leave();
                (self.regs, self.stack) = (regs, stack);
                self.code.place(present);
            } else {
                self.jump(end);
                self.code.place(present);
                self.regs[0] = Kind::Value(0);
                let count = self.chance.below(4);
                self.depth += 1;
                self.write(count);
                self.depth -= 1;
                self.code.place(end);
                self.meet(&regs, &stack);
                self.regs[0] = Kind::Nothing;
                return;
            }
        }
        self.code.place(end);
        self.regs[0] = Kind::Value(0);
        self.keep_copy();
    }

    /// Makes r1 a map and r2 the address of a key.
    pub(super) fn key(&mut self, map: i32) {
        let key = self.chance.below(6) as i32;
        let slot = self.chance.below(SLOTS);
        let off = -8 * (slot as i16 + 1);
        if self.stack[slot] != Kind::Number || self.chance.percent(60) {
            self.code.push(Insn::Store {
                size: Size::DW,
                base: Reg::R10,
                off,
                src: Operand::Imm(key),
            });
            self.stack[slot] = Kind::Number;
        }
        self.map(1, map);
        self.stack_address(2, off);
    }

    /// Keeps r0 somewhere else too.
    fn keep_copy(&mut self) {
        if self.chance.percent(70) {
            let keeper = self.target();
            self.copy(keeper, 0);
        }
    }

    /// Checks whether what a lookup gave is there, wherever it is now; so are its copies then.
    pub(super) fn check_if_any(&mut self) {
        let unchecked = self.has(|kind| matches!(kind, Kind::Maybe(_)));
        let Some(&checked) = unchecked.last() else {
            return self.look_up();
        };
        let maybe = self.regs[checked];
        let present = self.code.label();
        let (cond, swapped) = self.chance.one_of(&[(Cond::Ne, false), (Cond::Eq, true)]);
        let zero = Operand::Imm(0);
        if swapped {
            let absent = self.code.label();
            self.jump_if(cond, Width::W64, checked, zero, absent);
            self.jump(present);
            self.code.place(absent);
        } else {
            self.jump_if(cond, Width::W64, checked, zero, present);
        }
        let (regs, stack) = (self.regs, self.stack);
        self.leave();
        (self.regs, self.stack) = (regs, stack);
        self.code.place(present);
        for kind in self.regs.iter_mut().chain(&mut self.stack) {
            if *kind == maybe {
                *kind = Kind::Value(0);
            }
        }
    }

    /// Reads or writes a map's value, at a fixed place or at one that was computed and bounded.
    pub(super) fn value_access(&mut self) {
        let values = self.has(|kind| matches!(kind, Kind::Value(_)));
        let Some(&base) = values.first() else {
            return self.look_up();
        };
        let Kind::Value(start) = self.regs[base] else {
            return;
        };
        let size = self.chance.one_of(&SIZES);
        if self.chance.percent(40) {
            let last = VALUE_BYTES - size.bytes() as i64;
            let off = self.chance.between(0, last) / size.bytes() as i64 * size.bytes() as i64;
            return self.access(base, off - start, size);
        }
        let index = self.number();
        if base == index {
            return;
        }
        let below = self.chance.percent(15);
        self.bound(index, VALUE_BYTES - 8 - start, |author| {
            let dst = author.target();
            if dst == index {
                return;
            }
            author.copy(dst, base);
            let op = if below {
                // Back from the end.
                let end = (VALUE_BYTES - 8 - start) as i32;
                author.alu(AluOp::Add, Width::W64, dst, Operand::Imm(end));
                AluOp::Sub
            } else {
                AluOp::Add
            };
            author.alu(op, Width::W64, dst, Operand::Reg(reg(index)));
            author.access(dst, 0, size);
            author.regs[dst] = Kind::Nothing;
        });
    }

    pub(super) fn value_access_if_any(&mut self) {
        if self.has(|kind| matches!(kind, Kind::Value(_))).is_empty() {
            self.arithmetic();
        } else {
            self.value_access();
        }
    }
}
