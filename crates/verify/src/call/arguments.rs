//! Arguments of a helper: each checked against what its prototype asks for.

mod memory;
mod resource;

use osmia_isa::Reg as RegName;
use osmia_program::MapKind;
use osmia_program::helper::{Arg, Helper};

use super::dynptr::Room;
use crate::fields::{Kptr, Owner, Special};
use crate::memory::Access;
use crate::reg::{Dynptr, DynptrMemory, Flags, Reg, What};
use crate::reject::{Check, denied, invalid};
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
            if !reads_packets(helper) {
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
}

/// Helpers that may be given packet addresses as memory.
fn reads_packets(helper: &Helper) -> bool {
    const HELPERS: [u32; 16] = [
        1, 2, 3, 28, 84, 85, 87, 88, 89, 99, 100, 110, 204, 205, 206, 207,
    ];
    helper.is_own() || HELPERS.contains(&helper.id)
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
