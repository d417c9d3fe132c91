//! One function as Cranelift takes it: lines become operations on values, slots that are jumped to blocks.

mod chains;

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use cranelift_codegen::ir::{
    self, Block, FuncRef, InstBuilder, SourceLoc, TrapCode, UserFuncName, Value, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use osmia_isa::Reg;
use osmia_vm::layout;

use super::alu::type_of;
use super::counted::{self, Counted};
use super::inline::Room;
use super::memory::plain;
use super::signature::Function;
use super::tail;
use crate::lower::{Constant, Line, Lowered, Op};
use crate::symbols::{Symbol, Symbols};

/// How many registers programs have.
pub(super) const REGS: usize = 11;

/// What functions are made of.
pub(super) struct Maker<'a> {
    pub(super) isa: &'a dyn TargetIsa,
    pub(super) lowered: &'a Lowered,
    pub(super) symbols: &'a Symbols<'a>,
    pub(super) functions: &'a [Function],
}

impl Maker<'_> {
    /// Fills in a function; gives those it calls, by number.
    pub(super) fn make(
        &self,
        number: usize,
        func: &mut ir::Function,
        context: &mut FunctionBuilderContext,
    ) -> Vec<usize> {
        let (function, is_entry) = (&self.functions[number], number == 0);
        func.signature = function.signature(self.isa, is_entry);
        func.name = UserFuncName::user(0, number as u32);
        let mut builder = FunctionBuilder::new(func, context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block).to_vec();
        let machine = params[function.args];
        let frame = function.needs_frame.then(|| match is_entry {
            true => (builder.ins()).load(types::I64, plain(), machine, layout::FRAME_POINTER),
            false => params[function.args + 1],
        });
        let mut body = Body {
            builder,
            maker: self,
            machine,
            active: Active::default(),
            room: Room::new(),
            imported: BTreeMap::new(),
            open: true,
            answered: false,
        };
        body.function(number, &params[..function.args], frame, None);
        body.builder.seal_all_blocks();
        body.builder.finalize(self.isa.frontend_config());
        let called = body.imported.into_keys();
        let called = called.filter_map(|number| usize::try_from(number).ok());
        called
            .filter(|number| *number < self.functions.len())
            .collect()
    }
}

/// A function on its way, with those it takes in.
pub(super) struct Body<'a, 'b> {
    pub(super) builder: FunctionBuilder<'b>,
    pub(super) maker: &'a Maker<'a>,
    pub(super) machine: Value,
    active: Active,
    pub(super) room: Room,
    /// Functions and stubs that are called, by number.
    pub(super) imported: BTreeMap<u32, FuncRef>,
    /// The current block goes on.
    open: bool,
    /// The next line asks what is known already.
    answered: bool,
}

/// A function's registers and blocks while its lines are translated.
#[derive(Default)]
struct Active {
    /// Its lines, by position.
    lines: Range<usize>,
    regs: Vec<Variable>,
    /// How long the chain of arithmetic is that each register's value is the end of.
    chains: [u32; REGS],
    /// Blocks of the slots that are jumped to.
    blocks: BTreeMap<u32, Block>,
    /// Loops whose turns are taken several at once, by the slots they begin at.
    counted: BTreeMap<u32, Counted>,
    /// Where jumps back go in such loops, by their slots.
    back: BTreeMap<u32, Block>,
    /// What counters are compared with at the end of loops, by the slots of the branches.
    bounds: BTreeMap<u32, Value>,
    /// Where it returns to if its caller took it in.
    returns: Option<Block>,
}

impl<'a> Body<'a, '_> {
    /// Translates a function's lines from where the builder is.
    pub(super) fn function(
        &mut self,
        number: usize,
        args: &[Value],
        frame: Option<Value>,
        returns: Option<Block>,
    ) {
        let lines = &self.maker.lowered.lines[self.lines_of(number)];
        let regs = (0..REGS).map(|_| self.builder.declare_var(types::I64));
        let regs = regs.collect();
        let mut active = Active {
            lines: self.lines_of(number),
            regs,
            returns,
            ..Active::default()
        };
        let targets = lines.iter().filter_map(|line| line.op.jumps_to());
        for target in targets.chain(tail::behind(lines)) {
            let block = active.blocks.entry(target);
            block.or_insert_with(|| self.builder.create_block());
        }
        for counted in counted::find(&self.maker.lowered.lines, self.lines_of(number)) {
            if self.room.copy(counted.body.len()) {
                active.counted.insert(counted.header, counted);
            }
        }
        let caller = mem::replace(&mut self.active, active);
        for (number, value) in (1..).zip(args) {
            self.set(reg(number), *value);
        }
        if let Some(frame) = frame {
            self.set(Reg::R10, frame);
        }
        for (slot, bound) in tail::bounds(lines) {
            let bound = self.hidden(bound);
            self.active.bounds.insert(slot, bound);
        }
        for (at, line) in lines.iter().enumerate() {
            self.begin(line.slot);
            if mem::take(&mut self.answered) {
                continue;
            }
            if self.open {
                self.builder.set_srcloc(SourceLoc::new(line.slot));
                self.line(line, lines.get(at + 1));
            }
        }
        if self.open {
            self.stop();
        }
        self.active = caller;
    }

    /// The lines of the function that is on its way.
    pub(super) fn lines(&self) -> &'a [Line] {
        &self.maker.lowered.lines[self.active.lines.clone()]
    }

    /// True if the loop that begins at a slot takes its turns several at once.
    pub(super) fn is_counted(&self, slot: u32) -> bool {
        self.active.counted.contains_key(&slot)
    }

    fn lines_of(&self, number: usize) -> Range<usize> {
        self.maker.functions[number].lines.clone()
    }

    /// Goes on in the block of a slot, if it has one.
    fn begin(&mut self, slot: u32) {
        let Some(block) = self.active.blocks.get(&slot).copied() else {
            return;
        };
        if self.open {
            self.builder.ins().jump(block, &[]);
        }
        self.go_on(block);
        if let Some(counted) = self.active.counted.get(&slot).cloned() {
            self.turns_at_once(&counted);
        }
    }

    /// A counted loop's jump back goes to a block.
    pub(super) fn turn_back_to(&mut self, counted: &Counted, block: Block) {
        self.active.back.insert(counted.back, block);
    }

    /// Goes on in a block.
    pub(super) fn go_on(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.open = true;
    }

    /// Goes to a block.
    pub(super) fn jump(&mut self, block: Block, args: &[Value]) {
        let args: Vec<ir::BlockArg> = args.iter().map(|value| (*value).into()).collect();
        self.builder.ins().jump(block, &args);
        self.open = false;
    }

    /// Goes to one block or the other, by whether a value is zero.
    pub(super) fn fork(&mut self, condition: Value, then: Block, otherwise: Block) {
        (self.builder.ins()).brif(condition, then, &[], otherwise, &[]);
        self.open = false;
    }

    /// Verification showed that nothing comes here.
    pub(super) fn stop(&mut self) {
        let code = TrapCode::user(1).expect("it is not zero");
        self.builder.ins().trap(code);
        self.open = false;
    }

    pub(super) fn line(&mut self, line: &Line, next: Option<&Line>) {
        match line.op {
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => self.alu(op, width, dst, src),
            Op::Sum { dst, src, imm } => {
                let sum = self.get(src);
                let sum = self.plus(sum, imm);
                self.put(dst, sum, &[src]);
            }
            Op::Neg { width, dst } => self.neg(width, dst),
            Op::MovSx {
                width,
                dst,
                src,
                from,
            } => self.extend(width, dst, src, from),
            Op::Swap { dst, size } => self.swap(dst, size),
            Op::Cut { dst, size } => self.cut(dst, size),
            Op::Constant { dst, value } => {
                let value = self.constant(value);
                self.set(dst, value);
            }
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
            Op::Jump { to } => match self.tail_of(line) {
                Some(tail) => self.copy_tail(tail),
                None => self.jump(self.block(to), &[]),
            },
            Op::Branch { to, .. } => {
                let otherwise = self.builder.create_block();
                let back = self.active.back.get(&line.slot).copied();
                match (back, self.tail_of(line)) {
                    (Some(back), _) => self.choose_way(line, back, otherwise),
                    (None, Some(tail)) => self.turn_at_once(line, tail, otherwise),
                    (None, None) => self.choose_way(line, self.block(to), otherwise),
                }
                self.go_on(otherwise);
            }
            Op::Unless {
                cond,
                width,
                first,
                second,
                dst,
                copied,
                src,
            } => {
                let holds = self.holds(cond, width, first, second);
                self.unless(holds, dst, copied, src);
            }
            Op::CallLeaf { helper } => self.call_leaf(helper),
            Op::CallHelper { helper } => self.call_helper(line.slot, helper),
            Op::ArrayElement { map } => self.array_element(map, next),
            Op::CallMap { operation, map } => self.call_map(operation, map),
            Op::CallFunction { to } => self.call_function(to),
            Op::Loop { to } => self.loop_over(line.slot, to),
            Op::TailCall => self.tail_call(line.slot),
            Op::Exit => self.exit(),
            Op::FarLoad { .. }
            | Op::FarStore { .. }
            | Op::FarAtomic { .. }
            | Op::LoadPacket { .. }
            | Op::ToUser { .. }
            | Op::MayGoto { .. }
            | Op::CallKfunc { .. } => unreachable!("programs with these stay in tier 1"),
            Op::Unreachable => self.stop(),
        }
    }

    pub(super) fn exit(&mut self) {
        let value = self.get(Reg::R0);
        match self.active.returns {
            Some(block) => self.jump(block, &[value]),
            None => self.leave(value),
        }
    }

    /// Returns from the function itself.
    pub(super) fn leave(&mut self, value: Value) {
        self.builder.ins().return_(&[value]);
        self.open = false;
    }

    /// Goes to one block or the other, by a branch's comparison.
    pub(super) fn choose_way(&mut self, line: &Line, then: Block, otherwise: Block) {
        let Op::Branch {
            cond,
            width,
            dst,
            src,
            ..
        } = line.op
        else {
            unreachable!("it is a branch");
        };
        self.cut_chains();
        let condition = match self.active.bounds.get(&line.slot).copied() {
            Some(bound) => {
                let bound = self.reduce(bound, type_of(width));
                let first = self.narrow(dst, width);
                self.compare(cond, first, bound)
            }
            None => self.holds(cond, width, dst, src),
        };
        self.fork(condition, then, otherwise);
    }

    /// The block of a slot that is jumped to.
    pub(super) fn block(&self, slot: u32) -> Block {
        self.active.blocks[&slot]
    }

    /// True if a slot has a block.
    pub(super) fn is_jumped_to(&self, slot: u32) -> bool {
        self.active.blocks.contains_key(&slot)
    }

    /// The next line is done.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// A register's value.
    pub(super) fn get(&mut self, reg: Reg) -> Value {
        self.builder.use_var(self.active.regs[reg.index()])
    }

    /// Gives a register a value that is no chain's end.
    pub(super) fn set(&mut self, reg: Reg, value: Value) {
        self.active.chains[reg.index()] = 0;
        self.builder.def_var(self.active.regs[reg.index()], value);
    }

    /// Gives a register a value computed from others.
    pub(super) fn put(&mut self, reg: Reg, value: Value, from: &[Reg]) {
        let chains = from.iter().map(|from| self.active.chains[from.index()]);
        let chain = chains.max().unwrap_or(0) + 1;
        self.set(reg, value);
        self.active.chains[reg.index()] = chain;
    }

    pub(super) fn number(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(types::I64, value)
    }

    pub(super) fn plus(&mut self, value: Value, distance: i32) -> Value {
        let distance = self.number(distance.into());
        self.builder.ins().iadd(value, distance)
    }

    pub(super) fn address(&mut self, symbol: Symbol) -> Value {
        let address = self.maker.symbols.address(symbol);
        self.number(address as i64)
    }

    fn constant(&mut self, value: Constant) -> Value {
        match value {
            Constant::Number(value) => self.number(value as i64),
            Constant::Map(map) => self.address(Symbol::Map(map)),
            Constant::Value(map, off) => self.address(Symbol::Value(map, off)),
            Constant::Function(_) => unreachable!("programs with these stay in tier 1"),
        }
    }
}

/// A register of the program.
pub(super) fn reg(number: u8) -> Reg {
    Reg::new(number).expect("there are eleven registers")
}
