//! Who writes a function: what the registers and slots roughly hold, and what must be given back.

mod context;
mod dynptrs;
mod flow;
mod memory;
mod numbers;
mod packet;
mod resources;
mod stack;
mod values;

use osmia_isa::{AluOp, Callee, Cond, Insn, Operand, Reg, Size, Width};
use osmia_program::ProgramKind;

use super::code::{Emitter, Label};
use crate::chance::Chance;

/// What an author believes a register or a slot of the stack holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Number,
    Context,
    /// An address in the own stack, this far from its end.
    Stack(i64),
    /// An address in a map's value, this far from its start.
    Value(i64),
    /// What a lookup gave, by the lookup's number: nobody has checked yet whether it is there.
    Maybe(u32),
    /// The start of the packet, of which so many bytes are there.
    Packet(i64),
    /// The start of so many bytes that the caller lends.
    Lent(i64),
    /// The start of so many bytes that are gone when something is given back.
    Memory(i64),
}

/// What must be given back before the end, by where it lies in the stack.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Held {
    Iterator(i16),
    Reservation(i16),
    Dynptr(i16),
}

/// What functions are there to be called.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Callees<'a> {
    /// Those of two numbers and an address.
    pub(crate) functions: &'a [Label],
    /// The one for `bpf_loop`.
    pub(crate) turn: Option<Label>,
    /// The one for `bpf_for_each_map_elem`.
    pub(crate) visit: Option<Label>,
}

const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];
/// Slots of the stack that are used for anything; objects lie below.
const SLOTS: usize = 8;
/// Bytes that a function is lent by its caller.
const LENT_BYTES: i64 = 16;

fn reg(number: usize) -> Reg {
    Reg::new(number as u8).expect("a register's number")
}

/// How a statement is written.
type Write = fn(&mut Author<'_>);

/// What can be written, and how often.
const STATEMENTS: [(usize, Write); 23] = [
    (8, |author| author.arithmetic()),
    (2, |author| author.convert()),
    (4, |author| author.spill_or_fill()),
    (5, |author| author.branch()),
    (2, |author| author.look_up()),
    (1, |author| author.check_if_any()),
    (3, |author| author.value_access()),
    (2, |author| author.memory_access()),
    (2, |author| author.packet()),
    (1, |author| author.change_packet()),
    (1, |author| author.load_bytes_if_any()),
    (2, |author| author.context_access()),
    (1, |author| author.repeat()),
    (1, |author| author.iterate()),
    (1, |author| author.call()),
    (1, |author| author.call_back()),
    (1, |author| author.visit()),
    (1, |author| author.stack_by_number()),
    (2, |author| author.atomic()),
    (1, |author| author.number_helper()),
    (1, |author| author.reserve()),
    (1, |author| author.dynptr()),
    (1, |author| author.lock_or_tail_call()),
];

/// Writes one function.
pub(crate) struct Author<'a> {
    code: &'a mut Emitter,
    chance: &'a mut Chance,
    kind: ProgramKind,
    /// What r0 to r9 hold.
    regs: [Kind; 10],
    /// What slots of the stack hold, the one next to the frame pointer first.
    stack: [Kind; SLOTS],
    callees: Callees<'a>,
    /// The registers that count loops.
    counters: Vec<usize>,
    /// To be given back, the latest last.
    held: Vec<Held>,
    depth: usize,
    lookups: u32,
    is_main: bool,
    is_callback: bool,
}

impl<'a> Author<'a> {
    /// A function of which nothing is known yet.
    fn new(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
        callees: Callees<'a>,
    ) -> Self {
        Self {
            code,
            chance,
            kind,
            regs: [Kind::Nothing; 10],
            stack: [Kind::Nothing; SLOTS],
            callees,
            counters: Vec::new(),
            held: Vec::new(),
            depth: 0,
            lookups: 0,
            is_main: false,
            is_callback: false,
        }
    }

    /// The entry: the context is in r1.
    pub(crate) fn main(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
        callees: Callees<'a>,
    ) -> Self {
        let mut author = Self::new(code, chance, kind, callees);
        author.is_main = true;
        author.regs[1] = Kind::Context;
        let keeper = author.chance.between(6, 9) as usize;
        author.copy(keeper, 1);
        for _ in 0..2 {
            author.fresh_number();
        }
        author
    }

    /// A function of two numbers and an address.
    pub(crate) fn function(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
        callees: Callees<'a>,
    ) -> Self {
        let mut author = Self::new(code, chance, kind, callees);
        author.regs[1..4].copy_from_slice(&[Kind::Number, Kind::Number, Kind::Lent(LENT_BYTES)]);
        author
    }

    /// A function that `bpf_loop` calls: a number, and an address of eight bytes.
    pub(crate) fn turn(code: &'a mut Emitter, chance: &'a mut Chance, kind: ProgramKind) -> Self {
        let mut author = Self::new(code, chance, kind, Callees::default());
        author.regs[1..3].copy_from_slice(&[Kind::Number, Kind::Lent(8)]);
        author.is_callback = true;
        author
    }

    /// A function that `bpf_for_each_map_elem` calls: a map, a key, a value, an address of eight bytes.
    pub(crate) fn visitor(
        code: &'a mut Emitter,
        chance: &'a mut Chance,
        kind: ProgramKind,
    ) -> Self {
        let mut author = Self::new(code, chance, kind, Callees::default());
        let (value, lent) = (Kind::Value(0), Kind::Lent(8));
        author.regs[2..5].copy_from_slice(&[Kind::Nothing, value, lent]);
        author.is_callback = true;
        // The key may only be read.
        author.load(Size::W, 2, Reg::new(2).expect("a register"), 0);
        author
    }

    /// Writes so many statements.
    pub(crate) fn write(&mut self, statements: usize) {
        for _ in 0..statements {
            self.statement();
        }
    }

    /// Gives everything back and returns a number.
    pub(crate) fn leave(&mut self) {
        for held in self.held.clone().into_iter().rev() {
            self.give_back(held);
        }
        if self.is_callback || self.regs[0] != Kind::Number {
            let value = self.chance.between(0, 1) as i32;
            self.set(0, value);
        }
        self.code.push(Insn::Exit);
    }

    fn statement(&mut self) {
        let total = STATEMENTS.iter().map(|(weight, _)| weight).sum();
        let mut lot = self.chance.below(total);
        for (weight, write) in STATEMENTS {
            if lot < weight {
                return write(self);
            }
            lot -= weight;
        }
    }

    fn has(&self, wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
        let free = |number: &usize| !self.counters.contains(number);
        (0..10)
            .filter(|&number| wanted(self.regs[number]))
            .filter(free)
            .collect()
    }

    /// A register that holds the context and survives calls.
    fn context(&self) -> Option<usize> {
        self.has(|kind| kind == Kind::Context)
            .into_iter()
            .find(|&number| number >= 6)
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

    fn load(&mut self, size: Size, dst: usize, base: Reg, off: i16) {
        self.code.push(Insn::Load {
            size,
            sign_extend: size != Size::DW && self.chance.percent(25),
            dst: reg(dst),
            base,
            off,
        });
        self.regs[dst] = Kind::Number;
    }

    /// An address in the own stack.
    fn stack_address(&mut self, dst: usize, off: i16) {
        self.alu(AluOp::Mov, Width::W64, dst, Operand::Reg(Reg::R10));
        self.alu(AluOp::Add, Width::W64, dst, Operand::Imm(i32::from(off)));
        self.regs[dst] = Kind::Stack(i64::from(off));
    }

    /// Makes slots of the stack hold numbers.
    fn fill_slots(&mut self, slots: usize) {
        for slot in 0..slots {
            if self.stack[slot] != Kind::Number {
                self.code.push(Insn::Store {
                    size: Size::DW,
                    base: Reg::R10,
                    off: -8 * (slot as i16 + 1),
                    src: Operand::Imm(self.chance.immediate()),
                });
                self.stack[slot] = Kind::Number;
            }
        }
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

    fn jump(&mut self, label: Label) {
        let off = 0;
        self.code.jump(Insn::Jump { off, long: false }, label);
    }

    /// Calls a helper that returns a number.
    fn helper(&mut self, number: i32) {
        self.code.push(Insn::Call(Callee::Helper(number)));
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }

    /// Calls a kernel function that returns a number.
    fn kfunc(&mut self, name: &str) {
        self.code.kfunc(name);
        self.forget_arguments();
        self.regs[0] = Kind::Number;
    }

    fn forget_arguments(&mut self) {
        self.regs[..6].fill(Kind::Nothing);
    }

    /// Takes away what is of a kind, wherever it lies.
    fn forget(&mut self, gone: impl Fn(Kind) -> bool) {
        for kind in self.regs.iter_mut().chain(&mut self.stack) {
            if gone(*kind) {
                *kind = Kind::Nothing;
            }
        }
    }

    /// What holds on both ways.
    fn meet(&mut self, regs: &[Kind; 10], stack: &[Kind; SLOTS]) {
        let others = regs.iter().chain(stack);
        for (kind, other) in self.regs.iter_mut().chain(&mut self.stack).zip(others) {
            if kind != other {
                *kind = match (*kind, *other) {
                    (Kind::Packet(one), Kind::Packet(other)) => Kind::Packet(one.min(other)),
                    _ => Kind::Nothing,
                };
            }
        }
    }

    /// True if what held before, holds: a turn that ends so can begin once more.
    fn keeps(&self, regs: &[Kind; 10], stack: &[Kind; SLOTS]) -> bool {
        let before = regs.iter().chain(stack);
        let now = self.regs.iter().chain(&self.stack);
        before
            .zip(now)
            .all(|(before, now)| *before == Kind::Nothing || before == now)
    }
}
