//! Transfer functions: what one instruction does to what is known.
//!
//! [`Transfer`] holds the state and the position of one path. [`Transfer::step`] checks the
//! instruction there and changes the state; branches that go another way are put aside, and what
//! only matters for comparing states is told as [`Events`]. It knows nothing of kept states, of
//! pruning or of an order of exploration: exploration and the checker of certificates use it alike.
//! What the kinds of instructions do is in the files beside it.

use std::collections::HashMap;
use std::sync::Arc;

use osmia_btf::TypeId;
use osmia_isa::{Callee, Imm64, Insn, Operand, Reg as RegName};
use osmia_program::{Errno, MapKind, MapSpec, Program, ProgramFlags, Target};

use crate::Options;
use crate::attach::Given;
use crate::certificate::{Certificate, Claim};
use crate::chains::Chains;
use crate::events::Events;
use crate::fields::Record;
use crate::reach::Reach;
use crate::reg::{Reg, What};
use crate::reject::{Check, denied, invalid, reject};
use crate::shape::Shape;
use crate::speculation::Speculation;
use crate::state::{Linked, Reference, State};

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

/// A branch that the path did not take: the state it begins with, and where.
#[derive(Clone, Debug)]
pub(crate) struct Aside {
    pub(crate) state: State,
    pub(crate) at: usize,
    /// It begins anew: what runs there was only named by this path.
    pub(crate) anew: bool,
}

/// A program and one state of it.
pub(crate) struct Transfer<'a> {
    pub(crate) program: &'a Program,
    /// Those of the program, in its order, then what maps of maps hold.
    pub(crate) maps: Vec<MapSpec>,
    /// The position of what a map of maps holds.
    pub(crate) inner_maps: HashMap<u16, u16>,
    /// The special fields of each map's values.
    pub(crate) records: Vec<Arc<Record>>,
    /// The special fields of types of the program, as they are asked for.
    pub(crate) object_records: HashMap<u32, Arc<Record>>,
    /// How many are the program's.
    own_maps: usize,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
    pub(crate) shape: Arc<Shape>,
    /// Chains of calls, by the number that frames carry.
    pub(crate) chains: Chains,
    /// Names of kernel structures, by the number that registers carry.
    pub(crate) type_names: Vec<String>,
    ids: u32,
    /// Bytes of the stack were read that were never written.
    pub(crate) reads_unset_stack: bool,
    /// Deepest use of the stack by function, in bytes.
    pub(crate) stack_bytes: Vec<u32>,
    /// Bytes that are touched of a context that is plain memory.
    pub(crate) context_bytes: usize,
    /// What kinds of pointers an instruction has been used with; they must not be mixed.
    pub(crate) context_access: HashMap<usize, bool>,
    /// The function that each call of `bpf_loop` calls, while it is the same on every path and without flags.
    pub(crate) inlined_loops: HashMap<usize, Option<usize>>,
    /// How far it looks into what others lay out.
    pub(crate) reach: Reach,
    /// Functions that run later: timers' and others.
    pub(crate) later_functions: Vec<usize>,
    /// Functions to verify on their own, in the order they were called.
    pub(crate) wanted_functions: Vec<usize>,
    /// The function being verified on its own, if it is not the entry.
    pub(crate) root: usize,
    pub(crate) state: State,
    /// The instruction being looked at.
    pub(crate) at: usize,
    /// Branches put aside by this instruction, those to be looked at first last.
    pub(crate) asides: Vec<Aside>,
    /// What this instruction tells beside its state.
    pub(crate) events: Events,
    /// What is known of mispredicted paths, if they are followed.
    pub(crate) speculation: Option<Speculation>,
    /// Arguments of the program that are references.
    pub(crate) given: Vec<Given>,
}

impl<'a> Transfer<'a> {
    pub(crate) fn new(
        program: &'a Program,
        maps: &'a [MapSpec],
        target: &'a Target,
        options: &'a Options,
    ) -> Check<Self> {
        let shape = Arc::new(Shape::new(program, target)?);
        Ok(Self::shaped(program, shape, maps, target, options))
    }

    /// For a program whose shape is known.
    pub(crate) fn shaped(
        program: &'a Program,
        shape: Arc<Shape>,
        maps: &'a [MapSpec],
        target: &'a Target,
        options: &'a Options,
    ) -> Self {
        let (mut all, mut inner_maps) = (maps.to_vec(), HashMap::new());
        for (position, map) in maps.iter().enumerate() {
            if let Some(inner) = &map.inner {
                inner_maps.insert(position as u16, all.len() as u16);
                all.push((**inner).clone());
            }
        }
        let functions = shape.functions.len();
        let handler = shape.exception_callback;
        let kernel = target.btf.as_deref();
        let record = |map| Arc::new(Record::of_map(map, kernel));
        let records = all.iter().map(record).collect();
        let mut transfer = Self {
            program,
            own_maps: maps.len(),
            records,
            object_records: HashMap::new(),
            maps: all,
            inner_maps,
            target,
            options,
            shape,
            chains: Chains::default(),
            type_names: Vec::new(),
            ids: 0,
            reads_unset_stack: false,
            stack_bytes: vec![0; functions],
            context_bytes: 0,
            context_access: HashMap::new(),
            inlined_loops: HashMap::new(),
            reach: Reach::default(),
            later_functions: Vec::new(),
            wanted_functions: handler.into_iter().collect(),
            root: 0,
            state: State::new(0, 0),
            at: 0,
            asides: Vec::new(),
            events: Events::default(),
            speculation: None,
            given: Vec::new(),
        };
        transfer.find_given();
        transfer
    }

    /// Speaks of types and chains of calls by the numbers a certificate has for them.
    pub(crate) fn know(mut self, certificate: &Certificate) -> Self {
        self.type_names.clone_from(&certificate.type_names);
        self.chains.clone_from(&certificate.chains);
        self.ids = certificate.ids;
        self
    }

    /// A certificate that speaks by the numbers met here.
    pub(crate) fn certify(self, functions: Vec<Claim>) -> Certificate {
        Certificate {
            functions,
            type_names: self.type_names,
            chains: self.chains,
            ids: self.ids,
        }
    }

    /// Stands at the start of a function, with these arguments.
    pub(crate) fn enter(&mut self, function: usize, arguments: &[(RegName, Reg)]) {
        self.root = function;
        self.at = self.shape.functions[function].start;
        let chain = self.chains.find(None, None, function);
        self.state = State::new(function, chain);
        self.state.sleepable = self.program.flags.has(ProgramFlags::SLEEPABLE);
        self.state.secretive = !self.options.is_trusted();
        for (name, reg) in arguments {
            *self.state.reg_mut(*name) = *reg;
        }
        if function == 0 {
            let references = self.given.iter().map(|given| Reference {
                id: given.id,
                at: 0,
            });
            self.state.references = references.collect();
        }
    }

    /// Checks the instruction the path stands at, applies it to the state and says what comes next.
    /// `asides` and `events` are those of this instruction alone.
    pub(crate) fn step(&mut self) -> Check<Next> {
        self.asides.clear();
        self.events.clear();
        if self.is_barred() {
            return Ok(Next::End);
        }
        let insn = self.shape.insn(self.at);
        match self.check(&insn) {
            Err(why) if self.bar(&why) => Ok(Next::End),
            Ok(_) if self.is_fenced() => Ok(Next::End),
            next => next,
        }
    }

    /// A number nobody has as an id yet.
    pub(crate) fn fresh_id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    /// Puts a branch aside; the caller changes its state.
    pub(crate) fn fork(&mut self, at: usize) -> &mut State {
        let state = self.state.clone();
        self.asides.push(Aside {
            state,
            at,
            anew: false,
        });
        &mut self.asides.last_mut().expect("just pushed").state
    }

    /// The state that goes on and the one just put aside.
    pub(crate) fn both_ways(&mut self) -> (&mut State, &mut State) {
        let aside = self.asides.last_mut().expect("a branch was put aside");
        (&mut self.state, &mut aside.state)
    }

    /// The path's history needs to know that this instruction accesses a slot of the stack, or which
    /// registers it refined together.
    pub(crate) fn note(&mut self, stack: Option<(u8, u8)>, linked: Vec<Linked>) {
        self.events.note(stack, linked);
    }

    /// The number in a register decides something.
    pub(crate) fn want(&mut self, name: RegName) {
        if self.state.reg(name).is_number() {
            self.events.want_reg(self.state.top(), name.index());
        }
    }

    /// The number spilled in a slot decides something.
    pub(crate) fn want_slot(&mut self, frame: usize, slot: usize) {
        self.events.want_slot(self.state.top(), frame, slot);
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
        reg.is_pointer() && !self.options.is_trusted()
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
            Insn::LoadPacket { index, .. } => {
                self.load_packet(index)?;
                return self.may_leave(|_| Reg::constant(0));
            }
            Insn::Jump { .. } => {
                self.events.jumps = true;
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
                self.events.jumps = true;
                let target = insn.target(self.at).unwrap_or_default() as usize;
                return self.branch(cond, width, dst, src, target);
            }
            Insn::MayGoto { .. } => {
                self.events.jumps = true;
                let target = insn.target(self.at).unwrap_or_default() as usize;
                return self.may_goto(target);
            }
            Insn::Call(callee) => {
                self.events.jumps = true;
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
                self.events.jumps = true;
                return self.exit();
            }
            Insn::AddrSpaceCast { dst, src, .. } => self.cast_address(insn, dst, src)?,
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
                if spec.kind == MapKind::Arena {
                    return self.write(dst, Reg::UNKNOWN);
                }
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
        Ok(self.variable(&btf, id))
    }
}
