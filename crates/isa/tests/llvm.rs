//! LLVM as the judge: its assembler must make our bytes of what we print, and we must make the
//! bytes of what its assembler and its disassembler print. Skipped, and said so, where the tools
//! with the BPF target are missing.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use osmia_isa::{
    AtomicOp, Callee, Endian, Imm64, Insn, NoNames, Size, Slot, assemble, decode, encode,
    read_slots, table, write_slots,
};
use support::insn_of;

/// Our text as LLVM 19 spells it; `None` for what it cannot write:
/// pseudo sources and calls into the program are relocations there, ordered loads and stores came
/// later, an indexed packet load has no offset, and the text of `gotol` takes 16 bits only.
fn as_llvm_spells(insn: &Insn) -> Option<String> {
    let text = insn.to_string();
    Some(match *insn {
        Insn::LoadImm64 { value, .. } => {
            return matches!(value, Imm64::Value(_)).then_some(text);
        }
        Insn::Call(Callee::Helper(id)) => format!("call {id}"),
        Insn::Call(_) | Insn::LoadAcquire { .. } | Insn::StoreRelease { .. } => return None,
        Insn::LoadPacket {
            size,
            index: Some(index),
            off,
        } => {
            if off != 0 {
                return None;
            }
            format!("r0 = *(u{} *)skb[{index}]", size.bits())
        }
        Insn::LoadPacket { off, .. } if off < 0 => return None,
        Insn::AddrSpaceCast { to, from, .. } if to > 1 || from > 1 => return None,
        Insn::Jump { off, .. } if i16::try_from(off).is_err() => return None,
        Insn::Atomic {
            op,
            size,
            base,
            off,
            src,
        } => {
            let (sign, distance) = (if off < 0 { '-' } else { '+' }, off.unsigned_abs());
            let address = format!("{base} {sign} {distance}");
            let (bits, letter) = match size {
                Size::DW => ("_64", 'r'),
                _ => ("32_32", 'w'),
            };
            let src = format!("{letter}{}", src.number());
            match op {
                AtomicOp::Xchg => format!("{src} = xchg{bits}({address}, {src})"),
                AtomicOp::Cmpxchg => {
                    format!("{letter}0 = cmpxchg{bits}({address}, {letter}0, {src})")
                }
                _ if size == Size::DW => text.replace("atomic64_", "atomic_"),
                // The last register of `lock …`, both registers of a fetch.
                _ => text
                    .replacen("r", &letter.to_string(), usize::from(text.starts_with('r')))
                    .replace(&format!(", {}", src.replace('w', "r")), &format!(", {src}"))
                    .replace(&format!("= {}", src.replace('w', "r")), &format!("= {src}")),
            }
        }
        _ => text,
    })
}

fn llvm_mc(source: &str) -> Option<String> {
    let mut child = ["llvm-mc-19", "llvm-mc-20", "llvm-mc"]
        .iter()
        .find_map(|tool| {
            Command::new(tool)
                .args(["-triple=bpfel", "-mcpu=v4", "-show-encoding"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .ok()
        })?;
    let mut stdin = child.stdin.take().expect("piped");
    let source = source.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(source.as_bytes()));
    let output = child.wait_with_output().expect("llvm-mc runs");
    writer
        .join()
        .expect("the writer does not panic")
        .expect("llvm-mc reads all of its input");
    let complaints = String::from_utf8_lossy(&output.stderr);
    if complaints.contains("unable to get target") {
        return None;
    }
    assert!(
        output.status.success(),
        "llvm-mc refuses what we print:\n{complaints}"
    );
    Some(String::from_utf8(output.stdout).expect("llvm-mc prints text"))
}

fn bytes_of(insn: &Insn) -> Vec<u8> {
    let (slot, second) = encode(insn);
    let slots: Vec<Slot> = std::iter::once(slot).chain(second).collect();
    write_slots(&slots, Endian::Little)
}

#[test]
fn llvm_and_we_read_each_other() {
    let mut insns = Vec::new();
    let mut left_out = 0;
    for row in table() {
        for (dst, src, off, imm) in [(1, 2, 4, 5), (10, 9, -8, -5), (0, 0, 32767, i32::MAX)] {
            let insn = insn_of(row, dst, src, off, imm, imm);
            match as_llvm_spells(&insn) {
                Some(text) => insns.push((insn, text)),
                None => left_out += 1,
            }
        }
    }
    let source: String = insns.iter().map(|(_, text)| format!("{text}\n")).collect();
    let Some(printed) = llvm_mc(&source) else {
        osmia_diag::skipped(
            "comparison with llvm-mc",
            "none with the BPF target is installed",
        );
        return;
    };
    let lines: Vec<(&str, Vec<u8>)> = printed
        .lines()
        .filter_map(|line| {
            let (text, encoding) = line.split_once("# encoding: [")?;
            let bytes = encoding.trim_end_matches(']').split(',').map(|byte| {
                u8::from_str_radix(byte.trim_start_matches("0x"), 16)
                    .unwrap_or_else(|_| panic!("not a byte in {line}"))
            });
            Some((text.trim(), bytes.collect()))
        })
        .collect();
    assert_eq!(lines.len(), insns.len());
    for ((insn, ours), (theirs, bytes)) in insns.iter().zip(&lines) {
        assert_eq!(*bytes, bytes_of(insn), "{ours}, printed as {theirs}");
        let assembly =
            assemble(theirs, &NoNames).unwrap_or_else(|errors| panic!("{theirs}: {errors:?}"));
        assert_eq!(
            write_slots(&assembly.slots, Endian::Little),
            *bytes,
            "{theirs}"
        );
    }
    println!(
        "compared {} instructions; LLVM has no text for {left_out}",
        insns.len()
    );
}

/// Objects built by clang: ours, and those that distributions ship with xdp-tools.
fn objects() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let shipped = Path::new("/usr/lib/x86_64-linux-gnu/bpf");
    let mut objects: Vec<PathBuf> = [&examples, shipped]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "o"))
        .collect();
    objects.sort();
    objects
}

/// Slots and text of one line of `llvm-objdump -d`: `  12:\tb7 00 …\tr0 = 0x0 <symbol>`.
fn objdump_line(line: &str) -> Option<(Vec<u8>, &str)> {
    let (position, rest) = line.split_once(":\t")?;
    position.trim().parse::<u64>().ok()?;
    let (bytes, text) = rest.split_once('\t')?;
    let bytes: Option<Vec<u8>> = bytes
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect();
    // The symbol that a jump goes to stands behind it.
    let text = match text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once(" <"))
    {
        Some((text, _symbol)) if !text.is_empty() => text,
        _ => text,
    };
    Some((bytes?, text.trim()))
}

#[test]
fn we_read_what_llvm_disassembles() {
    let (mut compared, mut left_out, mut files) = (0, 0, 0);
    for object in objects() {
        let Ok(output) = Command::new("llvm-objdump-19")
            .arg("-d")
            .arg(&object)
            .output()
        else {
            osmia_diag::skipped("comparison with llvm-objdump-19", "it is not installed");
            return;
        };
        let printed = String::from_utf8(output.stdout).expect("llvm-objdump prints text");
        files += 1;
        for (bytes, text) in printed.lines().filter_map(objdump_line) {
            let slots = read_slots(&bytes, Endian::Little).expect("whole slots");
            let insn = decode(&slots, 0)
                .unwrap_or_else(|error| panic!("{}: {text}: {error}", object.display()));
            // Its text does not say what kind of call or of 64-bit number this is.
            let plain = match insn {
                Insn::Call(callee) => matches!(callee, Callee::Helper(_)),
                Insn::LoadImm64 { value, .. } => matches!(value, Imm64::Value(_)),
                _ => true,
            };
            if !plain || text == "<unknown>" {
                left_out += 1;
                continue;
            }
            for text in [text, &insn.to_string()] {
                let assembly = assemble(text, &NoNames)
                    .unwrap_or_else(|errors| panic!("{}: {text}: {errors:?}", object.display()));
                assert_eq!(assembly.slots, slots, "{}: {text}", object.display());
            }
            compared += 1;
        }
    }
    println!("compared {compared} instructions of {files} objects; left out {left_out}");
}
