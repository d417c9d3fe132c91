//! Structures of the kernel: what loads through typed pointers find, by the target's BTF, and how far
//! what they find can be trusted.

mod argument;
pub(crate) mod context;
mod nullable;
mod variable;
mod walk;
mod writable;

use osmia_btf::{Body, Btf, Kind, TypeId};

use self::walk::{Field, Found};
use crate::memory::{Access, fixed};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// The number that stands for a structure's name in registers.
    pub(crate) fn type_number(&mut self, name: &str) -> u32 {
        let position = self.type_names.iter().position(|known| known == name);
        let position = position.unwrap_or_else(|| {
            self.type_names.push(name.to_owned());
            self.type_names.len() - 1
        });
        position as u32
    }

    /// A load or store through a pointer to a kernel structure.
    pub(crate) fn access_kernel(
        &mut self,
        access: &Access,
        pointer: &Reg,
        number: u32,
    ) -> Check<Reg> {
        let (at, register) = (self.at, access.base.number());
        let name = self.type_names[number as usize].clone();
        self.check_may_see(&name)?;
        let prefix = pointer.name();
        if access.off < 0 {
            return denied(
                at,
                format!(
                    "R{register} is {prefix}{name} invalid negative access: off={}",
                    access.off
                ),
            );
        }
        if !fixed(pointer) {
            return denied(
                at,
                format!(
                    "R{register} is {prefix}{name} invalid variable offset: off={}, var_off={:?}",
                    access.off, pointer.num.bits
                ),
            );
        }
        for (flag, whose) in [(Flags::USER, "user"), (Flags::PER_CPU, "percpu")] {
            if pointer.flags.has(flag) {
                let place = format!("off={}", access.off);
                return denied(
                    at,
                    format!("R{register} is ptr_{name} access {whose} memory: {place}"),
                );
            }
        }
        if access.write {
            self.check_writable(&name, access)?;
            return Ok(Reg::UNKNOWN);
        }
        let target = self.target.btf.clone();
        let Some(btf) = &target else {
            return Ok(Reg::UNKNOWN);
        };
        let Some(structure) = structure(btf, &name) else {
            return Ok(Reg::UNKNOWN);
        };
        let (off, bytes) = (access.off, access.bytes);
        match walk::find(btf, structure, off as u64, bytes, 0) {
            Found::Number => Ok(Reg::UNKNOWN),
            Found::Pointer(field) => {
                let flags = self.walked(btf, pointer, &name, &field);
                Ok(self.typed_pointer(btf, field.target, flags))
            }
            Found::Part => denied(
                at,
                format!("cannot access ptr member in struct {name} with off {off} size {bytes}"),
            ),
            Found::Beyond => denied(
                at,
                format!("access beyond struct {name} at off {off} size {bytes}"),
            ),
        }
    }

    /// True if the kernel vouches for a pointer, by itself or through a reference.
    pub(crate) fn is_trusted(reg: &Reg) -> bool {
        let own = Flags::TRUSTED.with(Flags::NON_OWNING);
        let vouched = reg.flags.without(own) != reg.flags || matches!(reg.what, What::Object(_));
        // What the kernel shows in a structure of its own making it vouches for.
        let shown = matches!(reg.what, What::Socket(_) | What::Map(_));
        reg.reference != 0 || ((vouched || shown) && reg.flags.without(own) == Flags::default())
    }

    /// True where an RCU read lock is held, by the program or around it.
    pub(crate) fn in_rcu(&self) -> bool {
        self.state.rcu_locks > 0 || !self.state.locks.is_empty() || !self.may_sleep()
    }

    /// True for programs that may sleep.
    pub(crate) fn may_sleep(&self) -> bool {
        self.state.sleepable
    }

    /// How far a pointer can be trusted that was found in a structure.
    fn walked(&self, btf: &Btf, from: &Reg, name: &str, field: &Field<'_>) -> Flags {
        let tagged = tagged(btf, field.target);
        if from.flags.has(Flags::UNTRUSTED) {
            return tagged.with(Flags::UNTRUSTED);
        }
        if !Self::is_trusted(from) && !from.flags.has(Flags::RCU) {
            return tagged.without(Flags::RCU);
        }
        let listed = |suffix| is_listed(btf, name, suffix, field);
        let place = tagged.without(Flags::RCU);
        if listed("__safe_trusted") {
            return place.with(Flags::TRUSTED);
        }
        if listed("__safe_trusted_or_null") {
            return place.with(Flags::TRUSTED).with(Flags::MAYBE_NULL);
        }
        if !self.in_rcu() {
            return place.with(Flags::UNTRUSTED);
        }
        if listed("__safe_rcu") {
            return place.with(Flags::RCU);
        }
        if tagged.has(Flags::RCU) || listed("__safe_rcu_or_null") {
            return place.with(Flags::RCU).with(Flags::MAYBE_NULL);
        }
        if field.in_union {
            return place.with(Flags::UNTRUSTED);
        }
        place
    }

    /// A pointer to what a type says, if that is a structure; else a number.
    fn typed_pointer(&mut self, btf: &Btf, target: TypeId, flags: Flags) -> Reg {
        let ty = btf.resolve(target);
        match ty.body() {
            Body::Struct(_) | Body::Union(_) if !ty.name().is_empty() => {
                let type_id = self.type_number(ty.name());
                let id = if flags.has(Flags::MAYBE_NULL) {
                    self.fresh_id()
                } else {
                    0
                };
                Reg {
                    flags,
                    id,
                    ..Reg::pointer(What::Kernel { type_id })
                }
            }
            _ => Reg::UNKNOWN,
        }
    }
}

/// What the tags of a pointer's target say about it.
fn tagged(btf: &Btf, target: TypeId) -> Flags {
    match btf.type_tags(target).first() {
        Some(&"user") => Flags::USER,
        Some(&"percpu") => Flags::PER_CPU,
        Some(&"rcu") => Flags::RCU,
        _ => Flags::default(),
    }
}

/// True if the kernel lists a field as one that keeps its structure's trust: it declares a structure
/// with a name of its own that holds such fields.
fn is_listed(btf: &Btf, name: &str, suffix: &str, field: &Field<'_>) -> bool {
    let Some(list) = structure(btf, &format!("{name}{suffix}")) else {
        return false;
    };
    let wanted = btf.resolve(field.target).id();
    let (Body::Struct(list) | Body::Union(list)) = btf.type_at(list).body() else {
        return false;
    };
    list.members().any(|member| {
        member.name == field.name
            && matches!(btf.resolve(member.ty).body(),
                Body::Ptr(target) if btf.resolve(target).id() == wanted)
    })
}

/// The structure of a name.
pub(crate) fn structure(btf: &Btf, name: &str) -> Option<TypeId> {
    (btf.find(name, Kind::Struct)).or_else(|| btf.find(name, Kind::Union))
}

/// The prototype of a function, or of the function that a typedef points to.
pub(crate) fn prototype(btf: &Btf, name: &str) -> Option<TypeId> {
    let found = (btf.find(name, Kind::Func)).or_else(|| btf.find(name, Kind::Typedef))?;
    match btf.type_at(found).body() {
        Body::Func(function) => Some(function.proto),
        Body::Typedef(target) => match btf.resolve(target).body() {
            Body::Ptr(pointee) => Some(btf.resolve(pointee).id()),
            _ => None,
        },
        _ => None,
    }
}
