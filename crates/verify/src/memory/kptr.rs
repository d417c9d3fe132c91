//! Kernel pointers in map values: loaded and stored as a whole.

use super::{Access, Stored, fixed};
use crate::fields::{Kptr, kptrs};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

/// Bytes of a pointer.
const POINTER_BYTES: i64 = 8;

impl Transfer<'_> {
    /// Checks an access that touches a kernel pointer and gives what a load finds; nothing if it
    /// touches none.
    pub(super) fn access_kptr(
        &mut self,
        access: &Access,
        pointer: &Reg,
        map: u16,
        stored: Option<Stored>,
    ) -> Check<Option<Reg>> {
        let at = self.at;
        let start = access.off + pointer.num.s.min;
        let end = access.off + (pointer.num.u.max + access.bytes) as i64;
        let touched = kptrs(&self.maps[usize::from(map)])
            .into_iter()
            .find(|kptr| start < kptr.offset + POINTER_BYTES && kptr.offset < end);
        let Some(kptr) = touched else {
            return Ok(None);
        };
        let Some(by) = pointer.num.constant() else {
            return denied(at, "kptr access cannot have variable offset");
        };
        let place = access.off + by as i64;
        if place != kptr.offset {
            return denied(
                at,
                format!(
                    "kptr access misaligned expected={} off={place}",
                    kptr.offset
                ),
            );
        }
        if access.bytes != POINTER_BYTES as u64 {
            return denied(at, "kptr access size must be BPF_DW");
        }
        if access.aligned {
            return denied(
                at,
                "kptr in map can only be accessed using BPF_MEM instruction mode",
            );
        }
        match stored {
            None => {
                let type_id = self.type_number(&kptr.name);
                let id = self.fresh_id();
                Ok(Some(Reg {
                    flags: Flags::MAYBE_NULL.with(Flags::UNTRUSTED),
                    id,
                    ..Reg::pointer(What::Kernel { type_id })
                }))
            }
            Some(_) if kptr.owning => denied(at, "store to referenced kptr disallowed"),
            Some(Stored::Constant(0)) => Ok(Some(Reg::UNKNOWN)),
            Some(Stored::Constant(_)) => denied(
                at,
                format!("BPF_ST imm must be 0 when storing to kptr at off={place}"),
            ),
            Some(Stored::Register(name)) => {
                let value = *self.state.reg(name);
                if value.is_null() {
                    self.want(name);
                    return Ok(Some(Reg::UNKNOWN));
                }
                if self.is_of(&value, &kptr) {
                    return Ok(Some(Reg::UNKNOWN));
                }
                denied(
                    at,
                    format!(
                        "invalid kptr access, R{} type={} expected=ptr_{}",
                        name.number(),
                        value.name(),
                        kptr.name
                    ),
                )
            }
            Some(Stored::Unknown) => denied(at, "kptr in map can only be accessed as a whole"),
        }
    }

    /// True if a value is a pointer of the type that belongs there.
    fn is_of(&self, value: &Reg, kptr: &Kptr) -> bool {
        match value.what {
            What::Kernel { type_id } => {
                self.type_names[type_id as usize] == kptr.name && value.off == 0 && fixed(value)
            }
            _ => false,
        }
    }
}
