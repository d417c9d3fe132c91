//! Branches, loops and calls of functions of the program.

use osmia_isa::{AluOp, Cond, Imm64, Insn, Operand, Reg, Width};

use super::{Author, Held, Kind, LENT_BYTES, WIDTHS, reg};
use crate::generate::maps;

const FOR_EACH: i32 = 164;
const LOOP: i32 = 181;
/// Where iterators lie: two of them may be in use.
const ITERATORS: [i16; 2] = [-112, -120];

impl Author<'_> {
    /// A comparison with something on one side or on both.
    pub(super) fn branch(&mut self) {
        if self.depth > 3 {
            return self.arithmetic();
        }
        let dst = self.number();
        let src = if self.chance.percent(40) {
            Operand::Reg(reg(self.number()))
        } else {
            Operand::Imm(self.chance.immediate())
        };
        let (otherwise, end) = (self.code.label(), self.code.label());
        let (cond, width) = (self.chance.one_of(&Cond::ALL), self.chance.one_of(&WIDTHS));
        self.jump_if(cond, width, dst, src, otherwise);
        let (regs, stack) = (self.regs, self.stack);
        self.depth += 1;
        let count = self.chance.below(4);
        self.write(count);
        let two_sided = self.chance.percent(40);
        if two_sided {
            self.jump(end);
        }
        let (then_regs, then_stack) = (self.regs, self.stack);
        (self.regs, self.stack) = (regs, stack);
        self.code.place(otherwise);
        if two_sided {
            let count = self.chance.below(4);
            self.write(count);
        }
        self.code.place(end);
        self.depth -= 1;
        self.meet(&then_regs, &then_stack);
    }

    /// A register for a loop's counter; what it held is gone.
    fn counter(&mut self) -> Option<usize> {
        let counter = self.chance.between(6, 9) as usize;
        let context = self.regs[counter] == Kind::Context
            && self.has(|kind| kind == Kind::Context).len() == 1;
        (!context && !self.counters.contains(&counter)).then_some(counter)
    }

    /// A loop with a bound, or one that `may_goto` bounds.
    pub(super) fn repeat(&mut self) {
        let counter = self.counter().filter(|_| self.depth <= 1);
        let Some(counter) = counter else {
            return self.arithmetic();
        };
        let start = self.chance.between(-3, 3) as i32;
        self.set(counter, start);
        self.counters.push(counter);
        // What a turn leaves must be what the next one finds: only numbers that stay numbers.
        let before = (self.regs, self.stack);
        let (head, out) = (self.code.label(), self.code.label());
        self.code.place(head);
        let free = self.chance.percent(15);
        if free {
            self.code.jump(Insn::MayGoto { off: 0 }, out);
        }
        self.depth += 1;
        let count = 1 + self.chance.below(3);
        for _ in 0..count {
            match self.chance.below(5) {
                0 => self.convert(),
                1 => self.branch(),
                2 => self.spill_or_fill(),
                3 => self.value_access_if_any(),
                _ => self.arithmetic(),
            }
        }
        self.depth -= 1;
        let step = self.chance.between(1, 3) as i32;
        self.alu(AluOp::Add, Width::W64, counter, Operand::Imm(step));
        if self.keeps(&before.0, &before.1) {
            let limit = start + self.chance.between(1, 12) as i32;
            let (cond, width) = (
                self.chance.one_of(&[Cond::Slt, Cond::Sle, Cond::Ne]),
                self.chance.one_of(&WIDTHS),
            );
            let limit = if cond == Cond::Ne {
                start + 4 * step
            } else {
                limit
            };
            if free {
                self.jump(head);
            } else {
                self.jump_if(cond, width, counter, Operand::Imm(limit), head);
            }
        }
        self.code.place(out);
        self.counters.pop();
        self.meet(&before.0, &before.1);
    }

    /// A loop over the numbers of an iterator.
    pub(super) fn iterate(&mut self) {
        let iterators = (self.held.iter()).filter(|held| matches!(held, Held::Iterator(_)));
        let Some(&off) = ITERATORS.get(iterators.count()).filter(|_| self.depth <= 2) else {
            return self.arithmetic();
        };
        let end = self.number();
        if self.chance.percent(60) {
            let end = self.chance.between(-2, 8) as i32;
            self.set(3, end);
        } else if end != 3 {
            self.copy(3, end);
        }
        let start = self.chance.between(-2, 3) as i32;
        self.set(2, start);
        self.stack_address(1, off);
        self.kfunc("bpf_iter_num_new");
        self.held.push(Held::Iterator(off));
        let (head, out) = (self.code.label(), self.code.label());
        self.forget_arguments();
        let before = (self.regs, self.stack);
        self.code.place(head);
        self.stack_address(1, off);
        self.kfunc("bpf_iter_num_next");
        self.jump_if(Cond::Eq, Width::W64, 0, Operand::Imm(0), out);
        let item = if self.chance.percent(50) { 0 } else { 1 };
        self.load(osmia_isa::Size::W, item, reg(0), 0);
        if item != 0 {
            self.regs[0] = Kind::Nothing;
        }
        self.depth += 1;
        let count = self.chance.below(4);
        self.write(count);
        self.depth -= 1;
        if self.keeps(&before.0, &before.1) {
            self.jump(head);
        }
        self.code.place(out);
        self.meet(&before.0, &before.1);
        self.held.pop();
        self.give_back(Held::Iterator(off));
    }

    /// Calls a function of the program with two numbers and an address.
    pub(super) fn call(&mut self) {
        if self.callees.functions.is_empty() {
            return self.arithmetic();
        }
        self.fill_slots(LENT_BYTES as usize / 8);
        let (one, two) = (self.number(), self.number());
        if one != 2 {
            self.copy(2, two);
            self.copy(1, one);
        } else {
            self.copy(1, one);
            self.copy(2, two);
        }
        self.stack_address(3, -LENT_BYTES as i16);
        let functions = self.callees.functions;
        let function = functions[self.chance.below(functions.len())];
        self.code.call(function);
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }

    /// Has a function called so many times.
    pub(super) fn call_back(&mut self) {
        let Some(turn) = self.callees.turn.filter(|_| self.depth <= 1) else {
            return self.arithmetic();
        };
        self.fill_slots(1);
        let turns = self.chance.below(5) as i32;
        self.set(1, turns);
        self.code.address(reg(2), turn);
        self.stack_address(3, -8);
        self.set(4, 0);
        self.helper(LOOP);
    }

    /// Has a function called for each element of a map.
    pub(super) fn visit(&mut self) {
        let Some(visit) = self.callees.visit.filter(|_| self.depth <= 1) else {
            return self.arithmetic();
        };
        self.fill_slots(1);
        let map = self.chance.one_of(&[maps::ARRAY, maps::HASH]);
        self.map(1, map);
        self.code.address(reg(2), visit);
        self.stack_address(3, -8);
        self.set(4, 0);
        self.helper(FOR_EACH);
    }

    /// A map by its position.
    pub(super) fn map(&mut self, dst: usize, position: i32) {
        let (dst_name, value) = (reg(dst), Imm64::MapIdx(position));
        self.code.push(Insn::LoadImm64 {
            dst: dst_name,
            value,
        });
        self.regs[dst] = Kind::Nothing;
    }

    /// Gives something back, by what lies in the stack.
    pub(super) fn give_back(&mut self, held: Held) {
        match held {
            Held::Iterator(off) => {
                self.stack_address(1, off);
                self.code.kfunc("bpf_iter_num_destroy");
                self.forget_arguments();
            }
            Held::Reservation(off) => {
                self.code.push(Insn::Load {
                    size: osmia_isa::Size::DW,
                    sign_extend: false,
                    dst: reg(1),
                    base: Reg::R10,
                    off,
                });
                self.end_reservation(false);
            }
            Held::Dynptr(off) => {
                self.stack_address(1, off);
                self.end_reservation(true);
            }
        }
    }
}
