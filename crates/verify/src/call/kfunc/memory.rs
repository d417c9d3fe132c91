//! Kernel functions that make dynptrs and look through them.

use osmia_program::context::{PacketAccess, packet_access};

use super::class::register;
use super::{Called, Param};
use crate::call::dynptr::Room;
use crate::reg::{DynptrMemory, Flags, Reg, What};
use crate::reject::{Check, invalid};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn check_kfunc_dynptr(
        &mut self,
        called: &mut Called,
        index: usize,
        param: &Param,
        reg: &Reg,
    ) -> Check {
        if param.is_room() {
            called.made = Some(self.check_dynptr_room(register(index), reg)?);
            return Ok(());
        }
        let (dynptr, held) = self.check_dynptr(register(index), reg)?;
        called.dynptr = Some((dynptr, held));
        called.reference = held.reference;
        Ok(())
    }

    pub(super) fn make_kfunc_dynptr(&mut self, called: &Called, room: Room) -> Check {
        let memory = match called.kfunc.name {
            "bpf_dynptr_from_skb" => DynptrMemory::Skb,
            "bpf_dynptr_from_skb_meta" => DynptrMemory::SkbMeta,
            "bpf_dynptr_from_xdp" => DynptrMemory::Xdp,
            _ => {
                let Some((parent, held)) = called.dynptr else {
                    return self.unsupported("a dynptr of this kernel function");
                };
                let shared = (held.reference != 0).then_some(held.reference);
                return self.make_dynptr(room, parent.memory, shared);
            }
        };
        self.make_dynptr(room, memory, None)
    }

    /// The bytes of a dynptr, or of the program's buffer where they are in pieces.
    pub(super) fn slice(&mut self, called: &Called) -> Check<Reg> {
        let Some((dynptr, held)) = called.dynptr else {
            return Ok(Reg::UNKNOWN);
        };
        let mut flags = Flags::default();
        if dynptr.memory.is_packet() {
            flags = flags.with(Flags::OF_PACKET);
        }
        if called.is("bpf_dynptr_slice") {
            flags = flags.with(Flags::READ_ONLY);
        } else if packet_access(self.program.hook.kind) != PacketAccess::ReadWrite {
            return invalid(self.at, "the prog does not allow writes to packet data");
        }
        Ok(Reg {
            flags,
            dynptr: held.id,
            ..Reg::pointer(What::Memory {
                bytes: called.constant.unwrap_or_default() as u32,
            })
        })
    }
}
