//! Arenas: memory shared with user space, whose addresses are cast between two spaces.

use osmia_isa::{Insn, Reg as RegName};
use osmia_program::MapKind;

use crate::domain::Scalar;
use crate::reg::{Reg, What};
use crate::reject::{Check, invalid};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// A cast between an arena's addresses and the program's.
    pub(crate) fn cast_address(&mut self, insn: &Insn, dst: RegName, src: RegName) -> Check {
        let has_arena = self.maps.iter().any(|map| map.kind == MapKind::Arena);
        if !has_arena {
            return invalid(
                self.at,
                "addr_space_cast insn can only be used in a program that has an associated arena",
            );
        }
        self.read(src)?;
        let Insn::AddrSpaceCast { to, .. } = *insn else {
            return Ok(());
        };
        let result = if to == 0 {
            Reg {
                num: Scalar::UNKNOWN,
                ..Reg::pointer(What::Arena)
            }
        } else {
            Reg::UNKNOWN
        };
        self.write(dst, result)
    }
}
