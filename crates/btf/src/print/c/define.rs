//! Definitions: structures, unions, enumerations, typedefs, and the declarations they need first.

use std::fmt::Write;

use crate::print::c::{Dump, DumpError, Progress, count, numbered};
use crate::{Body, Composite, FwdKind, Kind, Type, TypeId};

/// Integer names of 64-bit Arm's GCC that clang does not know, and what they are.
const MISSING_ALIASES: [(&str, &str); 4] = [
    ("__Poly8_t", "unsigned char"),
    ("__Poly16_t", "unsigned short"),
    ("__Poly64_t", "unsigned long long"),
    ("__Poly128_t", "unsigned __int128"),
];

impl<'a> Dump<'a> {
    /// Emits what `id` needs so that it can be used inside `within`, or with `within` void defines
    /// it.
    pub(super) fn emit(&mut self, id: TypeId, within: TypeId) -> Result<(), DumpError> {
        if id == TypeId::VOID {
            return Ok(());
        }
        let ty = self.btf.type_at(id);
        match self.state(id).emitted {
            Progress::Done => return Ok(()),
            Progress::Begun => return self.emit_again(ty, within),
            Progress::No => {}
        }
        self.enter(ty)?;
        let top_level = within == TypeId::VOID;
        match ty.body() {
            Body::Int(_) => {
                for (missing, alias) in MISSING_ALIASES {
                    if ty.name() == missing {
                        let _ = write!(self.out, "typedef {alias} {missing};\n\n");
                    }
                }
                self.state(id).emitted = Progress::Done;
            }
            Body::Enum(_) | Body::Enum64(_) => {
                if top_level {
                    self.define_enum(ty, 0);
                    self.out.push_str(";\n\n");
                }
                self.state(id).emitted = Progress::Done;
            }
            Body::Ptr(target)
            | Body::Volatile(target)
            | Body::Const(target)
            | Body::Restrict(target)
            | Body::TypeTag(target) => self.emit(target, within)?,
            Body::Array(array) => self.emit(array.element, within)?,
            Body::Fwd(kind) => {
                self.declare_fwd(ty, kind);
                self.out.push_str(";\n\n");
                self.state(id).emitted = Progress::Done;
            }
            Body::Typedef(target) => {
                self.state(id).emitted = Progress::Begun;
                self.emit(target, id)?;
                // Somebody inside may have needed it early.
                if !self.state(id).declared {
                    self.define_typedef(ty)?;
                }
                self.state(id).emitted = Progress::Done;
            }
            Body::Struct(composite) | Body::Union(composite) => {
                self.state(id).emitted = Progress::Begun;
                if top_level || ty.is_anonymous() {
                    let within = if ty.is_anonymous() { within } else { id };
                    for member in composite.places() {
                        self.emit(member.ty, within)?;
                    }
                } else if !self.state(id).declared && id != within {
                    self.declare_composite(ty);
                    self.out.push_str(";\n\n");
                    self.state(id).declared = true;
                }
                if top_level {
                    self.define_composite(ty, composite, 0)?;
                    self.out.push_str(";\n\n");
                    self.state(id).emitted = Progress::Done;
                } else {
                    self.state(id).emitted = Progress::No;
                }
            }
            Body::FuncProto(proto) => {
                self.emit(proto.result, within)?;
                for param in proto.params() {
                    self.emit(param.ty, within)?;
                }
            }
            _ => {}
        }
        self.leave();
        Ok(())
    }

    /// Reached a type from inside itself: a declaration must do.
    fn emit_again(&mut self, ty: Type<'a>, within: TypeId) -> Result<(), DumpError> {
        let id = ty.id();
        if self.state(id).declared {
            return Ok(());
        }
        match ty.kind() {
            Kind::Struct | Kind::Union => {
                if id == within {
                    return Ok(());
                }
                if ty.is_anonymous() {
                    return Err(DumpError::Cycle {
                        id,
                        kind: ty.kind(),
                    });
                }
                self.declare_composite(ty);
                self.out.push_str(";\n\n");
                self.state(id).declared = true;
            }
            Kind::Typedef => {
                self.define_typedef(ty)?;
                self.state(id).declared = true;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn declare_composite(&mut self, ty: Type<'a>) {
        let word = if ty.kind() == Kind::Struct {
            "struct"
        } else {
            "union"
        };
        self.out.push_str(word);
        let name = self.tag(ty);
        if !name.is_empty() {
            self.out.push(' ');
            self.out.push_str(&name);
        }
    }

    pub(super) fn declare_fwd(&mut self, ty: Type<'a>, kind: FwdKind) {
        self.out.push_str(match kind {
            FwdKind::Struct => "struct ",
            FwdKind::Union => "union ",
        });
        let name = self.tag(ty);
        self.out.push_str(&name);
    }

    pub(super) fn define_composite(
        &mut self,
        ty: Type<'a>,
        composite: Composite<'a>,
        level: usize,
    ) -> Result<(), DumpError> {
        let is_struct = ty.kind() == Kind::Struct;
        let packed = is_struct && self.is_packed(composite);
        self.declare_composite(ty);
        self.out.push_str(" {");
        let mut end: u64 = 0;
        let mut in_bitfield = false;
        for member in composite.members() {
            let align = if packed { 1 } else { self.align(member.ty) };
            let start = u64::from(member.bit_offset);
            in_bitfield &= member.bitfield_bits != 0;
            self.pad(end, start, align, in_bitfield, level + 1)?;
            self.margin(level + 1);
            self.declare(member.ty, member.name, level + 1)?;
            if member.bitfield_bits != 0 {
                let _ = write!(self.out, ": {}", member.bitfield_bits);
                end = start + u64::from(member.bitfield_bits);
                in_bitfield = true;
            } else {
                let bytes = self.btf.size_of(member.ty).unwrap_or(0);
                end = start.saturating_add(bytes.saturating_mul(8));
                in_bitfield = false;
            }
            self.out.push(';');
        }
        if is_struct {
            let align = if packed { 1 } else { self.align(ty.id()) };
            let size = u64::from(composite.size) * 8;
            self.pad(end, size, align, false, level + 1)?;
        }
        if composite.is_empty() && composite.size == 0 {
            self.out.push('}');
        } else {
            self.margin(level);
            self.out.push('}');
        }
        if packed {
            self.out.push_str(" __attribute__((packed))");
        }
        Ok(())
    }

    /// A member is not where its alignment would put it, or the size is not a multiple of it.
    fn is_packed(&mut self, composite: Composite<'a>) -> bool {
        let mut greatest = 1;
        for member in composite.places() {
            let align = self.align(member.ty);
            if align != 0
                && member.bitfield_bits == 0
                && !u64::from(member.bit_offset).is_multiple_of(8 * align)
            {
                return true;
            }
            greatest = greatest.max(align);
        }
        !u64::from(composite.size).is_multiple_of(greatest)
    }

    pub(super) fn define_enum(&mut self, ty: Type<'a>, level: usize) {
        self.declare_enum(ty);
        let Some(enumeration) = ty.enumeration() else {
            return;
        };
        if enumeration.is_empty() {
            return;
        }
        let suffix = match (ty.kind(), enumeration.signed) {
            (Kind::Enum64, true) => "LL",
            (Kind::Enum64, false) => "ULL",
            _ => "",
        };
        self.out.push_str(" {");
        let mut fits_int = true;
        for enumerator in enumeration.enumerators() {
            self.margin(level + 1);
            let repeats = count(&mut self.idents, enumerator.name);
            let name = numbered(enumerator.name, repeats);
            let _ = write!(self.out, "{name} = {}{suffix},", enumerator.value());
            fits_int &= enumerator.bits >> 32 == 0 || ty.kind() == Kind::Enum;
        }
        self.margin(level);
        self.out.push('}');
        if enumeration.size == 1 {
            self.out.push_str(" __attribute__((mode(byte)))");
        } else if enumeration.size == 8 && self.btf.pointer_bytes() == 8 && fits_int {
            // No value makes the compiler take 8 bytes by itself.
            self.out.push_str(" __attribute__((mode(word)))");
        }
    }

    pub(super) fn declare_enum(&mut self, ty: Type<'a>) {
        self.out.push_str("enum");
        let name = self.tag(ty);
        if !name.is_empty() {
            self.out.push(' ');
            self.out.push_str(&name);
        }
    }

    fn define_typedef(&mut self, ty: Type<'a>) -> Result<(), DumpError> {
        let Some(target) = ty.target() else {
            return Ok(());
        };
        // The compiler's own; nobody can define it.
        if ty.name() == "__builtin_va_list" {
            return Ok(());
        }
        let name = self.ident(ty);
        if target == TypeId::VOID && name == "__gnuc_va_list" {
            self.out
                .push_str("typedef __builtin_va_list __gnuc_va_list");
        } else {
            self.out.push_str("typedef ");
            self.declare(target, &name, 0)?;
        }
        self.out.push_str(";\n\n");
        Ok(())
    }
}
