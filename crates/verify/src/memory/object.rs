//! Objects that programs make: bytes but for their special fields.

use osmia_btf::TypeId;

use super::{Access, fixed};
use crate::fields::{Owner, Record};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;
use std::sync::Arc;

impl Transfer<'_> {
    /// The special fields of what a pointer points into.
    pub(crate) fn record(&mut self, owner: Owner) -> Arc<Record> {
        match owner {
            Owner::Map(map) => Arc::clone(&self.records[usize::from(map)]),
            Owner::Object(ty) => {
                if let Some(known) = self.object_records.get(&ty) {
                    return Arc::clone(known);
                }
                let kernel = self.target.btf.as_deref();
                let debug = self.program.debug.as_ref();
                let record = debug.map_or(Record::default(), |debug| {
                    Record::of_type(&debug.btf, TypeId(ty), kernel)
                });
                let record = Arc::new(record);
                self.object_records.insert(ty, Arc::clone(&record));
                record
            }
        }
    }

    /// What a pointer's special fields lie in.
    pub(crate) fn owner(reg: &Reg) -> Option<Owner> {
        match reg.what {
            What::MapValue { map, .. } => Some(Owner::Map(map)),
            What::Object(ty) => Some(Owner::Object(ty)),
            _ => None,
        }
    }

    /// The name of a type of the program's.
    pub(crate) fn object_name(&self, ty: u32) -> &str {
        let debug = self.program.debug.as_ref();
        debug
            .and_then(|debug| debug.btf.ty(TypeId(ty)))
            .map_or("", |ty| ty.name())
    }

    /// Bytes of a type of the program's.
    pub(crate) fn object_bytes(&self, ty: u32) -> u64 {
        let debug = self.program.debug.as_ref();
        debug
            .and_then(|debug| debug.btf.size_of(TypeId(ty)))
            .unwrap_or(0)
    }

    pub(super) fn access_object(&mut self, access: &Access, pointer: &Reg, ty: u32) -> Check<Reg> {
        let (at, register) = (self.at, access.base.number());
        let name = self.object_name(ty).to_owned();
        let (off, bytes) = (access.off, access.bytes as i64);
        if off < 0 {
            return denied(
                at,
                format!("R{register} is ptr_{name} invalid negative access: off={off}"),
            );
        }
        if !fixed(pointer) {
            return denied(
                at,
                format!(
                    "R{register} is ptr_{name} invalid variable offset: off={off}, var_off={:?}",
                    pointer.num.bits
                ),
            );
        }
        if pointer.flags.has(Flags::PER_CPU) {
            return denied(
                at,
                format!("R{register} is ptr_{name} access percpu memory: off={off}"),
            );
        }
        if access.write && pointer.flags.has(Flags::UNTRUSTED) {
            return denied(at, "only read is supported");
        }
        let record = self.record(Owner::Object(ty));
        if let Some(field) = record.touched(off, off + bytes).next() {
            let special = field.special.name();
            return denied(at, format!("direct access to {special} is disallowed"));
        }
        if off + bytes > self.object_bytes(ty) as i64 {
            return denied(
                at,
                format!("access beyond struct {name} at off {off} size {bytes}"),
            );
        }
        Ok(Reg::UNKNOWN)
    }
}
