//! The interpreter: one loop over operations, every access checked.
//!
//! Registers start as zero, except the arguments and the frame pointer. Instructions are counted at
//! jumps that are taken, so a straight run may end a little after the budget, never much.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::fence;

use osmia_program::limits::CALL_FRAMES_MAX;

use crate::checked::Checked;
use crate::code::{self, Code, Unusable};
use crate::context;
use crate::guest::{Call, Fault};
use crate::limits::MAY_GOTO_BUDGET;
use crate::memory::Cell;
use crate::op::{Op, Rmw};
use crate::trap::{Access, Cause, Target, Trap};
use crate::world::World;

/// Calls a function of the program in a new frame.
pub(crate) fn call(
    memory: &mut Checked,
    world: &mut World,
    code: &Arc<Code>,
    entry: usize,
    args: [u64; 5],
) -> Result<u64, Box<Trap>> {
    if memory.depth == CALL_FRAMES_MAX {
        return Err(trap(code, entry, Cause::CallDepth));
    }
    // Jumps watch the budget; calls and callbacks without any are watched here.
    if memory.left == 0 {
        match memory.go_on(world, 1) {
            Ok(more) => memory.left = more,
            Err(cause) => return Err(trap(code, entry, cause)),
        }
    }
    memory.depth += 1;
    memory.depth_max = memory.depth_max.max(memory.depth);
    let result = run(memory, world, code, entry, args);
    memory.depth -= 1;
    result
}

/// Ends a program that threw an exception: its exception callback decides what it returns, or it
/// returns what was thrown.
pub(crate) fn unwind(
    memory: &mut Checked,
    world: &mut World,
    code: &Arc<Code>,
    cookie: u64,
) -> Result<u64, Box<Trap>> {
    // A tail call may have gone to another program, whose callback it is then.
    let code = memory.code().unwrap_or_else(|| Arc::clone(code));
    memory.depth = 0;
    match code.exception_callback {
        Some(entry) => call(memory, world, &code, entry as usize, [cookie, 0, 0, 0, 0]),
        None => Ok(cookie),
    }
}

#[cold]
#[inline(never)]
fn trap(code: &Code, op: usize, cause: Cause) -> Box<Trap> {
    Box::new(Trap {
        program: Arc::clone(code.program()),
        slot: code.slot(op),
        cause,
    })
}

/// The trap of a denied access.
#[cold]
#[inline(never)]
fn denied(
    memory: &Checked,
    world: &World,
    code: &Code,
    op: usize,
    address: u64,
    bytes: u64,
    write: bool,
) -> Box<Trap> {
    if let Some(cause) = context::denial(world, address, bytes as u32, write) {
        return trap(code, op, cause);
    }
    trap(code, op, access(memory, world, address, bytes, write, None))
}

fn access(
    memory: &Checked,
    world: &World,
    address: u64,
    bytes: u64,
    write: bool,
    helper: Option<(&'static str, usize)>,
) -> Cause {
    let target = memory.target(address, bytes, world);
    let null_from = match target {
        Target::Null { .. } => memory.null_from,
        _ => None,
    };
    Cause::Access(Access {
        bytes,
        write,
        target,
        helper,
        null_from,
    })
}

/// What a typed pointer of the kernel gives that leads nowhere.
#[cold]
#[inline(never)]
fn nowhere(memory: &Checked, code: &Code, address: u64) -> Option<u64> {
    (code.has_typed_pointers && memory.is_nowhere(address)).then_some(0)
}

/// The trap of a helper that refused to go on.
#[cold]
#[inline(never)]
fn faulted(
    memory: &Checked,
    world: &World,
    code: &Code,
    op: usize,
    name: &'static str,
    fault: Fault,
) -> Box<Trap> {
    match fault {
        Fault::Trap(trap) => trap,
        Fault::End { value } => trap(code, op, Cause::Ended { value }),
        Fault::Misuse { what } => trap(code, op, Cause::Misuse { helper: name, what }),
        Fault::Thrown { cookie } => trap(code, op, Cause::Thrown { cookie }),
        Fault::Argument { argument, what } => trap(
            code,
            op,
            Cause::Argument {
                helper: name,
                number: argument,
                what,
            },
        ),
        Fault::Access {
            argument,
            address,
            bytes,
            write,
        } => trap(
            code,
            op,
            access(memory, world, address, bytes, write, Some((name, argument))),
        ),
    }
}

/// The trap of a denied atomic.
#[cold]
#[inline(never)]
fn no_atomic(
    memory: &Checked,
    world: &World,
    code: &Code,
    op: usize,
    address: u64,
    bytes: u64,
) -> Box<Trap> {
    use crate::guest::Guest;
    let len = bytes as u32;
    if memory.allows(address, len, false) && memory.allows(address, len, true) {
        let target = memory.target(address, bytes, world);
        return trap(code, op, Cause::Misaligned { target, bytes: len });
    }
    denied(memory, world, code, op, address, bytes, true)
}

#[cold]
#[inline(never)]
fn unusable(code: &Code, op: usize, index: u64) -> Box<Trap> {
    let cause = match code.reasons[index as usize] {
        Unusable::Poisoned => Cause::Poisoned {
            reason: code
                .program()
                .poison_at(code.slot(op))
                .map_or_else(String::new, |poison| poison.reason.clone()),
        },
        why => Cause::Unsupported {
            what: why.to_string(),
        },
    };
    trap(code, op, cause)
}

#[inline(always)]
fn sdiv64(a: u64, b: u64) -> u64 {
    match b {
        0 => 0,
        _ => (a as i64).wrapping_div(b as i64) as u64,
    }
}

#[inline(always)]
fn smod64(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => (a as i64).wrapping_rem(b as i64) as u64,
    }
}

#[inline(always)]
fn sdiv32(a: u32, b: u32) -> u32 {
    match b {
        0 => 0,
        _ => (a as i32).wrapping_div(b as i32) as u32,
    }
}

#[inline(always)]
fn smod32(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => (a as i32).wrapping_rem(b as i32) as u32,
    }
}

/// Runs a function in the current frame until it exits.
fn run(
    memory: &mut Checked,
    world: &mut World,
    code: &Arc<Code>,
    entry: usize,
    args: [u64; 5],
) -> Result<u64, Box<Trap>> {
    let ops: &[Op] = &code.ops;
    let frame_pointer = Checked::frame_pointer(memory.depth - 1);
    let [a1, a2, a3, a4, a5] = args;
    let mut regs: [u64; 11] = [0, a1, a2, a3, a4, a5, 0, 0, 0, 0, frame_pointer];
    let mut may_goto_left = MAY_GOTO_BUDGET;
    let mut left = memory.left;
    let mut pc = entry;
    // Operations from here to `pc` are not yet taken off the budget.
    let mut counted = entry;

    loop {
        let op = &ops[pc];
        #[cfg(feature = "trace")]
        if let Some(watch) = &mut world.watcher.0 {
            watch(&crate::trace::Step {
                slot: code.slot(pc),
                depth: memory.depth,
                regs: &regs,
                memory: &*memory,
                packet: &world.packet,
            });
        }
        pc += 1;

        macro_rules! dst {
            () => {
                regs[op.dst as usize]
            };
        }
        macro_rules! operand {
            (R) => {
                regs[op.src as usize]
            };
            (I) => {
                op.imm
            };
        }
        macro_rules! alu64 {
            ($form:ident, |$a:ident, $b:ident| $value:expr) => {{
                let ($a, $b) = (dst!(), operand!($form));
                dst!() = $value;
            }};
        }
        macro_rules! alu32 {
            ($form:ident, |$a:ident, $b:ident| $value:expr) => {{
                let ($a, $b) = (dst!() as u32, operand!($form) as u32);
                dst!() = u64::from($value);
            }};
        }
        macro_rules! take {
            () => {{
                let done = (pc - counted) as u64;
                if done > left {
                    match memory.go_on(world, done - left) {
                        Ok(more) => left += more,
                        Err(cause) => return Err(trap(code, pc - 1, cause)),
                    }
                }
                left -= done;
                pc = op.arg as usize;
                counted = pc;
            }};
        }
        macro_rules! jump64 {
            ($form:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let ($a, $b) = (dst!(), operand!($form));
                if $condition {
                    take!();
                }
            }};
        }
        macro_rules! jump32 {
            ($form:ident, |$a:ident, $b:ident| $condition:expr) => {{
                let ($a, $b) = (dst!() as u32, operand!($form) as u32);
                if $condition {
                    take!();
                }
            }};
        }
        macro_rules! load {
            ($int:ident, |$value:ident| $extended:expr) => {{
                let address = regs[op.src as usize].wrapping_add(op.arg as u64);
                let $value = match memory.space.load::<$int>(address) {
                    Some(value) => value,
                    None => {
                        let bytes = $int::BYTES;
                        if let Some(arena) = code.arena_at(address) {
                            arena.load(address)
                        } else if let Some(value) = context::offset(address)
                            .and_then(|at| context::load(memory, world, at, bytes as u32))
                            .or_else(|| nowhere(memory, code, address))
                        {
                            // Addresses in a context are wider than their fields.
                            dst!() = value;
                            continue;
                        } else {
                            return Err(denied(memory, world, code, pc - 1, address, bytes, false));
                        }
                    }
                };
                dst!() = $extended;
            }};
        }
        macro_rules! store {
            ($int:ident, $value:expr) => {{
                let address = regs[op.dst as usize].wrapping_add(op.arg as u64);
                let value = $value;
                if memory.space.store(address, $int::narrow(value)).is_none() {
                    let bytes = $int::BYTES;
                    if let Some(arena) = code.arena_at(address) {
                        arena.store::<$int>(address, value);
                    } else if context::offset(address)
                        .and_then(|at| context::store(world, at, bytes as u32, value))
                        .is_none()
                    {
                        return Err(denied(memory, world, code, pc - 1, address, bytes, true));
                    }
                }
            }};
        }
        // What a callee spends is taken off the same budget.
        macro_rules! around_call {
            ($call:expr) => {{
                memory.left = left.saturating_sub((pc - counted) as u64);
                counted = pc;
                let result = $call;
                left = memory.left;
                result
            }};
        }

        use crate::op::OpCode::*;
        match op.code {
            AddR64 => alu64!(R, |a, b| a.wrapping_add(b)),
            AddI64 => alu64!(I, |a, b| a.wrapping_add(b)),
            AddR32 => alu32!(R, |a, b| a.wrapping_add(b)),
            AddI32 => alu32!(I, |a, b| a.wrapping_add(b)),
            SubR64 => alu64!(R, |a, b| a.wrapping_sub(b)),
            SubI64 => alu64!(I, |a, b| a.wrapping_sub(b)),
            SubR32 => alu32!(R, |a, b| a.wrapping_sub(b)),
            SubI32 => alu32!(I, |a, b| a.wrapping_sub(b)),
            MulR64 => alu64!(R, |a, b| a.wrapping_mul(b)),
            MulI64 => alu64!(I, |a, b| a.wrapping_mul(b)),
            MulR32 => alu32!(R, |a, b| a.wrapping_mul(b)),
            MulI32 => alu32!(I, |a, b| a.wrapping_mul(b)),
            DivR64 => alu64!(R, |a, b| a.checked_div(b).unwrap_or(0)),
            DivI64 => alu64!(I, |a, b| a.checked_div(b).unwrap_or(0)),
            DivR32 => alu32!(R, |a, b| a.checked_div(b).unwrap_or(0)),
            DivI32 => alu32!(I, |a, b| a.checked_div(b).unwrap_or(0)),
            SdivR64 => alu64!(R, |a, b| sdiv64(a, b)),
            SdivI64 => alu64!(I, |a, b| sdiv64(a, b)),
            SdivR32 => alu32!(R, |a, b| sdiv32(a, b)),
            SdivI32 => alu32!(I, |a, b| sdiv32(a, b)),
            ModR64 => alu64!(R, |a, b| a.checked_rem(b).unwrap_or(a)),
            ModI64 => alu64!(I, |a, b| a.checked_rem(b).unwrap_or(a)),
            ModR32 => alu32!(R, |a, b| a.checked_rem(b).unwrap_or(a)),
            ModI32 => alu32!(I, |a, b| a.checked_rem(b).unwrap_or(a)),
            SmodR64 => alu64!(R, |a, b| smod64(a, b)),
            SmodI64 => alu64!(I, |a, b| smod64(a, b)),
            SmodR32 => alu32!(R, |a, b| smod32(a, b)),
            SmodI32 => alu32!(I, |a, b| smod32(a, b)),
            OrR64 => alu64!(R, |a, b| a | b),
            OrI64 => alu64!(I, |a, b| a | b),
            OrR32 => alu32!(R, |a, b| a | b),
            OrI32 => alu32!(I, |a, b| a | b),
            AndR64 => alu64!(R, |a, b| a & b),
            AndI64 => alu64!(I, |a, b| a & b),
            AndR32 => alu32!(R, |a, b| a & b),
            AndI32 => alu32!(I, |a, b| a & b),
            XorR64 => alu64!(R, |a, b| a ^ b),
            XorI64 => alu64!(I, |a, b| a ^ b),
            XorR32 => alu32!(R, |a, b| a ^ b),
            XorI32 => alu32!(I, |a, b| a ^ b),
            LshR64 => alu64!(R, |a, b| a << (b & 63)),
            LshI64 => alu64!(I, |a, b| a << (b & 63)),
            LshR32 => alu32!(R, |a, b| a << (b & 31)),
            LshI32 => alu32!(I, |a, b| a << (b & 31)),
            RshR64 => alu64!(R, |a, b| a >> (b & 63)),
            RshI64 => alu64!(I, |a, b| a >> (b & 63)),
            RshR32 => alu32!(R, |a, b| a >> (b & 31)),
            RshI32 => alu32!(I, |a, b| a >> (b & 31)),
            ArshR64 => alu64!(R, |a, b| ((a as i64) >> (b & 63)) as u64),
            ArshI64 => alu64!(I, |a, b| ((a as i64) >> (b & 63)) as u64),
            ArshR32 => alu32!(R, |a, b| ((a as i32) >> (b & 31)) as u32),
            ArshI32 => alu32!(I, |a, b| ((a as i32) >> (b & 31)) as u32),
            MovR64 => alu64!(R, |_a, b| b),
            MovI64 => alu64!(I, |_a, b| b),
            MovR32 => alu32!(R, |_a, b| b),
            MovI32 => alu32!(I, |_a, b| b),
            JEqR64 => jump64!(R, |a, b| a == b),
            JEqI64 => jump64!(I, |a, b| a == b),
            JEqR32 => jump32!(R, |a, b| a == b),
            JEqI32 => jump32!(I, |a, b| a == b),
            JNeR64 => jump64!(R, |a, b| a != b),
            JNeI64 => jump64!(I, |a, b| a != b),
            JNeR32 => jump32!(R, |a, b| a != b),
            JNeI32 => jump32!(I, |a, b| a != b),
            JGtR64 => jump64!(R, |a, b| a > b),
            JGtI64 => jump64!(I, |a, b| a > b),
            JGtR32 => jump32!(R, |a, b| a > b),
            JGtI32 => jump32!(I, |a, b| a > b),
            JGeR64 => jump64!(R, |a, b| a >= b),
            JGeI64 => jump64!(I, |a, b| a >= b),
            JGeR32 => jump32!(R, |a, b| a >= b),
            JGeI32 => jump32!(I, |a, b| a >= b),
            JLtR64 => jump64!(R, |a, b| a < b),
            JLtI64 => jump64!(I, |a, b| a < b),
            JLtR32 => jump32!(R, |a, b| a < b),
            JLtI32 => jump32!(I, |a, b| a < b),
            JLeR64 => jump64!(R, |a, b| a <= b),
            JLeI64 => jump64!(I, |a, b| a <= b),
            JLeR32 => jump32!(R, |a, b| a <= b),
            JLeI32 => jump32!(I, |a, b| a <= b),
            JSetR64 => jump64!(R, |a, b| a & b != 0),
            JSetI64 => jump64!(I, |a, b| a & b != 0),
            JSetR32 => jump32!(R, |a, b| a & b != 0),
            JSetI32 => jump32!(I, |a, b| a & b != 0),
            JSgtR64 => jump64!(R, |a, b| a as i64 > b as i64),
            JSgtI64 => jump64!(I, |a, b| a as i64 > b as i64),
            JSgtR32 => jump32!(R, |a, b| a as i32 > b as i32),
            JSgtI32 => jump32!(I, |a, b| a as i32 > b as i32),
            JSgeR64 => jump64!(R, |a, b| a as i64 >= b as i64),
            JSgeI64 => jump64!(I, |a, b| a as i64 >= b as i64),
            JSgeR32 => jump32!(R, |a, b| a as i32 >= b as i32),
            JSgeI32 => jump32!(I, |a, b| a as i32 >= b as i32),
            JSltR64 => jump64!(R, |a, b| (a as i64) < b as i64),
            JSltI64 => jump64!(I, |a, b| (a as i64) < b as i64),
            JSltR32 => jump32!(R, |a, b| (a as i32) < b as i32),
            JSltI32 => jump32!(I, |a, b| (a as i32) < b as i32),
            JSleR64 => jump64!(R, |a, b| a as i64 <= b as i64),
            JSleI64 => jump64!(I, |a, b| a as i64 <= b as i64),
            JSleR32 => jump32!(R, |a, b| a as i32 <= b as i32),
            JSleI32 => jump32!(I, |a, b| a as i32 <= b as i32),
            Neg64 => dst!() = dst!().wrapping_neg(),
            Neg32 => dst!() = u64::from((dst!() as u32).wrapping_neg()),
            MovSx64B => dst!() = regs[op.src as usize] as i8 as u64,
            MovSx64H => dst!() = regs[op.src as usize] as i16 as u64,
            MovSx64W => dst!() = regs[op.src as usize] as i32 as u64,
            MovSx32B => dst!() = u64::from(regs[op.src as usize] as i8 as u32),
            MovSx32H => dst!() = u64::from(regs[op.src as usize] as i16 as u32),
            Swap16 => dst!() = u64::from((dst!() as u16).swap_bytes()),
            Swap32 => dst!() = u64::from((dst!() as u32).swap_bytes()),
            Swap64 => dst!() = dst!().swap_bytes(),
            Cut16 => dst!() = u64::from(dst!() as u16),
            Cut32 => dst!() = u64::from(dst!() as u32),
            Nothing => {}
            CastUser => dst!() = code.to_user(regs[op.src as usize]),
            LoadImm => dst!() = op.imm,

            LoadB => load!(u8, |value| u64::from(value)),
            LoadH => load!(u16, |value| u64::from(value)),
            LoadW => load!(u32, |value| u64::from(value)),
            LoadDW => load!(u64, |value| value),
            LoadSxB => load!(u8, |value| value as i8 as u64),
            LoadSxH => load!(u16, |value| value as i16 as u64),
            LoadSxW => load!(u32, |value| value as i32 as u64),
            StoreB => store!(u8, regs[op.src as usize]),
            StoreH => store!(u16, regs[op.src as usize]),
            StoreW => store!(u32, regs[op.src as usize]),
            StoreDW => store!(u64, regs[op.src as usize]),
            StoreImmB => store!(u8, op.imm),
            StoreImmH => store!(u16, op.imm),
            StoreImmW => store!(u32, op.imm),
            StoreImmDW => store!(u64, op.imm),

            Atomic64 => {
                let address = dst!().wrapping_add(op.arg as u64);
                let value = regs[op.src as usize];
                let found = match code.arena_at(address) {
                    None => memory.space.atomic64(address),
                    Some(arena) => match arena.atomic64(address) {
                        // Where no page is nothing happens.
                        None => continue,
                        found => found,
                    },
                };
                let Some(cell) = found else {
                    return Err(no_atomic(memory, world, code, pc - 1, address, 8));
                };
                match Rmw::ALL[op.imm as usize] {
                    Rmw::Add => _ = cell.fetch_add(value, Relaxed),
                    Rmw::Or => _ = cell.fetch_or(value, Relaxed),
                    Rmw::And => _ = cell.fetch_and(value, Relaxed),
                    Rmw::Xor => _ = cell.fetch_xor(value, Relaxed),
                    Rmw::FetchAdd => regs[op.src as usize] = cell.fetch_add(value, SeqCst),
                    Rmw::FetchOr => regs[op.src as usize] = cell.fetch_or(value, SeqCst),
                    Rmw::FetchAnd => regs[op.src as usize] = cell.fetch_and(value, SeqCst),
                    Rmw::FetchXor => regs[op.src as usize] = cell.fetch_xor(value, SeqCst),
                    Rmw::Xchg => regs[op.src as usize] = cell.swap(value, SeqCst),
                    Rmw::Cmpxchg => {
                        let result = cell.compare_exchange(regs[0], value, SeqCst, SeqCst);
                        regs[0] = result.unwrap_or_else(|found| found);
                    }
                }
            }
            Atomic32 => {
                let address = dst!().wrapping_add(op.arg as u64);
                let value = regs[op.src as usize] as u32;
                let found = match code.arena_at(address) {
                    None => memory.space.atomic32(address),
                    Some(arena) => match arena.atomic32(address) {
                        // Where no page is nothing happens.
                        None => continue,
                        found => found,
                    },
                };
                let Some(cell) = found else {
                    return Err(no_atomic(memory, world, code, pc - 1, address, 4));
                };
                let old = match Rmw::ALL[op.imm as usize] {
                    Rmw::Add => {
                        cell.fetch_add(value, Relaxed);
                        continue;
                    }
                    Rmw::Or => {
                        cell.fetch_or(value, Relaxed);
                        continue;
                    }
                    Rmw::And => {
                        cell.fetch_and(value, Relaxed);
                        continue;
                    }
                    Rmw::Xor => {
                        cell.fetch_xor(value, Relaxed);
                        continue;
                    }
                    Rmw::Cmpxchg => {
                        let result = cell.compare_exchange(regs[0] as u32, value, SeqCst, SeqCst);
                        regs[0] = u64::from(result.unwrap_or_else(|found| found));
                        continue;
                    }
                    Rmw::FetchAdd => cell.fetch_add(value, SeqCst),
                    Rmw::FetchOr => cell.fetch_or(value, SeqCst),
                    Rmw::FetchAnd => cell.fetch_and(value, SeqCst),
                    Rmw::FetchXor => cell.fetch_xor(value, SeqCst),
                    Rmw::Xchg => cell.swap(value, SeqCst),
                };
                regs[op.src as usize] = u64::from(old);
            }
            LoadAcquire => {
                match op.imm {
                    1 => load!(u8, |value| u64::from(value)),
                    2 => load!(u16, |value| u64::from(value)),
                    4 => load!(u32, |value| u64::from(value)),
                    _ => load!(u64, |value| value),
                }
                fence(Acquire);
            }
            StoreRelease => {
                fence(Release);
                match op.imm {
                    1 => store!(u8, regs[op.src as usize]),
                    2 => store!(u16, regs[op.src as usize]),
                    4 => store!(u32, regs[op.src as usize]),
                    _ => store!(u64, regs[op.src as usize]),
                }
            }

            LoadPacketAbs | LoadPacketInd => {
                let index = match op.code {
                    LoadPacketInd => regs[op.src as usize] as u32 as i32,
                    _ => 0,
                };
                if regs[6] != Checked::context_address() {
                    let what = "a packet load without the context in r6".to_owned();
                    return Err(trap(code, pc - 1, Cause::Unsupported { what }));
                }
                match load_packet(world, i64::from(op.arg) + i64::from(index), op.imm as usize) {
                    Some(value) => regs[0] = value,
                    // Outside of the packet these loads end the program with 0.
                    None => {
                        memory.left = left.saturating_sub((pc - counted) as u64);
                        return Ok(0);
                    }
                }
            }

            Jump => take!(),
            MayGoto => {
                if may_goto_left == 0 {
                    take!();
                } else {
                    may_goto_left -= 1;
                }
            }
            CallHelper | CallOwn => {
                let own;
                let helper = match op.code {
                    CallHelper => &code.helpers[op.imm as usize],
                    _ => {
                        let number = regs[op.src as usize];
                        let found = u32::try_from(number)
                            .ok()
                            .and_then(|number| code::own_helper(&code.own, number));
                        let Some(found) = found else {
                            let what = format!("there is no helper {number:#x}");
                            return Err(trap(code, pc - 1, Cause::Unsupported { what }));
                        };
                        own = found;
                        &own
                    }
                };
                if world.held.locks() && !helper.under_lock {
                    let what = "is called while a lock is held".to_owned();
                    let fault = Fault::Misuse { what };
                    return Err(faulted(memory, world, code, pc - 1, helper.name, fault));
                }
                let result = around_call!((helper.function)(&mut Call {
                    guest: &mut *memory,
                    world: &mut *world,
                    args: [regs[1], regs[2], regs[3], regs[4], regs[5]],
                }));
                match result {
                    Ok(value) => regs[0] = value,
                    Err(fault) => {
                        return Err(faulted(memory, world, code, pc - 1, helper.name, fault));
                    }
                }
                if regs[0] == 0 && helper.may_be_null {
                    memory.null_from = Some((helper.name, code.slot(pc - 1)));
                }
            }
            CallHost => {
                let helper = &code.host_helpers[op.imm as usize];
                let result = if world.held.locks() {
                    let what = "is called while a lock is held".to_owned();
                    Err(Fault::Misuse { what })
                } else {
                    around_call!(helper.call(&mut Call {
                        guest: &mut *memory,
                        world: &mut *world,
                        args: [regs[1], regs[2], regs[3], regs[4], regs[5]],
                    }))
                };
                match result {
                    Ok(value) => regs[0] = value,
                    Err(fault) => {
                        let name = helper.helper().name;
                        return Err(faulted(memory, world, code, pc - 1, name, fault));
                    }
                }
            }
            CallLocal => {
                let args = [regs[1], regs[2], regs[3], regs[4], regs[5]];
                let entry = op.arg as usize;
                if memory.depth == CALL_FRAMES_MAX {
                    return Err(trap(code, pc - 1, Cause::CallDepth));
                }
                regs[0] = around_call!(call(memory, world, code, entry, args))?;
            }
            TailCall => {
                let target = if regs[1] == Checked::context_address() {
                    memory.tail_target(regs[2], regs[3] as u32)
                } else {
                    let what = format!("is {:#x}, not the context", regs[1]);
                    Err(Fault::Argument { argument: 1, what })
                };
                match target {
                    // With nothing in the slot the program goes on.
                    Ok(None) => {}
                    Ok(Some(target)) => {
                        memory.left = left.saturating_sub((pc - counted) as u64);
                        memory.install(&target);
                        // The target takes this function's frame and returns to its caller.
                        let result = run(memory, world, &target, 0, [regs[1], 0, 0, 0, 0]);
                        if memory.depth > 1 {
                            memory.install(code);
                        }
                        return result;
                    }
                    Err(fault) => {
                        let name = "bpf_tail_call";
                        return Err(faulted(memory, world, code, pc - 1, name, fault));
                    }
                }
            }
            Exit => {
                memory.left = left.saturating_sub((pc - counted) as u64);
                if memory.depth == 1
                    && let Some(what) = world.held.what()
                {
                    return Err(trap(code, pc - 1, Cause::Held { what }));
                }
                return Ok(regs[0]);
            }
            Unusable => return Err(unusable(code, pc - 1, op.imm)),
        }
    }
}

/// Offsets from here on count from the network header (`SKF_NET_OFF`).
const NET_OFFSET: i64 = -0x10_0000;
/// Offsets from here up to the one above count from the link header (`SKF_LL_OFF`).
const LINK_OFFSET: i64 = -0x20_0000;

/// A legacy packet load, in network order; `None` outside of the packet.
pub(crate) fn load_packet(world: &World, offset: i64, bytes: usize) -> Option<u64> {
    let mut value = [0; 4];
    let part = value.get_mut(4 - bytes..)?;
    let behind = |start: i64| usize::try_from(offset - start).ok();
    match offset {
        0.. => world.packet.read(behind(0)?, part),
        NET_OFFSET.. => world.packet.read_from_network(behind(NET_OFFSET)?, part),
        LINK_OFFSET.. => world.packet.read_from_link(behind(LINK_OFFSET)?, part),
        _ => None,
    }?;
    Some(u64::from(u32::from_be_bytes(value)))
}
