//! What helpers return.

use osmia_program::MapKind;
use osmia_program::helper::{Helper, Returns};

use super::Arguments;
use crate::domain::Scalar;
use crate::fields::Keeps;
use crate::reg::{Flags, Reg, Socket, What};
use crate::reject::Check;
use crate::transfer::Transfer;

/// Helpers that return at most the size they were given, or an error.
const RETURNS_AT_MOST_SIZE: [u32; 5] = [45, 67, 114, 115, 141];
/// The helper whose result the kernel vouches for.
const GET_CURRENT_TASK_BTF: u32 = 158;
/// The largest error number.
const ERRNO_MAX: i64 = 4095;

impl Transfer<'_> {
    pub(crate) fn result(&mut self, helper: &Helper, found: &Arguments) -> Check<Reg> {
        Ok(match helper.prototype_for(&self.program.hook).returns {
            Returns::Void => Reg::UNSET,
            Returns::Scalar => self.number_result(helper, found),
            Returns::MapValue => Reg::pointer(What::MapValue {
                map: found.map.unwrap_or_default(),
                inner: 0,
            }),
            Returns::MapValueOrNull => self.map_value_result(found)?,
            Returns::ReservationOrNull => {
                let bytes = found.memory_bytes.unwrap_or_default();
                let id = self.acquire();
                Reg {
                    flags: Flags::MAYBE_NULL.with(Flags::RINGBUF),
                    id,
                    reference: id,
                    ..Reg::pointer(What::Memory {
                        bytes: bytes as u32,
                    })
                }
            }
            Returns::SocketOrNull => self.socket_result(helper, found, Socket::Full),
            Returns::SockCommonOrNull => self.socket_result(helper, found, Socket::Common),
            Returns::TcpSocketOrNull => self.socket_result(helper, found, Socket::Tcp),
            Returns::Kernel(name) => {
                let type_id = self.type_number(name);
                let flags = if helper.id == GET_CURRENT_TASK_BTF {
                    Flags::TRUSTED
                } else {
                    Flags::default()
                };
                Reg {
                    flags,
                    ..Reg::pointer(What::Kernel { type_id })
                }
            }
            Returns::KernelOrNull(name) => {
                let type_id = self.type_number(name);
                let id = self.fresh_id();
                Reg {
                    flags: Flags::MAYBE_NULL,
                    id,
                    reference: found.reference,
                    ..Reg::pointer(What::Kernel { type_id })
                }
            }
            Returns::DynptrMemoryOrNull => Reg {
                flags: Flags::MAYBE_NULL,
                id: self.fresh_id(),
                reference: found.reference,
                dynptr: found.dynptr_id,
                ..Reg::pointer(What::Memory {
                    bytes: found.memory_bytes.unwrap_or_default() as u32,
                })
            },
            Returns::PerCpu => self.per_cpu_result(found, Flags::default()),
            Returns::PerCpuOrNull => self.per_cpu_result(found, Flags::MAYBE_NULL),
            Returns::OwnedOrNull => {
                let Some(kptr) = &found.kptr else {
                    return self.unsupported("what this helper returns");
                };
                let mut flags = Flags::MAYBE_NULL;
                if kptr.keeps == Keeps::PerCpu {
                    flags = flags.with(Flags::PER_CPU);
                }
                let id = self.acquire();
                Reg {
                    flags,
                    id,
                    reference: id,
                    ..Reg::pointer(self.pointee(&kptr.target))
                }
            }
        })
    }

    /// A CPU's copy of a variable or object.
    fn per_cpu_result(&mut self, found: &Arguments, flags: Flags) -> Reg {
        let id = self.fresh_id();
        let what = found.per_cpu.unwrap_or(What::Memory { bytes: 0 });
        let own = self.own_copy(what);
        Reg {
            flags: own.flags.with(flags),
            id,
            ..own
        }
    }

    fn number_result(&self, helper: &Helper, found: &Arguments) -> Reg {
        if RETURNS_AT_MOST_SIZE.contains(&helper.id)
            && let Some(max) = found.size_max
        {
            let mut num = Scalar::UNKNOWN;
            num.s.keep(-ERRNO_MAX, max as i64);
            num.s32.keep(-ERRNO_MAX, max as i64);
            num.sync();
            return Reg::number(num);
        }
        const GET_SMP_PROCESSOR_ID: u32 = 8;
        if helper.id == GET_SMP_PROCESSOR_ID {
            let last = u64::from(self.target.cpus.saturating_sub(1));
            return Reg::number(Scalar::from_range(0, last));
        }
        Reg::UNKNOWN
    }

    fn map_value_result(&mut self, found: &Arguments) -> Check<Reg> {
        let map = found.map.unwrap_or_default();
        let kind = self.map_kind(map);
        let spec = &self.maps[usize::from(map)];
        // An array has every element.
        let surely = matches!(kind, MapKind::Array | MapKind::PercpuArray)
            && found
                .key
                .is_some_and(|key| key < u64::from(spec.max_entries));
        let id = self.fresh_id();
        let flags = if surely {
            Flags::default()
        } else {
            Flags::MAYBE_NULL
        };
        let what = match kind {
            MapKind::ArrayOfMaps | MapKind::HashOfMaps => {
                What::Map(self.inner_maps.get(&map).copied().unwrap_or(map))
            }
            MapKind::Sockmap | MapKind::Sockhash => {
                let id = self.acquire();
                return Ok(Reg {
                    flags: Flags::MAYBE_NULL,
                    id,
                    reference: id,
                    ..Reg::pointer(What::Socket(Socket::Full))
                });
            }
            MapKind::Xskmap => What::Socket(Socket::Xdp),
            _ => What::MapValue {
                map,
                inner: found.inner,
            },
        };
        Ok(Reg {
            flags,
            id,
            ..Reg::pointer(what)
        })
    }

    fn socket_result(&mut self, helper: &Helper, found: &Arguments, socket: Socket) -> Reg {
        const SK_LOOKUP_TCP: u32 = 84;
        const SK_LOOKUP_UDP: u32 = 85;
        const GET_LISTENER_SOCK: u32 = 98;
        const SKC_LOOKUP_TCP: u32 = 99;
        let (id, reference) = match helper.id {
            SK_LOOKUP_TCP | SK_LOOKUP_UDP | SKC_LOOKUP_TCP => {
                let id = self.acquire();
                (id, id)
            }
            GET_LISTENER_SOCK => (self.fresh_id(), 0),
            // Another view of the socket lives as long as the one it was made from.
            _ => (self.fresh_id(), found.reference),
        };
        Reg {
            flags: Flags::MAYBE_NULL,
            id,
            reference,
            ..Reg::pointer(What::Socket(socket))
        }
    }
}
