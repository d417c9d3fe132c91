//! From bytes to a [`Value`].

use crate::limits::VALUE_NODES_MAX;
use crate::value::{Value, bits};
use crate::{Body, Btf, Int, Member, TypeId};

/// Decodes `bytes` as a value of type `id`. Bytes beyond the type's size fill a flexible array at
/// its end and are otherwise ignored.
pub fn decode<'a>(btf: &'a Btf, id: TypeId, bytes: &[u8]) -> Value<'a> {
    let mut decoder = Decoder {
        btf,
        nodes_left: VALUE_NODES_MAX,
    };
    decoder.value(id, bytes, true)
}

struct Decoder<'a> {
    btf: &'a Btf,
    nodes_left: usize,
}

impl<'a> Decoder<'a> {
    /// `bytes` goes from the value's first byte to the end of all bytes. `last` says that nothing
    /// else follows the value in them.
    fn value(&mut self, id: TypeId, bytes: &[u8], last: bool) -> Value<'a> {
        let Some(left) = self.nodes_left.checked_sub(1) else {
            return Value::Elided;
        };
        self.nodes_left = left;
        let btf = self.btf;
        let ty = btf.resolve(id);
        match ty.body() {
            Body::Int(int) => {
                let width = u32::from(int.bits);
                let first = match btf.endian() {
                    osmia_isa::Endian::Little => u64::from(int.offset),
                    // Numbers narrower than their bytes are at the far end.
                    osmia_isa::Endian::Big => (u64::from(int.size) * 8)
                        .saturating_sub(u64::from(int.offset) + u64::from(width)),
                };
                if width == 0 && int.size > 0 {
                    return self.opaque(u64::from(int.size), bytes);
                }
                match bits::read(bytes, first, width, btf.endian()) {
                    Some(number) => integer(&int, ty.name(), number, width),
                    None => Value::Missing,
                }
            }
            Body::Enum(enumeration) | Body::Enum64(enumeration) => {
                let width = enumeration.size * 8;
                match bits::read(bytes, 0, width, btf.endian()) {
                    Some(number) => self.enumerator(enumeration, number, width),
                    None => Value::Missing,
                }
            }
            Body::Ptr(_) => match bits::read(bytes, 0, btf.pointer_bytes() * 8, btf.endian()) {
                Some(number) => Value::Pointer(number as u64),
                None => Value::Missing,
            },
            Body::Float(size) => self.float(size, bytes),
            Body::Array(array) => self.array(array, bytes, last),
            Body::Struct(composite) | Body::Union(composite) => {
                let is_union = matches!(ty.body(), Body::Union(_));
                let count = composite.len();
                let mut fields = Vec::new();
                for (index, member) in composite.members().enumerate() {
                    let last = last && (index + 1 == count || is_union);
                    fields.push((member.name, self.member(&member, bytes, last)));
                    if self.nodes_left == 0 {
                        break;
                    }
                }
                Value::Fields(fields)
            }
            Body::Var(var) => self.value(var.ty, bytes, last),
            Body::DataSec(section) => {
                let mut fields = Vec::new();
                for var in section.vars() {
                    let name = btf.type_at(var.var).name();
                    let value = match bytes.get(var.offset as usize..) {
                        Some(rest) => {
                            let end = rest.len().min(var.size as usize);
                            self.value(var.var, &rest[..end], true)
                        }
                        None => Value::Missing,
                    };
                    fields.push((name, value));
                    if self.nodes_left == 0 {
                        break;
                    }
                }
                Value::Fields(fields)
            }
            _ => match btf.size_of(ty.id()) {
                Some(size) => self.opaque(size, bytes),
                None => Value::Bytes(Vec::new()),
            },
        }
    }

    /// Counts copied bytes as nodes of sixteen: unions may show the same bytes again and again.
    fn spend(&mut self, bytes: usize) -> bool {
        match self.nodes_left.checked_sub(bytes / 16) {
            Some(left) => {
                self.nodes_left = left;
                true
            }
            None => {
                self.nodes_left = 0;
                false
            }
        }
    }

    fn member(&mut self, member: &Member<'a>, bytes: &[u8], last: bool) -> Value<'a> {
        let width = self.btf.bitfield_bits(member);
        if width == 0 {
            return match bytes.get((member.bit_offset / 8) as usize..) {
                Some(rest) => self.value(member.ty, rest, last),
                None => Value::Missing,
            };
        }
        let Some(number) = bits::read(
            bytes,
            u64::from(member.bit_offset),
            width,
            self.btf.endian(),
        ) else {
            return Value::Missing;
        };
        self.nodes_left = self.nodes_left.saturating_sub(1);
        let ty = self.btf.resolve(member.ty);
        match ty.body() {
            Body::Int(int) => integer(&int, ty.name(), number, width),
            Body::Enum(enumeration) | Body::Enum64(enumeration) => {
                self.enumerator(enumeration, number, width)
            }
            _ => Value::Unsigned(number),
        }
    }

    fn enumerator(
        &self,
        enumeration: crate::Enumeration<'a>,
        number: u128,
        width: u32,
    ) -> Value<'a> {
        let value = if enumeration.signed {
            bits::sign_extend(number, width)
        } else {
            number as i128
        };
        let name = enumeration
            .enumerators()
            .find(|enumerator| enumerator.value() == value)
            .map(|enumerator| enumerator.name);
        Value::Enum(name, value)
    }

    fn float(&mut self, size: u32, bytes: &[u8]) -> Value<'a> {
        let Some(number) = bits::read(bytes, 0, size * 8, self.btf.endian()) else {
            return Value::Missing;
        };
        match size {
            4 => Value::Float(f64::from(f32::from_bits(number as u32))),
            8 => Value::Float(f64::from_bits(number as u64)),
            _ => self.opaque(u64::from(size), bytes),
        }
    }

    fn opaque(&mut self, size: u64, bytes: &[u8]) -> Value<'a> {
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        if self.spend(end) {
            Value::Bytes(bytes[..end].to_vec())
        } else {
            Value::Elided
        }
    }

    fn array(&mut self, array: crate::Array, bytes: &[u8], last: bool) -> Value<'a> {
        let element = self.btf.resolve(array.element);
        let size = self.btf.size_of(element.id()).unwrap_or(0);
        let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
            return Value::Array(Vec::new());
        };
        let present = bytes.len() / size;
        let len = if array.len == 0 && last {
            present
        } else {
            array.len as usize
        };
        if let Body::Int(int) = element.body()
            && int.size == 1
            && int.bits == 8
            && !int.is_bool()
        {
            let bytes = &bytes[..len.min(bytes.len())];
            if !self.spend(bytes.len()) {
                return Value::Elided;
            }
            let is_char = int.is_char() || element.name() == "char";
            return match text(bytes) {
                Some(text) if is_char => Value::Text(text),
                _ => Value::Bytes(bytes.to_vec()),
            };
        }
        let mut values = Vec::new();
        for chunk in bytes.chunks(size).take(len.min(present)) {
            values.push(self.value(array.element, chunk, false));
            if self.nodes_left == 0 {
                break;
            }
        }
        if len > present && self.nodes_left > 0 {
            values.push(Value::Missing);
        }
        Value::Array(values)
    }
}

fn integer<'a>(int: &Int, name: &str, number: u128, width: u32) -> Value<'a> {
    if int.is_bool() {
        Value::Bool(number != 0)
    } else if int.size == 1 && width == 8 && (int.is_char() || name == "char") {
        Value::Char(number as u8)
    } else if int.is_signed() {
        Value::Signed(bits::sign_extend(number, width))
    } else {
        Value::Unsigned(number)
    }
}

/// The text in an array of `char`: printable up to the first NUL, then nothing but NULs.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end);
    if rest.iter().any(|byte| *byte != 0) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\r');
    text.chars().all(printable).then(|| text.to_owned())
}
