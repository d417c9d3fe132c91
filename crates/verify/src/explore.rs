//! Exploration: every path through a program, one instruction at a time.
//!
//! Depth first, the branch that falls through before the one that jumps, in Linux's order, since how
//! many instructions are visited decides verdicts. States are kept at the marks of [`Shape`]; a path
//! ends where a kept state already covers it. This file holds the walk; what instructions do to a
//! state is in the files beside it.

use std::collections::HashMap;

use osmia_btf::{Body, TypeId};
use osmia_isa::{Callee, Imm64, Insn, Operand, Reg as RegName};
use osmia_program::{Errno, MapSpec, Program, Target};

use crate::Options;
use crate::limits;
use crate::liveness::Liveness;
use crate::precision::{self, Wanted};
use crate::prune::{self, Alike};
use crate::reg::{Reg, What};
use crate::reject::{Check, denied, invalid, reject};
use crate::shape::Shape;
use crate::stack::Slot;
use crate::state::{Frame, Linked, State, StateId, Step};

/// A kept state and how useful it has been.
#[derive(Debug)]
struct Kept {
    state: StateId,
    hits: u32,
    misses: u32,
}

/// A branch that waits to be explored.
#[derive(Debug)]
struct Waiting {
    state: State,
    at: usize,
    before: usize,
}

/// What exploration counted.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Instructions visited, again and again.
    pub insns: usize,
    /// States kept.
    pub states: usize,
    /// Most states kept for one instruction.
    pub states_at_one: usize,
}

/// What happens after an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The one after it.
    Through,
    /// Another.
    To(usize),
    /// The path ends.
    End,
}

/// The exploration of one program.
pub(crate) struct Explorer<'a> {
    pub(crate) program: &'a Program,
    /// Those of the program, in its order, then what maps of maps hold.
    pub(crate) maps: Vec<MapSpec>,
    /// The position of what a map of maps holds.
    pub(crate) inner_maps: HashMap<u16, u16>,
    /// How many are the program's.
    own_maps: usize,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
    pub(crate) shape: Shape,
    pub(crate) state: State,
    pub(crate) liveness: Liveness,
    /// Names of kernel structures, by the number that registers carry.
    pub(crate) type_names: Vec<String>,
    /// The instruction being looked at.
    pub(crate) at: usize,
    /// The one before it on this path.
    pub(crate) before: usize,
    states: Vec<Option<Box<State>>>,
    free: Vec<StateId>,
    kept: HashMap<usize, Vec<Kept>>,
    waiting: Vec<Waiting>,
    ids: u32,
    pub(crate) stats: Stats,
    jumps: usize,
    jumps_at_last_state: usize,
    insns_at_last_state: usize,
    /// True once a step of history was noted for this instruction.
    noted: bool,
    /// Deepest use of the stack by function, in bytes.
    pub(crate) stack_bytes: Vec<u32>,
    /// What kinds of pointers an instruction has been used with; they must not be mixed.
    pub(crate) context_access: HashMap<usize, bool>,
    /// Functions to verify on their own, in the order they were called.
    pub(crate) wanted_functions: Vec<usize>,
    /// The function being verified on its own, if it is not the entry.
    pub(crate) root: usize,
}

impl<'a> Explorer<'a> {
    pub(crate) fn new(
        program: &'a Program,
        maps: &'a [MapSpec],
        target: &'a Target,
        options: &'a Options,
    ) -> Check<Self> {
        let shape = Shape::new(program)?;
        let (mut all, mut inner_maps) = (maps.to_vec(), HashMap::new());
        for (position, map) in maps.iter().enumerate() {
            if let Some(inner) = &map.inner {
                inner_maps.insert(position as u16, all.len() as u16);
                all.push((**inner).clone());
            }
        }
        let functions = shape.functions.len();
        Ok(Self {
            program,
            own_maps: maps.len(),
            maps: all,
            inner_maps,
            target,
            options,
            shape,
            state: State::new(0, 0, 0),
            liveness: Liveness::default(),
            type_names: Vec::new(),
            at: 0,
            before: 0,
            states: Vec::new(),
            free: Vec::new(),
            kept: HashMap::new(),
            waiting: Vec::new(),
            ids: 0,
            stats: Stats::default(),
            jumps: 0,
            jumps_at_last_state: 0,
            insns_at_last_state: 0,
            noted: false,
            stack_bytes: vec![0; functions],
            context_access: HashMap::new(),
            wanted_functions: Vec::new(),
            root: 0,
        })
    }

    /// A number nobody has as an id yet.
    pub(crate) fn fresh_id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    /// Explores a function from its start with these arguments.
    pub(crate) fn explore(&mut self, function: usize, arguments: &[(RegName, Reg)]) -> Check {
        let start = self.shape.functions[function].start;
        self.root = function;
        let instance = self.liveness.instance(None, None, function);
        self.state = State::new(function, instance, start);
        for (name, reg) in arguments {
            *self.state.reg_mut(*name) = *reg;
        }
        // What was kept for another function began with other arguments.
        self.kept.clear();
        self.states.clear();
        self.free.clear();
        (self.at, self.before) = (start, start);
        (self.jumps, self.jumps_at_last_state) = (0, 0);
        (self.insns_at_last_state, self.waiting) = (self.stats.insns, Vec::new());
        loop {
            if self.step()? {
                continue;
            }
            self.finish_path();
            let Some(next) = self.waiting.pop() else {
                return Ok(());
            };
            self.state = next.state;
            (self.at, self.before) = (next.at, next.before);
        }
    }

    /// Looks at one instruction; false if the path ends.
    fn step(&mut self) -> Check<bool> {
        self.stats.insns += 1;
        if self.stats.insns > limits::INSNS_VISITED_MAX {
            return reject(
                Some(self.at),
                format!(
                    "BPF program is too large. Processed {} insn",
                    self.stats.insns
                ),
                Errno::E2BIG,
            );
        }
        self.noted = false;
        self.state.last = self.before;
        let mark = self.shape.marks[self.at];
        if mark.prune && self.is_covered()? {
            return Ok(false);
        }
        if mark.jump {
            self.note(None, Vec::new());
        }
        let insn = self.shape.insn(self.at);
        let instance = self.state.frame().instance;
        let next = self.check(&insn)?;
        let stores = matches!(insn, Insn::Store { .. } | Insn::StoreRelease { .. });
        self.liveness.commit(&self.shape, instance, self.at, stores);
        let at = self.at;
        self.before = at;
        match next {
            Next::Through => self.at = at + insn.slots(),
            Next::To(target) => self.at = target,
            Next::End => return Ok(false),
        }
        Ok(true)
    }

    /// Adds a step to the path's history, or to the step of this instruction.
    pub(crate) fn note(&mut self, stack: Option<(u8, u8)>, linked: Vec<Linked>) {
        if self.noted {
            let step = self.state.history.last_mut().expect("it was noted");
            step.stack = step.stack.or(stack);
            if step.linked.is_empty() {
                step.linked = linked;
            }
            return;
        }
        self.noted = true;
        self.state.history.push(Step {
            at: self.at,
            before: self.before,
            stack,
            linked,
        });
    }

    /// Puts a branch aside; the caller changes its state.
    pub(crate) fn fork(&mut self, at: usize) -> Check<&mut State> {
        if self.waiting.len() >= limits::BRANCHES_WAITING_MAX {
            return reject(
                Some(self.at),
                format!(
                    "The sequence of {} jumps is too complex.",
                    self.waiting.len()
                ),
                Errno::E2BIG,
            );
        }
        if let Some(parent) = self.state.parent {
            self.kept_state(parent).branches += 1;
        }
        let mut state = self.state.clone();
        state.branches = 1;
        self.waiting.push(Waiting {
            state,
            at,
            before: self.at,
        });
        Ok(&mut self.waiting.last_mut().expect("just pushed").state)
    }

    /// The state that goes on and the one just put aside.
    pub(crate) fn both_ways(&mut self) -> (&mut State, &mut State) {
        let waiting = self.waiting.last_mut().expect("a branch was put aside");
        (&mut self.state, &mut waiting.state)
    }

    /// The kept state of this instruction on this path, the latest.
    pub(crate) fn earlier_state_here(&self) -> Option<State> {
        self.earlier_state_at(self.at)
    }

    /// The kept state of an instruction on this path, the latest.
    pub(crate) fn earlier_state_at(&self, at: usize) -> Option<State> {
        let mut id = self.state.parent;
        while let Some(parent) = id {
            let state = self.states[parent].as_deref().expect("a parent is kept");
            if state.reached == at && state.frames.len() == self.state.frames.len() {
                return Some(state.clone());
            }
            id = state.parent;
        }
        None
    }

    fn kept_state(&mut self, id: StateId) -> &mut State {
        self.states[id].as_deref_mut().expect("a parent is kept")
    }

    /// One path less from each state it came from.
    fn finish_path(&mut self) {
        let mut parent = self.state.parent;
        while let Some(id) = parent {
            let state = self.kept_state(id);
            state.branches -= 1;
            if state.branches > 0 {
                break;
            }
            parent = state.parent;
        }
    }

    /// Forgets of a state that was explored to its end what nobody will read.
    fn clean(&mut self, id: StateId) {
        let state = self.states[id].as_deref().expect("a parent is kept");
        if state.cleaned || state.branches > 0 {
            return;
        }
        self.liveness.update(&self.shape);
        let live: Vec<(u16, u64)> = (0..state.frames.len())
            .map(|number| {
                let regs = self.live_registers(state, number, state.reached);
                let slots = self
                    .liveness
                    .live(&self.shape, state, state.reached, number);
                (regs, slots)
            })
            .collect();
        let state = self.kept_state(id);
        state.cleaned = true;
        for (frame, (regs, slots)) in state.frames.iter_mut().zip(live) {
            for (number, reg) in frame.regs.iter_mut().enumerate().take(10) {
                if regs & 1 << number == 0 {
                    *reg = Reg::UNSET;
                }
            }
            for (number, slot) in frame.stack.slots_mut().iter_mut().enumerate() {
                if slots & 1 << number == 0 {
                    *slot = Slot::EMPTY;
                }
            }
        }
    }

    /// Registers of a frame that may still be read, the state being at `at`.
    fn live_registers(&self, state: &State, number: usize, at: usize) -> u16 {
        if number == state.top() {
            return self.shape.marks[at].live;
        }
        let call = state.frames[number + 1].callsite.unwrap_or_default();
        self.shape.marks[call].live
    }

    /// True if a kept state covers this one; else keeps this one, if it is time to.
    fn is_covered(&mut self) -> Check<bool> {
        let at = self.at;
        let mark = self.shape.marks[at];
        let forced = mark.checkpoint || self.state.history.len() > 40;
        let mut keep = forced
            || (self.jumps - self.jumps_at_last_state >= 2
                && self.stats.insns - self.insns_at_last_state >= 8)
            || self.options.keep_every_state;
        let insn = self.shape.insn(at);
        let mut position = 0;
        let mut list = self.kept.remove(&at).unwrap_or_default();
        let mut hit = None;
        while position < list.len() {
            let id = list[position].state;
            self.clean(id);
            let old = self.states[id].as_deref().expect("listed states are kept");
            let live = |number: usize, _: &Frame| self.live_registers(&self.state, number, at);
            if old.branches > 0 {
                // An ancestor: this path came by here before.
                let alike = match insn {
                    Insn::MayGoto { .. } if old.may_goto_depth != self.state.may_goto_depth => {
                        Some(Alike::InRange)
                    }
                    Insn::Call(_) if mark.calls_back => Some(Alike::InRange),
                    _ => None,
                };
                let same = |alike| prune::covers(old, &self.state, alike, live);
                if alike.is_some_and(same) {
                    hit = Some(position);
                    break;
                }
                let unlike_depth = old.may_goto_depth != self.state.may_goto_depth
                    || old.callback_unroll_depth != self.state.callback_unroll_depth;
                if alike.is_none() && !unlike_depth && same(Alike::Exactly) {
                    self.kept.insert(at, list);
                    return invalid(at, format!("infinite loop detected at insn {at}"));
                }
                // In a loop, states that differ from turn to turn are not worth keeping often.
                if !forced
                    && !self.options.keep_every_state
                    && self.jumps - self.jumps_at_last_state < 20
                    && self.stats.insns - self.insns_at_last_state < 100
                {
                    keep = false;
                }
            } else if prune::covers(old, &self.state, Alike::WhereItMatters, live) {
                hit = Some(position);
                break;
            }
            // Not this one.
            if keep {
                list[position].misses += 1;
            }
            let patience = if mark.checkpoint && old.branches > 0 {
                64
            } else {
                3
            };
            let kept = &list[position];
            if kept.misses > kept.hits * patience + patience {
                list.remove(position);
                continue;
            }
            position += 1;
        }
        if let Some(position) = hit {
            list[position].hits += 1;
            let id = list[position].state;
            self.kept.insert(at, list);
            self.take_over_precision(id, mark.jump);
            return Ok(true);
        }
        if keep {
            let id = self.keep_state();
            list.insert(
                0,
                Kept {
                    state: id,
                    hits: 0,
                    misses: 0,
                },
            );
            self.stats.states_at_one = self.stats.states_at_one.max(list.len());
        }
        self.kept.insert(at, list);
        Ok(false)
    }

    /// Keeps the state and goes on from it.
    fn keep_state(&mut self) -> StateId {
        prune::drop_single_ids(&mut self.state);
        let mut kept = Box::new(self.state.clone());
        kept.branches = 1;
        kept.reached = self.at;
        let id = match self.free.pop() {
            Some(id) => {
                self.states[id] = Some(kept);
                id
            }
            None => {
                self.states.push(Some(kept));
                self.states.len() - 1
            }
        };
        self.stats.states += 1;
        self.state.parent = Some(id);
        self.state.first = self.at;
        self.state.history.clear();
        self.state.depth += 1;
        self.noted = false;
        self.jumps_at_last_state = self.jumps;
        self.insns_at_last_state = self.stats.insns;
        id
    }

    /// What mattered from the kept state on matters for the path that led here, too.
    fn take_over_precision(&mut self, id: StateId, jump: bool) {
        if jump {
            self.note(None, Vec::new());
        }
        let old = self.states[id].as_deref().expect("listed states are kept");
        let mut wanted = Wanted::from_frame(self.state.top());
        for (number, frame) in old.frames.iter().enumerate() {
            for (reg, value) in frame.regs.iter().enumerate() {
                if value.is_number() && value.precise {
                    wanted.want_reg(number, reg);
                }
            }
            for (index, slot) in frame.stack.slots().iter().enumerate() {
                if slot.holds_number() && slot.spilled.precise {
                    wanted.want_slot(number, index);
                }
            }
        }
        precision::follow(&self.shape, &mut self.states, &self.state, self.at, wanted);
    }

    /// The number in a register decides something: marks where it came from.
    pub(crate) fn want(&mut self, name: RegName) {
        let frame = self.state.top();
        if !self.state.reg(name).is_number() {
            return;
        }
        let mut wanted = Wanted::from_frame(frame);
        wanted.want_reg(frame, name.index());
        precision::follow(&self.shape, &mut self.states, &self.state, self.at, wanted);
    }

    /// The number spilled in a slot decides something.
    pub(crate) fn want_slot(&mut self, frame: usize, slot: usize) {
        let mut wanted = Wanted::from_frame(self.state.top());
        wanted.want_slot(frame, slot);
        precision::follow(&self.shape, &mut self.states, &self.state, self.at, wanted);
    }

    /// A register that the instruction reads.
    pub(crate) fn read(&mut self, name: RegName) -> Check<Reg> {
        let reg = *self.state.reg(name);
        if reg.what == What::Unset {
            return denied(self.at, format!("R{} !read_ok", name.number()));
        }
        Ok(reg)
    }

    /// True if a number computed from this value would tell an address to those who may not know it.
    pub(crate) fn would_leak(&self, reg: &Reg) -> bool {
        reg.is_pointer() && !self.options.leak_pointers
    }

    /// A register that the instruction writes.
    pub(crate) fn write(&mut self, name: RegName, value: Reg) -> Check {
        if name == RegName::R10 {
            return denied(self.at, "frame pointer is read only");
        }
        *self.state.reg_mut(name) = value;
        Ok(())
    }

    /// Checks an instruction and applies it to the state.
    fn check(&mut self, insn: &Insn) -> Check<Next> {
        match *insn {
            Insn::Alu { .. } | Insn::Neg { .. } | Insn::MovSx { .. } | Insn::End { .. } => {
                self.arithmetic(insn)?;
            }
            Insn::LoadImm64 { dst, value } => self.load_imm64(dst, value)?,
            Insn::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => self.load(dst, base, off, size, sign_extend)?,
            Insn::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => {
                self.check_atomic_place(base, off, size)?;
                self.load(dst, base, off, size, false)?;
            }
            Insn::Store {
                size,
                base,
                off,
                src,
            } => self.store(base, off, size, src)?,
            Insn::StoreRelease {
                size,
                base,
                off,
                src,
            } => {
                self.check_atomic_place(base, off, size)?;
                self.store(base, off, size, Operand::Reg(src))?;
            }
            Insn::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => self.atomic(op, size, base, off, src)?,
            Insn::LoadPacket { index, .. } => self.load_packet(index)?,
            Insn::Jump { .. } => {
                self.jumps += 1;
                let target = insn.target(self.at).unwrap_or_default();
                return Ok(Next::To(target as usize));
            }
            Insn::JumpIf {
                cond,
                width,
                dst,
                src,
                ..
            } => {
                self.jumps += 1;
                let target = insn.target(self.at).unwrap_or_default() as usize;
                return self.branch(cond, width, dst, src, target);
            }
            Insn::MayGoto { .. } => {
                self.jumps += 1;
                let target = insn.target(self.at).unwrap_or_default() as usize;
                return self.may_goto(target);
            }
            Insn::Call(callee) => {
                self.jumps += 1;
                return match callee {
                    Callee::Helper(id) => self.call_helper(id),
                    Callee::Local(_) => {
                        let target = insn.target(self.at).unwrap_or_default() as usize;
                        self.call_function(target)
                    }
                    Callee::Kfunc { id, .. } => self.call_kfunc(id),
                };
            }
            Insn::CallReg(_) => return invalid(self.at, "unknown opcode 8d"),
            Insn::Exit => {
                self.jumps += 1;
                return self.exit();
            }
            Insn::AddrSpaceCast { .. } => {
                return invalid(
                    self.at,
                    "addr_space_cast insn can only be used in a program that has an associated arena",
                );
            }
        }
        Ok(Next::Through)
    }

    fn load_imm64(&mut self, dst: RegName, value: Imm64) -> Check {
        let reg = match value {
            Imm64::Value(value) => Reg::constant(value),
            Imm64::MapIdx(index) => {
                let map = self.map_position(index)?;
                Reg::pointer(What::Map(map))
            }
            Imm64::MapIdxValue { idx, off } => {
                let map = self.map_position(idx)?;
                let spec = &self.maps[usize::from(map)];
                if off >= spec.value_size {
                    return invalid(
                        self.at,
                        format!(
                            "invalid access to map value pointer, value_size={} off={off}",
                            spec.value_size
                        ),
                    );
                }
                Reg {
                    off: off as i32,
                    ..Reg::pointer(What::MapValue { map, inner: 0 })
                }
            }
            Imm64::Func(_) => {
                let insn = self.shape.insn(self.at);
                let target = insn.target(self.at).unwrap_or_default() as usize;
                let function = self.shape.function_at(target).unwrap_or_default();
                Reg::pointer(What::Function(function as u16))
            }
            Imm64::MapFd(_) | Imm64::MapValue { .. } => {
                return reject(
                    Some(self.at),
                    "fd is not pointing to valid bpf_map",
                    Errno::EBADF,
                );
            }
            Imm64::BtfId { id, .. } => self.kernel_variable(id)?,
        };
        self.write(dst, reg)
    }

    fn map_position(&self, index: i32) -> Check<u16> {
        match u16::try_from(index) {
            Ok(map) if usize::from(map) < self.own_maps => Ok(map),
            _ => reject(
                Some(self.at),
                "fd is not pointing to valid bpf_map",
                Errno::EBADF,
            ),
        }
    }

    fn kernel_variable(&mut self, id: i32) -> Check<Reg> {
        let Some(btf) = self.target.btf.clone() else {
            return invalid(
                self.at,
                "kernel is missing BTF, make sure CONFIG_DEBUG_INFO_BTF=y is specified in Kconfig.",
            );
        };
        let id = TypeId(id as u32);
        if id.0 >= btf.type_count() {
            return invalid(
                self.at,
                format!("ldimm64 insn specifies invalid btf_id {}.", id.0),
            );
        }
        let name = match btf.type_at(id).body() {
            Body::Var(variable) => btf.resolve(variable.ty).name().to_owned(),
            _ => String::new(),
        };
        let type_id = self.type_number(&name);
        Ok(Reg::pointer(What::Kernel { type_id }))
    }
}
