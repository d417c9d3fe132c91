//! Tier 1: one pass over the lines, a few machine instructions for each.
//!
//! Registers of the program are registers of the machine, the same everywhere ([`regs`]); nothing is
//! carried from line to line, so that time and memory are linear in the program whatever it looks
//! like.
//!
//! Native functions are called with what the machine keeps of the run in `r12`, the program's frame pointer in `rbp` and its
//! arguments in the registers that they have in calls of the machine's ABI, which is why helpers
//! are called without moving any.

mod alu;
mod call;
mod enter;
mod far;
mod fuse;
mod loops;
mod memory;
mod narrow;
mod processor;
mod regs;

use osmia_isa::{Cond, Operand, Width};
use osmia_vm::layout;

use crate::lower::{Constant, Line, Lowered, Op};
use crate::pages::Places;
use crate::symbols::{Symbol, Symbols};
use crate::x64::{Assembler, Condition, Gpr, Label, Place, op};
pub(crate) use enter::{Surroundings, enter, first, returned};
use narrow::Narrow;
pub(crate) use processor::Processor;
pub(crate) use regs::RUN;
use regs::{SCRATCH, gpr};

/// Bytes of machine code that a line takes, roughly.
const BYTES_PER_LINE: usize = 8;

/// Where loops begin: what is read from memory together.
const LOOP_ALIGNMENT: usize = 16;

/// Machine code that is not yet where it can run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) bytes: Vec<u8>,
    /// Where the stubs that end a run from inside begin.
    pub(crate) ends: usize,
    /// The ways in.
    pub(crate) places: Places,
    /// Where the stubs begin.
    pub(crate) stubs: usize,
    /// Where each function begins.
    pub(crate) functions: Vec<usize>,
    /// Where each line begins.
    pub(crate) lines: Vec<u32>,
}

/// Compiles a program.
pub(crate) fn compile(lowered: &Lowered, symbols: &Symbols<'_>, processor: Processor) -> Compiled {
    let mut compiler = Compiler::new(lowered, symbols, processor);
    let mut lines = Vec::with_capacity(lowered.lines.len());
    let mut rest = &lowered.lines[..];
    while !rest.is_empty() {
        lines.push(compiler.asm.here() as u32);
        let taken = compiler.lines(rest);
        // What became a part of the line before is at its end.
        lines.resize(lines.len() + taken - 1, compiler.asm.here() as u32);
        rest = &rest[taken..];
    }
    let ends = compiler.asm.here();
    compiler.cold_ends();
    compiler.far_stub();
    let stubs = compiler.asm.here();
    let entry = compiler.functions[0];
    let first = match compiler.surroundings() {
        // It is a function of the machine's ABI already.
        Surroundings {
            unwinds: false,
            machine: false,
            frame: false,
        } => entry,
        surroundings => first(&mut compiler.asm, surroundings, entry, compiler.unwind),
    };
    let enter = enter(&mut compiler.asm, compiler.unwind);
    let returned = returned(&mut compiler.asm);
    let wanted = [compiler.functions, vec![first, enter, returned]].concat();
    let (bytes, mut functions) = compiler.asm.finish(&wanted);
    let ways = functions.split_off(lowered.functions.len());
    Compiled {
        bytes,
        ends,
        stubs,
        places: Places {
            first: ways[0],
            enter: ways[1],
            entry: functions[0],
            returned: ways[2],
        },
        functions,
        lines,
    }
}

struct Compiler<'a> {
    asm: Assembler,
    lowered: &'a Lowered,
    symbols: &'a Symbols<'a>,
    functions: Vec<Label>,
    /// Something in it ends the run from inside.
    unwinds: bool,
    /// Labels of the slots that are jumped to.
    labels: Labels,
    /// Where helpers that end the program are dealt with: the slot of the call, and a label.
    ends: Vec<(u32, Label)>,
    /// Where runs are ended that are to stop: likewise.
    stops: Vec<(u32, Label)>,
    /// Registers without an upper half, as far as known.
    narrow: Narrow,
    /// The line before leads nowhere else but on.
    is_closed: bool,
    processor: Processor,
    /// The stub for what is not a single instruction, if it is needed.
    far: Option<Label>,
    /// The stub that ends the run at once.
    unwind: Label,
    frame: regs::Frame,
}

/// Labels by slot.
struct Labels {
    slots: Vec<u32>,
    labels: Vec<Label>,
    /// Those that loops begin with: something jumps back to them.
    heads: Vec<bool>,
}

impl Labels {
    fn new(lowered: &Lowered, asm: &mut Assembler) -> Self {
        let slots = lowered.targets();
        let labels = slots.iter().map(|_| asm.label()).collect();
        let mut heads = vec![false; slots.len()];
        for line in &lowered.lines {
            if let Some(to) = line.op.jumps_to().filter(|to| *to <= line.slot)
                && let Ok(found) = slots.binary_search(&to)
            {
                heads[found] = true;
            }
        }
        Self {
            slots,
            labels,
            heads,
        }
    }

    /// The label of a slot, and whether a loop begins there.
    fn found(&self, slot: u32) -> Option<(Label, bool)> {
        let found = self.slots.binary_search(&slot).ok()?;
        Some((self.labels[found], self.heads[found]))
    }

    fn at(&self, slot: u32) -> Option<Label> {
        let found = self.slots.binary_search(&slot).ok()?;
        Some(self.labels[found])
    }
}

impl<'a> Compiler<'a> {
    fn new(lowered: &'a Lowered, symbols: &'a Symbols<'a>, processor: Processor) -> Self {
        let mut asm = Assembler::with_capacity(lowered.lines.len() * BYTES_PER_LINE + 64);
        let labels = Labels::new(lowered, &mut asm);
        let functions = lowered.functions.iter().map(|_| asm.label()).collect();
        Self {
            unwind: asm.label(),
            unwinds: false,
            asm,
            labels,
            functions,
            lowered,
            symbols,
            ends: Vec::new(),
            stops: Vec::new(),
            narrow: Narrow::default(),
            is_closed: false,
            processor,
            far: None,
            frame: regs::Frame::default(),
        }
    }

    /// Compiles the first line, and those behind it that are fewer instructions with it; how many.
    fn lines(&mut self, lines: &[Line]) -> usize {
        let Line { slot, op } = lines[0];
        if let Ok(function) = self.lowered.functions.binary_search(&slot) {
            self.narrow = Narrow::default();
            self.begin(function);
            if self.lowered.apart.binary_search(&slot).is_ok() {
                self.stop_if_asked(slot);
            }
        }
        if let Some((label, is_head)) = self.labels.found(slot) {
            self.narrow = Narrow::default();
            self.is_closed = false;
            if is_head {
                self.asm.align(LOOP_ALIGNMENT);
            }
            self.asm.bind(label);
        }
        let taken = match self.fused(lines) {
            Some(taken) => taken,
            None => {
                self.line(slot, &op, &lines[1..]);
                1
            }
        };
        for line in &lines[..taken] {
            self.narrow = self.narrow.after(&line.op);
        }
        self.is_closed = matches!(op, Op::Jump { .. } | Op::Exit | Op::Unreachable);
        taken
    }

    /// True if something may jump to a slot.
    fn is_target(&self, slot: u32) -> bool {
        self.labels.at(slot).is_some()
    }

    fn line(&mut self, slot: u32, op: &Op, behind: &[Line]) {
        match *op {
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => self.alu(op, width, dst, src),
            Op::Sum { dst, src, imm } => {
                self.asm
                    .emit(op::LEA, true, gpr(dst), Place::Mem(gpr(src), imm));
            }
            Op::Neg { width, dst } => {
                self.asm.emit_one(op::NEG, is_wide(width), gpr(dst));
            }
            Op::MovSx {
                width,
                dst,
                src,
                from,
            } => self.extend(is_wide(width), dst, src, from),
            Op::Swap { dst, size } => self.swap(gpr(dst), size),
            Op::Cut { dst, size } => self.cut(gpr(dst), size),
            Op::Constant { dst, value } => self.constant(gpr(dst), value),
            Op::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => self.load(size, sign_extend, gpr(dst), base, off),
            Op::Store {
                size,
                base,
                off,
                src,
            } => self.store(size, base, off, src),
            Op::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => self.atomic(op, size, base, off, gpr(src)),
            Op::FarLoad {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => self.far_load(size, sign_extend, dst, base, off),
            Op::FarStore {
                size,
                base,
                off,
                src,
            } => self.far_store(size, base, off, src),
            Op::FarAtomic {
                op,
                size,
                base,
                off,
                src,
            } => self.far_atomic(op, size, base, off, src),
            Op::LoadPacket { size, index, off } => self.load_packet(size, index, off),
            Op::ToUser { dst, src } => self.user_pointer(dst, src),
            Op::MayGoto { to } => self.may_goto(slot, to),
            Op::Jump { to } => {
                // What is never reached takes no room unless something leads there, so that this may be next.
                let takes_none =
                    |line: &Line| line.op == Op::Unreachable && !self.is_target(line.slot);
                let next = behind.iter().find(|line| !takes_none(line));
                if next.is_none_or(|line| line.slot != to) {
                    let label = self.label(to);
                    self.asm.jump(label);
                }
            }
            Op::Branch {
                cond,
                width,
                dst,
                src,
                to,
            } => self.branch(cond, is_wide(width), gpr(dst), src, to),
            Op::Unless {
                cond,
                width,
                first,
                second,
                dst,
                copied,
                src,
            } => {
                // The lower half alone, where the upper one is clear already.
                let wide = copied == Width::W64 || !self.narrow.has(dst);
                let value = self.copied(copied, wide, src);
                let cond = self.compare_to_copy(cond, is_wide(width), gpr(first), second);
                (self.asm).move_unless(condition(cond), wide, gpr(dst), value);
            }
            Op::CallHelper { helper } => self.call_helper(slot, Symbol::Helper(helper)),
            Op::CallLeaf { helper } => self.call_leaf(helper),
            Op::CallKfunc { kfunc } => self.call_helper(slot, Symbol::Kfunc(kfunc)),
            Op::ArrayElement { map } => self.array_element(map),
            Op::CallMap { operation, map } => self.call_map(operation, map),
            Op::CallFunction { to } => self.call_function(to),
            Op::Loop { to } => self.loop_over(slot, to),
            Op::TailCall => self.tail_call(slot),
            Op::Exit => self.exit(),
            Op::Unreachable if self.is_closed => {}
            Op::Unreachable => self.asm.trap(),
        }
    }

    fn label(&self, slot: u32) -> Label {
        self.labels.at(slot).expect("every target has a label")
    }

    fn constant(&mut self, dst: Gpr, value: Constant) {
        match value {
            Constant::Number(value) => self.asm.constant(dst, value),
            Constant::Function(slot) => self.address(dst, Symbol::Function(slot)),
            Constant::Map(map) => self.address(dst, Symbol::Map(map)),
            Constant::Value(map, off) => self.address(dst, Symbol::Value(map, off)),
        }
    }

    fn address(&mut self, dst: Gpr, symbol: Symbol) {
        self.asm.address(dst, self.symbols.address(symbol));
    }

    /// A register that holds what is copied at a width. Leaves flags to be set afterwards.
    fn copied(&mut self, width: Width, wide: bool, src: Operand) -> Gpr {
        match (width, src) {
            (Width::W64, Operand::Reg(src)) => return gpr(src),
            (Width::W32, Operand::Reg(src)) if !wide || self.narrow.has(src) => return gpr(src),
            (Width::W32, Operand::Reg(src)) => {
                (self.asm).emit(op::MOV_TO, false, gpr(src), regs::SCRATCH);
            }
            (Width::W64, Operand::Imm(imm)) => {
                self.asm.constant(regs::SCRATCH, i64::from(imm) as u64);
            }
            (Width::W32, Operand::Imm(imm)) => {
                self.asm.constant(regs::SCRATCH, u64::from(imm as u32));
            }
        }
        regs::SCRATCH
    }

    fn branch(&mut self, cond: Cond, wide: bool, dst: Gpr, src: Operand, to: u32) {
        self.compare(cond, wide, dst, src);
        let label = self.label(to);
        self.asm.jump_if(condition(cond), label);
    }

    /// Sets the flags for a copy, and says by which condition: above and below are read from two flags, which
    /// takes longer than to read from one.
    fn compare_to_copy(&mut self, cond: Cond, wide: bool, dst: Gpr, src: Operand) -> Cond {
        let (cond, src) = match (cond, src) {
            (Cond::Gt, Operand::Imm(imm @ 0..=0x7fff_fffe)) => (Cond::Ge, Operand::Imm(imm + 1)),
            (Cond::Le, Operand::Imm(imm @ 0..=0x7fff_fffe)) => (Cond::Lt, Operand::Imm(imm + 1)),
            other => other,
        };
        self.compare(cond, wide, dst, src);
        cond
    }

    /// Sets the flags that a condition is read from.
    fn compare(&mut self, cond: Cond, wide: bool, dst: Gpr, src: Operand) {
        match (cond, src) {
            (Cond::Set, Operand::Reg(src)) => self.asm.emit(op::TEST_TO, wide, gpr(src), dst),
            (Cond::Set, Operand::Imm(imm)) => self.asm.emit_with(op::TEST_I32, wide, dst, imm),
            // Equality with zero, and the sign, a test shows as well.
            (_, Operand::Imm(0)) => self.asm.emit(op::TEST_TO, wide, dst, dst),
            (_, Operand::Reg(src)) => self.asm.emit(op::CMP_TO, wide, gpr(src), dst),
            (_, Operand::Imm(imm)) => {
                self.with_imm(op::CMP_I8, op::CMP_I32, wide, dst, imm);
            }
        }
    }

    /// The run's end from inside: helpers that end the program come here.
    fn cold_ends(&mut self) {
        for (slot, label) in std::mem::take(&mut self.stops) {
            self.asm.bind(label);
            let ended = Place::Mem(RUN, layout::ENDED);
            self.asm.emit_with(op::MOV_I32, false, ended, 1);
            self.end_at(slot);
        }
        for (slot, label) in std::mem::take(&mut self.ends) {
            self.asm.bind(label);
            self.end_at(slot);
        }
    }

    fn end_at(&mut self, slot: u32) {
        self.unwinds = true;
        let place = Place::Mem(RUN, layout::SLOT);
        self.asm.emit_with(op::MOV_I32, false, place, slot as i32);
        self.asm.jump(self.unwind);
    }

    /// Ends the run if somebody wants it to stop.
    fn stop_if_asked(&mut self, slot: u32) {
        let label = self.asm.label();
        self.stops.push((slot, label));
        let flag = Place::Mem(RUN, layout::STOP);
        self.asm.emit(op::LOAD, true, SCRATCH, flag);
        self.asm
            .emit_with(op::CMP_I8, false, Place::Mem(SCRATCH, 0), 0);
        self.asm.jump_if(Condition::NotEqual, label);
    }
}

fn is_wide(width: Width) -> bool {
    width == Width::W64
}

fn condition(cond: Cond) -> Condition {
    match cond {
        Cond::Eq => Condition::Equal,
        Cond::Ne | Cond::Set => Condition::NotEqual,
        Cond::Gt => Condition::Above,
        Cond::Ge => Condition::AboveOrEqual,
        Cond::Lt => Condition::Below,
        Cond::Le => Condition::BelowOrEqual,
        Cond::Sgt => Condition::Greater,
        Cond::Sge => Condition::GreaterOrEqual,
        Cond::Slt => Condition::Less,
        Cond::Sle => Condition::LessOrEqual,
    }
}
