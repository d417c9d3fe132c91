//! Locks: which one an argument means, and in which order they are taken and given back.

use osmia_isa::Reg as RegName;

use crate::fields::{Owner, Special};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::state::{Lock, LockKind};
use crate::transfer::Transfer;

impl LockKind {
    /// What messages call it.
    fn name(self) -> &'static str {
        match self {
            LockKind::Spin => "bpf_spin",
            LockKind::Resilient | LockKind::ResilientIrq => "bpf_res_spin",
        }
    }
}

impl Transfer<'_> {
    /// The special field that an argument points to, which has to be of a kind. `call` is what
    /// messages call it.
    pub(crate) fn check_field_argument(
        &mut self,
        name: RegName,
        reg: &Reg,
        call: &str,
        is: impl Fn(&Special) -> bool,
    ) -> Check<Owner> {
        let (at, register) = (self.at, name.number());
        let owner = Self::owner(reg).filter(|_| !reg.may_be_null());
        let Some(owner) = owner else {
            return denied(
                at,
                format!("R{register} type={} expected=map_value, ptr_", reg.name()),
            );
        };
        let Some(by) = reg.num.constant() else {
            return invalid(
                at,
                format!(
                    "R{register} doesn't have constant offset. {call} has to be at the constant offset"
                ),
            );
        };
        if let Owner::Map(map) = owner
            && self.maps[usize::from(map)].btf.is_none()
        {
            let map = &self.maps[usize::from(map)].name;
            return invalid(
                at,
                format!("map '{map}' has to have BTF in order to use {call}"),
            );
        }
        let record = self.record(owner);
        let Some(field) = record.find(&is) else {
            let of = match owner {
                Owner::Map(map) => format!("map '{}'", self.maps[usize::from(map)].name),
                Owner::Object(_) => "local 'kptr'".to_owned(),
            };
            return invalid(at, format!("{of} has no valid {call}"));
        };
        let place = i64::from(reg.off) + by as i64;
        if field.offset != place {
            return invalid(
                at,
                format!(
                    "off {place} doesn't point to 'struct {call}' that is at {}",
                    field.offset
                ),
            );
        }
        Ok(owner)
    }

    /// The map that is named with a field is the one that the field lies in.
    pub(crate) fn check_field_map(&self, field_of: Option<u16>, map: u16, what: &str) -> Check {
        if field_of.is_none_or(|of| of == map) {
            return Ok(());
        }
        invalid(
            self.at,
            format!("{what} pointer in R1 doesn't match map pointer in R2"),
        )
    }

    /// The lock that an argument points to.
    pub(crate) fn check_lock_argument(
        &mut self,
        name: RegName,
        reg: &Reg,
        kind: LockKind,
    ) -> Check<Lock> {
        let call = format!("{}_lock", kind.name());
        let owner = self.check_field_argument(name, reg, &call, |special| match kind {
            LockKind::Spin => *special == Special::SpinLock,
            LockKind::Resilient | LockKind::ResilientIrq => *special == Special::ResilientLock,
        })?;
        Ok(Lock {
            kind,
            owner,
            id: reg.id,
        })
    }

    pub(crate) fn lock(&mut self, lock: Lock) -> Check {
        let mut held = self.state.locks.iter();
        if lock.kind == LockKind::Spin {
            if held.any(|held| held.kind == LockKind::Spin) {
                return invalid(self.at, "Locking two bpf_spin_locks are not allowed");
            }
        } else if held.any(|held| held.owner == lock.owner && held.id == lock.id) {
            return invalid(
                self.at,
                "Acquiring the same lock again, AA deadlock detected",
            );
        }
        self.state.locks.push(lock);
        Ok(())
    }

    pub(crate) fn unlock(&mut self, lock: Lock) -> Check {
        let name = lock.kind.name();
        let Some(last) = self.state.locks.last() else {
            return invalid(self.at, format!("{name}_unlock without taking a lock"));
        };
        if !self.state.locks.contains(&lock) {
            return invalid(self.at, format!("{name}_unlock of different lock"));
        }
        if *last != lock {
            return invalid(self.at, format!("{name}_unlock cannot be out of order"));
        }
        self.state.locks.pop();
        // What others own may go as soon as nobody is kept from taking it.
        let invalid = self.state.invalid();
        for reg in self.state.all_mut() {
            if matches!(reg.what, What::Object(_)) && reg.flags.has(Flags::NON_OWNING) {
                *reg = invalid;
            }
        }
        Ok(())
    }

    /// The lock is held that guards what this pointer points into.
    pub(crate) fn check_guarded(&self, reg: &Reg, what: &str) -> Check {
        if self.state.locks.is_empty() {
            return invalid(self.at, format!("bpf_spin_lock must be held for {what}"));
        }
        let owner = Self::owner(reg);
        let held = |lock: &Lock| Some(lock.owner) == owner && lock.id == reg.id;
        if self.state.locks.iter().any(held) {
            return Ok(());
        }
        invalid(
            self.at,
            format!(
                "held lock and object are not in the same allocation\nbpf_spin_lock must be held for {what}"
            ),
        )
    }
}
