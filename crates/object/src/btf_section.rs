//! The `.BTF` section of any ELF file, eBPF or not: how a kernel image carries its types.

use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, FileKind, elf};
use osmia_diag::Diagnostic;

use crate::codes;

/// Why a file yields no BTF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfSectionError {
    /// It does not begin like ELF.
    #[error("this is not an ELF file")]
    NotElf,
    /// It has no types.
    #[error("this ELF file has no section .BTF")]
    NoSection,
    /// Its headers contradict its bytes.
    #[error("the ELF headers are malformed: {reason}")]
    Malformed {
        /// What the reader found.
        reason: String,
    },
}

impl BtfSectionError {
    /// The error for a person.
    pub fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoSection => Diagnostic::error(codes::ELF_SECTION, self.to_string())
                .help("compile with `-g` so that clang writes one"),
            _ => Diagnostic::error(codes::ELF_MALFORMED, self.to_string()),
        }
    }
}

/// The bytes of `.BTF`, as they are in the file.
///
/// # Errors
/// If there are none; [`BtfSectionError::NotElf`] for what may be BTF itself.
pub fn btf_section(bytes: &[u8]) -> Result<&[u8], BtfSectionError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(BtfSectionError::NotElf);
    }
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => find::<elf::FileHeader32<Endianness>>(bytes),
        Ok(FileKind::Elf64) => find::<elf::FileHeader64<Endianness>>(bytes),
        Ok(_) => Err(BtfSectionError::NotElf),
        Err(error) => Err(malformed(error)),
    }
}

fn find<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<&[u8], BtfSectionError> {
    let header = H::parse(bytes).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let sections = header.sections(endian, bytes).map_err(malformed)?;
    let (_, section) = sections
        .section_by_name(endian, b".BTF")
        .ok_or(BtfSectionError::NoSection)?;
    section.data(endian, bytes).map_err(malformed)
}

fn malformed(error: object::read::Error) -> BtfSectionError {
    BtfSectionError::Malformed {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BtfSectionError, btf_section};

    #[test]
    fn only_elf_files_with_types_have_them() {
        let hello = include_bytes!("../../../examples/hello.bpf.o");
        assert!(btf_section(hello).unwrap().starts_with(&[0x9f, 0xeb]));
        assert_eq!(btf_section(b"\x9f\xeb\x01"), Err(BtfSectionError::NotElf));
        for len in 4..hello.len().min(200) {
            assert!(btf_section(&hello[..len]).is_err());
        }
    }
}
