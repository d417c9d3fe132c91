//! Attributes as values and back: [`Request`] from bytes, and the bytes libbpf would make of it.

use super::{ATTR_BYTES, ATTR_BYTES_MAX, Attr, Command, Request, layout};
use crate::Errno;

/// An address in the caller's memory.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u64);

impl Address {
    /// True if it leads nowhere.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// What can be read from the union and written into it.
pub trait Fields: Sized {
    /// What the union holds, if it holds this.
    fn read(union: &[u8; ATTR_BYTES]) -> Self;

    /// Writes the fields to their places.
    fn write(&self, union: &mut [u8; ATTR_BYTES]);
}

/// A field's value as it lies in memory.
pub(super) trait Value {
    fn read(bytes: &[u8]) -> Self;
    fn write(&self, bytes: &mut [u8]);
}

/// Numbers lie there in little-endian order, whoever reads them.
macro_rules! numbers {
    ($($number:ty)+) => {
        $(impl Value for $number {
            fn read(bytes: &[u8]) -> Self {
                let mut value = [0; size_of::<Self>()];
                value.copy_from_slice(bytes);
                Self::from_le_bytes(value)
            }

            fn write(&self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        })+
    };
}

numbers! { u32 u64 i32 }

impl Value for Address {
    fn read(bytes: &[u8]) -> Self {
        Self(Value::read(bytes))
    }

    fn write(&self, bytes: &mut [u8]) {
        self.0.write(bytes);
    }
}

impl Value for [u8; 16] {
    fn read(bytes: &[u8]) -> Self {
        let mut name = [0; 16];
        name.copy_from_slice(bytes);
        name
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(self);
    }
}

/// Where the union in `link_create` starts and ends.
const LINK_DETAIL: std::ops::Range<usize> = 16..layout(Command::LinkCreate).end();

/// The union in `link_create`. Which member counts follows from the program, which bytes do not know.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct LinkDetail([u8; LINK_DETAIL.end - LINK_DETAIL.start]);

impl LinkDetail {
    /// The union with this member in it, one of the `Link…` structures.
    pub fn of(member: &impl Fields) -> Self {
        let mut union = [0; ATTR_BYTES];
        member.write(&mut union);
        Self::read(&union)
    }

    /// What it holds, if it holds this member.
    pub fn member<T: Fields>(&self) -> T {
        let mut union = [0; ATTR_BYTES];
        self.write(&mut union);
        T::read(&union)
    }
}

impl Default for LinkDetail {
    fn default() -> Self {
        Self([0; LINK_DETAIL.end - LINK_DETAIL.start])
    }
}

impl std::fmt::Debug for LinkDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Fields for LinkDetail {
    fn read(union: &[u8; ATTR_BYTES]) -> Self {
        let mut detail = Self::default();
        detail.0.copy_from_slice(&union[LINK_DETAIL]);
        detail
    }

    fn write(&self, union: &mut [u8; ATTR_BYTES]) {
        union[LINK_DETAIL].copy_from_slice(&self.0);
    }
}

impl Request {
    /// What a caller asks, who knows any size of the attributes.
    ///
    /// # Errors
    /// As Linux: `E2BIG` for more than a page, or if what lies behind the union is not zero; `EINVAL` for a command there is not,
    /// or if what lies behind the command's last field is not zero.
    pub fn decode(command: u32, given: &[u8]) -> Result<Request, Errno> {
        let known = known_part(given, ATTR_BYTES)?;
        let command = Command::from_number(command).ok_or(Errno::EINVAL)?;
        let attr = Attr::new(command, known);
        match attr.is_within_layout() {
            true => Ok(Request::of(&attr)),
            false => Err(Errno::EINVAL),
        }
    }

    /// The attributes, up to the end of the command's last field.
    pub fn encode(&self) -> Vec<u8> {
        self.attr().bytes()[..layout(self.command()).end()].to_vec()
    }
}

/// The part we know of a structure whose caller may know a newer form of it: the rest must be zero.
///
/// # Errors
/// `E2BIG` if it is not, or if there is more than a page of it.
pub fn known_part(given: &[u8], known_bytes: usize) -> Result<&[u8], Errno> {
    let (known, rest) = given.split_at(given.len().min(known_bytes));
    let is_known = given.len() <= ATTR_BYTES_MAX && rest.iter().all(|&byte| byte == 0);
    is_known.then_some(known).ok_or(Errno::E2BIG)
}
