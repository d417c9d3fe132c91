//! One operation an instruction.

use std::sync::Arc;

use osmia_isa::{AluOp, Callee, EndOp, Imm64, Insn, Operand, Reg, Size, Width, decode};
use osmia_program::Program;
use osmia_program::helper::OWN_START;
use osmia_vm::map::Map;
use osmia_vm::{Leaf, NativeHelper};

use super::{Base, Constant, Line, Lowered, Op, Places};
use crate::facts::Facts;
use crate::refused::{Refused, Unsupported};

/// The number of `bpf_tail_call`, which is control flow rather than a call.
const TAIL_CALL: i32 = 12;

pub(super) fn translate(
    program: &Arc<Program>,
    maps: &[Arc<Map>],
    facts: &Facts,
) -> Result<Lowered, Refused> {
    let mut lowered = Lowered {
        program: Arc::clone(program),
        maps: maps.to_vec(),
        functions: vec![0],
        apart: facts.apart.clone(),
        kfuncs: Vec::new(),
        reads_unset_stack: facts.reads_unset_stack,
        lines: Vec::with_capacity(program.insns.len()),
        places: Places::default(),
        context_bytes: facts.context_bytes,
    };
    let mut at = 0;
    while at < program.insns.len() {
        let insn = decode(&program.insns, at).expect("a program's layout is checked");
        let op = if facts.reached[at] {
            let what = lowered.operation(at, &insn, facts);
            what.map_err(|what| Refused::new(program, at, what))?
        } else {
            Op::Unreachable
        };
        match op {
            Op::CallFunction { to }
            | Op::Constant {
                value: Constant::Function(to),
                ..
            } => lowered.functions.push(to),
            _ => {}
        }
        let slot = at as u32;
        lowered.lines.push(Line { slot, op });
        at += insn.slots();
    }
    // An exception's callback may be named by nothing but a tag.
    lowered.functions.extend(&lowered.apart);
    lowered.functions.sort_unstable();
    lowered.functions.dedup();
    lowered.settle();
    lowered.check_tail_calls()?;
    Ok(lowered)
}

impl Lowered {
    /// Behind a call of a function that ended in another program the machine takes that for the running
    /// one.
    fn check_tail_calls(&self) -> Result<(), Refused> {
        let in_function =
            |line: &&Line| matches!(line.op, Op::TailCall) && self.function_of(line.slot) > 0;
        let needs_program = |line: &Line| {
            matches!(
                line.op,
                Op::FarLoad { .. }
                    | Op::FarStore { .. }
                    | Op::FarAtomic { .. }
                    | Op::ToUser { .. }
                    | Op::CallKfunc { .. }
                    | Op::Constant {
                        value: Constant::Function(_),
                        ..
                    }
            )
        };
        match self.lines.iter().find(in_function) {
            Some(line) if self.lines.iter().any(needs_program) => {
                let (slot, what) = (line.slot as usize, Unsupported::TailCall);
                Err(Refused::new(&self.program, slot, what))
            }
            _ => Ok(()),
        }
    }

    /// The operation of an instruction.
    fn operation(&mut self, at: usize, insn: &Insn, facts: &Facts) -> Result<Op, Unsupported> {
        let is_far = facts.far[at];
        Ok(match *insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => Op::Alu {
                op,
                width,
                dst,
                src,
            },
            Insn::Neg { width, dst } => Op::Neg { width, dst },
            Insn::MovSx {
                width,
                dst,
                src,
                from,
            } => Op::MovSx {
                width,
                dst,
                src,
                from,
            },
            // Both machines that code is made for are little-endian.
            Insn::End { op, dst, size } => match op {
                EndOp::ToLe => Op::Cut { dst, size },
                EndOp::ToBe | EndOp::Swap => Op::Swap { dst, size },
            },
            Insn::LoadImm64 { dst, value } => Op::Constant {
                dst,
                value: constant(at, value, &self.maps, facts)?,
            },
            Insn::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => load(is_far, size, sign_extend, dst, base, off),
            // Loads are not moved before loads on this machine, nor stores behind stores.
            Insn::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => load(is_far, size, false, dst, base, off),
            Insn::Store {
                size,
                base,
                off,
                src,
            } => store(is_far, size, base, off, src),
            Insn::StoreRelease {
                size,
                base,
                off,
                src,
            } => store(is_far, size, base, off, Operand::Reg(src)),
            Insn::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => {
                let off = off.into();
                match is_far {
                    true => Op::FarAtomic {
                        op,
                        size,
                        base,
                        off,
                        src,
                    },
                    false => Op::Atomic {
                        op,
                        size,
                        base,
                        off,
                        src,
                    },
                }
            }
            Insn::LoadPacket { size, index, off } => Op::LoadPacket { size, index, off },
            Insn::Jump { off, .. } => Op::Jump {
                to: target(at, off),
            },
            Insn::JumpIf {
                cond,
                width,
                dst,
                src,
                off,
            } => Op::Branch {
                cond,
                width,
                dst,
                src,
                to: target(at, off.into()),
            },
            Insn::MayGoto { off } => Op::MayGoto {
                to: target(at, off.into()),
            },
            Insn::Call(Callee::Helper(TAIL_CALL)) => Op::TailCall,
            Insn::Call(Callee::Helper(id)) => {
                let known = u32::try_from(id).ok();
                // The application's helpers are what a code was prepared with; they never call back.
                let known =
                    known.filter(|id| *id >= OWN_START || NativeHelper::by_id(*id).is_some());
                let helper = known.ok_or(Unsupported::Helper(id as u32))?;
                match Leaf::of_helper(helper) {
                    Some(_) => Op::CallLeaf { helper },
                    None => Op::CallHelper { helper },
                }
            }
            Insn::Call(Callee::Local(distance)) => Op::CallFunction {
                to: target(at, distance),
            },
            Insn::Call(Callee::Kfunc { .. }) => Op::CallKfunc {
                kfunc: self.kfunc(at)?,
            },
            Insn::CallReg(_) => return Err(Unsupported::CallReg),
            Insn::Exit => Op::Exit,
            Insn::AddrSpaceCast { dst, src, to, from } => match (to, from) {
                // A program's pointer is the lower half of the process'.
                (0, 1) => Op::Alu {
                    op: AluOp::Mov,
                    width: Width::W32,
                    dst,
                    src: Operand::Reg(src),
                },
                (1, 0) => Op::ToUser { dst, src },
                _ => return Err(Unsupported::AddressSpace),
            },
        })
    }

    /// The position of the kernel function that is called.
    fn kfunc(&mut self, at: usize) -> Result<u32, Unsupported> {
        let known = self.program.kfunc_at(at).and_then(NativeHelper::kfunc);
        let name = known.ok_or(Unsupported::Kfunc)?.name();
        let position = self.kfuncs.iter().position(|kfunc| *kfunc == name);
        let position = position.unwrap_or_else(|| {
            self.kfuncs.push(name);
            self.kfuncs.len() - 1
        });
        Ok(position as u32)
    }
}

/// The slot at a distance from the one behind `at`.
fn target(at: usize, distance: i32) -> u32 {
    let slot = at as i64 + 1 + i64::from(distance);
    u32::try_from(slot).expect("a program's layout is checked")
}

fn load(is_far: bool, size: Size, sign_extend: bool, dst: Reg, base: Reg, off: i16) -> Op {
    let off = off.into();
    match is_far {
        true => Op::FarLoad {
            size,
            sign_extend,
            dst,
            base,
            off,
        },
        false => Op::Load {
            size,
            sign_extend,
            dst,
            base: Base::Reg(base),
            off,
        },
    }
}

fn store(is_far: bool, size: Size, base: Reg, off: i16, src: Operand) -> Op {
    let off = off.into();
    match is_far {
        true => Op::FarStore {
            size,
            base,
            off,
            src,
        },
        false => Op::Store {
            size,
            base,
            off,
            src,
        },
    }
}

fn constant(
    at: usize,
    value: Imm64,
    maps: &[Arc<Map>],
    facts: &Facts,
) -> Result<Constant, Unsupported> {
    let position = |idx: i32| {
        let position = u32::try_from(idx).unwrap_or(u32::MAX);
        let map = maps.get(position as usize).ok_or(Unsupported::Descriptor)?;
        Ok((position, map))
    };
    Ok(match value {
        Imm64::Value(value) => Constant::Number(value),
        Imm64::MapIdx(idx) => Constant::Map(position(idx)?.0),
        Imm64::MapIdxValue { idx, off } => {
            let (position, map) = position(idx)?;
            if map.arena().is_some() {
                let known = facts.constants.get(&at).copied();
                return known.map(Constant::Number).ok_or(Unsupported::Descriptor);
            }
            let inside = map.values().is_some() && off < map.spec().value_size;
            if !inside {
                return Err(Unsupported::Descriptor);
            }
            Constant::Value(position, off)
        }
        Imm64::Func(distance) => Constant::Function(target(at, distance)),
        Imm64::BtfId { .. } => {
            let known = facts.constants.get(&at).copied();
            Constant::Number(known.ok_or(Unsupported::KernelVariable)?)
        }
        Imm64::MapFd(_) | Imm64::MapValue { .. } => return Err(Unsupported::Descriptor),
    })
}
