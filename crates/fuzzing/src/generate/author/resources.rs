//! What must be given back: reservations in a ring buffer, locks; and tail calls, which need that
//! nothing is held.

use osmia_isa::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

use super::{Author, Held, Kind, SIZES, reg};
use crate::generate::{LOCK_OFFSET, maps};

const LOOKUP: i32 = 1;
const TAIL_CALL: i32 = 12;
const LOCK: i32 = 93;
const UNLOCK: i32 = 94;
const RESERVE: i32 = 131;
/// Submits or discards a reservation.
const END: [i32; 2] = [132, 133];
/// The same for one behind a dynptr.
const END_DYNPTR: [i32; 2] = [199, 200];
/// Where the address of a reservation is kept.
const KEPT: i16 = -104;

impl Author<'_> {
    /// Reserves memory in a ring buffer, uses it, and gives it back.
    pub(super) fn reserve(&mut self) {
        let held = (self.held.iter()).any(|held| !matches!(held, Held::Iterator(_)));
        if held || self.depth > 2 {
            return self.arithmetic();
        }
        let bytes = 8 * self.chance.between(1, 4);
        self.map(1, maps::RING);
        self.set(2, bytes as i32);
        self.set(3, 0);
        self.helper(RESERVE);
        self.code.push(Insn::Store {
            size: Size::DW,
            base: Reg::R10,
            off: KEPT,
            src: Operand::Reg(Reg::R0),
        });
        let present = self.code.label();
        self.jump_if(Cond::Ne, Width::W64, 0, Operand::Imm(0), present);
        let (regs, stack) = (self.regs, self.stack);
        self.leave();
        (self.regs, self.stack) = (regs, stack);
        self.code.place(present);
        self.regs[0] = Kind::Memory(bytes);
        let keeper = self.target();
        self.copy(keeper, 0);
        self.held.push(Held::Reservation(KEPT));
        self.depth += 1;
        let count = 1 + self.chance.below(3);
        self.write(count);
        self.memory_access();
        self.depth -= 1;
        self.held.pop();
        self.give_back(Held::Reservation(KEPT));
    }

    /// Submits or discards what r1 is the address of.
    pub(super) fn end_reservation(&mut self, dynptr: bool) {
        let helpers = if dynptr { END_DYNPTR } else { END };
        let helper = self.chance.one_of(&helpers);
        self.set(2, 0);
        self.helper(helper);
        self.regs[0] = Kind::Nothing;
        self.forget(|kind| matches!(kind, Kind::Memory(_)));
    }

    pub(super) fn lock_or_tail_call(&mut self) {
        if self.is_main && self.held.is_empty() && self.chance.percent(40) {
            self.tail_call();
        } else {
            self.lock();
        }
    }

    /// Goes to another program, which may not be there.
    fn tail_call(&mut self) {
        let Some(context) = self.context() else {
            return self.arithmetic();
        };
        self.copy(1, context);
        self.map(2, maps::PROGRAMS);
        let index = self.chance.between(0, 2) as i32;
        self.set(3, index);
        self.helper(TAIL_CALL);
        self.regs[0] = Kind::Nothing;
    }

    /// Changes a value under its lock.
    fn lock(&mut self) {
        let value = self.chance.between(6, 9) as usize;
        if self.context().is_some_and(|context| context == value) || self.counters.contains(&value)
        {
            return self.arithmetic();
        }
        self.key(maps::LOCKED);
        self.helper(LOOKUP);
        let present = self.code.label();
        self.jump_if(Cond::Ne, Width::W64, 0, Operand::Imm(0), present);
        let (regs, stack) = (self.regs, self.stack);
        self.leave();
        (self.regs, self.stack) = (regs, stack);
        self.code.place(present);
        self.alu(AluOp::Mov, Width::W64, value, Operand::Reg(Reg::R0));
        self.regs[value] = Kind::Nothing;
        self.with_lock(value, LOCK);
        for _ in 0..1 + self.chance.below(3) {
            match self.chance.below(3) {
                0 => self.arithmetic(),
                1 => self.convert(),
                _ => {
                    let size = self.chance.one_of(&SIZES);
                    let off = 8 * self.chance.between(0, LOCK_OFFSET / 8 - 1);
                    self.access(value, off, size);
                }
            }
            if self.regs[value] != Kind::Nothing {
                break;
            }
        }
        self.with_lock(value, UNLOCK);
    }

    /// Calls a helper with the address of a value's lock.
    fn with_lock(&mut self, value: usize, helper: i32) {
        self.alu(AluOp::Mov, Width::W64, 1, Operand::Reg(reg(value)));
        self.alu(AluOp::Add, Width::W64, 1, Operand::Imm(LOCK_OFFSET as i32));
        self.helper(helper);
        self.regs[0] = Kind::Nothing;
    }
}
