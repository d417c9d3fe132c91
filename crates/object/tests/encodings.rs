//! One object in encodings that compilers here do not write, made from one they do: relocations
//! with addends (RELA), types in a compressed section. It has to be the same object.

mod render;

use std::io::Write;

use osmia_object::{LinkOptions, Object};

const SECTION_BYTES: usize = 64;
const REL: u32 = 9;
const RELA: u32 = 4;
const EXECUTABLE: u32 = 4;
const COMPRESSED: u64 = 1 << 11;

/// The little-endian ELF file of this name, to be changed section by section.
struct File(Vec<u8>);

impl File {
    fn read(name: &str) -> File {
        let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
        File(std::fs::read(path).unwrap())
    }

    fn number(&self, at: usize) -> usize {
        u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap()) as usize
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Where the headers of sections are.
    fn headers(&self) -> Vec<usize> {
        let (table, count) = (self.number(40), self.word(60) as usize & 0xffff);
        (0..count)
            .map(|index| table + index * SECTION_BYTES)
            .collect()
    }

    fn content(&self, header: usize) -> Vec<u8> {
        let (start, len) = (self.number(header + 24), self.number(header + 32));
        self.0[start..start + len].to_vec()
    }

    /// Puts other bytes at the end of the file and lets the header refer to them.
    fn replace(&mut self, header: usize, content: &[u8]) {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = self.0.len() as u64;
        self.0.extend_from_slice(content);
        self.put(header + 24, &at.to_le_bytes());
        self.put(header + 32, &(content.len() as u64).to_le_bytes());
    }

    fn name(&self, header: usize) -> String {
        let names = self.headers()[self.word(60) as usize >> 16];
        let names = self.content(names);
        let name = &names[self.word(header) as usize..];
        let end = name.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(name[..end].to_vec()).unwrap()
    }
}

/// What the file declares and links to.
fn linked(file: &File) -> String {
    let object = Object::parse(&file.0, "object.o")
        .unwrap_or_else(|error| panic!("{:#?}", error.to_diagnostics()));
    let target = render::target(object.endian());
    match object.link(&target, &LinkOptions::default()) {
        Ok(set) => render::set(&set),
        Err(error) => panic!("{:#?}", error.to_diagnostics()),
    }
}

#[test]
fn relocations_with_addends_mean_the_same() {
    for name in ["maps-19.o", "globals-19.o", "sections.o", "struct_ops.o"] {
        let plain = File::read(name);
        let mut with_addends = File::read(name);
        let mut changed = 0;
        for header in plain.headers() {
            if plain.word(header + 4) != REL {
                continue;
            }
            changed += 1;
            let mut entries = Vec::new();
            for entry in plain.content(header).chunks_exact(16) {
                entries.extend_from_slice(entry);
                entries.extend_from_slice(&0_i64.to_le_bytes());
            }
            with_addends.put(header + 4, &RELA.to_le_bytes());
            with_addends.put(header + 56, &24_u64.to_le_bytes());
            with_addends.replace(header, &entries);
        }
        assert!(changed > 0, "{name} has relocations");
        assert_eq!(linked(&plain), linked(&with_addends), "{name}");
    }
}

/// An addend stands for what the instruction would otherwise hold.
#[test]
fn addends_are_added() {
    let plain = File::read("globals-19.o");
    let mut moved = File::read("globals-19.o");
    let mut changed = 0;
    let headers = plain.headers();
    for header in &headers {
        let info = plain.word(header + 44) as usize;
        let code = *headers.get(info).unwrap_or(header);
        if plain.word(*header + 4) != REL || plain.word(code + 8) & EXECUTABLE == 0 {
            continue;
        }
        let start = plain.number(code + 24);
        let mut entries = Vec::new();
        for entry in plain.content(*header).chunks_exact(16) {
            let at = start + u64::from_le_bytes(entry[..8].try_into().unwrap()) as usize;
            let held = plain.word(at + 4) as i32;
            entries.extend_from_slice(entry);
            // A call's immediate is -1 and stays: it counts instructions.
            if moved.0[at] == 0x18 {
                moved.put(at + 4, &[0; 4]);
                entries.extend_from_slice(&i64::from(held).to_le_bytes());
                changed += 1;
            } else {
                entries.extend_from_slice(&0_i64.to_le_bytes());
            }
        }
        moved.put(header + 4, &RELA.to_le_bytes());
        moved.put(header + 56, &24_u64.to_le_bytes());
        moved.replace(*header, &entries);
    }
    assert!(changed > 0);
    assert_eq!(linked(&plain), linked(&moved));
}

#[test]
fn compressed_types_mean_the_same() {
    for name in ["maps-19.o", "core-19.o", "externs.o"] {
        let plain = File::read(name);
        let mut packed = File::read(name);
        for header in plain.headers() {
            if !plain.name(header).starts_with(".BTF") || plain.word(header + 4) != 1 {
                continue;
            }
            let content = plain.content(header);
            // ELF's compression header: zlib, size, alignment.
            let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0];
            bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&4_u64.to_le_bytes());
            let mut encoder =
                flate2::write::ZlibEncoder::new(bytes, flate2::Compression::default());
            encoder.write_all(&content).unwrap();
            let flags = packed.number(header + 8) as u64 | COMPRESSED;
            packed.put(header + 8, &flags.to_le_bytes());
            packed.replace(header, &encoder.finish().unwrap());
        }
        assert_ne!(plain.0.len(), packed.0.len());
        assert_eq!(linked(&plain), linked(&packed), "{name}");
    }
}
