//! .BTF.ext: which function, which source line and which CO-RE relocation an instruction has.
//!
//! Records are checked against the BTF they refer to. Those of newer compilers may be longer than
//! the ones known here; what follows the known part is skipped, and is not written back.

use osmia_isa::Endian;

use crate::parse::byte_order;
use crate::{Btf, BtfError, Kind, StrOff, TypeId, limits};

/// A checked .BTF.ext section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BtfExt {
    /// The byte order it came in or will be written in.
    pub endian: Endian,
    /// Functions by ELF section.
    pub funcs: Vec<ExtSection<FuncInfo>>,
    /// Source lines by ELF section.
    pub lines: Vec<ExtSection<LineInfo>>,
    /// CO-RE relocations by ELF section.
    pub relos: Vec<ExtSection<CoreRelo>>,
}

/// The records of one ELF section, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtSection<T> {
    /// Name of the section, in the BTF's strings.
    pub name: StrOff,
    /// Its records.
    pub records: Vec<T>,
}

/// A function begins here.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// Offset of its first instruction, in bytes from the beginning of the ELF section.
    pub insn_bytes: u32,
    /// Its `FUNC`.
    pub func: TypeId,
}

/// From this instruction on, the source is here.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// Offset of the instruction, in bytes from the beginning of the ELF section.
    pub insn_bytes: u32,
    /// Name of the source file.
    pub file: StrOff,
    /// Text of the source line.
    pub text: StrOff,
    /// Line and column as encoded.
    pub line_column: u32,
}

impl LineInfo {
    /// Source line, from 1.
    pub fn line(&self) -> u32 {
        self.line_column >> 10
    }

    /// Source column, from 1; 0 if unknown.
    pub fn column(&self) -> u32 {
        self.line_column & 0x3ff
    }
}

/// This instruction depends on the target's types.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CoreRelo {
    /// Offset of the instruction, in bytes from the beginning of the ELF section.
    pub insn_bytes: u32,
    /// The root type, in the object's BTF.
    pub ty: TypeId,
    /// The access path as text.
    pub access: StrOff,
    /// What is asked, as a number: see [`crate::core::ReloKind`].
    pub kind: u32,
}

const HEADER_BYTES: usize = 24;
const HEADER_WITH_RELOS_BYTES: usize = 32;

impl BtfExt {
    /// Reads and checks a .BTF.ext section of the object whose BTF is `btf`.
    pub fn parse(bytes: &[u8], btf: &Btf) -> Result<BtfExt, BtfError> {
        if bytes.len() > limits::SECTION_BYTES_MAX {
            return Err(BtfError::TooLarge { bytes: bytes.len() });
        }
        let endian = byte_order(bytes)?;
        let reader = Reader { bytes, endian, btf };
        let header_bytes = reader.word(4)? as usize;
        if header_bytes < HEADER_BYTES || header_bytes > bytes.len() {
            return Err(BtfError::Ext {
                offset: 4,
                what: format!(
                    "its header has {header_bytes} bytes, expected {HEADER_BYTES} to {}",
                    bytes.len()
                ),
            });
        }
        let relos = if header_bytes >= HEADER_WITH_RELOS_BYTES {
            reader.part(header_bytes, 24, "CO-RE relocations", 16, |at| {
                let relo = CoreRelo {
                    insn_bytes: reader.word(at)?,
                    ty: TypeId(reader.word(at + 4)?),
                    access: reader.string(at + 8)?,
                    kind: reader.word(at + 12)?,
                };
                reader.known_type(at + 4, relo.ty)?;
                Ok(relo)
            })?
        } else {
            Vec::new()
        };
        Ok(BtfExt {
            endian,
            funcs: reader.part(header_bytes, 8, "functions", 8, |at| {
                let info = FuncInfo {
                    insn_bytes: reader.word(at)?,
                    func: TypeId(reader.word(at + 4)?),
                };
                reader.known_type(at + 4, info.func)?;
                if btf.type_at(info.func).kind() != Kind::Func {
                    return Err(BtfError::Ext {
                        offset: at + 4,
                        what: format!(
                            "a function is described by {} {}, not by a FUNC",
                            btf.type_at(info.func).kind(),
                            info.func
                        ),
                    });
                }
                Ok(info)
            })?,
            lines: reader.part(header_bytes, 16, "source lines", 16, |at| {
                Ok(LineInfo {
                    insn_bytes: reader.word(at)?,
                    file: reader.string(at + 4)?,
                    text: reader.string(at + 8)?,
                    line_column: reader.word(at + 12)?,
                })
            })?,
            relos,
        })
    }

    /// The section's bytes, in `self.endian` order. The part for relocations is there only if
    /// there are any: the kernel never reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let funcs = write_part(&mut body, &self.funcs, 8, |info| {
            vec![info.insn_bytes, info.func.0]
        });
        let lines = write_part(&mut body, &self.lines, 16, |info| {
            vec![info.insn_bytes, info.file.0, info.text.0, info.line_column]
        });
        let relos = write_part(&mut body, &self.relos, 16, |relo| {
            vec![relo.insn_bytes, relo.ty.0, relo.access.0, relo.kind]
        });
        let with_relos = !self.relos.is_empty();
        let mut header = vec![
            if with_relos {
                HEADER_WITH_RELOS_BYTES as u32
            } else {
                HEADER_BYTES as u32
            },
            funcs.0,
            funcs.1,
            lines.0,
            lines.1,
        ];
        if with_relos {
            header.extend([relos.0, relos.1]);
        }
        let mut bytes = Vec::with_capacity(4 + (header.len() + body.len()) * 4);
        bytes.extend(match self.endian {
            Endian::Little => crate::kind::MAGIC.to_le_bytes(),
            Endian::Big => crate::kind::MAGIC.to_be_bytes(),
        });
        bytes.extend([crate::kind::VERSION, 0]);
        for word in header.into_iter().chain(body) {
            bytes.extend(match self.endian {
                Endian::Little => word.to_le_bytes(),
                Endian::Big => word.to_be_bytes(),
            });
        }
        bytes
    }
}

/// Appends one part as words; returns its offset from the end of the header and its size.
fn write_part<T>(
    body: &mut Vec<u32>,
    sections: &[ExtSection<T>],
    record_bytes: u32,
    words: impl Fn(&T) -> Vec<u32>,
) -> (u32, u32) {
    let start = body.len();
    if !sections.is_empty() {
        body.push(record_bytes);
    }
    for section in sections {
        body.push(section.name.0);
        body.push(section.records.len() as u32);
        for record in &section.records {
            body.extend(words(record));
        }
    }
    ((start * 4) as u32, ((body.len() - start) * 4) as u32)
}

struct Reader<'a> {
    bytes: &'a [u8],
    endian: Endian,
    btf: &'a Btf,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Result<u32, BtfError> {
        match at.checked_add(4).and_then(|end| self.bytes.get(at..end)) {
            Some(&[a, b, c, d]) => Ok(match self.endian {
                Endian::Little => u32::from_le_bytes([a, b, c, d]),
                Endian::Big => u32::from_be_bytes([a, b, c, d]),
            }),
            _ => Err(BtfError::Truncated {
                what: ".BTF.ext",
                offset: at,
                need: 4,
                have: self.bytes.len().saturating_sub(at),
            }),
        }
    }

    fn string(&self, at: usize) -> Result<StrOff, BtfError> {
        let string = StrOff(self.word(at)?);
        if self.btf.string_bytes(string).is_none() {
            return Err(BtfError::Ext {
                offset: at,
                what: format!(
                    "a string is at {}, the BTF's strings have {} bytes",
                    string.0,
                    self.btf.strings_len()
                ),
            });
        }
        Ok(string)
    }

    fn known_type(&self, at: usize, id: TypeId) -> Result<(), BtfError> {
        if id.0 < self.btf.type_count() {
            return Ok(());
        }
        Err(BtfError::Ext {
            offset: at,
            what: format!(
                "a record refers to type {id}, the last one is {}",
                TypeId(self.btf.type_count() - 1)
            ),
        })
    }

    /// One part: a record size, then for each ELF section its name, a count and the records.
    fn part<T>(
        &self,
        header_bytes: usize,
        field: usize,
        what: &'static str,
        known_bytes: usize,
        record: impl Fn(usize) -> Result<T, BtfError>,
    ) -> Result<Vec<ExtSection<T>>, BtfError> {
        let start = header_bytes as u64 + u64::from(self.word(field)?);
        let len = u64::from(self.word(field + 4)?);
        if len == 0 {
            return Ok(Vec::new());
        }
        if start + len > self.bytes.len() as u64 {
            return Err(BtfError::Truncated {
                what,
                offset: usize::try_from(start).unwrap_or(usize::MAX),
                need: usize::try_from(len).unwrap_or(usize::MAX),
                have: (self.bytes.len() as u64).saturating_sub(start) as usize,
            });
        }
        // Both fit now: they are within `bytes`.
        let (mut at, end) = (start as usize, (start + len) as usize);
        let record_bytes = self.word(at)? as usize;
        if record_bytes < known_bytes || !record_bytes.is_multiple_of(4) {
            return Err(BtfError::Ext {
                offset: at,
                what: format!(
                    "records of {what} have {record_bytes} bytes, expected {known_bytes} or a larger multiple of 4"
                ),
            });
        }
        at += 4;
        let mut sections = Vec::new();
        while at < end {
            if end - at < 8 {
                return Err(BtfError::Truncated {
                    what,
                    offset: at,
                    need: 8,
                    have: end - at,
                });
            }
            let name = self.string(at)?;
            let count = self.word(at + 4)?;
            at += 8;
            let need = u64::from(count) * record_bytes as u64;
            if count == 0 || need > (end - at) as u64 {
                return Err(BtfError::Ext {
                    offset: at - 4,
                    what: format!(
                        "{count} records of {what} at {record_bytes} bytes each, {} bytes are left",
                        end - at
                    ),
                });
            }
            let records = (0..count as usize)
                .map(|index| record(at + index * record_bytes))
                .collect::<Result<_, _>>()?;
            sections.push(ExtSection { name, records });
            at += need as usize;
        }
        Ok(sections)
    }
}
