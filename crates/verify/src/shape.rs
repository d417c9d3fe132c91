//! The shape of a program: functions, edges, where states are compared, which registers are live.
//!
//! Everything here follows from the instructions alone and is computed once, before exploration.

mod cycles;
mod edges;
pub(crate) mod nest;

use std::collections::HashMap;

use osmia_btf::Body;
use osmia_isa::{AtomicOp, Callee, Imm64, Insn, Operand, Reg, decode};
use osmia_program::kfunc::{self, Kfunc};
use osmia_program::{Errno, Program, Target, helper};

use crate::limits;
use crate::reject::{Check, invalid, reject};

/// A function of the program.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// First slot.
    pub(crate) start: usize,
    /// Slot after the last.
    pub(crate) end: usize,
    /// It may use legacy packet loads, which end a program that fails them.
    pub(crate) has_packet_loads: bool,
    /// It may end in another program.
    pub(crate) has_tail_calls: bool,
    /// It, or a function it calls, may change the packet.
    pub(crate) changes_packet: bool,
    /// It, or a function it calls, may sleep.
    pub(crate) sleeps: bool,
}

/// What is known of an instruction before exploration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    /// States are compared before it.
    pub(crate) prune: bool,
    /// A step of a path's history begins with it.
    pub(crate) jump: bool,
    /// A state is kept here every time.
    pub(crate) checkpoint: bool,
    /// It calls a helper that calls back.
    pub(crate) calls_back: bool,
    /// The cycle of jumps it is on, from 1; 0 if it is on none.
    pub(crate) in_loop: u32,
    /// It is a cycle of its own, and only because it calls back.
    pub(crate) only_calls_back: bool,
    /// It asks an iterator for the next item.
    pub(crate) steps: bool,
    /// Registers whose value may still be read, by number.
    pub(crate) live: u16,
}

/// The shape.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Instructions by slot; `None` for the second half of a long one.
    pub(crate) insns: Vec<Option<Insn>>,
    /// Functions by first slot.
    pub(crate) functions: Vec<Function>,
    /// By slot.
    pub(crate) marks: Vec<Mark>,
    /// The kernel functions called, by slot.
    kfuncs: HashMap<usize, KfuncCall>,
    /// The function that handles exceptions.
    pub(crate) exception_callback: Option<usize>,
    edges: edges::Edges,
}

/// A call of a kernel function.
#[derive(Clone, Copy, Debug)]
struct KfuncCall {
    kfunc: &'static Kfunc,
    /// How many arguments it has.
    params: usize,
}

impl Shape {
    /// Works out the shape of a program.
    ///
    /// # Errors
    /// If functions overlap, an instruction cannot be reached, or there are too many functions.
    pub(crate) fn new(program: &Program, target: &Target) -> Check<Shape> {
        let count = program.insns.len();
        let mut insns = vec![None; count];
        let mut at = 0;
        while at < count {
            let insn = decode(&program.insns, at).expect("a program's layout is checked");
            insns[at] = Some(insn);
            at += insn.slots();
        }
        let handler = exception_handler(program);
        let functions = functions(&insns, handler)?;
        let mut shape = Shape {
            marks: vec![Mark::default(); count],
            kfuncs: kfuncs(program, target),
            insns,
            functions,
            exception_callback: None,
            edges: edges::Edges::default(),
        };
        shape.exception_callback = handler.and_then(|start| shape.function_at(start));
        shape.check_functions()?;
        shape.walk()?;
        shape.find_cycles();
        shape.summarise_calls();
        shape.find_edges();
        shape.find_live_registers();
        Ok(shape)
    }

    /// The function that starts at a slot.
    pub(crate) fn function_at(&self, start: usize) -> Option<usize> {
        self.functions
            .binary_search_by_key(&start, |function| function.start)
            .ok()
    }

    /// The instruction at a slot.
    pub(crate) fn insn(&self, at: usize) -> Insn {
        self.insns[at].expect("jumps land on instructions")
    }

    /// Where execution can go from a slot within its function.
    pub(crate) fn next(&self, at: usize) -> ([usize; 2], usize) {
        let insn = self.insn(at);
        let after = at + insn.slots();
        let target = || insn.target(at).expect("a jump has a target") as usize;
        match insn {
            Insn::Exit => ([0, 0], 0),
            Insn::Jump { .. } => ([target(), 0], 1),
            Insn::JumpIf { .. } | Insn::MayGoto { .. } => ([after, target()], 2),
            _ => ([after, 0], 1),
        }
    }

    /// Jumps stay inside their function, and functions do not run into each other.
    fn check_functions(&self) -> Check {
        for function in &self.functions {
            for at in function.start..function.end {
                let Some(insn) = self.insns[at] else { continue };
                let jumps = matches!(
                    insn,
                    Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. }
                );
                if jumps {
                    let target = insn.target(at).unwrap_or_default();
                    let inside = (function.start as i64..function.end as i64).contains(&target);
                    if !inside {
                        return invalid(
                            at,
                            format!("jump out of range from insn {at} to {target}"),
                        );
                    }
                }
                let last = at + insn.slots() == function.end;
                if last && !matches!(insn, Insn::Exit | Insn::Jump { .. }) {
                    return invalid(at, "last insn is not an exit or jmp");
                }
            }
        }
        Ok(())
    }

    /// Walks every edge once: marks where states are compared, and finds what cannot be reached.
    fn walk(&mut self) -> Check {
        let mut seen = vec![false; self.insns.len()];
        let mut stack: Vec<usize> = Vec::new();
        for function in 0..self.functions.len() {
            let start = self.functions[function].start;
            // A function nobody calls can still be the target of a function address; one that is
            // neither has been found unreachable by then.
            stack.push(start);
            seen[start] = true;
        }
        while let Some(at) = stack.pop() {
            self.mark_edges(at);
            let (next, count) = self.next(at);
            for &to in &next[..count] {
                if !seen[to] {
                    seen[to] = true;
                    stack.push(to);
                }
            }
        }
        let unreachable = (0..self.insns.len()).find(|&at| self.insns[at].is_some() && !seen[at]);
        match unreachable {
            Some(at) => invalid(at, format!("unreachable insn {at}")),
            None => Ok(()),
        }
    }

    fn mark_edges(&mut self, at: usize) {
        let insn = self.insn(at);
        match insn {
            Insn::Jump { .. } => {
                let target = insn.target(at).unwrap_or_default() as usize;
                self.marks[target].prune = true;
                self.marks[target].jump = true;
            }
            Insn::JumpIf { .. } | Insn::MayGoto { .. } => {
                let target = insn.target(at).unwrap_or_default() as usize;
                self.marks[at].prune = true;
                self.marks[target].prune = true;
                self.marks[target].jump = true;
                self.marks[at].checkpoint |= matches!(insn, Insn::MayGoto { .. });
            }
            Insn::Call(callee) => {
                self.mark_after(at);
                match callee {
                    Callee::Local(_) => self.mark_entry(at),
                    Callee::Helper(id) if calls_back(id) => {
                        let mark = &mut self.marks[at];
                        (mark.prune, mark.jump) = (true, true);
                        (mark.checkpoint, mark.calls_back) = (true, true);
                    }
                    Callee::Helper(TIMER_SET_CALLBACK) => self.marks[at].prune = true,
                    Callee::Kfunc { .. } => self.mark_kfunc(at),
                    Callee::Helper(_) => {}
                }
            }
            Insn::LoadImm64 {
                value: Imm64::Func(_),
                ..
            } => {
                self.mark_after(at);
                self.mark_entry(at);
            }
            _ => {}
        }
    }

    /// A function may return behind this instruction.
    fn mark_after(&mut self, at: usize) {
        let after = at + self.insn(at).slots();
        if let Some(mark) = self.marks.get_mut(after) {
            (mark.prune, mark.jump) = (true, true);
        }
    }

    fn mark_kfunc(&mut self, at: usize) {
        let Some(KfuncCall { kfunc, .. }) = self.kfuncs.get(&at) else {
            return;
        };
        let mark = &mut self.marks[at];
        match kfunc.name {
            "bpf_rbtree_add_impl" => {
                (mark.prune, mark.jump) = (true, true);
                (mark.checkpoint, mark.calls_back) = (true, true);
            }
            "bpf_wq_set_callback_impl"
            | "bpf_task_work_schedule_signal_impl"
            | "bpf_task_work_schedule_resume_impl" => mark.prune = true,
            _ if kfunc.has(Kfunc::STEPS) => {
                (mark.prune, mark.checkpoint, mark.steps) = (true, true, true);
            }
            _ => {}
        }
    }

    /// A function is entered from here, now or later.
    fn mark_entry(&mut self, at: usize) {
        let target = self.insn(at).target(at).unwrap_or_default() as usize;
        self.marks[at].prune = true;
        self.marks[target].prune = true;
        self.marks[target].jump = true;
    }

    /// What functions do, and with them those that call them.
    fn summarise_calls(&mut self) {
        let mut calls = Vec::new();
        for index in 0..self.functions.len() {
            let (start, end) = (self.functions[index].start, self.functions[index].end);
            for at in start..end {
                let function = &mut self.functions[index];
                match self.insns[at] {
                    Some(Insn::LoadPacket { .. }) => function.has_packet_loads = true,
                    Some(Insn::Call(Callee::Helper(TAIL_CALL))) => function.has_tail_calls = true,
                    Some(Insn::Call(Callee::Helper(id))) => {
                        let known = u32::try_from(id).ok().and_then(helper::by_id);
                        function.changes_packet |= known.is_some_and(|known| known.moves_packet);
                        function.sleeps |= known.is_some_and(|known| known.sleeps);
                    }
                    Some(Insn::Call(Callee::Kfunc { .. })) => {
                        if let Some(KfuncCall { kfunc, .. }) = self.kfuncs.get(&at) {
                            function.changes_packet |= kfunc.name == "bpf_xdp_pull_data";
                            function.sleeps |= kfunc.has(Kfunc::SLEEPS);
                        }
                    }
                    Some(insn @ Insn::Call(Callee::Local(_))) => {
                        let target = insn.target(at).unwrap_or_default() as usize;
                        calls.push((index, target));
                    }
                    _ => {}
                }
            }
        }
        // As often as a chain of calls can be long.
        for _ in 0..self.functions.len() {
            let mut changed = false;
            for &(caller, target) in &calls {
                let Some(callee) = self.function_at(target) else {
                    continue;
                };
                let (moves, sleeps) = {
                    let callee = &self.functions[callee];
                    (callee.changes_packet, callee.sleeps)
                };
                let caller = &mut self.functions[caller];
                changed |= (moves && !caller.changes_packet) || (sleeps && !caller.sleeps);
                caller.changes_packet |= moves;
                caller.sleeps |= sleeps;
            }
            if !changed {
                break;
            }
        }
    }
}

/// The kernel functions that a program calls.
fn kfuncs(program: &Program, target: &Target) -> HashMap<usize, KfuncCall> {
    let params = |name: &str| {
        let btf = target.btf.as_ref()?;
        let proto = crate::kernel::prototype(btf, name)?;
        match btf.type_at(proto).body() {
            Body::FuncProto(proto) => Some(proto.params().len()),
            _ => None,
        }
    };
    let calls = program.kfuncs.iter().filter_map(|call| {
        let kfunc = kfunc::by_name(&call.name)?;
        let params = params(kfunc.name).unwrap_or(5);
        Some((call.insn as usize, KfuncCall { kfunc, params }))
    });
    calls.collect()
}

/// Where the function starts that handles exceptions, by a tag on the entry.
fn exception_handler(program: &Program) -> Option<usize> {
    let debug = program.debug.as_ref()?;
    let entry = debug.funcs.iter().find(|record| record.insn == 0)?;
    let tags = debug.btf.decl_tags(entry.type_id, None);
    let name = tags
        .iter()
        .find_map(|tag| tag.strip_prefix("exception_callback:"))?;
    let function = program.functions.iter().find(|known| known.name == name)?;
    Some(function.start as usize)
}

/// `bpf_tail_call`
pub(crate) const TAIL_CALL: i32 = 12;
/// `bpf_timer_set_callback`
const TIMER_SET_CALLBACK: i32 = 170;

/// True for helpers that call a function of the program before they return.
pub(crate) fn calls_back(id: i32) -> bool {
    const FOR_EACH_MAP_ELEM: i32 = 164;
    const FIND_VMA: i32 = 180;
    const LOOP: i32 = 181;
    const USER_RINGBUF_DRAIN: i32 = 209;
    matches!(id, FOR_EACH_MAP_ELEM | FIND_VMA | LOOP | USER_RINGBUF_DRAIN)
}

fn functions(insns: &[Option<Insn>], handler: Option<usize>) -> Check<Vec<Function>> {
    let mut starts = vec![0];
    starts.extend(handler);
    for (at, insn) in insns.iter().enumerate() {
        if let Some(
            insn @ (Insn::Call(Callee::Local(_))
            | Insn::LoadImm64 {
                value: Imm64::Func(_),
                ..
            }),
        ) = insn
        {
            starts.push(insn.target(at).unwrap_or_default() as usize);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    if starts.len() > limits::FUNCTIONS_MAX {
        return reject(None, "too many subprograms", Errno::E2BIG);
    }
    let ends = starts.iter().skip(1).copied().chain([insns.len()]);
    let functions = starts.iter().zip(ends).map(|(&start, end)| Function {
        start,
        end,
        has_packet_loads: false,
        has_tail_calls: false,
        changes_packet: false,
        sleeps: false,
    });
    Ok(functions.collect())
}

/// The registers an instruction reads and those it writes, as sets of bits.
pub(crate) fn registers(insn: &Insn) -> (u16, u16) {
    let bit = |reg: Reg| 1_u16 << reg.number();
    let operand = |src: Operand| match src {
        Operand::Reg(reg) => bit(reg),
        Operand::Imm(_) => 0,
    };
    const R0: u16 = 1;
    const ARGUMENTS: u16 = 0x3e;
    const CALLER_SAVED: u16 = 0x3f;
    match *insn {
        Insn::Alu { op, dst, src, .. } => {
            let reads = if op == osmia_isa::AluOp::Mov {
                0
            } else {
                bit(dst)
            };
            (reads | operand(src), bit(dst))
        }
        Insn::Neg { dst, .. } | Insn::End { dst, .. } => (bit(dst), bit(dst)),
        Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => (bit(src), bit(dst)),
        Insn::LoadImm64 { dst, .. } => (0, bit(dst)),
        Insn::Load { dst, base, .. } | Insn::LoadAcquire { dst, base, .. } => (bit(base), bit(dst)),
        Insn::Store { base, src, .. } => (bit(base) | operand(src), 0),
        Insn::StoreRelease { base, src, .. } => (bit(base) | bit(src), 0),
        Insn::Atomic { op, base, src, .. } => match op {
            AtomicOp::Cmpxchg => (bit(base) | bit(src) | R0, R0),
            AtomicOp::Add { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::And { fetch: true }
            | AtomicOp::Xor { fetch: true }
            | AtomicOp::Xchg => (bit(base) | bit(src), bit(src)),
            _ => (bit(base) | bit(src), 0),
        },
        // The context has to be in r6.
        Insn::LoadPacket { index, .. } => (index.map_or(0, bit) | 1 << 6, CALLER_SAVED),
        Insn::Jump { .. } | Insn::MayGoto { .. } => (0, 0),
        Insn::JumpIf { dst, src, .. } => (bit(dst) | operand(src), 0),
        Insn::Call(Callee::Helper(id)) => {
            let known = u32::try_from(id).ok().and_then(helper::by_id);
            let arguments = known.map_or(5, |known| known.prototype.args.len());
            (((1 << (arguments + 1)) - 1) & ARGUMENTS, CALLER_SAVED)
        }
        Insn::Call(_) | Insn::CallReg(_) => (ARGUMENTS, CALLER_SAVED),
        Insn::Exit => (R0, 0),
    }
}
