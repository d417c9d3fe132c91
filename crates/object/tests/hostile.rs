//! Damaged files get an error or an object, never a panic; wrong files are told what they are.

mod render;

use std::path::Path;

use osmia_object::{LinkOptions, Object};

/// Mutations of each committed object; deterministic, so that a failure can be repeated.
const FLIPS_PER_FILE: u64 = 150;
const CUTS_PER_FILE: usize = 40;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests/data", "../../examples"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "o") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Parses and, if that works, links; what comes out does not matter.
fn feed(name: &str, bytes: &[u8]) {
    match Object::parse(bytes, name) {
        Ok(object) => {
            let target = render::target(object.endian());
            if let Err(error) = object.link(&target, &LinkOptions::default()) {
                assert!(!error.to_diagnostics().is_empty());
            }
            if let Ok(merged) = Object::merge(vec![object.clone(), object], "merged.o") {
                let _ = merged.link(&target, &LinkOptions::default());
            }
        }
        Err(error) => assert!(!error.to_diagnostics().is_empty()),
    }
}

/// xorshift64: enough to choose places.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn flipped_bits_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for (name, bytes) in corpus() {
        for _ in 0..FLIPS_PER_FILE {
            let mut damaged = bytes.clone();
            for _ in 0..=next(&mut state) % 4 {
                let at = (next(&mut state) % bytes.len() as u64) as usize;
                match next(&mut state) % 3 {
                    0 => damaged[at] ^= 1 << (next(&mut state) % 8),
                    1 => damaged[at] = 0xff,
                    _ => damaged[at] = next(&mut state) as u8,
                }
            }
            feed(&name, &damaged);
        }
    }
}

#[test]
fn cut_files_never_panic() {
    for (name, bytes) in corpus() {
        for cut in 0..CUTS_PER_FILE {
            feed(&name, &bytes[..bytes.len() * cut / CUTS_PER_FILE]);
        }
        feed(&name, &bytes[..bytes.len() - 1]);
    }
}

/// Every field of the header and of the section and symbol tables takes extreme values.
#[test]
fn extreme_fields_never_panic() {
    for name in ["sections.o", "maps-19.o", "struct_ops.o", "externs.o"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name);
        let bytes = std::fs::read(path).unwrap();
        let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
        let places = (0..64).chain(table..bytes.len());
        for at in places.step_by(4) {
            for value in [0_u32, 1, 0x7fff_ffff, 0xffff_ffff] {
                let mut damaged = bytes.clone();
                if let Some(field) = damaged.get_mut(at..at + 4) {
                    field.copy_from_slice(&value.to_le_bytes());
                    feed(name, &damaged);
                }
            }
        }
    }
}

#[test]
fn wrong_files_are_told_what_they_are() {
    let object =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sections.o")).unwrap();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = object.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let table = u64::from_le_bytes(object[40..48].try_into().unwrap()) as usize;
    let section = |index: usize, field: usize| table + index * 64 + field;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty.o", vec![]),
        (
            "hello.bpf.c",
            b"#include <linux/bpf.h>\nSEC(\"xdp\") int f() {}".to_vec(),
        ),
        ("notes.txt", b"not a program at all".to_vec()),
        ("bitcode.o", b"BC\xc0\xde1234".to_vec()),
        ("lib.a", b"!<arch>\nx".to_vec()),
        ("vmlinux", vec![0x9f, 0xeb, 1, 0]),
        ("ping.pcap", vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0]),
        ("random.bin", vec![0, 1, 2, 3]),
        ("x86.o", changed(18, &62_u16.to_le_bytes())),
        ("class32.o", changed(4, &[1])),
        ("executable.o", changed(16, &2_u16.to_le_bytes())),
        ("cut.o", object[..200].to_vec()),
        (
            "overlap.o",
            changed(section(4, 24), &object[section(3, 24)..section(3, 24) + 8]),
        ),
        (
            "outside.o",
            changed(section(3, 24), &u64::MAX.to_le_bytes()),
        ),
        (
            "huge.o",
            changed(section(3, 32), &(1_u64 << 60).to_le_bytes()),
        ),
    ];
    let mut text = String::new();
    for (name, bytes) in cases {
        let error = Object::parse(&bytes, name).expect_err(name);
        let told: Vec<_> = error
            .to_diagnostics()
            .into_iter()
            .map(|told| told.in_file(name))
            .collect();
        text += &render::diagnostics(&told);
    }
    insta::assert_snapshot!(text);
}
