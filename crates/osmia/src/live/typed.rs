//! Bytes by their type, and types as words, as bpftool writes them.
//!
//! Not the reading of [`osmia_btf::value`], which is for people: here bit fields are hexadecimal, pointers
//! are numbers, and unnamed members have an empty name, because scripts rely on it.

use osmia_btf::{Btf, Kind, Type, TypeId};
use serde_json::{Map, Value as Json};

use crate::limits;

/// Bytes of this type.
pub(super) fn json(btf: &Btf, id: TypeId, bytes: &[u8]) -> Json {
    let mut left = limits::TYPED_PARTS_MAX;
    Reader {
        btf,
        left: &mut left,
    }
    .value(id, bytes)
}

struct Reader<'a> {
    btf: &'a Btf,
    /// Parts that may still be told.
    left: &'a mut usize,
}

impl Reader<'_> {
    fn value(&mut self, id: TypeId, bytes: &[u8]) -> Json {
        if *self.left == 0 {
            return Json::Null;
        }
        *self.left -= 1;
        let ty = self.btf.resolve(id);
        match ty.kind() {
            Kind::Int => integer(&ty, bytes),
            Kind::Ptr => unsigned(bytes, 8).map_or(Json::Null, Json::from),
            Kind::Enum | Kind::Enum64 => enumerator(&ty, bytes),
            Kind::Array => self.array(&ty, bytes),
            Kind::Struct | Kind::Union => self.members(&ty, bytes),
            Kind::Var => {
                let mut object = Map::new();
                let value = ty.target().map_or(Json::Null, |of| self.value(of, bytes));
                object.insert(ty.name().to_owned(), value);
                Json::Object(object)
            }
            Kind::DataSec => self.section(&ty, bytes),
            Kind::Fwd => "(fwd-kind-invalid)".into(),
            _ => "(unsupported-kind)".into(),
        }
    }

    fn array(&mut self, ty: &Type<'_>, bytes: &[u8]) -> Json {
        let osmia_btf::Body::Array(array) = ty.body() else {
            return Json::Null;
        };
        let element = self.btf.resolve(array.element);
        let count = array.len as usize;
        let size = self.btf.size_of(array.element).unwrap_or_default() as usize;
        if let Some(text) = text_of(&element, bytes, count) {
            return text.into();
        }
        let at = |position: usize| bytes.get(position * size..(position + 1) * size);
        let elements = (0..count).map_while(at);
        let mut values = Vec::new();
        for bytes in elements {
            if *self.left == 0 {
                break;
            }
            values.push(self.value(array.element, bytes));
        }
        Json::Array(values)
    }

    fn members(&mut self, ty: &Type<'_>, bytes: &[u8]) -> Json {
        let mut object = Map::new();
        let composite = ty.composite();
        for member in composite.iter().flat_map(|composite| composite.members()) {
            let bits = self.btf.bitfield_bits(&member);
            let value = match bits {
                0 => {
                    let start = (member.bit_offset / 8) as usize;
                    self.value(member.ty, bytes.get(start..).unwrap_or_default())
                }
                bits => bit_field(bytes, member.bit_offset, bits).into(),
            };
            object.insert(member.name.to_owned(), value);
        }
        Json::Object(object)
    }

    fn section(&mut self, ty: &Type<'_>, bytes: &[u8]) -> Json {
        let osmia_btf::Body::DataSec(section) = ty.body() else {
            return Json::Null;
        };
        let mut variables = Vec::new();
        for variable in section.vars() {
            let start = variable.offset as usize;
            variables.push(self.value(variable.var, bytes.get(start..).unwrap_or_default()));
        }
        let mut object = Map::new();
        object.insert(ty.name().to_owned(), variables.into());
        Json::Object(object)
    }
}

/// Up to eight bytes as a number.
fn unsigned(bytes: &[u8], size: usize) -> Option<u64> {
    let mut number = [0; 8];
    number.get_mut(..size)?.copy_from_slice(bytes.get(..size)?);
    Some(u64::from_le_bytes(number))
}

fn integer(ty: &Type<'_>, bytes: &[u8]) -> Json {
    let osmia_btf::Body::Int(int) = ty.body() else {
        return Json::Null;
    };
    let bits = u32::from(int.bits);
    let size = (bits / 8) as usize;
    if !matches!(bits, 8 | 16 | 32 | 64) {
        return bit_field(bytes, u32::from(int.offset), bits).into();
    }
    let Some(number) = unsigned(bytes, size) else {
        return Json::Null;
    };
    if int.is_bool() {
        (number & 0xff != 0).into()
    } else if int.is_char() {
        let byte = number as u8;
        char::from(byte).to_string().into()
    } else if int.is_signed() {
        let unused = 64 - bits;
        ((number << unused) as i64 >> unused).into()
    } else {
        number.into()
    }
}

/// Bits in hexadecimal.
fn bit_field(bytes: &[u8], bit_offset: u32, bits: u32) -> String {
    let first = (bit_offset / 8) as usize;
    let mut word = [0; 16];
    for (to, byte) in word.iter_mut().zip(bytes.get(first..).unwrap_or_default()) {
        *to = *byte;
    }
    let shifted = u128::from_le_bytes(word) >> (bit_offset % 8);
    let mask = u128::MAX
        .checked_shr(128 - bits.clamp(1, 128))
        .unwrap_or_default();
    format!("{:#x}", shifted & mask)
}

fn enumerator(ty: &Type<'_>, bytes: &[u8]) -> Json {
    let Some(enumeration) = ty.enumeration() else {
        return Json::Null;
    };
    let size = ty.btf().size_of(ty.id()).unwrap_or(4) as usize;
    let Some(number) = unsigned(bytes, size.min(8)) else {
        return Json::Null;
    };
    let mask = if size >= 8 {
        u64::MAX
    } else {
        (1 << (8 * size)) - 1
    };
    let named = (enumeration.enumerators()).find(|known| known.value() as u64 & mask == number);
    match named {
        Some(named) => named.name.into(),
        None => (number as i32).into(),
    }
}

/// The text in an array of characters, if it is text that ends.
fn text_of(element: &Type<'_>, bytes: &[u8], count: usize) -> Option<String> {
    let osmia_btf::Body::Int(int) = element.body() else {
        return None;
    };
    let is_char = int.bits == 8 && (int.is_char() || element.name() == "char");
    let bytes = bytes.get(..count).filter(|_| is_char)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let is_text = bytes[..end].iter().all(|byte| (0x20..0x7f).contains(byte));
    is_text.then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// A function as C declares it: `int classify(struct __sk_buff * skb)`.
pub(super) fn function(btf: &Btf, id: TypeId) -> Option<String> {
    let ty = btf.ty(id).filter(|ty| ty.kind() == Kind::Func)?;
    let mut words = String::new();
    let prototype = btf.ty(ty.target()?)?;
    declare(btf, &prototype, Some(ty.name()), &mut words, 0);
    Some(words)
}

fn declare(btf: &Btf, prototype: &Type<'_>, name: Option<&str>, words: &mut String, depth: usize) {
    let osmia_btf::Body::FuncProto(params) = prototype.body() else {
        return;
    };
    spell(btf, params.result, words, depth);
    words.push_str(name.unwrap_or_default());
    words.push('(');
    for (at, param) in params.params().enumerate() {
        if at > 0 {
            words.push_str(", ");
        }
        if param.ty.0 == 0 {
            words.push_str("...");
            continue;
        }
        spell(btf, param.ty, words, depth);
        if !param.name.is_empty() {
            words.push_str(param.name);
        } else if words.ends_with(' ') {
            words.pop();
        }
    }
    words.push(')');
}

fn spell(btf: &Btf, id: TypeId, words: &mut String, depth: usize) {
    let Some(ty) = btf
        .ty(id)
        .filter(|_| id.0 != 0 && depth < limits::TYPE_DEPTH_MAX)
    else {
        words.push_str("void ");
        return;
    };
    let target = |words: &mut String| {
        spell(btf, ty.target().unwrap_or(TypeId(0)), words, depth + 1);
    };
    let named = |words: &mut String, prefix: &str| {
        words.push_str(prefix);
        words.push_str(ty.name());
        words.push(' ');
    };
    match ty.kind() {
        Kind::Struct => named(words, "struct "),
        Kind::Union => named(words, "union "),
        Kind::Enum | Kind::Enum64 => named(words, "enum "),
        Kind::Fwd => named(words, if ty.kind_flag() { "union " } else { "struct " }),
        Kind::Array => {
            if let osmia_btf::Body::Array(array) = ty.body() {
                spell(btf, array.element, words, depth + 1);
                words.push_str(&format!("[{}]", array.len));
            }
        }
        Kind::Ptr => {
            target(words);
            words.push_str("* ");
        }
        Kind::Const => {
            words.push_str("const ");
            target(words);
        }
        Kind::Volatile => {
            words.push_str("volatile ");
            target(words);
        }
        Kind::Restrict => {
            words.push_str("restrict ");
            target(words);
        }
        Kind::FuncProto => declare(btf, &ty, None, words, depth + 1),
        _ => named(words, ""),
    }
}
