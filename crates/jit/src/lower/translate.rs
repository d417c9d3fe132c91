//! One operation an instruction, and the refusal of what has no native form.

use std::sync::Arc;

use osmia_isa::{Callee, EndOp, Imm64, Insn, Operand, Reg, Size, decode};
use osmia_program::{Program, ProgramKind};
use osmia_vm::map::Map;

use super::{Base, Constant, Line, Lowered, Op};
use crate::facts::Facts;
use crate::refused::{Refused, Unsupported};

/// The number of `bpf_tail_call`, which is control flow rather than a call.
const TAIL_CALL: i32 = 12;

pub(super) fn translate(
    program: &Arc<Program>,
    maps: &[Arc<Map>],
    facts: &Facts,
) -> Result<Lowered, Refused> {
    let kind = program.hook.kind;
    if matches!(
        kind,
        ProgramKind::Tracing | ProgramKind::Lsm | ProgramKind::StructOps | ProgramKind::Ext
    ) {
        return Err(Refused::new(program, 0, Unsupported::Kind(kind)));
    }
    if let Some(map) = maps.iter().find(|map| !map.is_native()) {
        let what = Unsupported::Map(map.spec().kind);
        return Err(Refused::new(program, 0, what));
    }
    let mut lowered = Lowered {
        program: Arc::clone(program),
        maps: maps.to_vec(),
        functions: vec![0],
        lines: Vec::with_capacity(program.insns.len()),
        context_bytes: facts.context_bytes,
    };
    let mut at = 0;
    while at < program.insns.len() {
        let insn = decode(&program.insns, at).expect("a program's layout is checked");
        let op = if facts.reached[at] {
            let what = operation(at, &insn, maps);
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
    lowered.functions.sort_unstable();
    lowered.functions.dedup();
    Ok(lowered)
}

/// The slot at a distance from the one behind `at`.
fn target(at: usize, distance: i32) -> u32 {
    let slot = at as i64 + 1 + i64::from(distance);
    u32::try_from(slot).expect("a program's layout is checked")
}

/// The operation of an instruction.
fn operation(at: usize, insn: &Insn, maps: &[Arc<Map>]) -> Result<Op, Unsupported> {
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
            value: constant(at, value, maps)?,
        },
        Insn::Load {
            size,
            sign_extend,
            dst,
            base,
            off,
        } => load(size, sign_extend, dst, base, off),
        // Loads are not moved before loads on this machine, nor stores behind stores.
        Insn::LoadAcquire {
            size,
            dst,
            base,
            off,
        } => load(size, false, dst, base, off),
        Insn::Store {
            size,
            base,
            off,
            src,
        } => Op::Store {
            size,
            base,
            off: off.into(),
            src,
        },
        Insn::StoreRelease {
            size,
            base,
            off,
            src,
        } => Op::Store {
            size,
            base,
            off: off.into(),
            src: Operand::Reg(src),
        },
        Insn::Atomic {
            op,
            size,
            base,
            off,
            src,
        } => Op::Atomic {
            op,
            size,
            base,
            off: off.into(),
            src,
        },
        Insn::LoadPacket { .. } => return Err(Unsupported::PacketLoad),
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
        Insn::MayGoto { .. } => return Err(Unsupported::MayGoto),
        Insn::Call(Callee::Helper(TAIL_CALL)) => Op::TailCall,
        Insn::Call(Callee::Helper(id)) => Op::CallHelper {
            helper: u32::try_from(id).map_err(|_| Unsupported::Helper(u32::MAX))?,
        },
        Insn::Call(Callee::Local(distance)) => Op::CallFunction {
            to: target(at, distance),
        },
        Insn::Call(Callee::Kfunc { .. }) => return Err(Unsupported::Kfunc),
        Insn::CallReg(_) => return Err(Unsupported::CallReg),
        Insn::Exit => Op::Exit,
        Insn::AddrSpaceCast { .. } => return Err(Unsupported::Arena),
    })
}

fn load(size: Size, sign_extend: bool, dst: Reg, base: Reg, off: i16) -> Op {
    Op::Load {
        size,
        sign_extend,
        dst,
        base: Base::Reg(base),
        off: off.into(),
    }
}

fn constant(at: usize, value: Imm64, maps: &[Arc<Map>]) -> Result<Constant, Unsupported> {
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
            let inside = map.values().is_some() && off < map.spec().value_size;
            if !inside {
                return Err(Unsupported::Descriptor);
            }
            Constant::Value(position, off)
        }
        Imm64::Func(distance) => Constant::Function(target(at, distance)),
        Imm64::BtfId { .. } => return Err(Unsupported::KernelVariable),
        Imm64::MapFd(_) | Imm64::MapValue { .. } => return Err(Unsupported::Descriptor),
    })
}
