//! Resources that a helper is given, to take or to use: reservations, kernel pointers of fields, sockets.

use osmia_isa::Reg as RegName;
use osmia_program::helper::Arg;

use super::Arguments;
use crate::fields::{Keeps, Special};
use crate::memory::fixed;
use crate::reg::{Flags, Reg, Socket, What};
use crate::reject::{Check, denied, invalid};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn check_release(
        &mut self,
        name: RegName,
        reg: &Reg,
        found: &mut Arguments,
    ) -> Check {
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
    pub(super) fn check_kptr_argument(
        &mut self,
        name: RegName,
        reg: &Reg,
        found: &mut Arguments,
    ) -> Check {
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
    pub(super) fn check_given(&mut self, name: RegName, reg: &Reg, found: &mut Arguments) -> Check {
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

    pub(super) fn check_socket(
        &mut self,
        arg: Arg,
        name: RegName,
        reg: &Reg,
        found: &mut Arguments,
    ) -> Check {
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
