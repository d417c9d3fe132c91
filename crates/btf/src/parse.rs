//! From bytes to a checked [`Btf`]: header, byte order, where the records are. What the records
//! say is [`crate::check`]'s business.

use std::sync::{Arc, OnceLock};

use osmia_isa::Endian;

use crate::kind::{HEADER_BYTES, Info, MAGIC, RECORD_BYTES, VERSION};
use crate::ty::word;
use crate::{Body, Btf, BtfError, Kind, TypeId, check, limits};

pub(crate) fn parse(mut bytes: Vec<u8>, base: Option<Arc<Btf>>) -> Result<Btf, BtfError> {
    if bytes.len() > limits::SECTION_BYTES_MAX {
        return Err(BtfError::TooLarge { bytes: bytes.len() });
    }
    let endian = byte_order(&bytes)?;
    let header = Header::read(&bytes, endian)?;
    if endian != Endian::NATIVE {
        header.swap(&mut bytes);
    }
    let offsets = record_offsets(&bytes, &header, base.as_deref())?;
    check_strings(&bytes, &header, base.is_some())?;
    let (first_id, first_string, inherited) = match &base {
        Some(base) => (
            base.type_count(),
            base.strings_len(),
            Some(base.pointer_bytes),
        ),
        None => (1, 0, None),
    };
    let mut btf = Btf {
        bytes,
        endian,
        base,
        offsets,
        first_id,
        strings_at: header.strings.start,
        strings_len: header.strings.len() as u32,
        first_string,
        pointer_bytes: 8,
        index: OnceLock::new(),
    };
    check::check(&btf)?;
    btf.pointer_bytes = inherited.unwrap_or_else(|| pointer_bytes(&btf));
    Ok(btf)
}

/// Reads the magic number of BTF or .BTF.ext, which tells the byte order.
pub(crate) fn byte_order(bytes: &[u8]) -> Result<Endian, BtfError> {
    let version = match *bytes {
        [a, b, version, ..] if [a, b] == MAGIC.to_le_bytes() => (Endian::Little, version),
        [a, b, version, ..] if [a, b] == MAGIC.to_be_bytes() => (Endian::Big, version),
        _ => {
            return Err(BtfError::NotBtf {
                found: bytes.iter().copied().take(4).collect(),
            });
        }
    };
    match version {
        (endian, VERSION) => Ok(endian),
        (_, found) => Err(BtfError::Version { found }),
    }
}

struct Header {
    types: std::ops::Range<usize>,
    strings: std::ops::Range<usize>,
}

impl Header {
    fn read(bytes: &[u8], endian: Endian) -> Result<Header, BtfError> {
        if bytes.len() < HEADER_BYTES {
            return Err(BtfError::Truncated {
                what: "the BTF header",
                offset: 0,
                need: HEADER_BYTES,
                have: bytes.len(),
            });
        }
        let field = |at| {
            let value = word(bytes, at);
            if endian == Endian::NATIVE {
                value
            } else {
                value.swap_bytes()
            }
        };
        let header_bytes = field(4) as usize;
        if header_bytes < HEADER_BYTES {
            return Err(BtfError::Header {
                offset: 4,
                what: format!("it has {header_bytes} bytes, {HEADER_BYTES} are the least"),
            });
        }
        let section = |at: usize, what: &'static str| {
            // Four 32-bit numbers cannot overflow 64 bits.
            let offset = header_bytes as u64 + u64::from(field(at));
            let need = u64::from(field(at + 4));
            let have = (bytes.len() as u64).saturating_sub(offset);
            if offset > bytes.len() as u64 || need > have {
                return Err(BtfError::Truncated {
                    what,
                    offset: usize::try_from(offset).unwrap_or(usize::MAX),
                    need: usize::try_from(need).unwrap_or(usize::MAX),
                    have: have as usize,
                });
            }
            Ok(offset as usize..(offset + need) as usize)
        };
        let types = section(8, "the type section")?;
        let strings = section(16, "the string section")?;
        if !field(8).is_multiple_of(4) {
            return Err(BtfError::Header {
                offset: 8,
                what: format!("types begin at {}, not a multiple of 4", field(8)),
            });
        }
        if types.start < strings.end && strings.start < types.end {
            return Err(BtfError::Header {
                offset: 16,
                what: "the string section overlaps the type section".to_owned(),
            });
        }
        Ok(Header { types, strings })
    }

    /// Turns types to this machine's order. Every field of every record is one 32-bit word.
    fn swap(&self, bytes: &mut [u8]) {
        if let Some(types) = bytes.get_mut(self.types.clone()) {
            for word in types.chunks_exact_mut(4) {
                word.reverse();
            }
        }
    }
}

fn record_offsets(bytes: &[u8], header: &Header, base: Option<&Btf>) -> Result<Vec<u32>, BtfError> {
    let first_id = base.map_or(1, Btf::type_count);
    let mut offsets = Vec::with_capacity(header.types.len() / 24 + 2);
    let mut at = header.types.start;
    let end = header.types.end;
    while at < end {
        let id = TypeId(first_id.saturating_add(offsets.len() as u32));
        if end - at < RECORD_BYTES {
            return Err(BtfError::Truncated {
                what: "a type record",
                offset: at,
                need: RECORD_BYTES,
                have: end - at,
            });
        }
        let info = Info(word(bytes, at + 4));
        let kind = match info.kind() {
            Some(kind) if kind != Kind::Void => kind,
            _ => {
                return Err(BtfError::Kind {
                    id,
                    offset: at,
                    number: info.kind_number(),
                });
            }
        };
        let need = RECORD_BYTES + kind.tail_bytes(info.vlen());
        if end - at < need {
            return Err(BtfError::Truncated {
                what: kind.name(),
                offset: at,
                need,
                have: end - at,
            });
        }
        offsets.push(at as u32);
        at += need;
    }
    offsets.push(at as u32);
    offsets.shrink_to_fit();
    Ok(offsets)
}

fn check_strings(bytes: &[u8], header: &Header, split: bool) -> Result<(), BtfError> {
    let offset = header.strings.start;
    let strings = bytes.get(header.strings.clone()).unwrap_or(&[]);
    let wrong = |what| Err(BtfError::Strings { offset, what });
    match strings {
        [] if split => Ok(()),
        [] => wrong("is empty; it must hold at least the empty string"),
        [.., last] if *last != 0 => wrong("does not end with a NUL byte"),
        [first, ..] if *first != 0 && !split => wrong("does not begin with the empty string"),
        _ if has_long_string(strings) => Err(BtfError::LongString { offset }),
        _ => Ok(()),
    }
}

/// Whether some stretch of `STRING_BYTES_MAX` bytes has no NUL: every string of twice that length
/// has one, and finding it reads few bytes of ordinary sections.
fn has_long_string(strings: &[u8]) -> bool {
    strings
        .chunks_exact(limits::STRING_BYTES_MAX)
        .any(|stretch| !stretch.contains(&0))
}

/// The size of `long` is that of a pointer on every machine BTF is made for.
fn pointer_bytes(btf: &Btf) -> u32 {
    const LONG: [&str; 8] = [
        "long",
        "long int",
        "int long",
        "unsigned long",
        "long unsigned",
        "unsigned long int",
        "long unsigned int",
        "int unsigned long",
    ];
    for ty in btf.own_types() {
        if let Body::Int(int) = ty.body()
            && matches!(int.size, 4 | 8)
            && LONG.contains(&ty.name())
        {
            return int.size;
        }
    }
    8
}
