//! The answer to a relocation's question for one walk, in the object's BTF or in a target's.

use osmia_isa::Endian;

use crate::core::spec::Spec;
use crate::core::{CoreError, ReloKind};
use crate::query::describe;
use crate::{Body, Kind, TypeId};

/// What a walk gives.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) value: u64,
    /// Bytes a load or store of the field has, 0 if it cannot be one.
    pub(crate) access_bytes: u64,
    /// The field's type, `void` if it cannot be loaded.
    pub(crate) access_type: TypeId,
    /// The compiler's own number in the instruction must be the object's answer.
    pub(crate) validate: bool,
}

/// The answer where nothing in the target matches; `None` means there is none.
pub(crate) fn without_target(kind: ReloKind) -> Option<Answer> {
    match kind {
        ReloKind::FieldExists | ReloKind::EnumvalExists => Some(Answer::default()),
        _ if kind.is_about_type() => Some(Answer::default()),
        _ => None,
    }
}

/// The answer for this walk.
pub(crate) fn answer(kind: ReloKind, spec: &Spec<'_>) -> Result<Answer, CoreError> {
    if kind.is_about_field() {
        field(kind, spec)
    } else if kind.is_about_enumerator() {
        Ok(enumerator(kind, spec))
    } else {
        whole(kind, spec)
    }
}

fn plain(value: u64, validate: bool) -> Answer {
    Answer {
        value,
        validate,
        ..Answer::default()
    }
}

fn unanswerable(kind: ReloKind, spec: &Spec<'_>, problem: String) -> CoreError {
    CoreError::Unanswerable {
        kind,
        ty: describe(spec.btf, spec.root),
        problem,
    }
}

fn whole(kind: ReloKind, spec: &Spec<'_>) -> Result<Answer, CoreError> {
    Ok(match kind {
        // Ids change when objects are linked, so the compiler's number means nothing.
        ReloKind::TypeIdLocal | ReloKind::TypeIdTarget => plain(u64::from(spec.root.0), false),
        ReloKind::TypeSize => {
            let size = spec
                .btf
                .size_of(spec.root)
                .ok_or_else(|| unanswerable(kind, spec, "the type has no size".into()))?;
            plain(size, true)
        }
        _ => plain(1, true),
    })
}

fn enumerator(kind: ReloKind, spec: &Spec<'_>) -> Answer {
    if kind == ReloKind::EnumvalExists {
        return plain(1, true);
    }
    let value = spec.steps.first().and_then(|step| {
        let ty = spec.btf.type_at(step.ty);
        let enumerator = ty.enumeration()?.enumerator(step.index as usize)?;
        // 32-bit values are sign-extended whatever their sign, as the instruction's immediate is.
        Some(if ty.kind() == Kind::Enum {
            i64::from(enumerator.bits as u32 as i32) as u64
        } else {
            enumerator.bits
        })
    });
    plain(value.unwrap_or(0), true)
}

fn field(kind: ReloKind, spec: &Spec<'_>) -> Result<Answer, CoreError> {
    if kind == ReloKind::FieldExists {
        return Ok(plain(1, true));
    }
    let size_of = |id: TypeId| {
        spec.btf.size_of(id).ok_or_else(|| {
            let ty = describe(spec.btf, id);
            unanswerable(kind, spec, format!("{ty} has no size"))
        })
    };
    let Some(step) = spec.steps.last() else {
        return Err(unanswerable(kind, spec, "the path is empty".into()));
    };
    if step.name.is_none() {
        let bytes = size_of(step.ty)?;
        return match kind {
            ReloKind::FieldByteOffset => Ok(Answer {
                value: spec.bit_offset / 8,
                access_bytes: bytes,
                access_type: step.ty,
                validate: true,
            }),
            ReloKind::FieldByteSize => Ok(plain(bytes, true)),
            _ => Err(unanswerable(
                kind,
                spec,
                "elements of arrays only have offset and size".into(),
            )),
        };
    }
    let member = spec
        .btf
        .type_at(step.ty)
        .composite()
        .and_then(|composite| composite.member(step.index as usize))
        .ok_or_else(|| unanswerable(kind, spec, "the path ends in no member".into()))?;
    let ty = spec.btf.resolve(member.ty);
    let bitfield = member.bitfield_bits != 0;
    let first_bit = spec.bit_offset;
    let mut bytes = size_of(ty.id())?;
    let bits;
    let offset;
    if bitfield {
        bits = u64::from(member.bitfield_bits);
        (offset, bytes) = load_window(first_bit, bits, bytes).ok_or_else(|| {
            unanswerable(
                kind,
                spec,
                "no load of up to 8 bytes covers the bitfield".into(),
            )
        })?;
    } else {
        bits = bytes.saturating_mul(8);
        offset = first_bit / 8;
    }
    // Compilers may load bitfields otherwise than computed here.
    let validate = !bitfield;
    // A walk that starts after the window or wider than 64 bits has no shift; wrapping is libbpf's
    // way, and the number is never used.
    let first_bit_in_window = first_bit.wrapping_sub(offset.wrapping_mul(8));
    Ok(match kind {
        ReloKind::FieldByteOffset if bitfield => plain(offset, validate),
        ReloKind::FieldByteOffset => {
            // Arrays are loaded element by element.
            let mut element = ty;
            while let Body::Array(array) = element.body() {
                element = spec.btf.resolve(array.element);
            }
            Answer {
                value: offset,
                access_bytes: size_of(element.id())?,
                access_type: ty.id(),
                validate,
            }
        }
        ReloKind::FieldByteSize => plain(bytes, validate),
        ReloKind::FieldSigned => {
            let signed = match ty.body() {
                Body::Enum(enumeration) | Body::Enum64(enumeration) => enumeration.signed,
                Body::Int(int) => int.is_signed(),
                _ => false,
            };
            plain(u64::from(signed), true)
        }
        ReloKind::FieldLshiftU64 => {
            let shift = match spec.btf.endian() {
                Endian::Little => 64_u64.wrapping_sub(first_bit_in_window.wrapping_add(bits)),
                Endian::Big => 8_u64
                    .wrapping_sub(bytes)
                    .wrapping_mul(8)
                    .wrapping_add(first_bit_in_window),
            };
            plain(shift, validate)
        }
        _ => plain(64_u64.wrapping_sub(bits), true),
    })
}

/// Offset and size in bytes of the aligned load that covers a bitfield: the declared type's size
/// if that does, else the next greater power of two.
fn load_window(first_bit: u64, bits: u64, declared_bytes: u64) -> Option<(u64, u64)> {
    if declared_bytes == 0 {
        return None;
    }
    let mut bytes = declared_bytes;
    loop {
        let offset = first_bit / 8 / bytes * bytes;
        if first_bit + bits - offset * 8 <= bytes * 8 {
            return Some((offset, bytes));
        }
        if bytes >= 8 {
            return None;
        }
        bytes *= 2;
    }
}
