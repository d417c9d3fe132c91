//! What is known about one value, as logs and people speak about it.
//!
//! The kernel prints registers in a style of its own; [`Value`] is what that style can say. It is made
//! from a register of ours or read from a log, and printed in the kernel's style again, to the letter.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::domain::Scalar;

/// The map a pointer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapName {
    /// Its name.
    pub name: String,
    /// Bytes of a key.
    pub key: u64,
    /// Bytes of a value.
    pub value: u64,
}

/// What is known about one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The kernel's word for it, `map_value_or_null`; `?` for a register that holds nothing.
    pub name: Cow<'static, str>,
    /// The frame whose stack it points into, if that is not the running one.
    pub frame: Option<u8>,
    /// The map it belongs to.
    pub map: Option<Arc<MapName>>,
    /// Values with the same number, not 0, are the same or came from the same place.
    pub id: u32,
    /// The constant by which it differs from others of its id.
    pub delta: i32,
    /// What must be given back; 0 for nothing.
    pub reference: u32,
    /// Fixed offset of a pointer.
    pub off: i64,
    /// Bytes of the packet that are known to be there.
    pub range: Option<i64>,
    /// Bytes of the memory it points to.
    pub bytes: Option<u64>,
    /// The number, or the variable part of a pointer's offset.
    pub num: Scalar,
}

impl Value {
    /// A value of this name of which nothing else is known.
    pub fn named(name: impl Into<Cow<'static, str>>) -> Value {
        Value {
            name: name.into(),
            frame: None,
            map: None,
            id: 0,
            delta: 0,
            reference: 0,
            off: 0,
            range: None,
            bytes: None,
            num: Scalar::known(0),
        }
    }

    /// A register that holds nothing.
    pub fn unset() -> Value {
        Value::named("?")
    }

    /// True if nothing was ever written there.
    pub fn is_unset(&self) -> bool {
        self.name == "?"
    }

    /// True for numbers.
    pub fn is_number(&self) -> bool {
        self.name == "scalar"
    }

    /// True if it may be null.
    pub fn may_be_null(&self) -> bool {
        self.name.contains("_or_null")
    }

    /// True for addresses in the packet or its metadata.
    pub fn is_packet(&self) -> bool {
        matches!(&*self.name, "pkt" | "pkt_meta")
    }

    /// True for addresses on the stack.
    pub fn is_stack(&self) -> bool {
        self.name == "fp"
    }

    /// True for bytes of the stack that are no spilled register, one letter each.
    pub fn is_bytes(&self) -> bool {
        self.name.len() == 8 && self.name.bytes().all(|byte| b"m0?dirf*".contains(&byte))
    }

    /// True if both say the same, whatever ids they carry.
    pub fn says_the_same(&self, other: &Value) -> bool {
        let bare = |value: &Value| Value {
            id: 0,
            delta: 0,
            ..value.clone()
        };
        bare(self) == bare(other)
    }
}

/// The kernel's style.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixed = self.num.constant();
        if self.is_number()
            && let Some(value) = fixed
        {
            return write!(f, "{}", Signed(value as i64));
        }
        f.write_str(&self.name)?;
        if self.is_bytes() {
            return Ok(());
        }
        if let Some(frame) = self.frame {
            write!(f, "[{frame}]")?;
        }
        if self.is_stack()
            && let Some(value) = fixed
        {
            return write!(f, "{}", Signed((value as i64).wrapping_add(self.off)));
        }
        let mut parts = Vec::new();
        if self.id != 0 && self.delta != 0 {
            parts.push(format!("id={}{:+}", self.id, self.delta));
        } else if self.id != 0 {
            parts.push(format!("id={}", self.id));
        }
        if self.reference != 0 {
            parts.push(format!("ref_obj_id={}", self.reference));
        }
        if let Some(map) = &self.map {
            if !map.name.is_empty() {
                parts.push(format!("map={}", map.name));
            }
            parts.push(format!("ks={},vs={}", map.key, map.value));
        }
        if !self.is_number() && self.off != 0 {
            parts.push(format!("off={}", Signed(self.off)));
        }
        if let Some(range) = self.range {
            parts.push(format!("r={}", Plain(range as u64)));
        }
        if let Some(bytes) = self.bytes {
            parts.push(format!("sz={}", Plain(bytes)));
        }
        match fixed {
            Some(0) => {}
            Some(value) => parts.push(format!("imm={}", Signed(value as i64))),
            None => {
                ranges(&self.num, &mut parts);
                if self.num.bits != Scalar::<64, 32>::UNKNOWN.bits {
                    parts.push(format!("var_off={:?}", self.num.bits));
                }
            }
        }
        write!(f, "({})", parts.join(","))
    }
}

/// The bounds that say something, those of equal value together.
fn ranges(num: &Scalar, parts: &mut Vec<String>) {
    let all: Scalar = Scalar::UNKNOWN;
    // Name, value as 64 bits, and whether it says anything.
    let mut bounds = [
        ("smin", num.s.min as u64, num.s.min != all.s.min),
        ("smax", num.s.max as u64, num.s.max != all.s.max),
        ("umin", num.u.min, num.u.min != 0),
        ("umax", num.u.max, num.u.max != all.u.max),
        ("smin32", num.s32.min as u64, num.s32.min != all.s32.min),
        ("smax32", num.s32.max as u64, num.s32.max != all.s32.max),
        ("umin32", num.u32.min, num.u32.min != 0),
        ("umax32", num.u32.max, num.u32.max != all.u32.max),
    ];
    for first in 0..bounds.len() {
        let (name, value, says) = bounds[first];
        if !says {
            continue;
        }
        let negative = |name: &str| name.starts_with('s') && (value as i64) < 0;
        let mut names = name.to_owned();
        for other in (first + 2..bounds.len()).step_by(2) {
            let (second, same, says) = bounds[other];
            if says && same == value && negative(second) == negative(name) {
                bounds[other].2 = false;
                names += &format!("={second}");
            }
        }
        if name.starts_with('s') {
            parts.push(format!("{names}={}", Signed(value as i64)));
        } else {
            parts.push(format!("{names}={}", Plain(value)));
        }
    }
}

/// A signed number: decimal if it is small, else hexadecimal.
pub(crate) struct Signed(pub(crate) i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if i16::try_from(self.0).is_ok() {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}

/// An unsigned number: decimal if it is small, else hexadecimal.
pub(crate) struct Plain(pub(crate) u64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if u16::try_from(self.0).is_ok() {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}
