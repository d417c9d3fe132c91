//! Special fields under loads and stores: kernel pointers are loaded and stored as a whole, the others
//! not at all.

use super::{Access, Stored, fixed};
use crate::fields::{Field, Keeps, Kptr, Record, Special, Target};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

/// Structures of the kernel that live on for readers under RCU after their last reference is gone.
const FREED_AFTER_RCU: [&str; 5] = [
    "prog_test_ref_kfunc",
    "cgroup",
    "bpf_cpumask",
    "task_struct",
    "bpf_crypto_ctx",
];

impl Transfer<'_> {
    /// Checks an access that touches a special field of a map's value and gives what a load finds;
    /// nothing if it touches none.
    pub(crate) fn access_field(
        &mut self,
        access: &Access,
        pointer: &Reg,
        map: u16,
        stored: Option<Stored>,
    ) -> Check<Option<Reg>> {
        let record = self.records[usize::from(map)].clone();
        let Some(kptr) = self.touched_kptr(access, pointer, &record, true)? else {
            return Ok(None);
        };
        if access.aligned {
            return denied(
                self.at,
                "kptr in map can only be accessed using BPF_MEM instruction mode",
            );
        }
        match stored {
            None => Ok(Some(self.load_kptr(&kptr))),
            Some(stored) => self.store_kptr(access, &kptr, stored).map(Some),
        }
    }

    /// The kernel pointer that an access means; an error if it touches a special field in another
    /// way.
    pub(crate) fn touched_kptr(
        &self,
        access: &Access,
        pointer: &Reg,
        record: &Record,
        direct: bool,
    ) -> Check<Option<Kptr>> {
        let at = self.at;
        let start = access.off + pointer.num.s.min;
        let end = access.off + (pointer.num.u.max + access.bytes) as i64;
        let mut kept = None;
        for Field {
            offset, special, ..
        } in record.touched(start, end)
        {
            let name = special.name();
            let Special::Kptr(kptr) = special else {
                return denied(
                    at,
                    format!("{name} cannot be accessed directly by load/store"),
                );
            };
            if !direct {
                return denied(
                    at,
                    format!("{name} cannot be accessed indirectly by helper"),
                );
            }
            let Some(by) = pointer.num.constant() else {
                return denied(at, format!("{name} access cannot have variable offset"));
            };
            let place = access.off + by as i64;
            if place != *offset {
                return denied(
                    at,
                    format!("{name} access misaligned expected={offset} off={place}"),
                );
            }
            if access.bytes != 8 {
                return denied(at, format!("{name} access size must be BPF_DW"));
            }
            kept = Some(kptr.clone());
        }
        Ok(kept)
    }

    fn load_kptr(&mut self, kptr: &Kptr) -> Reg {
        let id = self.fresh_id();
        if kptr.keeps == Keeps::User {
            let bytes = kptr.bytes;
            return Reg {
                flags: Flags::MAYBE_NULL,
                id,
                ..Reg::pointer(What::Memory { bytes })
            };
        }
        let lives = match &kptr.target {
            Target::Kernel(name) => FREED_AFTER_RCU.contains(&name.as_str()),
            Target::Object(_) => true,
        };
        let safe = kptr.keeps != Keeps::Untrusted && lives && self.in_rcu();
        let mut flags = Flags::MAYBE_NULL.with(if safe { Flags::RCU } else { Flags::UNTRUSTED });
        if kptr.keeps == Keeps::PerCpu {
            flags = flags.with(Flags::PER_CPU);
        }
        Reg {
            flags,
            id,
            ..Reg::pointer(self.pointee(&kptr.target))
        }
    }

    /// A pointer to what a field keeps pointers to.
    pub(crate) fn pointee(&mut self, target: &Target) -> What {
        match target {
            Target::Kernel(name) => What::Kernel {
                type_id: self.type_number(name),
            },
            Target::Object(ty) => What::Object(*ty),
        }
    }

    fn store_kptr(&mut self, access: &Access, kptr: &Kptr, stored: Stored) -> Check<Reg> {
        let at = self.at;
        match kptr.keeps {
            Keeps::Owned | Keeps::PerCpu => {
                return denied(at, "store to referenced kptr disallowed");
            }
            Keeps::User => return denied(at, "store to uptr disallowed"),
            Keeps::Untrusted => {}
        }
        match stored {
            Stored::Constant(0) => Ok(Reg::UNKNOWN),
            Stored::Constant(_) => denied(
                at,
                format!(
                    "BPF_ST imm must be 0 when storing to kptr at off={}",
                    access.off
                ),
            ),
            Stored::Register(name) => {
                let value = *self.state.reg(name);
                if value.is_null() {
                    self.want(name);
                } else {
                    self.check_kept(&value, kptr, name)?;
                }
                Ok(Reg::UNKNOWN)
            }
            Stored::Unknown => denied(at, "kptr in map can only be accessed as a whole"),
        }
    }

    /// A value is a pointer of the type that a field keeps.
    pub(crate) fn check_kept(&self, value: &Reg, kptr: &Kptr, name: osmia_isa::Reg) -> Check {
        let matches = match (value.what, &kptr.target) {
            (What::Kernel { type_id }, Target::Kernel(wanted)) => {
                self.type_names[type_id as usize] == *wanted
            }
            (What::Object(ty), Target::Object(wanted)) => ty == *wanted,
            _ => false,
        };
        let per_cpu = value.flags.has(Flags::PER_CPU) == (kptr.keeps == Keeps::PerCpu);
        if matches && per_cpu && value.off == 0 && fixed(value) {
            return Ok(());
        }
        denied(
            self.at,
            format!(
                "invalid kptr access, R{} type={} expected=ptr_{}",
                name.number(),
                value.name(),
                kptr.name
            ),
        )
    }
}
