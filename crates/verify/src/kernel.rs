//! Structures of the kernel: what loads through typed pointers find, by the target's BTF.

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::{AttachKind, ProgramKind};

use crate::memory::{Access, fixed};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

/// What is at an offset of a type.
enum Found {
    Number,
    Pointer(TypeId),
    Beyond,
}

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

    /// A load through a pointer to a kernel structure.
    pub(crate) fn access_kernel(
        &mut self,
        access: &Access,
        pointer: &Reg,
        number: u32,
    ) -> Check<Reg> {
        let (at, register) = (self.at, access.base.number());
        let name = self.type_names[number as usize].clone();
        let prefix = pointer.name();
        if access.write {
            return denied(at, "only read is supported");
        }
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
        let target = self.target.btf.clone();
        let Some(btf) = &target else {
            return Ok(Reg::UNKNOWN);
        };
        let Some(structure) = structure(btf, &name) else {
            return Ok(Reg::UNKNOWN);
        };
        match find(btf, structure, access.off as u64, access.bytes, 0) {
            Found::Number => Ok(Reg::UNKNOWN),
            Found::Pointer(target) => Ok(self.typed_pointer(btf, target, Flags::default())),
            Found::Beyond => denied(
                at,
                format!(
                    "access beyond struct {name} at off {} size {}",
                    access.off, access.bytes
                ),
            ),
        }
    }

    /// A pointer to what a type says, if that is a structure; else a number.
    fn typed_pointer(&mut self, btf: &Btf, target: TypeId, flags: Flags) -> Reg {
        let ty = btf.resolve(target);
        match ty.body() {
            Body::Struct(_) | Body::Union(_) if !ty.name().is_empty() => {
                let type_id = self.type_number(ty.name());
                Reg {
                    flags,
                    ..Reg::pointer(What::Kernel { type_id })
                }
            }
            _ => Reg::UNKNOWN,
        }
    }

    /// An argument of a function, tracepoint or hook that the program is attached to.
    pub(crate) fn typed_argument(&mut self, index: usize) -> Option<Reg> {
        let target = self.target.btf.clone()?;
        let btf = &target;
        let hook = &self.program.hook;
        let name = hook.target.as_deref()?;
        let tracepoint = hook.attach == Some(AttachKind::TraceRawTp);
        // A tracepoint's prototype has the registered function's data in front.
        let (symbol, skip) = match (hook.kind, hook.attach) {
            (ProgramKind::Tracing, Some(AttachKind::TraceRawTp)) => {
                (format!("btf_trace_{name}"), 1)
            }
            (ProgramKind::Tracing, Some(AttachKind::TraceIter)) => (format!("bpf_iter_{name}"), 0),
            (ProgramKind::Lsm, _) => (format!("bpf_lsm_{name}"), 0),
            _ => (name.to_owned(), 0),
        };
        let proto = prototype(btf, &symbol)?;
        let Body::FuncProto(function) = btf.type_at(proto).body() else {
            return None;
        };
        let params: Vec<TypeId> = function.params().skip(skip).map(|param| param.ty).collect();
        if index == params.len() {
            let returns = matches!(
                hook.attach,
                Some(AttachKind::TraceFexit | AttachKind::ModifyReturn | AttachKind::LsmMac)
            );
            return returns.then_some(Reg::UNKNOWN);
        }
        let ty = *params.get(index)?;
        let Body::Ptr(pointee) = btf.resolve(ty).body() else {
            return Some(Reg::UNKNOWN);
        };
        let flags = if hook.attach == Some(AttachKind::TraceFexit) && !tracepoint {
            Flags::default()
        } else {
            Flags::TRUSTED
        };
        Some(self.typed_pointer(btf, pointee, flags))
    }
}

/// The structure of a name.
fn structure(btf: &Btf, name: &str) -> Option<TypeId> {
    (btf.find(name, Kind::Struct)).or_else(|| btf.find(name, Kind::Union))
}

/// The prototype of a function, or of the function that a typedef points to.
fn prototype(btf: &Btf, name: &str) -> Option<TypeId> {
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

/// What an access of so many bytes at an offset of a type touches.
fn find(btf: &Btf, ty: TypeId, offset: u64, bytes: u64, depth: u32) -> Found {
    /// Structures in structures: as deep as any real one, and an end for the others.
    const DEPTH_MAX: u32 = 32;
    let size = btf.size_of(ty).unwrap_or(0);
    let resolved = btf.resolve(ty);
    if depth > DEPTH_MAX {
        return Found::Number;
    }
    match resolved.body() {
        Body::Struct(composite) | Body::Union(composite) => {
            let last = composite.members().last();
            // A structure may end in an array without a length.
            let open = last.as_ref().is_some_and(|member| {
                matches!(btf.resolve(member.ty).body(), Body::Array(array) if array.len == 0)
            });
            if offset + bytes > size && !open {
                return Found::Beyond;
            }
            let mut found = Found::Number;
            for member in composite.members() {
                let start = u64::from(member.bit_offset / 8);
                let length = btf.size_of(member.ty).unwrap_or(0);
                let inside = start <= offset && offset + bytes <= start + length;
                if inside && btf.bitfield_bits(&member) == 0 {
                    found = find(btf, member.ty, offset - start, bytes, depth + 1);
                    if matches!(found, Found::Pointer(_)) {
                        break;
                    }
                }
            }
            found
        }
        Body::Array(array) => {
            let element = btf.size_of(array.element).unwrap_or(0);
            match offset.checked_rem(element) {
                Some(within) if within + bytes <= element => {
                    find(btf, array.element, within, bytes, depth + 1)
                }
                _ => Found::Number,
            }
        }
        Body::Ptr(target) if offset == 0 && bytes == 8 => Found::Pointer(target),
        _ => Found::Number,
    }
}
