//! The pass over the lines.

use super::Compiled;
use super::frame::{Frame, Surroundings};
use super::narrow::Narrow;
use super::slots::Slots;
use super::templates::{Arithmetic, Calls, Control, FarMemory, Memory, Templates, Ways};
use crate::asm::{Assembly, Label};
use crate::lower::{Constant, Line, Lowered, Op};
use crate::pages::Places;
use crate::symbols::{Symbol, Symbols};

/// Bytes of machine code that a line takes, roughly.
const BYTES_PER_LINE: usize = 8;

/// Compiles a program.
pub(super) fn compile<'a, A: Ways>(
    lowered: &'a Lowered,
    symbols: &'a Symbols<'a>,
    features: A::Features,
) -> Compiled
where
    Compiler<'a, A>: Templates,
{
    let mut compiler = Compiler::new(lowered, symbols, features);
    let mut lines = Vec::with_capacity(lowered.lines.len());
    let mut rest = &lowered.lines[..];
    while !rest.is_empty() {
        compiler.asm.keep_in_reach();
        lines.push(compiler.asm.here() as u32);
        let taken = compiler.lines(rest);
        // What became a part of the line before is at its end.
        lines.resize(lines.len() + taken - 1, compiler.asm.here() as u32);
        rest = &rest[taken..];
    }
    let ends = compiler.asm.here();
    compiler.cold_ends();
    compiler.far_stub();
    let Compiler {
        mut asm,
        functions,
        unwinds,
        unwind,
        named,
        ..
    } = compiler;
    let stubs = asm.here();
    let entry = functions[0];
    let first = match Surroundings::of(lowered, unwinds) {
        // It is a function of the machine's ABI already.
        Surroundings {
            unwinds: false,
            machine: false,
            frame: false,
        } => entry,
        surroundings => asm.first(surroundings, entry, unwind),
    };
    let enter = asm.enter(unwind);
    let returned = asm.returned();
    let wanted = [functions, vec![first, enter, returned]].concat();
    let (bytes, mut functions) = asm.finish(&wanted);
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
        named,
        patch: A::patch,
    }
}

pub(super) struct Compiler<'a, A: Assembly> {
    pub(super) asm: A,
    pub(super) lowered: &'a Lowered,
    pub(super) symbols: &'a Symbols<'a>,
    pub(super) functions: Vec<Label>,
    /// Something in it ends the run from inside.
    unwinds: bool,
    slots: Slots,
    /// Where addresses are loaded, and of what.
    named: Vec<(u32, Symbol)>,
    /// Where helpers that end the program are dealt with: the slot of the call, and a label.
    ends: Vec<(u32, Label)>,
    /// Where runs are ended that are to stop: likewise.
    stops: Vec<(u32, Label)>,
    /// Registers without an upper half, as far as known.
    pub(super) narrow: Narrow,
    /// The line before leads nowhere else but on.
    is_closed: bool,
    pub(super) features: A::Features,
    /// The stub for what is not a single instruction, if it is needed.
    pub(super) far: Option<Label>,
    /// The stub that ends the run at once.
    pub(super) unwind: Label,
    /// Of the function being compiled.
    pub(super) frame: Frame,
}

impl<'a, A: Assembly> Compiler<'a, A>
where
    Self: Templates,
{
    fn new(lowered: &'a Lowered, symbols: &'a Symbols<'a>, features: A::Features) -> Self {
        let mut asm = A::with_capacity(lowered.lines.len() * BYTES_PER_LINE + 64);
        let slots = Slots::new(lowered, &mut asm);
        let functions = lowered.functions.iter().map(|_| asm.label()).collect();
        Self {
            unwind: asm.label(),
            unwinds: false,
            asm,
            slots,
            functions,
            lowered,
            symbols,
            named: Vec::new(),
            ends: Vec::new(),
            stops: Vec::new(),
            narrow: Narrow::default(),
            is_closed: false,
            features,
            far: None,
            frame: Frame::default(),
        }
    }

    /// Compiles the first line, and those behind it that are fewer instructions with it; how many.
    fn lines(&mut self, lines: &[Line]) -> usize {
        let Line { slot, op } = lines[0];
        let places = &self.lowered.places;
        if places.is_function(slot) {
            self.narrow = Narrow::default();
            self.begin(self.lowered.function_of(slot));
            if self.lowered.apart.binary_search(&slot).is_ok() {
                self.stop_if_asked(slot);
            }
        }
        if let Some(label) = self.slots.at(slot) {
            self.narrow = Narrow::default();
            self.is_closed = false;
            if places.is_head(slot) {
                self.align_loop();
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

    /// The start of a function.
    fn begin(&mut self, function: usize) {
        let frame = Frame::of(self.lowered, function);
        self.asm.bind(self.functions[function]);
        self.set_up(&frame);
        self.frame = frame;
    }

    /// True if something may jump to a slot.
    pub(super) fn is_target(&self, slot: u32) -> bool {
        self.slots.at(slot).is_some()
    }

    fn line(&mut self, slot: u32, op: &Op, behind: &[Line]) {
        match *op {
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => self.alu(op, width, dst, src),
            Op::Sum { dst, src, imm } => self.sum(dst, src, imm),
            Op::Neg { width, dst } => self.neg(width, dst),
            Op::MovSx {
                width,
                dst,
                src,
                from,
            } => self.extend(width, dst, src, from),
            Op::Swap { dst, size } => self.swap(dst, size),
            Op::Cut { dst, size } => self.cut(dst, size),
            Op::Constant { dst, value } => match value {
                Constant::Number(value) => self.number(dst, value),
                Constant::Function(slot) => self.symbol(dst, Symbol::Function(slot)),
                Constant::Map(map) => self.symbol(dst, Symbol::Map(map)),
                Constant::Value(map, off) => self.symbol(dst, Symbol::Value(map, off)),
            },
            Op::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => self.load(size, sign_extend, dst, base, off),
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
            } => self.atomic(op, size, base, off, src),
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
            Op::MayGoto { to } => {
                self.stop_if_asked(slot);
                self.count_and_jump(self.label(to));
            }
            Op::Jump { to } => {
                // What is never reached takes no room unless something leads there, so that this may be next.
                let takes_none =
                    |line: &Line| line.op == Op::Unreachable && !self.is_target(line.slot);
                let next = behind.iter().find(|line| !takes_none(line));
                if next.is_none_or(|line| line.slot != to) {
                    self.jump(self.label(to));
                }
            }
            Op::Branch {
                cond,
                width,
                dst,
                src,
                to,
            } => self.branch(cond, width, dst, src, self.label(to)),
            Op::Unless {
                cond,
                width,
                first,
                second,
                dst,
                copied,
                src,
            } => self.copy_unless(cond, width, (first, second), copied, dst, src),
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
            Op::Unreachable => self.trap(),
        }
    }

    /// The next instruction loads the address of something, which may become another.
    pub(super) fn names(&mut self, symbol: Symbol) {
        self.named.push((self.asm.here() as u32, symbol));
    }

    fn label(&self, slot: u32) -> Label {
        self.slots.at(slot).expect("every target has a label")
    }

    /// Ends the run if somebody wants it to stop.
    pub(super) fn stop_if_asked(&mut self, slot: u32) {
        let label = self.asm.label();
        self.stops.push((slot, label));
        self.jump_if_stopping(label);
    }

    /// Ends the run if the machine says so.
    pub(super) fn end_if_asked(&mut self, slot: u32) {
        let end = self.asm.label();
        self.ends.push((slot, end));
        self.jump_if_ended(end);
    }

    /// The run's end from inside: helpers that end the program come here.
    fn cold_ends(&mut self) {
        let (stops, ends) = (
            std::mem::take(&mut self.stops),
            std::mem::take(&mut self.ends),
        );
        self.unwinds = !(stops.is_empty() && ends.is_empty());
        for (slot, label) in stops {
            self.asm.keep_in_reach();
            self.asm.bind(label);
            self.note_end();
            self.end_at(slot);
        }
        for (slot, label) in ends {
            self.asm.keep_in_reach();
            self.asm.bind(label);
            self.end_at(slot);
        }
    }
}
