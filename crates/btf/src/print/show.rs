//! A value as the kernel shows it to programs (`bpf_snprintf_btf`): C with designated members, one a
//! line, what is zero left out.
//!
//! The form is Linux's to the byte, odd corners included (`kernel/bpf/btf.c`, 6.18): what stands in an
//! array has neither name nor brace of its own, and of an array of pointers or of arrays only the first
//! is ever looked at.

use std::fmt::Write as _;

use crate::limits::{SHOWN_BYTES_MAX, VALUE_NODES_MAX};
use crate::value::bits::{read, sign_extend};
use crate::{Body, Btf, Kind, Member, TypeId};

/// How a value is shown.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ShowFlags {
    /// Everything on one line.
    pub compact: bool,
    /// Without names of members and types.
    pub no_name: bool,
    /// With what is zero.
    pub zero: bool,
}

/// Reads memory: all of the bytes at an address, or nothing.
pub type ReadMemory<'m> = &'m dyn Fn(u64, &mut [u8]) -> bool;

/// Why a value was not shown to its end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ShowStop {
    /// Memory at an address cannot be read.
    Unreadable(u64),
    /// It has too many parts, or too long a text.
    Limit,
}

/// What was shown of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The text, up to where it stopped.
    pub text: Vec<u8>,
    /// Why it stopped; `None` at the value's end.
    pub stop: Option<ShowStop>,
}

/// Shows the value of type `id` that lies at an address.
pub fn show(btf: &Btf, id: TypeId, address: u64, flags: ShowFlags, read: ReadMemory<'_>) -> Shown {
    let mut shower = Shower {
        btf,
        flags,
        read,
        text: Vec::new(),
        depth: 0,
        looking: false,
        found: false,
        member: None,
        element: false,
        characters: false,
        ended: false,
        nodes_left: VALUE_NODES_MAX,
        stop: None,
    };
    shower.value(id, address, 0);
    Shown {
        text: shower.text,
        stop: shower.stop,
    }
}

/// Pointers, arrays and typedefs in a row that a name is made of; more have none.
const NAME_STEPS_MAX: usize = 10;
/// Suffixes of a name are at most this many.
const SUFFIXES_MAX: usize = 10;
/// Bytes of a name, its member and type included.
const NAME_BYTES_MAX: usize = 79;
/// Bytes from which on a value is not shown in one piece.
const PIECE_BYTES: u64 = 32;

struct Shower<'a> {
    btf: &'a Btf,
    flags: ShowFlags,
    read: ReadMemory<'a>,
    text: Vec<u8>,
    depth: usize,
    /// Nothing is shown: whether something would be is found out.
    looking: bool,
    found: bool,
    /// The member whose value comes next.
    member: Option<Member<'a>>,
    /// What comes next stands in an array.
    element: bool,
    /// The array is one of characters, and its text was at its end.
    characters: bool,
    ended: bool,
    nodes_left: usize,
    stop: Option<ShowStop>,
}

impl<'a> Shower<'a> {
    /// Shows a value `bit` bits after an address.
    fn value(&mut self, id: TypeId, address: u64, bit: u32) {
        let Some(left) = self.nodes_left.checked_sub(1) else {
            self.stop = Some(ShowStop::Limit);
            return;
        };
        self.nodes_left = left;
        let ty = self.btf.resolve(id);
        match ty.body() {
            Body::Struct(_) | Body::Union(_) => self.aggregate(id, address),
            Body::Array(_) => self.aggregate(id, address),
            Body::Int(int) => {
                let whole = matches!(int.bits, 8 | 16 | 32 | 64 | 128) && int.offset == 0;
                if bit != 0 || !whole {
                    return self.bits(id, address, bit + u32::from(int.offset), int.bits.into());
                }
                let Some(number) = self.number(address, 0, int.bits.into()) else {
                    return;
                };
                if int.bits == 8 && self.characters {
                    if self.ended {
                        return;
                    }
                    if number == 0 {
                        self.ended = true;
                        return;
                    }
                    // What Linux takes for printable: Latin-1.
                    if let byte @ (0x20..=0x7e | 0xa0..) = number as u8 {
                        return self.leaf(id, &[b'\'', byte, b'\''], true);
                    }
                }
                let text = match int.bits {
                    128 => hexadecimal(number),
                    bits if int.is_signed() => sign_extend(number, bits.into()).to_string(),
                    _ => number.to_string(),
                };
                self.leaf(id, text.as_bytes(), number != 0);
            }
            Body::Enum(enumeration) | Body::Enum64(enumeration) => {
                let bits = enumeration.size * 8;
                let Some(number) = self.number(address, 0, bits) else {
                    return;
                };
                let value = match enumeration.signed {
                    true => sign_extend(number, bits),
                    false => number as i128,
                };
                let mut all = enumeration.enumerators();
                match all.find(|named| named.value() == value) {
                    // A name counts as something even if its value is zero.
                    Some(named) => self.leaf(id, named.name.as_bytes(), true),
                    None => self.leaf(id, value.to_string().as_bytes(), value != 0),
                }
            }
            Body::Ptr(_) => {
                let bits = self.btf.pointer_bytes() * 8;
                if let Some(number) = self.number(address, 0, bits) {
                    self.leaf(id, format!("0x{number:016x}").as_bytes(), number != 0);
                }
            }
            _ => {
                let text = format!("<unsupported kind:{}>", ty.kind() as u32);
                self.put(text.as_bytes());
            }
        }
    }

    /// Shows some bits, as bitfields are.
    fn bits(&mut self, id: TypeId, address: u64, first: u32, width: u32) {
        let address = address.wrapping_add(u64::from(first / 8));
        if let Some(number) = self.number(address, first % 8, width) {
            self.leaf(id, hexadecimal(number).as_bytes(), number != 0);
        }
    }

    fn number(&mut self, address: u64, first: u32, width: u32) -> Option<u128> {
        let mut bytes = [0; 17];
        let bytes = bytes.get_mut(..(first + width).div_ceil(8) as usize)?;
        if !(self.read)(address, bytes) {
            self.stop = Some(ShowStop::Unreadable(address));
            return None;
        }
        read(bytes, first.into(), width, self.btf.endian())
    }

    /// Shows an array, a structure or a union; inside of others only if something in it is shown.
    fn aggregate(&mut self, id: TypeId, address: u64) {
        if self.looking {
            return self.parts(id, address);
        }
        if self.depth > 0 && !self.flags.zero {
            let member = self.member;
            (self.looking, self.found) = (true, false);
            self.parts(id, address);
            self.looking = false;
            self.member = member;
            if !self.found {
                return;
            }
        }
        self.parts(id, address);
    }

    fn parts(&mut self, id: TypeId, address: u64) {
        let size = self.btf.size_of(id).unwrap_or(0).min(PIECE_BYTES);
        let mut piece = [0; PIECE_BYTES as usize];
        if !(self.read)(address, &mut piece[..size as usize]) {
            self.stop = Some(ShowStop::Unreadable(address));
            return;
        }
        let ty = self.btf.resolve(id);
        let array = match ty.body() {
            Body::Array(array) => Some(array),
            _ => None,
        };
        (self.characters, self.ended) = (false, false);
        if let Some(array) = array {
            self.characters = self.is_byte(array.element);
        }
        let opening = self.name(id);
        self.line(&[opening.as_bytes()]);
        self.depth += 1;
        if let Some(array) = array {
            let stride = self.stride(array.element);
            for index in 0..array.len {
                (self.element, self.member) = (true, None);
                let at = address.wrapping_add(u64::from(index) * stride);
                self.value(array.element, at, 0);
                self.element = false;
                if self.ended || self.stop.is_some() {
                    break;
                }
            }
            (self.characters, self.ended) = (false, false);
        } else if let Some(composite) = ty.composite() {
            for member in composite.members() {
                self.member = Some(member);
                let at = address.wrapping_add(u64::from(member.bit_offset / 8));
                match u32::from(member.bitfield_bits) {
                    0 => self.value(member.ty, at, member.bit_offset % 8),
                    width => self.bits(member.ty, at, member.bit_offset % 8, width),
                }
                self.member = None;
                if self.stop.is_some() {
                    break;
                }
            }
        }
        self.depth -= 1;
        let closing = if array.is_some() { "]" } else { "}" };
        let delimiter = self.delimiter();
        self.line(&[closing.as_bytes(), delimiter.as_bytes()]);
    }

    fn is_byte(&self, element: TypeId) -> bool {
        matches!(self.btf.resolve(element).body(), Body::Int(int) if int.size == 1)
    }

    /// Bytes from one element to the next, as Linux counts them: pointers and arrays have no size of
    /// their own in BTF.
    fn stride(&self, element: TypeId) -> u64 {
        match self.btf.resolve(element).body() {
            Body::Ptr(_) | Body::Array(_) => 0,
            _ => self.btf.size_of(element).unwrap_or(0),
        }
    }

    fn leaf(&mut self, id: TypeId, text: &[u8], is_something: bool) {
        if !is_something && !self.flags.zero && self.depth > 0 {
            return;
        }
        self.found = true;
        let name = self.name(id);
        let delimiter = self.delimiter();
        self.line(&[name.as_bytes(), text, delimiter.as_bytes()]);
    }

    fn delimiter(&self) -> &'static str {
        if self.depth == 0 { "" } else { "," }
    }

    fn line(&mut self, parts: &[&[u8]]) {
        let (indent, end) = match self.flags.compact {
            true => (0, &b""[..]),
            false => (self.depth, &b"\n"[..]),
        };
        self.put(&b" ".repeat(indent));
        parts.iter().for_each(|part| self.put(part));
        self.put(end);
    }

    fn put(&mut self, text: &[u8]) {
        if self.looking {
            return;
        }
        if self.text.len() + text.len() > SHOWN_BYTES_MAX {
            self.stop = Some(ShowStop::Limit);
            return;
        }
        self.text.extend(text);
    }

    /// What stands before a value: `.member = (struct type){`.
    fn name(&self, id: TypeId) -> String {
        if self.element {
            return String::new();
        }
        let mut ty = self.btf.type_at(self.member.map_or(id, |member| member.ty));
        let (mut alias, mut stars, mut brackets) = (None, 0, 0);
        let mut steps = 0;
        loop {
            let next = match ty.body() {
                Body::Typedef(next) => {
                    alias.get_or_insert(ty.name());
                    next
                }
                Body::Array(array) => {
                    brackets += 1;
                    array.element
                }
                Body::Ptr(next) => {
                    stars += 1;
                    next
                }
                _ => break,
            };
            steps += 1;
            if steps == NAME_STEPS_MAX {
                return String::new();
            }
            if next == TypeId::VOID {
                break;
            }
            ty = self.btf.skip_modifiers(next);
        }
        let name = alias.unwrap_or(ty.name());
        let word = match ty.kind() {
            _ if alias.is_some() => "",
            Kind::Struct => "struct",
            Kind::Union => "union",
            Kind::Enum | Kind::Enum64 => "enum",
            _ => "",
        };
        let opening = match ty.kind() {
            _ if stars > 0 => "",
            _ if brackets > 0 => "[",
            Kind::Struct | Kind::Union => "{",
            _ => "",
        };
        if self.flags.no_name {
            return opening.to_owned();
        }
        let mut text = String::new();
        if let Some(member) = self.member.filter(|member| !member.name.is_empty()) {
            let _ = write!(text, ".{} = ", member.name);
        }
        let space = |needed| if needed { " " } else { "" };
        let _ = write!(
            text,
            "({word}{}{name}{}{}{}){opening}",
            space(!word.is_empty() && !name.is_empty()),
            space(stars > 0),
            "*".repeat(stars.min(SUFFIXES_MAX)),
            "[]".repeat(brackets.min(SUFFIXES_MAX)),
        );
        text.truncate(text.floor_char_boundary(NAME_BYTES_MAX));
        text
    }
}

fn hexadecimal(number: u128) -> String {
    let (high, low) = ((number >> 64) as u64, number as u64);
    match high {
        0 => format!("0x{low:x}"),
        _ => format!("0x{high:x}{low:016x}"),
    }
}
