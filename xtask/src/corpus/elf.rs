//! Broken object files. Offsets are those of the ELF64 structures.

use std::path::Path;

use super::{Inputs, cut, with};
use crate::place::Error;

const SECTION_HEADER_BYTES: usize = 64;

/// Just enough of an ELF file to find the field to break.
pub(super) struct Elf<'a>(pub(super) &'a [u8]);

impl<'a> Elf<'a> {
    fn number<const N: usize>(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.0[at..at + N]);
        u64::from_le_bytes(bytes)
    }

    fn headers_at(&self) -> usize {
        self.number::<8>(0x28) as usize
    }

    fn count(&self) -> usize {
        self.number::<2>(0x3c) as usize
    }

    /// Where the header of section `index` starts.
    fn header(&self, index: usize) -> usize {
        self.headers_at() + index * SECTION_HEADER_BYTES
    }

    /// Offset and size of a section's contents.
    fn contents(&self, index: usize) -> (usize, usize) {
        let header = self.header(index);
        (
            self.number::<8>(header + 24) as usize,
            self.number::<8>(header + 32) as usize,
        )
    }

    fn named(&self, name: &str) -> Option<usize> {
        let (names, _) = self.contents(self.number::<2>(0x3e) as usize);
        (0..self.count()).find(|index| {
            let at = names + self.number::<4>(self.header(*index)) as usize;
            self.0[at..].starts_with(name.as_bytes()) && self.0[at + name.len()] == 0
        })
    }

    /// Header of the section of this name.
    fn header_of(&self, name: &str) -> Result<usize, Error> {
        let index = self
            .named(name)
            .ok_or_else(|| format!("the example has no {name}"))?;
        Ok(self.header(index))
    }

    /// Offset and contents of the section of this name.
    pub(super) fn section(&self, name: &str) -> Result<(usize, &'a [u8]), Error> {
        let index = self
            .named(name)
            .ok_or_else(|| format!("the example has no {name}"))?;
        let (at, size) = self.contents(index);
        Ok((at, &self.0[at..at + size]))
    }
}

pub(super) fn inputs(root: &Path) -> Result<Inputs, Error> {
    let examples = root.join("examples");
    let hello = &std::fs::read(examples.join("hello.bpf.o"))?[..];
    let tailcall = std::fs::read(examples.join("tailcall.bpf.o"))?;
    let core = std::fs::read(examples.join("core.bpf.o"))?;
    let elf = Elf(hello);
    let mut inputs = Inputs::new();

    // What is not an object at all.
    inputs.insert("empty", Vec::new());
    inputs.insert("magic-only", cut(hello, 4));
    inputs.insert("c-source", std::fs::read(examples.join("hello.bpf.c"))?);
    inputs.insert("header-only", cut(hello, 64));
    inputs.insert("header-cut", cut(hello, 40));
    inputs.insert("half", cut(hello, hello.len() / 2));
    inputs.insert("last-byte-missing", cut(hello, hello.len() - 1));

    // The file header.
    inputs.insert("class-32", with(hello, 4, [1]));
    inputs.insert("class-unknown", with(hello, 4, [9]));
    inputs.insert("endian-big-claimed", with(hello, 5, [2]));
    inputs.insert("endian-unknown", with(hello, 5, [7]));
    inputs.insert("type-executable", with(hello, 0x10, [2, 0]));
    inputs.insert("machine-x86-64", with(hello, 0x12, [62, 0]));
    inputs.insert("machine-none", with(hello, 0x12, [0, 0]));
    inputs.insert(
        "headers-past-the-end",
        with(hello, 0x28, (1_u64 << 40).to_le_bytes()),
    );
    inputs.insert(
        "headers-offset-overflows",
        with(hello, 0x28, u64::MAX.to_le_bytes()),
    );
    inputs.insert("header-size-wrong", with(hello, 0x3a, [16, 0]));
    inputs.insert("sections-65535", with(hello, 0x3c, [0xff, 0xff]));
    inputs.insert("sections-none", with(hello, 0x3c, [0, 0]));
    inputs.insert("names-section-out-of-range", with(hello, 0x3e, [0xf0, 0]));

    // Section headers.
    let (xdp, btf, maps) = (
        elf.header_of("xdp")?,
        elf.header_of(".BTF")?,
        elf.header_of(".maps")?,
    );
    let (ext, rel) = (elf.header_of(".BTF.ext")?, elf.header_of(".relxdp")?);
    let (symtab, bss) = (elf.header_of(".symtab")?, elf.header_of(".bss")?);
    let huge = (1_u64 << 60).to_le_bytes();
    inputs.insert("name-out-of-range", with(hello, xdp, [0xff; 4]));
    inputs.insert("code-size-absurd", with(hello, xdp + 32, huge));
    inputs.insert(
        "code-size-ragged",
        with(hello, xdp + 32, 13_u64.to_le_bytes()),
    );
    inputs.insert("code-offset-overflows", with(hello, xdp + 24, [0xff; 8]));
    inputs.insert("code-empty", with(hello, xdp + 32, [0; 8]));
    let (overlapped, _) = elf.section(".BTF")?;
    inputs.insert(
        "code-over-btf",
        with(hello, xdp + 24, (overlapped as u64).to_le_bytes()),
    );
    inputs.insert("btf-size-absurd", with(hello, btf + 32, huge));
    inputs.insert("btf-over-code", {
        let (at, code) = elf.section("xdp")?;
        let moved = with(hello, btf + 24, (at as u64).to_le_bytes());
        with(&moved, btf + 32, (code.len() as u64).to_le_bytes())
    });
    inputs.insert("ext-cut", with(hello, ext + 32, 30_u64.to_le_bytes()));
    inputs.insert("maps-size-absurd", with(hello, maps + 32, huge));
    inputs.insert(
        "maps-size-small",
        with(hello, maps + 32, 8_u64.to_le_bytes()),
    );
    inputs.insert("bss-absurd", with(hello, bss + 32, huge));
    inputs.insert("symbols-entry-size-zero", with(hello, symtab + 56, [0; 8]));
    inputs.insert(
        "symbols-link-out-of-range",
        with(hello, symtab + 40, [0xff; 4]),
    );
    inputs.insert(
        "symbols-size-ragged",
        with(hello, symtab + 32, 25_u64.to_le_bytes()),
    );
    inputs.insert(
        "relocations-for-no-section",
        with(hello, rel + 44, [0xff; 4]),
    );
    inputs.insert("relocations-for-themselves", {
        let own = (rel - elf.headers_at()) / SECTION_HEADER_BYTES;
        with(hello, rel + 44, (own as u32).to_le_bytes())
    });
    inputs.insert(
        "relocations-symbols-elsewhere",
        with(hello, rel + 40, [1, 0, 0, 0]),
    );
    inputs.insert(
        "compressed-btf-claimed",
        with(hello, btf + 8, (1_u64 << 11).to_le_bytes()),
    );

    // Relocation records: offset, type and symbol.
    let (records, _) = elf.section(".relxdp")?;
    inputs.insert("relocation-past-the-code", with(hello, records, huge));
    inputs.insert(
        "relocation-unaligned",
        with(hello, records, 3_u64.to_le_bytes()),
    );
    inputs.insert(
        "relocation-type-unknown",
        with(hello, records + 8, [0x7f, 0, 0, 0]),
    );
    inputs.insert(
        "relocation-symbol-out-of-range",
        with(hello, records + 12, [0xff; 4]),
    );
    inputs.insert("relocation-symbol-null", with(hello, records + 12, [0; 4]));

    // Symbols: name, info, other, section, value, size.
    let (symbols, table) = elf.section(".symtab")?;
    let last = symbols + table.len() - 24;
    inputs.insert("symbol-name-out-of-range", with(hello, last, [0xff; 4]));
    inputs.insert(
        "symbol-section-out-of-range",
        with(hello, last + 6, [0xf0, 0xf0]),
    );
    inputs.insert("symbol-value-absurd", with(hello, last + 8, huge));
    inputs.insert("symbol-size-absurd", with(hello, last + 16, huge));

    // What the sections hold.
    let (license, _) = elf.section("license")?;
    inputs.insert("license-not-text", with(hello, license, [0xff; 4]));
    let (code, _) = elf.section("xdp")?;
    inputs.insert("code-unknown-opcode", with(hello, code, [0xee]));
    inputs.insert(
        "code-jump-far-out",
        with(hello, code, [0x05, 0, 0xff, 0x7f]),
    );
    let (types, _) = elf.section(".BTF")?;
    inputs.insert(
        "btf-type-length-absurd",
        with(hello, types + 12, [0xff, 0xff, 0xff, 0x7f]),
    );
    let (records, _) = elf.section(".BTF.ext")?;
    inputs.insert(
        "ext-header-absurd",
        with(hello, records + 4, [0xff, 0xff, 0xff, 0x7f]),
    );

    // Two sections, one program array and CO-RE, broken where only they have something.
    let elf = Elf(&tailcall);
    let (slots, _) = elf.section(".rel.maps")?;
    inputs.insert("slot-offset-absurd", with(&tailcall, slots, huge));
    inputs.insert(
        "slot-symbol-is-data",
        with(&tailcall, slots + 12, [1, 0, 0, 0]),
    );
    let (records, ext) = Elf(&core).section(".BTF.ext")?;
    let relos = 32 + u32::from_le_bytes([ext[24], ext[25], ext[26], ext[27]]) as usize;
    // Record size, section name, count, then instruction, type, access string, kind.
    let first = records + relos - 8 + 4 + 8;
    inputs.insert("core-record-size-zero", with(&core, first - 12, [0; 4]));
    inputs.insert("core-count-absurd", with(&core, first - 4, [0xff; 4]));
    inputs.insert(
        "core-insn-out-of-range",
        with(&core, first, [0xf8, 0xff, 0xff, 0x7f]),
    );
    inputs.insert("core-type-out-of-range", with(&core, first + 4, [0xff; 4]));
    inputs.insert(
        "core-access-out-of-range",
        with(&core, first + 8, [0xff; 4]),
    );
    inputs.insert(
        "core-kind-unknown",
        with(&core, first + 12, [0x63, 0, 0, 0]),
    );

    // And what is right.
    inputs.insert("valid-hello", hello.to_vec());
    inputs.insert("valid-tailcall", tailcall);
    inputs.insert("valid-core", core);
    Ok(inputs)
}
