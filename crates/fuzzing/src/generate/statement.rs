//! Statements: what an author writes, with what the registers roughly hold.

use osmia_isa::{AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, Operand, Reg, Size, Width};
use osmia_program::ProgramKind;

use super::VALUE_BYTES;
use super::code::{Emitter, Label};
use crate::chance::Chance;

/// What an author believes a register holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Number,
    Context,
    /// An address in the own stack, this far from its end.
    Stack(i64),
    /// An address in a map's value, this far from its start.
    Value(i64),
    /// The start of the packet, of which so many bytes are there.
    Packet(i64),
}

/// What the last helper of these left to use.
const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;
const KTIME: i32 = 5;
const RANDOM: i32 = 7;
const CPU: i32 = 8;
const LOAD_BYTES: i32 = 26;
const LOOP: i32 = 181;

const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];
fn reg(number: usize) -> Reg {
    Reg::new(number as u8).expect("a register's number")
}

/// Writes one function.
pub(crate) struct Author<'a> {
    code: &'a mut Emitter,
    chance: &'a mut Chance,
    kind: ProgramKind,
    /// What r0 to r9 hold.
    regs: [Kind; 10],
    /// Slots of the stack that hold numbers, as a set of bits.
    stack: u64,
    /// Slots, of those that this function uses.
    slots: usize,
    functions: &'a [Label],
    callback: Option<Label>,
    /// The registers that count loops.
    counters: Vec<usize>,
    depth: usize,
    is_callback: bool,
}

impl<'a> Author<'a> {
    fn new(code: &'a mut Emitter, chance: &'a mut Chance, kind: ProgramKind) -> Self {
        Self {
            code,
            chance,
            kind,
            regs: [Kind::Nothing; 10],
            stack: 0,
            slots: 8,
            functions: &[],
            callback: None,
            counters: Vec::new(),
            depth: 0,
            is_callback: false,
        }
    }

    /// The entry: the context is in r1.
    pub(crate) fn main(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
        functions: &'a [Label],
        callback: Option<Label>,
    ) -> Self {
        let mut author = Self::new(code, chance, kind);
        (author.functions, author.callback) = (functions, callback);
        author.regs[1] = Kind::Context;
        let keeper = author.chance.between(6, 9) as usize;
        author.copy(keeper, 1);
        author.seed_numbers();
        author
    }

    /// A function of two numbers.
    pub(crate) fn function(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
        functions: &'a [Label],
    ) -> Self {
        let mut author = Self::new(code, chance, kind);
        author.functions = functions;
        (author.regs[1], author.regs[2]) = (Kind::Number, Kind::Number);
        author
    }

    /// A function that `bpf_loop` calls: a number, and an address of eight bytes nobody needs.
    pub(crate) fn callback(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
    ) -> Self {
        let mut author = Self::new(code, chance, kind);
        author.regs[1] = Kind::Number;
        author.is_callback = true;
        author
    }

    /// Writes so many statements.
    pub(crate) fn write(&mut self, statements: usize) {
        for _ in 0..statements {
            self.statement();
        }
    }

    /// Returns a number.
    pub(crate) fn leave(&mut self) {
        if self.is_callback || self.regs[0] != Kind::Number {
            let value = self.chance.between(0, 1) as i32;
            self.set(0, value);
        }
        self.code.push(Insn::Exit);
    }

    fn statement(&mut self) {
        match self.chance.below(30) {
            0..=7 => self.arithmetic(),
            8..=9 => self.convert(),
            10..=12 => self.spill_or_fill(),
            13..=16 => self.branch(),
            17..=18 => self.look_up(),
            19..=21 => self.value_access(),
            22..=23 => self.packet(),
            24 => self.repeat(),
            25 => self.call(),
            26 => self.stack_by_number(),
            27 => self.atomic(),
            28 => self.number_helper(),
            _ => self.call_back(),
        }
    }

    // Registers.

    fn has(&self, wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
        let free = |number: &usize| !self.counters.contains(number);
        (0..10)
            .filter(|&number| wanted(self.regs[number]))
            .filter(free)
            .collect()
    }

    /// A register that may be overwritten.
    fn target(&mut self) -> usize {
        loop {
            let number = self.chance.below(10);
            // The last copy of the context is worth keeping.
            let context = self.regs[number] == Kind::Context
                && self.has(|kind| kind == Kind::Context).len() == 1;
            if !self.counters.contains(&number) && (!context || self.chance.percent(2)) {
                return number;
            }
        }
    }

    /// A register that holds a number; there will be one.
    fn number(&mut self) -> usize {
        let numbers = self.has(|kind| kind == Kind::Number);
        if numbers.is_empty() || self.chance.percent(5) {
            return self.fresh_number();
        }
        numbers[self.chance.below(numbers.len())]
    }

    /// A number the verifier does not know much of.
    fn fresh_number(&mut self) -> usize {
        let dst = self.target();
        let contexts = self.has(|kind| kind == Kind::Context);
        let values = self.has(|kind| matches!(kind, Kind::Value(_)));
        if let Some(&base) = values.first()
            && self.chance.percent(60)
        {
            let Kind::Value(start) = self.regs[base] else {
                return dst;
            };
            let off = self.chance.below(8) as i64 * 8 - start;
            let size = self.chance.one_of(&SIZES);
            let sign_extend = size != Size::DW && self.chance.percent(30);
            self.code.push(Insn::Load {
                size,
                sign_extend,
                dst: reg(dst),
                base: reg(base),
                off: off as i16,
            });
        } else if let Some(&base) = contexts.first()
            && self.chance.percent(60)
        {
            // A number in every one of the contexts: an ingress index, or a length.
            let off = if self.kind == ProgramKind::Xdp { 12 } else { 0 };
            self.code.push(Insn::Load {
                size: Size::W,
                sign_extend: false,
                dst: reg(dst),
                base: reg(base),
                off,
            });
        } else {
            let value = Imm64::Value(self.chance.awkward());
            self.code.push(Insn::LoadImm64 {
                dst: reg(dst),
                value,
            });
        }
        self.regs[dst] = Kind::Number;
        dst
    }

    fn seed_numbers(&mut self) {
        for _ in 0..2 {
            self.fresh_number();
        }
    }

    fn set(&mut self, dst: usize, value: i32) {
        self.alu(AluOp::Mov, Width::W64, dst, Operand::Imm(value));
        self.regs[dst] = Kind::Number;
    }

    fn copy(&mut self, dst: usize, src: usize) {
        self.alu(AluOp::Mov, Width::W64, dst, Operand::Reg(reg(src)));
        self.regs[dst] = self.regs[src];
    }

    fn alu(&mut self, op: AluOp, width: Width, dst: usize, src: Operand) {
        let dst = reg(dst);
        self.code.push(Insn::Alu {
            op,
            width,
            dst,
            src,
        });
    }

    fn forget_arguments(&mut self) {
        for kind in &mut self.regs[..6] {
            *kind = Kind::Nothing;
        }
    }

    // Statements.

    fn arithmetic(&mut self) {
        let dst = self.number();
        let (op, width) = (self.chance.one_of(&AluOp::ALL), self.chance.one_of(&WIDTHS));
        let shift = matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
        let divides = matches!(op, AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod);
        let src = if self.chance.percent(50) {
            Operand::Reg(reg(self.number()))
        } else if shift {
            let bits = if width == Width::W32 { 32 } else { 64 };
            Operand::Imm(self.chance.below(bits) as i32)
        } else {
            let value = self.chance.immediate();
            Operand::Imm(if divides && value == 0 { 3 } else { value })
        };
        self.alu(op, width, dst, src);
        self.regs[dst] = Kind::Number;
    }

    fn convert(&mut self) {
        let dst = self.number();
        let width = self.chance.one_of(&WIDTHS);
        match self.chance.below(3) {
            0 => self.code.push(Insn::Neg {
                width,
                dst: reg(dst),
            }),
            1 => {
                let src = self.number();
                let from = self.chance.one_of(&[Size::B, Size::H]);
                self.code.push(Insn::MovSx {
                    width,
                    dst: reg(dst),
                    src: reg(src),
                    from,
                });
            }
            _ => {
                let op = self.chance.one_of(&[EndOp::ToLe, EndOp::ToBe, EndOp::Swap]);
                let size = self.chance.one_of(&[Size::H, Size::W, Size::DW]);
                self.code.push(Insn::End {
                    op,
                    dst: reg(dst),
                    size,
                });
            }
        }
    }

    fn spill_or_fill(&mut self) {
        let slot = self.chance.below(self.slots);
        let start = -8 * (slot as i64 + 1);
        let whole = self.chance.percent(60);
        let size = if whole {
            Size::DW
        } else {
            self.chance.one_of(&SIZES)
        };
        let part = 8 / size.bytes() as usize;
        let off = start + (self.chance.below(part) as i64) * size.bytes() as i64;
        if self.stack & 1 << slot != 0 && self.chance.percent(55) {
            let dst = self.target();
            let sign_extend = size != Size::DW && self.chance.percent(30);
            self.code.push(Insn::Load {
                size,
                sign_extend,
                dst: reg(dst),
                base: Reg::R10,
                off: off as i16,
            });
            self.regs[dst] = Kind::Number;
            return;
        }
        let src = if self.chance.percent(25) {
            Operand::Imm(self.chance.immediate())
        } else {
            Operand::Reg(reg(self.number()))
        };
        self.code.push(Insn::Store {
            size,
            base: Reg::R10,
            off: off as i16,
            src,
        });
        if size == Size::DW {
            self.stack |= 1 << slot;
        }
    }

    /// A comparison with something on one side or on both.
    fn branch(&mut self) {
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
            let off = 0;
            self.code.jump(Insn::Jump { off, long: false }, end);
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
        self.meet(&then_regs, then_stack);
    }

    fn jump_if(&mut self, cond: Cond, width: Width, dst: usize, src: Operand, label: Label) {
        let insn = Insn::JumpIf {
            cond,
            width,
            dst: reg(dst),
            src,
            off: 0,
        };
        self.code.jump(insn, label);
    }

    /// What holds on both ways.
    fn meet(&mut self, regs: &[Kind; 10], stack: u64) {
        for (kind, other) in self.regs.iter_mut().zip(regs) {
            if kind != other {
                *kind = match (*kind, *other) {
                    (Kind::Packet(one), Kind::Packet(other)) => Kind::Packet(one.min(other)),
                    _ => Kind::Nothing,
                };
            }
        }
        self.stack &= stack;
    }

    /// Looks an element up and checks that it is there.
    fn look_up(&mut self) {
        let hash = self.chance.percent(40);
        let key = self.chance.below(6) as i32;
        let slot = self.chance.below(self.slots);
        let off = -8 * (slot as i64 + 1);
        if self.stack & 1 << slot == 0 || self.chance.percent(60) {
            self.code.push(Insn::Store {
                size: Size::DW,
                base: Reg::R10,
                off: off as i16,
                src: Operand::Imm(key),
            });
            self.stack |= 1 << slot;
        }
        self.code.push(Insn::LoadImm64 {
            dst: reg(1),
            value: Imm64::MapIdx(i32::from(hash)),
        });
        self.alu(AluOp::Mov, Width::W64, 2, Operand::Reg(Reg::R10));
        self.alu(AluOp::Add, Width::W64, 2, Operand::Imm(off as i32));
        if self.counters.iter().any(|&counter| counter < 6) {
            return self.forget_arguments();
        }
        if hash && self.chance.percent(30) {
            if self.chance.percent(50) {
                self.alu(AluOp::Mov, Width::W64, 3, Operand::Reg(Reg::R10));
                self.alu(AluOp::Add, Width::W64, 3, Operand::Imm(-VALUE_BYTES as i32));
                self.set(4, 0);
                // The value lies in slots that may not have been written: that is allowed.
                self.code.push(Insn::Call(Callee::Helper(UPDATE)));
            } else {
                self.code.push(Insn::Call(Callee::Helper(DELETE)));
            }
            self.forget_arguments();
            self.regs[0] = Kind::Number;
            return;
        }
        self.code.push(Insn::Call(Callee::Helper(LOOKUP)));
        self.forget_arguments();
        let end = self.code.label();
        if self.chance.percent(97) {
            let present = self.code.label();
            self.jump_if(Cond::Ne, Width::W64, 0, Operand::Imm(0), present);
            let (regs, stack) = (self.regs, self.stack);
            self.regs[0] = Kind::Number;
            if self.chance.percent(60) {
                self.leave();
                self.code.place(present);
            } else {
                let off = 0;
                self.code.jump(Insn::Jump { off, long: false }, end);
                self.code.place(present);
                self.regs[0] = Kind::Value(0);
                let count = self.chance.below(4);
                self.depth += 1;
                self.write(count);
                self.depth -= 1;
                self.code.place(end);
                self.meet(&regs, stack);
                self.regs[0] = Kind::Nothing;
                return;
            }
        }
        self.code.place(end);
        self.regs[0] = Kind::Value(0);
        if self.chance.percent(70) {
            let keeper = self.target();
            self.copy(keeper, 0);
        }
    }

    /// Reads or writes a map's value, at a fixed place or at one that was computed and bounded.
    fn value_access(&mut self) {
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
        self.bound(index, VALUE_BYTES - 8 - start, |author| {
            let dst = author.target();
            if dst == index {
                return;
            }
            author.copy(dst, base);
            author.alu(AluOp::Add, Width::W64, dst, Operand::Reg(reg(index)));
            author.access(dst, 0, size);
            author.regs[dst] = Kind::Nothing;
        });
    }

    /// Makes a number lie below a limit by one of the ways people know, and goes on inside.
    fn bound(&mut self, index: usize, limit: i64, inside: impl FnOnce(&mut Self)) {
        let limit = limit.max(1);
        let skip = self.code.label();
        let mask = (1 << (63 - (limit as u64).leading_zeros())) - 1;
        let (regs, stack) = (self.regs, self.stack);
        match self.chance.below(6) {
            0 => self.alu(AluOp::And, Width::W64, index, Operand::Imm(mask)),
            1 => self.alu(AluOp::And, Width::W32, index, Operand::Imm(mask)),
            2 => self.alu(AluOp::Mod, Width::W64, index, Operand::Imm(limit as i32)),
            3 => {
                let imm = Operand::Imm(limit as i32);
                self.jump_if(Cond::Gt, Width::W64, index, imm, skip);
            }
            4 => {
                let imm = Operand::Imm(limit as i32);
                self.jump_if(Cond::Sgt, Width::W64, index, imm, skip);
                self.jump_if(Cond::Slt, Width::W64, index, Operand::Imm(0), skip);
            }
            _ => {
                let width = self.chance.one_of(&WIDTHS);
                let cond = self.chance.one_of(&[Cond::Gt, Cond::Ge, Cond::Sge]);
                self.jump_if(cond, width, index, Operand::Imm(limit as i32), skip);
                if self.chance.percent(50) {
                    self.alu(AluOp::Mov, Width::W32, index, Operand::Reg(reg(index)));
                }
            }
        }
        inside(self);
        self.code.place(skip);
        self.meet(&regs, stack);
    }

    fn access(&mut self, base: usize, off: i64, size: Size) {
        let off = off as i16;
        if self.chance.percent(50) {
            let src = if self.chance.percent(30) {
                Operand::Imm(self.chance.immediate())
            } else {
                Operand::Reg(reg(self.number()))
            };
            let base = reg(base);
            self.code.push(Insn::Store {
                size,
                base,
                off,
                src,
            });
            return;
        }
        let dst = self.target();
        self.code.push(Insn::Load {
            size,
            sign_extend: size != Size::DW && self.chance.percent(25),
            dst: reg(dst),
            base: reg(base),
            off,
        });
        self.regs[dst] = Kind::Number;
    }

    /// Loads the packet's ends, compares them, and reads or writes.
    fn packet(&mut self) {
        let packets = self.has(|kind| matches!(kind, Kind::Packet(_)));
        if let Some(&base) = packets.first()
            && let Kind::Packet(bytes) = self.regs[base]
            && bytes >= 8
            && self.chance.percent(60)
        {
            let size = self.chance.one_of(&SIZES);
            let off = self.chance.between(0, bytes - size.bytes() as i64);
            return self.access(base, off, size);
        }
        let contexts = self.has(|kind| kind == Kind::Context);
        let Some(&context) = contexts.first() else {
            return self.arithmetic();
        };
        let (data, data_end) = match self.kind {
            ProgramKind::Xdp => (0, 4),
            ProgramKind::SchedCls => (76, 80),
            _ => return self.load_bytes(context),
        };
        let (start, end, beyond) = (self.target(), self.target(), self.target());
        let names = [start, end, beyond, context];
        if (1..4).any(|one| names[..one].contains(&names[one])) {
            return self.arithmetic();
        }
        for (dst, off) in [(start, data), (end, data_end)] {
            self.code.push(Insn::Load {
                size: Size::W,
                sign_extend: false,
                dst: reg(dst),
                base: reg(context),
                off,
            });
        }
        let bytes = self.chance.between(1, 40);
        self.regs[start] = Kind::Packet(bytes);
        (self.regs[end], self.regs[beyond]) = (Kind::Nothing, Kind::Nothing);
        self.alu(AluOp::Mov, Width::W64, beyond, Operand::Reg(reg(start)));
        let by_number = self.chance.percent(30);
        if by_number {
            let index = self.number();
            if [start, end, beyond].contains(&index) {
                self.regs[start] = Kind::Nothing;
                return;
            }
            let mask = self.chance.one_of(&[7, 15, 63, 255]);
            self.alu(AluOp::And, Width::W64, index, Operand::Imm(mask));
            self.alu(AluOp::Add, Width::W64, beyond, Operand::Reg(reg(index)));
            if self.chance.percent(50) {
                self.alu(AluOp::Mov, Width::W64, start, Operand::Reg(reg(beyond)));
            } else {
                self.regs[start] = Kind::Nothing;
            }
        }
        self.alu(AluOp::Add, Width::W64, beyond, Operand::Imm(bytes as i32));
        let fine = self.code.label();
        let (cond, swapped) = self.chance.one_of(&[
            (Cond::Le, false),
            (Cond::Lt, false),
            (Cond::Ge, true),
            (Cond::Gt, true),
        ]);
        let (left, right) = if swapped {
            (end, beyond)
        } else {
            (beyond, end)
        };
        self.jump_if(cond, Width::W64, left, Operand::Reg(reg(right)), fine);
        let regs = self.regs;
        self.leave();
        self.code.place(fine);
        self.regs = regs;
        self.regs[0] = if start == 0 { regs[0] } else { Kind::Nothing };
    }

    /// What programs without direct access do.
    fn load_bytes(&mut self, context: usize) {
        if context < 6 {
            return self.arithmetic();
        }
        self.copy(1, context);
        self.set(2, 0);
        self.alu(AluOp::Mov, Width::W64, 3, Operand::Reg(Reg::R10));
        self.alu(AluOp::Add, Width::W64, 3, Operand::Imm(-16));
        self.set(4, 16);
        self.code.push(Insn::Call(Callee::Helper(LOAD_BYTES)));
        self.forget_arguments();
        self.regs[0] = Kind::Number;
        self.stack |= 0b11;
    }

    /// A loop with a bound, or one that `may_goto` bounds.
    fn repeat(&mut self) {
        if self.depth > 1 {
            return self.arithmetic();
        }
        let counter = self.chance.between(6, 9) as usize;
        let context = self.regs[counter] == Kind::Context
            && self.has(|kind| kind == Kind::Context).len() == 1;
        if context || self.counters.contains(&counter) {
            return self.arithmetic();
        }
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
            match self.chance.below(4) {
                0 => self.convert(),
                1 => self.branch(),
                2 => self.value_access_if_any(),
                _ => self.arithmetic(),
            }
        }
        self.depth -= 1;
        let step = self.chance.between(1, 3) as i32;
        self.alu(AluOp::Add, Width::W64, counter, Operand::Imm(step));
        let kept = (0..10).all(|number| {
            before.0[number] == Kind::Nothing || before.0[number] == self.regs[number]
        });
        if kept {
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
                let off = 0;
                self.code.jump(Insn::Jump { off, long: false }, head);
            } else {
                self.jump_if(cond, width, counter, Operand::Imm(limit), head);
            }
        }
        self.code.place(out);
        self.counters.pop();
        self.meet(&before.0, before.1);
    }

    fn value_access_if_any(&mut self) {
        if self.has(|kind| matches!(kind, Kind::Value(_))).is_empty() {
            self.arithmetic();
        } else {
            self.value_access();
        }
    }

    /// Calls a function of the program with two numbers.
    fn call(&mut self) {
        if self.functions.is_empty() || self.counters.iter().any(|&counter| counter < 6) {
            return self.arithmetic();
        }
        let (one, two) = (self.number(), self.number());
        if one != 2 {
            self.copy(2, two);
            self.copy(1, one);
        } else {
            self.copy(1, one);
            self.copy(2, two);
        }
        let function = self.functions[self.chance.below(self.functions.len())];
        self.code.call(function);
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }

    /// Reads or writes the stack at a place that was computed.
    fn stack_by_number(&mut self) {
        let index = self.number();
        // Only single bytes can be anywhere.
        let bytes = self.chance.one_of(&[1_i64, 1, 1, 2, 4, 8]);
        let size = SIZES[bytes.trailing_zeros() as usize];
        for slot in 0..2 {
            self.code.push(Insn::Store {
                size: Size::DW,
                base: Reg::R10,
                off: -8 * (slot + 1),
                src: Operand::Imm(self.chance.immediate()),
            });
            self.stack |= 1 << slot;
        }
        self.bound(index, 17 - bytes, |author| {
            let dst = author.target();
            if dst == index {
                return;
            }
            author.alu(AluOp::Mov, Width::W64, dst, Operand::Reg(Reg::R10));
            author.alu(AluOp::Add, Width::W64, dst, Operand::Imm(-16));
            author.regs[dst] = Kind::Stack(-16);
            author.alu(AluOp::Add, Width::W64, dst, Operand::Reg(reg(index)));
            author.access(dst, 0, size);
            if author.regs[dst] == Kind::Stack(-16) {
                author.regs[dst] = Kind::Nothing;
            }
        });
    }

    fn atomic(&mut self) {
        let slot = self.chance.below(self.slots);
        let src = self.number();
        if self.stack & 1 << slot == 0 {
            return self.spill_or_fill();
        }
        let fetch = self.chance.percent(50);
        let op = self.chance.one_of(&[
            AtomicOp::Add { fetch },
            AtomicOp::Or { fetch },
            AtomicOp::And { fetch },
            AtomicOp::Xor { fetch },
            AtomicOp::Xchg,
            AtomicOp::Cmpxchg,
        ]);
        if op == AtomicOp::Cmpxchg && self.regs[0] != Kind::Number {
            self.set(0, 1);
        }
        self.code.push(Insn::Atomic {
            op,
            size: self.chance.one_of(&[Size::W, Size::DW]),
            base: Reg::R10,
            off: -8 * (slot as i16 + 1),
            src: reg(src),
        });
    }

    fn number_helper(&mut self) {
        if self.counters.iter().any(|&counter| counter < 6) {
            return self.arithmetic();
        }
        let helper = self.chance.one_of(&[KTIME, RANDOM, CPU]);
        self.code.push(Insn::Call(Callee::Helper(helper)));
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }

    fn call_back(&mut self) {
        let Some(callback) = self.callback else {
            return self.arithmetic();
        };
        if self.depth > 1 {
            return self.arithmetic();
        }
        let turns = self.chance.below(5) as i32;
        self.set(1, turns);
        self.code.address(reg(2), callback);
        self.alu(AluOp::Mov, Width::W64, 3, Operand::Reg(Reg::R10));
        self.alu(AluOp::Add, Width::W64, 3, Operand::Imm(-8));
        self.set(4, 0);
        self.code.push(Insn::Call(Callee::Helper(LOOP)));
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }
}
