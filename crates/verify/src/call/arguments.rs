//! Arguments of a helper: each checked against what its prototype asks for.

use osmia_isa::Reg as RegName;
use osmia_program::helper::{Arg, Helper};
use osmia_program::{MapFlags, MapKind};

use super::dynptr::Room;
use crate::fields::{Keeps, Kptr, Owner, Special};
use crate::limits;
use crate::memory::{Access, fixed};
use crate::reg::{Dynptr, DynptrMemory, Flags, Reg, Socket, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::Byte;
use crate::state::{Lock, LockKind};
use crate::transfer::Transfer;

/// What the arguments of a call said about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    /// The map.
    pub(crate) map: Option<u16>,
    /// The lookup of an inner map it came from.
    pub(crate) inner: u32,
    /// The resource given back.
    pub(crate) released: u32,
    /// A resource that an argument keeps alive, and with it what the call returns.
    pub(crate) reference: u32,
    /// The function that is called back, and the argument for it.
    pub(crate) callback: Option<u16>,
    /// Bytes of memory the call returns, if an argument says that.
    pub(crate) memory_bytes: Option<u64>,
    /// The largest size of memory.
    pub(crate) size_max: Option<u64>,
    /// The lock.
    pub(crate) lock: Option<Lock>,
    /// The map whose value has the field that an argument points to.
    pub(crate) field_of: Option<u16>,
    /// The kernel pointer that is exchanged.
    pub(crate) kptr: Option<Kptr>,
    /// What has a copy for each CPU.
    pub(crate) per_cpu: Option<What>,
    /// The dynptr that is used, and which one it is.
    pub(crate) dynptr: Option<Dynptr>,
    pub(crate) dynptr_id: u32,
    /// Where a new dynptr goes.
    pub(crate) made: Option<Room>,
    /// The dynptr that the call ends.
    pub(crate) ended: Option<Reg>,
    /// The constant key.
    pub(crate) key: Option<u64>,
    /// Memory that is written: register, offset and bytes.
    written: Vec<Written>,
}

/// Stack memory that a helper fills.
#[derive(Copy, Clone, Debug)]
struct Written {
    frame: usize,
    min: i32,
    max: i32,
}

impl Transfer<'_> {
    pub(crate) fn check_arguments(&mut self, helper: &Helper) -> Check<Arguments> {
        let mut found = Arguments::default();
        let prototype = *helper.prototype_for(&self.program.hook);
        for (index, &arg) in prototype.args.iter().enumerate() {
            let name = RegName::new(index as u8 + 1).expect("at most five arguments");
            let next = prototype.args.get(index + 1).copied();
            self.check_argument(helper, name, arg, next, &mut found)?;
        }
        for written in std::mem::take(&mut found.written) {
            self.fill_stack(written);
        }
        if let Some(room) = found.made {
            self.make_helper_dynptr(helper, room)?;
        }
        Ok(found)
    }

    fn check_argument(
        &mut self,
        helper: &Helper,
        name: RegName,
        arg: Arg,
        next: Option<Arg>,
        found: &mut Arguments,
    ) -> Check {
        let reg = self.read(name)?;
        if arg == Arg::Scalar && self.would_leak(&reg) {
            return denied(
                self.at,
                format!("R{} leaks addr into helper function", name.number()),
            );
        }
        if arg == Arg::Scalar {
            return Ok(());
        }
        if reg.is_packet() {
            if !reads_packets(helper.id) {
                return denied(self.at, "helper access to the packet is not allowed");
            }
            self.check_packet_right(arg_writes(arg))?;
        }
        if reg.reference != 0 && found.reference == 0 {
            found.reference = reg.reference;
        }
        if reg.is_null() && accepts_null(arg) {
            self.want(name);
            return Ok(());
        }
        match arg {
            Arg::Map => match reg.what {
                What::Map(map) if !reg.may_be_null() => {
                    self.check_field_map(found.field_of, map, "timer")?;
                    found.map = Some(map);
                    found.inner = reg.id;
                    Ok(())
                }
                _ => self.wrong_type(name, &reg, "map_ptr"),
            },
            Arg::Scalar => Ok(()),
            Arg::AllocSize => {
                if !reg.is_number() {
                    return self.wrong_type(name, &reg, "scalar");
                }
                let Some(bytes) = reg.num.constant() else {
                    return denied(
                        self.at,
                        format!("R{} is not a known constant'", name.number()),
                    );
                };
                self.want(name);
                found.memory_bytes = Some(bytes);
                Ok(())
            }
            Arg::Context | Arg::ContextOrNull => match reg.what {
                What::Context => self.check_plain_context(&reg, name),
                _ => self.wrong_type(name, &reg, "ctx"),
            },
            Arg::MapKey => {
                let spec = self.map_of(found)?;
                let bytes = u64::from(spec.key_size);
                let kind = spec.kind;
                found.key = self.constant_key(&reg, kind, bytes);
                self.check_memory(name, &reg, bytes, false, None)
            }
            Arg::MapValue | Arg::MapValueOrNull if self.holds_sockets(found) => {
                self.check_socket(Arg::Socket, name, &reg, found)
            }
            Arg::MapValue | Arg::MapValueOrNull => {
                let bytes = u64::from(self.map_of(found)?.value_size);
                self.check_memory(name, &reg, bytes, false, None)
            }
            Arg::MapValueOut => {
                let bytes = u64::from(self.map_of(found)?.value_size);
                self.check_memory(name, &reg, bytes, true, Some(found))
            }
            // Checked together with the size behind them.
            Arg::Read | Arg::ReadOrNull | Arg::Write | Arg::WriteOrNull | Arg::ReadWrite => {
                self.check_memory_kind(name, &reg)?;
                if next.is_none() {
                    return invalid(self.at, format!("{} has no size", helper.name));
                }
                Ok(())
            }
            Arg::Size | Arg::SizeOrZero => self.check_size(helper, name, arg, &reg, found),
            Arg::FixedRead(bytes) => self.check_memory(name, &reg, u64::from(bytes), false, None),
            Arg::FixedWrite(bytes) | Arg::FixedReadWrite(bytes) => {
                let fills = matches!(arg, Arg::FixedWrite(_));
                let found = if fills { Some(found) } else { None };
                self.check_memory(name, &reg, u64::from(bytes), true, found)?;
                let access = Access {
                    base: name,
                    off: i64::from(reg.off),
                    bytes: u64::from(bytes),
                    write: true,
                    aligned: true,
                };
                self.check_alignment(&access, &reg)
            }
            Arg::ConstString => self.check_string(name, &reg),
            Arg::Function => match reg.what {
                What::Function(function) => {
                    found.callback = Some(function);
                    Ok(())
                }
                _ => self.wrong_type(name, &reg, "func"),
            },
            Arg::StackOrNull => match reg.what {
                What::Stack { .. } => Ok(()),
                _ => self.wrong_type(name, &reg, "fp"),
            },
            Arg::Reservation => self.check_release(name, &reg, found),
            Arg::SpinLock => {
                found.lock = Some(self.check_lock_argument(name, &reg, LockKind::Spin)?);
                Ok(())
            }
            Arg::Socket | Arg::SocketOrNull | Arg::SocketRelease | Arg::SockCommon => {
                self.check_socket(arg, name, &reg, found)
            }
            Arg::Timer => {
                let is = |special: &Special| *special == Special::Timer;
                if let Owner::Map(map) = self.check_field_argument(name, &reg, "bpf_timer", is)? {
                    found.field_of = Some(map);
                }
                Ok(())
            }
            Arg::PerCpu => match reg.what {
                // What the program itself owns is for exchanging only.
                What::Kernel { .. } | What::Object(_)
                    if reg.flags.has(Flags::PER_CPU)
                        && !reg.may_be_null()
                        && reg.reference == 0 =>
                {
                    found.per_cpu = Some(reg.what);
                    Ok(())
                }
                _ => self.wrong_type(name, &reg, "percpu_ptr_, percpu_rcu_ptr_"),
            },
            Arg::Kernel(_) | Arg::KernelOrNull(_) => match reg.what {
                What::Kernel { .. } if !reg.flags.has(Flags::UNTRUSTED) && !reg.may_be_null() => {
                    Ok(())
                }
                _ => self.wrong_type(name, &reg, "ptr_"),
            },
            Arg::Kptr => self.check_kptr_argument(name, &reg, found),
            Arg::OwnedOrNull => self.check_given(name, &reg, found),
            Arg::Dynptr => {
                let (dynptr, held) = self.check_dynptr(name, &reg)?;
                found.dynptr = Some(dynptr);
                (found.reference, found.dynptr_id) = (held.reference, held.id);
                Ok(())
            }
            Arg::DynptrOut => {
                found.made = Some(self.check_dynptr_room(name, &reg)?);
                Ok(())
            }
            Arg::DynptrEnd => {
                let (dynptr, held) = self.check_dynptr(name, &reg)?;
                if dynptr.memory != DynptrMemory::Ringbuf {
                    let argument = name.number();
                    return invalid(
                        self.at,
                        format!("Expected a dynptr of type ringbuf as arg #{argument}"),
                    );
                }
                found.ended = Some(held);
                Ok(())
            }
        }
    }

    fn map_of(&self, found: &Arguments) -> Check<&osmia_program::MapSpec> {
        match found.map {
            Some(map) => Ok(&self.maps[usize::from(map)]),
            None => denied(self.at, "invalid map_ptr to access map->key"),
        }
    }

    /// True for maps whose values are sockets.
    fn holds_sockets(&self, found: &Arguments) -> bool {
        let kind = found.map.map(|map| self.map_kind(map));
        matches!(kind, Some(MapKind::Sockmap | MapKind::Sockhash))
    }

    fn wrong_type<T>(&self, name: RegName, reg: &Reg, expected: &str) -> Check<T> {
        denied(
            self.at,
            format!("R{} type={} expected={expected}", name.number(), reg.name()),
        )
    }

    /// Kinds of pointers that can mean memory.
    fn check_memory_kind(&self, name: RegName, reg: &Reg) -> Check {
        let typed = matches!(reg.what, What::Kernel { .. }) && reg.flags == Flags::TRUSTED;
        let bytes = !reg.may_be_null()
            && !reg.flags.has(Flags::UNTRUSTED)
            && matches!(
                reg.what,
                What::Stack { .. }
                    | What::Packet { .. }
                    | What::PacketMeta { .. }
                    | What::MapKey(_)
                    | What::MapValue { .. }
                    | What::Memory { .. }
                    | What::TracepointBuffer
                    | What::Buffer
            );
        // The context of a syscall program is plain memory.
        let context = reg.what == What::Context
            && self.program.hook.kind == osmia_program::ProgramKind::Syscall;
        if bytes || typed || context {
            return Ok(());
        }
        self.wrong_type(
            name,
            reg,
            "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
        )
    }

    /// Memory of a known size. What a helper fills need not have been written before.
    pub(crate) fn check_memory(
        &mut self,
        name: RegName,
        reg: &Reg,
        bytes: u64,
        write: bool,
        found: Option<&mut Arguments>,
    ) -> Check {
        self.check_memory_kind(name, reg)?;
        let access = Access {
            base: name,
            off: i64::from(reg.off),
            bytes,
            write,
            aligned: false,
        };
        match reg.what {
            What::Stack { frame } => {
                if bytes == 0 {
                    return Ok(());
                }
                let (min, max) = self.stack_range(&access, reg)?;
                let (min, max) = (min as i32, max as i32);
                let frame = usize::from(frame);
                match found {
                    Some(found) if reg.num.constant().is_some() => {
                        let stack = &self.state.frames[frame].stack;
                        let dynptr = |off: &i32| stack.byte(*off) == Byte::Dynptr;
                        if let Some(off) = (min..max).find(dynptr) {
                            return denied(
                                self.at,
                                format!("potential write to dynptr at off={off} disallowed"),
                            );
                        }
                        found.written.push(Written { frame, min, max });
                        Ok(())
                    }
                    _ => self.check_initialised(name, frame, min, max, write),
                }
            }
            What::Packet { range } | What::PacketMeta { range } => {
                self.check_packet(&access, reg, range.bytes())
            }
            What::MapValue { map, .. } => {
                let spec = &self.maps[usize::from(map)];
                let flag = if write {
                    MapFlags::RDONLY_PROG
                } else {
                    MapFlags::WRONLY_PROG
                };
                if spec.flags.has(flag) {
                    return denied(
                        self.at,
                        format!(
                            "{} map forbidden, value_size={} off={} size={bytes}",
                            if write { "write into" } else { "read from" },
                            spec.value_size,
                            reg.off
                        ),
                    );
                }
                let size = u64::from(spec.value_size);
                self.check_region(&access, reg, size)?;
                let record = self.record(Owner::Map(map));
                self.touched_kptr(&access, reg, &record, false).map(|_| ())
            }
            What::MapKey(map) => {
                if write {
                    return denied(
                        self.at,
                        format!("R{} cannot write into map_key", name.number()),
                    );
                }
                let size = u64::from(self.maps[usize::from(map)].key_size);
                self.check_region(&access, reg, size)
            }
            What::Memory { bytes: size } => {
                if write && reg.flags.has(Flags::READ_ONLY) {
                    return denied(
                        self.at,
                        format!("R{} cannot write into rdonly_mem", name.number()),
                    );
                }
                self.check_region(&access, reg, u64::from(size))
            }
            What::Context => self.check_region(&access, reg, u64::from(u16::MAX)),
            What::TracepointBuffer | What::Buffer | What::Kernel { .. } => {
                self.access(&access, reg, None).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// A size, and the memory before it.
    fn check_size(
        &mut self,
        helper: &Helper,
        name: RegName,
        arg: Arg,
        reg: &Reg,
        found: &mut Arguments,
    ) -> Check {
        let register = name.number();
        if !reg.is_number() {
            return self.wrong_type(name, reg, "scalar");
        }
        let memory = RegName::new(register - 1).expect("a size follows memory");
        let prototype = helper.prototype_for(&self.program.hook);
        let memory_arg = prototype.args[usize::from(register) - 2];
        let write = arg_writes(memory_arg);
        if reg.num.s.min < 0 {
            return denied(
                self.at,
                format!("R{register} min value is negative, either use unsigned or 'var &= const'"),
            );
        }
        let zero_allowed = arg == Arg::SizeOrZero;
        if reg.num.u.min == 0 && !zero_allowed {
            return denied(
                self.at,
                format!(
                    "R{register} invalid zero-sized read: u64=[{},{}]",
                    reg.num.u.min, reg.num.u.max
                ),
            );
        }
        if reg.num.u.max >= limits::SIZE_MAX {
            return denied(
                self.at,
                format!(
                    "R{register} unbounded memory access, use 'var &= const' or 'if (var < const)'"
                ),
            );
        }
        self.want(name);
        found.size_max = Some(reg.num.u.max);
        let pointer = self.read(memory)?;
        if pointer.is_null() && accepts_null(memory_arg) {
            if reg.num.u.max == 0 {
                return Ok(());
            }
            return denied(
                self.at,
                format!("R{} type=scalar expected=fp", memory.number()),
            );
        }
        if reg.num.u.max == 0 && !zero_allowed {
            return denied(self.at, format!("R{register} invalid zero-sized read"));
        }
        // Only memory of a known size is surely filled.
        let exact = reg.num.constant().is_some();
        let found = if write && exact { Some(found) } else { None };
        self.check_memory(memory, &pointer, reg.num.u.max, write, found)
    }

    fn fill_stack(&mut self, written: Written) {
        let stack = &mut self.state.frames[written.frame].stack;
        for off in written.min..written.max {
            let (index, byte) = crate::stack::place(off);
            let slot = stack.slot_mut(index);
            slot.scrub();
            slot.bytes[byte] = Byte::Misc;
        }
    }

    /// The value of a key on the stack, if it is a constant: arrays have every element. It then
    /// decides something.
    fn constant_key(&mut self, reg: &Reg, kind: MapKind, bytes: u64) -> Option<u64> {
        let What::Stack { frame } = reg.what else {
            return None;
        };
        let (frame, bytes) = (usize::from(frame), bytes as usize);
        let known = matches!(kind, MapKind::Array | MapKind::PercpuArray);
        let off = i32::try_from(i64::from(reg.off) + reg.num.constant()? as i64).ok()?;
        if !known || off >= 0 {
            return None;
        }
        let (index, byte) = crate::stack::place(off);
        let slot = self.state.frames[frame].stack.slots().get(index)?;
        let run = |kind| {
            (0..=byte)
                .rev()
                .take_while(|&at| slot.bytes[at] == kind)
                .count()
        };
        if run(Byte::Zero) >= bytes {
            return Some(0);
        }
        if !slot.holds_number() || run(Byte::Spill) != bytes {
            return None;
        }
        let key = slot.spilled.num.constant()?;
        self.want_slot(frame, index);
        Some(key)
    }

    pub(crate) fn check_string(&self, name: RegName, reg: &Reg) -> Check {
        let What::MapValue { map, .. } = reg.what else {
            return self.wrong_type(name, reg, "map_value");
        };
        let spec = &self.maps[usize::from(map)];
        let register = name.number();
        if !spec.flags.has(MapFlags::RDONLY_PROG) || !spec.frozen {
            return denied(
                self.at,
                format!("R{register} does not point to a readonly map'"),
            );
        }
        if !fixed(reg) {
            return denied(self.at, format!("R{register} is not a constant address'"));
        }
        if let osmia_program::Initial::Value(bytes) = &spec.initial {
            let rest = bytes.get(reg.off.max(0) as usize..).unwrap_or_default();
            let padded = (bytes.len() as u32) < spec.value_size;
            if !rest.contains(&0) && !padded {
                return invalid(self.at, "string is not zero-terminated");
            }
        }
        Ok(())
    }

    fn check_release(&mut self, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
        let ring = matches!(reg.what, What::Memory { .. }) && reg.flags.has(Flags::RINGBUF);
        if !ring || reg.may_be_null() {
            return self.wrong_type(name, reg, "ringbuf_mem");
        }
        if reg.off != 0 || !fixed(reg) {
            return invalid(
                self.at,
                format!(
                    "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                    name.number()
                ),
            );
        }
        self.take_release(name, reg, found)
    }

    /// A field that keeps a pointer, to exchange it.
    fn check_kptr_argument(&mut self, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
        let register = name.number();
        let Some(owner) = Self::owner(reg).filter(|_| !reg.may_be_null()) else {
            return self.wrong_type(name, reg, "map_value, ptr_");
        };
        let Some(by) = reg.num.constant() else {
            return invalid(
                self.at,
                format!(
                    "R{register} doesn't have constant offset. kptr has to be at the constant offset"
                ),
            );
        };
        let place = i64::from(reg.off) + by as i64;
        let record = self.record(owner);
        let Some(Special::Kptr(kptr)) = record.at(place).map(|field| &field.special) else {
            return denied(self.at, format!("off={place} doesn't point to kptr"));
        };
        if !matches!(kptr.keeps, Keeps::Owned | Keeps::PerCpu) {
            return denied(self.at, format!("off={place} kptr isn't referenced kptr"));
        }
        found.kptr = Some(kptr.clone());
        // The object the field lies in is not what is given back.
        found.reference = 0;
        Ok(())
    }

    /// A pointer that goes into the field.
    fn check_given(&mut self, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
        if reg.may_be_null() {
            return self.wrong_type(name, reg, "ptr_");
        }
        if let Some(kptr) = found.kptr.clone() {
            self.check_kept(reg, &kptr, name)?;
        }
        self.take_release(name, reg, found)
    }

    fn take_release(&mut self, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
        if reg.reference == 0 {
            return invalid(
                self.at,
                format!(
                    "R{} must be referenced when passed to release function",
                    name.number()
                ),
            );
        }
        found.released = reg.reference;
        Ok(())
    }

    fn check_socket(&mut self, arg: Arg, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
        let register = name.number();
        let fine = match reg.what {
            What::Socket(socket) => socket != Socket::Xdp,
            What::Kernel { .. } => arg != Arg::SockCommon,
            _ => false,
        };
        if !fine || reg.may_be_null() {
            return self.wrong_type(name, reg, "sock_common, sock, tcp_sock, trusted_ptr_");
        }
        let plain = reg.off == 0 && fixed(reg);
        if arg == Arg::SocketRelease {
            if !plain {
                return invalid(
                    self.at,
                    format!(
                        "R{register} must have zero offset when passed to release func or trusted arg to kfunc"
                    ),
                );
            }
            return self.take_release(name, reg, found);
        }
        if !plain {
            return denied(
                self.at,
                format!(
                    "dereference of modified {} ptr R{register} off={} disallowed",
                    reg.name(),
                    reg.off
                ),
            );
        }
        Ok(())
    }
}

/// Helpers that may be given packet addresses as memory.
fn reads_packets(helper: u32) -> bool {
    const HELPERS: [u32; 16] = [
        1, 2, 3, 28, 84, 85, 87, 88, 89, 99, 100, 110, 204, 205, 206, 207,
    ];
    HELPERS.contains(&helper)
}

/// True if null is an answer to what is asked for.
fn accepts_null(arg: Arg) -> bool {
    matches!(
        arg,
        Arg::ReadOrNull
            | Arg::WriteOrNull
            | Arg::StackOrNull
            | Arg::MapValueOrNull
            | Arg::ContextOrNull
            | Arg::SocketOrNull
            | Arg::KernelOrNull(_)
            | Arg::OwnedOrNull
    )
}

/// True if the helper writes what the argument points to.
fn arg_writes(arg: Arg) -> bool {
    matches!(
        arg,
        Arg::Write
            | Arg::WriteOrNull
            | Arg::ReadWrite
            | Arg::MapValueOut
            | Arg::FixedWrite(_)
            | Arg::FixedReadWrite(_)
    )
}
