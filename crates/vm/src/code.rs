//! A program decoded once, ready to run any number of times.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use osmia_btf::{Body, TypeId};
use osmia_isa::{AtomicOp, Callee, EndOp, Endian, Imm64, Insn, Operand, Size, Width, decode};
use osmia_program::kfunc::{self, Kfunc};
use osmia_program::limits::PROGRAM_MAPS_MAX;
use osmia_program::{Program, ProgramKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::checked::{self, Checked};
use crate::fields::ObjectType;
use crate::helper::{self, HelperFn};
use crate::host_helper::HostHelper;
use crate::identity::{self, Identity};
use crate::map::{Arena, Map};
use crate::memory::Shape;
use crate::native::Native;
use crate::op::{self, Op, OpCode, R, Rmw};
use crate::own::{Helpers, OwnHelper};
use crate::prepare::PrepareError;

/// What the tag of a program's entry says before the name of its function for exceptions.
const EXCEPTION_CALLBACK: &str = "exception_callback:";

/// The number of `bpf_tail_call`, which is control flow rather than a call.
pub(crate) const TAIL_CALL: i32 = 12;

/// The number of `bpf_spin_unlock`, the one helper to call while a lock is held.
const SPIN_UNLOCK: u32 = 94;

/// A helper a code calls.
#[derive(Copy, Clone)]
pub(crate) struct Callable {
    pub(crate) function: HelperFn<Checked>,
    pub(crate) name: &'static str,
    /// Null is an answer of it that programs must check for.
    pub(crate) may_be_null: bool,
    /// May be called while a lock is held.
    pub(crate) under_lock: bool,
}

/// A program decoded once.
pub struct Code {
    program: Arc<Program>,
    pub(crate) ops: Vec<Op>,
    /// The slot of each operation.
    slots: Vec<u32>,
    pub(crate) helpers: Vec<Callable>,
    /// Why operations are unusable.
    pub(crate) reasons: Vec<Unusable>,
    /// Operations that functions start with, in order.
    functions: Vec<u32>,
    pub(crate) maps: Vec<CodeMap>,
    /// Helpers that calls through registers reach by number.
    pub(crate) own: Vec<OwnHelper>,
    /// Helpers of the application that it calls.
    pub(crate) host_helpers: Vec<HostHelper>,
    /// The arena that 32-bit pointers are of.
    arena: Option<Arc<Arena>>,
    /// The operation that the function for exceptions starts with, if there is one.
    pub(crate) exception_callback: Option<u32>,
    identity: Option<Box<dyn Identity>>,
    /// It is given pointers that the kernel knows the types of: loads through them that lead nowhere
    /// are zero (`docs/decisions/0005-…`).
    pub(crate) has_typed_pointers: bool,
    native: OnceLock<Box<dyn Native>>,
    /// Structures that objects were made of, by their number.
    types: RwLock<FxHashMap<u64, Option<Arc<ObjectType>>>>,
}

/// Helpers that give pointers the kernel knows the types of.
const TYPED_POINTERS: [u32; 11] = [136, 137, 138, 139, 140, 153, 154, 158, 162, 178, 196];

/// A map of a code.
#[derive(Debug)]
pub(crate) struct CodeMap {
    pub(crate) map: Arc<Map>,
    /// How its values appear, if it has any that programs touch.
    pub(crate) shape: Option<Shape>,
}

/// Why an operation cannot run. Small: a program may consist of nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unusable {
    Poisoned,
    Kfunc(i32),
    Variable(i32),
    MapByDescriptor,
    CallReg(osmia_isa::Reg),
    AddrSpaceCast,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unusable::Poisoned => f.write_str("this instruction could not be relocated"),
            Unusable::Kfunc(id) => write!(
                f,
                "a kernel function is named by BTF id ({id}), which only a kernel can resolve"
            ),
            Unusable::Variable(id) => write!(
                f,
                "kernel variables (BTF id {id}) are not available in the user-space host yet"
            ),
            Unusable::MapByDescriptor => {
                f.write_str("a map is named by file descriptor, which only a kernel can resolve")
            }
            Unusable::CallReg(reg) => write!(
                f,
                "call through {reg}: Linux has no calls through registers either"
            ),
            Unusable::AddrSpaceCast => {
                f.write_str("addr_space_cast: only between a process and an arena of the program")
            }
        }
    }
}

/// Finds the address of a variable of the kernel by its number in the kernel's types.
pub type FindVariable<'a> = &'a dyn Fn(TypeId) -> Option<u64>;

impl Code {
    /// Decodes a program. `maps` are those of `program.maps`, in that order.
    ///
    /// # Errors
    /// If it calls helpers this machine does not have, or names maps it was not given.
    /// Instructions that cannot run are an error only once they are reached.
    pub fn prepare(program: &Arc<Program>, maps: &[Arc<Map>]) -> Result<Arc<Code>, PrepareError> {
        Self::prepare_with(program, maps, Helpers::Linux(&[]))
    }

    /// As [`Code::prepare`], with a say in which helpers there are.
    ///
    /// # Errors
    /// As there.
    pub fn prepare_with(
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        helpers: Helpers<'_>,
    ) -> Result<Arc<Code>, PrepareError> {
        Self::build(program, maps, helpers, &|_| None, None)
    }

    /// As [`Code::prepare`], known to its host by an identity; `variable` finds the kernel's variables by
    /// their numbers, and `helpers` are there besides Linux's.
    ///
    /// # Errors
    /// As there.
    pub fn prepare_as(
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        identity: Box<dyn Identity>,
        variable: FindVariable<'_>,
        helpers: &[HostHelper],
    ) -> Result<Arc<Code>, PrepareError> {
        let helpers = Helpers::Linux(helpers);
        Self::build(program, maps, helpers, variable, Some(identity))
    }

    fn build(
        program: &Arc<Program>,
        maps: &[Arc<Map>],
        helpers: Helpers<'_>,
        variable: FindVariable<'_>,
        identity: Option<Box<dyn Identity>>,
    ) -> Result<Arc<Code>, PrepareError> {
        if maps.len() > PROGRAM_MAPS_MAX {
            return Err(PrepareError::TooManyMaps {
                program: Arc::clone(program),
                maps: maps.len(),
            });
        }
        let mut builder = Builder::new(program, helpers, variable);
        for map in maps {
            let shape =
                match map.values() {
                    None => None,
                    Some(block) => Some(checked::shape(map, block).ok_or_else(|| {
                        PrepareError::MapTooLarge {
                            program: Arc::clone(program),
                            map: map.spec().name.clone(),
                        }
                    })?),
                };
            if map.arena().is_some() && builder.arena().is_some() {
                return Err(PrepareError::TwoArenas {
                    program: Arc::clone(program),
                });
            }
            let map = Arc::clone(map);
            builder.maps.push(CodeMap { map, shape });
        }
        let mut at = 0;
        while at < program.insns.len() {
            let insn = decode(&program.insns, at).expect("a program's layout is checked");
            builder.add(at, insn)?;
            at += insn.slots();
        }
        Ok(Arc::new(builder.finish(identity)))
    }

    /// What it was made from.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What its host knows it by, if it is this type.
    pub fn identity<T: Identity>(&self) -> Option<&T> {
        identity::known_as(self.identity.as_deref())
    }

    /// The maps it uses, in the order of `program().maps`.
    pub fn maps(&self) -> impl ExactSizeIterator<Item = &Arc<Map>> {
        self.maps.iter().map(|map| &map.map)
    }

    /// Its native form, which it runs in if it has one.
    #[inline]
    pub fn native(&self) -> Option<&dyn Native> {
        self.native.get().map(|native| &**native)
    }

    /// Gives it a native form, from its next run on; false if it has one.
    pub fn set_native(&self, native: Box<dyn Native>) -> bool {
        self.native.set(native).is_ok()
    }

    /// What stands for a map, by position, in native runs.
    pub fn native_handle(&self, map: usize) -> Option<u64> {
        let map = self.maps.get(map)?;
        Some(std::ptr::from_ref(map).addr() as u64)
    }

    /// The application's helper of this number, if the program calls it.
    pub(crate) fn host_helper(&self, id: u32) -> Option<&HostHelper> {
        (self.host_helpers.iter()).find(|helper| helper.helper().id == id)
    }

    /// What programs know the function by that begins at a slot.
    pub fn function_address(&self, slot: usize) -> Option<u64> {
        let op = self.slots.binary_search(&u32::try_from(slot).ok()?).ok()?;
        (self.is_function(op as u64)).then(|| Checked::function_address(op))
    }

    /// What the instruction at a slot loads that names something of the kernel's or in an arena; `None` if
    /// it is not there.
    pub fn constant_at(&self, slot: usize) -> Option<u64> {
        let op = self.slots.binary_search(&u32::try_from(slot).ok()?).ok()?;
        let op = &self.ops[op];
        (op.code == OpCode::LoadImm).then_some(op.imm)
    }

    /// The function that decides what an exception returns, as programs know it.
    pub(crate) fn exception_function(&self) -> Option<u64> {
        let op = self.exception_callback?;
        Some(Checked::function_address(op as usize))
    }

    /// The slot of an operation.
    pub(crate) fn slot(&self, op: usize) -> usize {
        self.slots.get(op).map_or(0, |&slot| slot as usize)
    }

    /// The arena, if this address is one of its 32-bit pointers and what they are moved by.
    #[inline]
    pub(crate) fn arena_at(&self, address: u64) -> Option<&Arena> {
        (self.arena.as_deref()).filter(|_| Arena::is_near(address))
    }

    /// The pointer of the process to what a program's pointer into the arena names.
    pub(crate) fn to_user(&self, pointer: u64) -> u64 {
        self.arena
            .as_ref()
            .map_or(0, |arena| arena.to_user(pointer))
    }

    /// The structure of this number in the program's BTF, if objects can be made of it.
    pub(crate) fn object_type(&self, id: u64) -> Option<Arc<ObjectType>> {
        let known = self.types.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(ty) = known.get(&id) {
            return ty.clone();
        }
        drop(known);
        let btf = self.program.debug.as_ref().map(|debug| &debug.btf)?;
        let ty = ObjectType::of(btf, TypeId(u32::try_from(id).ok()?)).map(Arc::new);
        let mut known = self.types.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, ty.clone());
        ty
    }

    /// True if a function starts with this operation.
    pub(crate) fn is_function(&self, op: u64) -> bool {
        u32::try_from(op).is_ok_and(|op| self.functions.binary_search(&op).is_ok())
    }
}

impl Identity for Code {
    fn id(&self) -> u32 {
        self.identity.as_deref().map_or(0, Identity::id)
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code")
            .field("program", &self.program.name)
            .field("ops", &self.ops.len())
            .finish_non_exhaustive()
    }
}

/// Something called, to find it again.
#[derive(PartialEq, Eq, Hash)]
enum Called {
    Helper(u32),
    Kfunc(&'static str),
}

struct Builder<'p> {
    program: &'p Arc<Program>,
    ops: Vec<Op>,
    slots: Vec<u32>,
    /// The operation of each slot.
    op_of_slot: Vec<u32>,
    helpers: Vec<Callable>,
    host_helpers: Vec<HostHelper>,
    /// What is called, by the position in `helpers`.
    callees: FxHashMap<Called, usize>,
    reasons: Vec<Unusable>,
    functions: Vec<u32>,
    maps: Vec<CodeMap>,
    choice: Helpers<'p>,
    variable: FindVariable<'p>,
    poisoned: FxHashSet<u32>,
}

impl<'p> Builder<'p> {
    fn new(program: &'p Arc<Program>, choice: Helpers<'p>, variable: FindVariable<'p>) -> Self {
        let mut op_of_slot = Vec::with_capacity(program.insns.len());
        let mut at = 0;
        let mut op = 0;
        while at < program.insns.len() {
            let insn = decode(&program.insns, at).expect("a program's layout is checked");
            for _ in 0..insn.slots() {
                op_of_slot.push(op);
            }
            at += insn.slots();
            op += 1;
        }
        Self {
            program,
            ops: Vec::with_capacity(op as usize),
            slots: Vec::with_capacity(op as usize),
            op_of_slot,
            helpers: Vec::new(),
            host_helpers: Vec::new(),
            callees: FxHashMap::default(),
            reasons: Vec::new(),
            functions: vec![0],
            maps: Vec::new(),
            choice,
            variable,
            poisoned: program.poisons.iter().map(|poison| poison.insn).collect(),
        }
    }

    fn arena(&self) -> Option<&Arc<Arena>> {
        self.maps.iter().find_map(|map| map.map.arena())
    }

    fn finish(mut self, identity: Option<Box<dyn Identity>>) -> Code {
        self.functions.sort_unstable();
        self.functions.dedup();
        let arena = self.arena().cloned();
        let exception_callback = self.exception_callback();
        let kind = self.program.hook.kind;
        let has_typed_pointers = matches!(
            kind,
            ProgramKind::Tracing | ProgramKind::Lsm | ProgramKind::StructOps
        ) || self.callees.keys().any(|called| match called {
            Called::Helper(id) => TYPED_POINTERS.contains(id),
            Called::Kfunc(_) => true,
        });
        Code {
            has_typed_pointers,
            program: Arc::clone(self.program),
            ops: self.ops,
            slots: self.slots,
            exception_callback,
            native: OnceLock::new(),
            types: RwLock::default(),
            helpers: self.helpers,
            reasons: self.reasons,
            functions: self.functions,
            maps: self.maps,
            arena,
            own: match self.choice {
                Helpers::Linux(_) => Vec::new(),
                Helpers::Own(own) => own.to_vec(),
            },
            host_helpers: self.host_helpers,
            identity,
        }
    }

    /// The operation a jump from slot `at` (of one slot) lands on. The layout check saw to it
    /// that it lands on one.
    fn target(&self, at: usize, distance: i32) -> i32 {
        let slot = at as i64 + 1 + i64::from(distance);
        let op = usize::try_from(slot)
            .ok()
            .and_then(|slot| self.op_of_slot.get(slot))
            .expect("a program's layout is checked");
        *op as i32
    }

    fn unusable(&mut self, why: Unusable) -> Op {
        self.reasons.push(why);
        let index = self.reasons.len() as u64 - 1;
        plain(OpCode::Unusable, R::R0, R::R0, 0, index)
    }

    fn add(&mut self, at: usize, insn: Insn) -> Result<(), PrepareError> {
        let op = if self.poisoned.contains(&(at as u32)) {
            self.unusable(Unusable::Poisoned)
        } else {
            self.op(at, insn)?
        };
        self.ops.push(op);
        self.slots.push(at as u32);
        Ok(())
    }

    fn op(&mut self, at: usize, insn: Insn) -> Result<Op, PrepareError> {
        Ok(match insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => with_operand(dst, src, 0, |immediate| op::alu(op, width, immediate)),
            Insn::Neg { width, dst } => {
                let code = match width {
                    Width::W64 => OpCode::Neg64,
                    Width::W32 => OpCode::Neg32,
                };
                plain(code, dst.into(), R::R0, 0, 0)
            }
            Insn::MovSx {
                width,
                dst,
                src,
                from,
            } => {
                let code = match (width, from) {
                    (Width::W64, Size::B) => OpCode::MovSx64B,
                    (Width::W64, Size::H) => OpCode::MovSx64H,
                    (Width::W64, _) => OpCode::MovSx64W,
                    (Width::W32, Size::B) => OpCode::MovSx32B,
                    (Width::W32, _) => OpCode::MovSx32H,
                };
                plain(code, dst.into(), src.into(), 0, 0)
            }
            Insn::End { op, dst, size } => {
                let swap = match op {
                    EndOp::Swap => true,
                    EndOp::ToBe => Endian::NATIVE == Endian::Little,
                    EndOp::ToLe => Endian::NATIVE == Endian::Big,
                };
                let code = match (swap, size) {
                    (true, Size::H) => OpCode::Swap16,
                    (true, Size::W) => OpCode::Swap32,
                    (true, _) => OpCode::Swap64,
                    (false, Size::H) => OpCode::Cut16,
                    (false, Size::W) => OpCode::Cut32,
                    (false, _) => OpCode::Nothing,
                };
                plain(code, dst.into(), R::R0, 0, 0)
            }
            Insn::LoadImm64 { dst, value } => {
                let value = match self.immediate(at, value)? {
                    Ok(value) => value,
                    Err(why) => return Ok(self.unusable(why)),
                };
                plain(OpCode::LoadImm, dst.into(), R::R0, 0, value)
            }
            Insn::Load {
                size,
                sign_extend,
                dst,
                base,
                off,
            } => {
                let code = match (size, sign_extend) {
                    (Size::B, false) => OpCode::LoadB,
                    (Size::H, false) => OpCode::LoadH,
                    (Size::W, false) => OpCode::LoadW,
                    (Size::DW, _) => OpCode::LoadDW,
                    (Size::B, true) => OpCode::LoadSxB,
                    (Size::H, true) => OpCode::LoadSxH,
                    (Size::W, true) => OpCode::LoadSxW,
                };
                plain(code, dst.into(), base.into(), off.into(), 0)
            }
            Insn::Store {
                size,
                base,
                off,
                src,
            } => with_operand(base, src, off.into(), |immediate| match (size, immediate) {
                (Size::B, false) => OpCode::StoreB,
                (Size::H, false) => OpCode::StoreH,
                (Size::W, false) => OpCode::StoreW,
                (Size::DW, false) => OpCode::StoreDW,
                (Size::B, true) => OpCode::StoreImmB,
                (Size::H, true) => OpCode::StoreImmH,
                (Size::W, true) => OpCode::StoreImmW,
                (Size::DW, true) => OpCode::StoreImmDW,
            }),
            Insn::Atomic {
                op,
                size,
                base,
                off,
                src,
            } => {
                let code = match size {
                    Size::DW => OpCode::Atomic64,
                    _ => OpCode::Atomic32,
                };
                plain(code, base.into(), src.into(), off.into(), rmw(op) as u64)
            }
            Insn::LoadAcquire {
                size,
                dst,
                base,
                off,
            } => plain(
                OpCode::LoadAcquire,
                dst.into(),
                base.into(),
                off.into(),
                size.bytes(),
            ),
            Insn::StoreRelease {
                size,
                base,
                off,
                src,
            } => plain(
                OpCode::StoreRelease,
                base.into(),
                src.into(),
                off.into(),
                size.bytes(),
            ),
            Insn::LoadPacket { size, index, off } => match index {
                None => plain(OpCode::LoadPacketAbs, R::R0, R::R0, off, size.bytes()),
                Some(index) => plain(
                    OpCode::LoadPacketInd,
                    R::R0,
                    index.into(),
                    off,
                    size.bytes(),
                ),
            },
            Insn::Jump { off, .. } => plain(OpCode::Jump, R::R0, R::R0, self.target(at, off), 0),
            Insn::JumpIf {
                cond,
                width,
                dst,
                src,
                off,
            } => {
                let target = self.target(at, off.into());
                with_operand(dst, src, target, |immediate| {
                    op::jump(cond, width, immediate)
                })
            }
            Insn::MayGoto { off } => {
                let target = self.target(at, off.into());
                plain(OpCode::MayGoto, R::R0, R::R0, target, 0)
            }
            Insn::Call(Callee::Helper(TAIL_CALL)) => plain(OpCode::TailCall, R::R0, R::R0, 0, 0),
            Insn::Call(Callee::Helper(id)) => match self.host_helper(id) {
                Some(index) => plain(OpCode::CallHost, R::R0, R::R0, 0, index),
                None => plain(OpCode::CallHelper, R::R0, R::R0, 0, self.helper(at, id)?),
            },
            Insn::Call(Callee::Local(off)) => {
                let target = self.target(at, off);
                self.functions.push(target as u32);
                plain(OpCode::CallLocal, R::R0, R::R0, target, 0)
            }
            Insn::Call(Callee::Kfunc { id, .. }) => match self.kfunc(at)? {
                Some(index) => plain(OpCode::CallHelper, R::R0, R::R0, 0, index),
                None => self.unusable(Unusable::Kfunc(id)),
            },
            Insn::CallReg(reg) => match self.choice {
                Helpers::Linux(_) => self.unusable(Unusable::CallReg(reg)),
                Helpers::Own(_) => plain(OpCode::CallOwn, R::R0, reg.into(), 0, 0),
            },
            Insn::Exit => plain(OpCode::Exit, R::R0, R::R0, 0, 0),
            Insn::AddrSpaceCast { dst, src, to, from } => {
                let code = match (to, from) {
                    // A program's pointer is the lower half of the process'.
                    (0, 1) => OpCode::MovR32,
                    (1, 0) => OpCode::CastUser,
                    _ => return Ok(self.unusable(Unusable::AddrSpaceCast)),
                };
                if self.arena().is_none() {
                    return Ok(self.unusable(Unusable::AddrSpaceCast));
                }
                plain(code, dst.into(), src.into(), 0, 0)
            }
        })
    }

    /// The value of an immediate, or why it has none here.
    fn immediate(
        &mut self,
        at: usize,
        value: Imm64,
    ) -> Result<Result<u64, Unusable>, PrepareError> {
        Ok(match value {
            Imm64::Value(value) => Ok(value),
            Imm64::Func(distance) => {
                let target = self.target(at, distance);
                self.functions.push(target as u32);
                Ok(Checked::function_address(target as usize))
            }
            // Only compared with null: a weak function that is missing was linked as 0.
            Imm64::BtfId { .. } if self.program.kfunc_at(at).is_some() => {
                Ok(Checked::kfunc_address(at))
            }
            Imm64::BtfId { id, fd } => {
                let id_here = u32::try_from(id).ok().filter(|_| fd == 0);
                let address = id_here.and_then(|id| (self.variable)(TypeId(id)));
                address.ok_or(Unusable::Variable(id))
            }
            Imm64::MapFd(_) | Imm64::MapValue { .. } => Err(Unusable::MapByDescriptor),
            Imm64::MapIdx(idx) => {
                let (index, _) = self.map(at, idx)?;
                Ok(Checked::handle_address(index))
            }
            Imm64::MapIdxValue { idx, off } => {
                let (index, map) = self.map(at, idx)?;
                if let Some(arena) = map.map.arena()
                    && u64::from(off) < arena.bytes()
                {
                    return Ok(Ok(arena.user_start() + u64::from(off)));
                }
                // Linux takes addresses inside the only value of an array.
                if map.shape.is_none() || off >= map.map.spec().value_size {
                    return Err(PrepareError::NoSuchValue {
                        program: Arc::clone(self.program),
                        slot: at,
                        map: map.map.spec().name.clone(),
                        off,
                    });
                }
                Ok(Checked::value_address(index, off as usize))
            }
        })
    }

    fn map(&self, at: usize, idx: i32) -> Result<(usize, &CodeMap), PrepareError> {
        let index = usize::try_from(idx).unwrap_or(usize::MAX);
        match self.maps.get(index) {
            Some(map) => Ok((index, map)),
            None => Err(PrepareError::NoSuchMap {
                program: Arc::clone(self.program),
                slot: at,
                idx,
                count: self.maps.len(),
            }),
        }
    }

    /// The position of the application's helper of this number in the code's list, if there is one.
    fn host_helper(&mut self, id: i32) -> Option<u64> {
        let Helpers::Linux(own) = self.choice else {
            return None;
        };
        let is_it = |helper: &&HostHelper| i64::from(helper.helper().id) == i64::from(id);
        if let Some(index) = self.host_helpers.iter().position(|helper| is_it(&helper)) {
            return Some(index as u64);
        }
        self.host_helpers.push(own.iter().find(is_it)?.clone());
        Some(self.host_helpers.len() as u64 - 1)
    }

    /// The position of a helper in the code's list.
    fn helper(&mut self, at: usize, id: i32) -> Result<u64, PrepareError> {
        let number = u32::try_from(id).unwrap_or(u32::MAX);
        if let Some(index) = self.callees.get(&Called::Helper(number)) {
            return Ok(*index as u64);
        }
        let callable = match self.choice {
            Helpers::Linux(_) => linux_helper(number),
            Helpers::Own(own) => own_helper(own, number),
        };
        let Some(callable) = callable else {
            return Err(PrepareError::HelperMissing {
                program: Arc::clone(self.program),
                slot: at,
                id,
            });
        };
        Ok(self.callable(Called::Helper(number), callable))
    }

    /// The position of the kernel function that the instruction at a slot names; `None` if it names
    /// none.
    fn kfunc(&mut self, at: usize) -> Result<Option<u64>, PrepareError> {
        let Some(name) = self.program.kfunc_at(at) else {
            return Ok(None);
        };
        let known = kfunc::by_name(name).zip(crate::kfunc::implementation(name));
        let Some((entry, function)) = known else {
            return Err(PrepareError::KfuncMissing {
                program: Arc::clone(self.program),
                slot: at,
                name: name.to_owned(),
            });
        };
        if let Some(index) = self.callees.get(&Called::Kfunc(entry.name)) {
            return Ok(Some(*index as u64));
        }
        let callable = Callable {
            function,
            name: entry.name,
            may_be_null: entry.has(Kfunc::MAY_BE_NULL),
            under_lock: entry.has(Kfunc::UNDER_LOCK),
        };
        Ok(Some(self.callable(Called::Kfunc(entry.name), callable)))
    }

    fn callable(&mut self, called: Called, callable: Callable) -> u64 {
        self.callees.insert(called, self.helpers.len());
        self.helpers.push(callable);
        self.helpers.len() as u64 - 1
    }

    /// The function that a tag of the program's entry names for exceptions.
    fn exception_callback(&self) -> Option<u32> {
        (self.callees)
            .contains_key(&Called::Kfunc("bpf_throw"))
            .then_some(())?;
        let btf = &self.program.debug.as_ref()?.btf;
        let name = btf.own_types().find_map(|ty| match ty.body() {
            Body::DeclTag(tag) if tag.component.is_none() => {
                let tagged = btf.type_at(tag.target).name() == self.program.name;
                ty.name()
                    .strip_prefix(EXCEPTION_CALLBACK)
                    .filter(|_| tagged)
            }
            _ => None,
        })?;
        let mut functions = self.program.functions.iter();
        let function = functions.find(|function| function.name == name)?;
        self.op_of_slot.get(function.start as usize).copied()
    }
}

fn linux_helper(number: u32) -> Option<Callable> {
    let entry = osmia_program::helper::by_id(number)?;
    Some(Callable {
        function: helper::implementation(number)?,
        name: entry.name,
        may_be_null: entry.prototype.returns.may_be_null(),
        under_lock: number == SPIN_UNLOCK,
    })
}

pub(crate) fn own_helper(own: &[OwnHelper], number: u32) -> Option<Callable> {
    let helper = own.iter().find(|helper| helper.number == number)?;
    Some(Callable {
        function: helper.function,
        name: helper.name,
        may_be_null: false,
        under_lock: true,
    })
}

const fn plain(code: OpCode, dst: R, src: R, arg: i32, imm: u64) -> Op {
    Op {
        imm,
        arg,
        code,
        dst,
        src,
    }
}

fn with_operand(dst: osmia_isa::Reg, src: Operand, arg: i32, code: impl Fn(bool) -> OpCode) -> Op {
    match src {
        Operand::Reg(src) => plain(code(false), dst.into(), src.into(), arg, 0),
        Operand::Imm(imm) => plain(code(true), dst.into(), R::R0, arg, i64::from(imm) as u64),
    }
}

const fn rmw(op: AtomicOp) -> Rmw {
    match op {
        AtomicOp::Add { fetch: false } => Rmw::Add,
        AtomicOp::Or { fetch: false } => Rmw::Or,
        AtomicOp::And { fetch: false } => Rmw::And,
        AtomicOp::Xor { fetch: false } => Rmw::Xor,
        AtomicOp::Add { fetch: true } => Rmw::FetchAdd,
        AtomicOp::Or { fetch: true } => Rmw::FetchOr,
        AtomicOp::And { fetch: true } => Rmw::FetchAnd,
        AtomicOp::Xor { fetch: true } => Rmw::FetchXor,
        AtomicOp::Xchg => Rmw::Xchg,
        AtomicOp::Cmpxchg => Rmw::Cmpxchg,
    }
}
