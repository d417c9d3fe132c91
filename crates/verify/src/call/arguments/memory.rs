//! Memory that a helper is given: its kind, its size, and what a helper fills.

use osmia_isa::Reg as RegName;
use osmia_program::helper::{Arg, Helper};
use osmia_program::release::Feature;
use osmia_program::{MapFlags, MapKind};

use super::{Arguments, Written, accepts_null, arg_writes};
use crate::fields::Owner;
use crate::limits;
use crate::memory::{Access, fixed};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::Byte;
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// Kinds of pointers that can mean memory.
    pub(super) fn check_memory_kind(&self, name: RegName, reg: &Reg) -> Check {
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
            What::Context => self.check_plain_memory(&access, reg),
            What::TracepointBuffer | What::Buffer | What::Kernel { .. } => {
                self.access(&access, reg, None).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// A size, and the memory before it.
    pub(super) fn check_size(
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

    pub(super) fn fill_stack(&mut self, written: Written) {
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
    pub(super) fn constant_key(&mut self, reg: &Reg, kind: MapKind, bytes: u64) -> Option<u64> {
        let What::Stack { frame } = reg.what else {
            return None;
        };
        let (frame, bytes) = (usize::from(frame), bytes as usize);
        let known = matches!(kind, MapKind::Array | MapKind::PercpuArray)
            && self.has(Feature::ConstantKeys);
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
}
