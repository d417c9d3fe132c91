//! Whether an access stays inside: of memory whose size is known, of the packet, and of what it may be
//! aligned to.

use osmia_program::ProgramFlags;
use osmia_program::context::{PacketAccess, packet_access};

use super::Access;
use crate::domain::Tnum;
use crate::limits;
use crate::reg::{Reg, Socket, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(crate) fn check_alignment(&self, access: &Access, pointer: &Reg) -> Check {
        let flags = self.program.flags;
        let asked = flags.has(ProgramFlags::STRICT_ALIGNMENT) || access.aligned;
        let (what, strict, shift) = match pointer.what {
            // Spilled registers are followed by whole slots.
            What::Stack { .. } => ("stack ", true, 0),
            // An Ethernet header in front leaves what follows two bytes off.
            What::Packet { .. } | What::PacketMeta { .. } => ("packet ", asked, 2),
            What::FlowKeys => ("flow keys ", asked, 0),
            What::MapValue { .. } => ("value ", asked, 0),
            What::Context => ("context ", asked, 0),
            What::Socket(Socket::Tcp) => ("tcp_sock ", asked, 0),
            What::Socket(_) => ("sock ", asked, 0),
            _ => ("", asked, 0),
        };
        if !strict || access.bytes == 1 {
            return Ok(());
        }
        let offset = pointer
            .num
            .bits
            .add(Tnum::known((access.off + shift) as u64));
        if offset.is_aligned(access.bytes) {
            return Ok(());
        }
        denied(
            self.at,
            format!(
                "misaligned {what}access off {:?}+{}+{} size {}",
                pointer.num.bits,
                pointer.off,
                access.off - i64::from(pointer.off),
                access.bytes
            ),
        )
    }

    /// An access relative to memory of a known size.
    pub(crate) fn check_region(&self, access: &Access, pointer: &Reg, size: u64) -> Check {
        let (at, register) = (self.at, access.base.number());
        let num = &pointer.num;
        let min = num.s.min;
        if min < 0 && (min == i64::MIN || min + access.off < 0) {
            return denied(
                at,
                format!(
                    "R{register} min value is negative, either use unsigned index or do a if (index >=0) check."
                ),
            );
        }
        if self
            .check_inside(access, pointer, min + access.off, size)
            .is_err()
        {
            let inside = self.check_inside(access, pointer, min + access.off, size);
            return inside.map_err(|mut why| {
                let more = format!("R{register} min value is outside of the allowed memory range");
                why.message = format!("{}\n{more}", why.message);
                why
            });
        }
        if num.u.max >= limits::OFFSET_MAX as u64 {
            return denied(
                at,
                format!(
                    "R{register} unbounded memory access, make sure to bounds check any such access"
                ),
            );
        }
        self.check_inside(access, pointer, num.u.max as i64 + access.off, size)
            .map_err(|mut why| {
                let more = format!("R{register} max value is outside of the allowed memory range");
                why.message = format!("{}\n{more}", why.message);
                why
            })
    }

    fn check_inside(&self, access: &Access, pointer: &Reg, off: i64, size: u64) -> Check {
        if off >= 0 && off as u64 + access.bytes <= size {
            return Ok(());
        }
        let (bytes, register) = (access.bytes, access.base.number());
        let message = match pointer.what {
            What::MapKey(_) => {
                format!("invalid access to map key, key_size={size} off={off} size={bytes}")
            }
            What::MapValue { .. } => {
                format!("invalid access to map value, value_size={size} off={off} size={bytes}")
            }
            What::Packet { .. } | What::PacketMeta { .. } => format!(
                "invalid access to packet, off={off} size={bytes}, R{register}(id={},off={},r={size})",
                pointer.id, pointer.off
            ),
            _ => format!("invalid access to memory, mem_size={size} off={off} size={bytes}"),
        };
        denied(self.at, message)
    }

    pub(crate) fn check_packet_right(&self, write: bool) -> Check {
        match packet_access(self.program.hook.kind) {
            PacketAccess::Read if write => denied(self.at, "cannot write into packet"),
            PacketAccess::None => denied(self.at, "no direct packet access here"),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_packet(&self, access: &Access, pointer: &Reg, range: u64) -> Check {
        let register = access.base.number();
        if pointer.num.s.min < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} min value is negative, either use unsigned index or do a if (index >=0) check."
                ),
            );
        }
        self.check_inside(access, pointer, access.off, range)
            .map_err(|mut why| {
                let more = format!("R{register} offset is outside of the packet");
                why.message = format!("{}\n{more}", why.message);
                why
            })
    }
}
