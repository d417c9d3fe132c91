//! Broken instructions, extended and classic.

use super::elf::Elf;
use super::{Inputs, cut};
use crate::place::Error;

/// One slot: opcode, registers, offset, immediate.
fn slot(opcode: u8, registers: u8, offset: i16, immediate: i32) -> [u8; 8] {
    let mut bytes = [opcode, registers, 0, 0, 0, 0, 0, 0];
    bytes[2..4].copy_from_slice(&offset.to_le_bytes());
    bytes[4..].copy_from_slice(&immediate.to_le_bytes());
    bytes
}

const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];

/// Programs for the verifier, behind a byte for the type and one for the number of maps.
pub(super) fn for_verifier(hello: &[u8]) -> Result<Inputs, Error> {
    let (_, code) = Elf(hello).section("xdp")?;
    let mut inputs = Inputs::new();
    let mut insert = |name, insns: &[u8]| inputs.insert(name, [&[1, 2], insns].concat());
    insert("hello", code);
    insert("exit", &EXIT);
    insert("loop", &[slot(0x05, 0, -1, 0), EXIT].concat());
    let names = [
        "made-0", "made-1", "made-2", "made-3", "made-4", "made-5", "made-6", "made-7",
    ];
    for (seed, name) in names.into_iter().enumerate() {
        let made = osmia_fuzzing::generate::generate(seed as u64);
        insert(
            name,
            &osmia_isa::write_slots(&made.insns, osmia_isa::Endian::Little),
        );
    }
    Ok(inputs)
}

pub(super) fn extended(hello: &[u8]) -> Result<Inputs, Error> {
    let (_, code) = Elf(hello).section("xdp")?;
    let mut inputs = Inputs::new();
    inputs.insert("empty", Vec::new());
    inputs.insert("valid-hello", code.to_vec());
    inputs.insert("ragged", cut(code, 13));
    inputs.insert("exit", EXIT.to_vec());
    inputs.insert("no-exit", slot(0xb7, 0, 0, 1).to_vec());
    inputs.insert("wide-load-cut", [EXIT, slot(0x18, 1, 0, 7)].concat());
    inputs.insert(
        "wide-load-second-half-odd",
        [slot(0x18, 1, 0, 7), slot(0x07, 3, 9, 1), EXIT].concat(),
    );
    inputs.insert(
        "wide-load-source-unknown",
        [slot(0x18, 0xf1, 0, 7), slot(0, 0, 0, 0), EXIT].concat(),
    );
    inputs.insert(
        "jump-into-wide-load",
        [
            slot(0x05, 0, 1, 0),
            slot(0x18, 1, 0, 7),
            slot(0, 0, 0, 0),
            EXIT,
        ]
        .concat(),
    );
    inputs.insert(
        "jump-past-the-end",
        [slot(0x05, 0, 0x7fff, 0), EXIT].concat(),
    );
    inputs.insert(
        "jump-before-the-start",
        [slot(0x05, 0, -0x8000, 0), EXIT].concat(),
    );
    inputs.insert("long-jump-far", [slot(0x06, 0, 0, i32::MIN), EXIT].concat());
    inputs.insert("call-far", [slot(0x85, 0x10, 0, i32::MAX), EXIT].concat());
    inputs.insert(
        "call-source-unknown",
        [slot(0x85, 0x70, 0, 1), EXIT].concat(),
    );
    inputs.insert("register-11", [slot(0xbf, 0xb0, 0, 0), EXIT].concat());
    inputs.insert("register-15", [slot(0x79, 0xff, 0, 0), EXIT].concat());
    inputs.insert("atomic-unknown", [slot(0xdb, 0x10, 0, 0x33), EXIT].concat());
    inputs.insert("swap-17-bits", [slot(0xdc, 0, 0, 17), EXIT].concat());
    inputs.insert(
        "every-opcode",
        (0..=255)
            .flat_map(|opcode| slot(opcode, 0x21, 0, 1))
            .collect(),
    );
    inputs.insert(
        "every-opcode-odd",
        (0..=255)
            .flat_map(|opcode| slot(opcode, 0x9a, -1, -1))
            .collect(),
    );
    Ok(inputs)
}

/// `struct sock_filter`: code, jump if true, jump if false, operand.
fn classic_insn(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> [u8; 8] {
    let mut bytes = [0, 0, jump_true, jump_false, 0, 0, 0, 0];
    bytes[..2].copy_from_slice(&code.to_le_bytes());
    bytes[4..].copy_from_slice(&operand.to_le_bytes());
    bytes
}

pub(super) fn classic() -> Inputs {
    let keep = classic_insn(0x06, 0, 0, 0xffff);
    let drop = classic_insn(0x06, 0, 0, 0);
    let mut inputs = Inputs::new();
    inputs.insert("empty", Vec::new());
    inputs.insert("ragged", keep[..5].to_vec());
    // ldh [12]; jeq #0x800, 0, 1; ret #65535; ret #0
    inputs.insert(
        "valid-ip",
        [
            classic_insn(0x28, 0, 0, 12),
            classic_insn(0x15, 0, 1, 0x800),
            keep,
            drop,
        ]
        .concat(),
    );
    inputs.insert("no-return", classic_insn(0x28, 0, 0, 12).to_vec());
    inputs.insert(
        "jump-past-the-end",
        [classic_insn(0x15, 255, 255, 1), keep].concat(),
    );
    inputs.insert(
        "long-jump-past-the-end",
        [classic_insn(0x05, 0, 0, u32::MAX), keep].concat(),
    );
    inputs.insert(
        "scratch-out-of-range",
        [classic_insn(0x60, 0, 0, 16), keep].concat(),
    );
    inputs.insert(
        "scratch-before-written",
        [classic_insn(0x60, 0, 0, 3), keep].concat(),
    );
    inputs.insert(
        "divide-by-zero",
        [classic_insn(0x34, 0, 0, 0), keep].concat(),
    );
    inputs.insert("shift-by-32", [classic_insn(0x64, 0, 0, 32), keep].concat());
    inputs.insert(
        "code-unknown",
        [classic_insn(0xffff, 0, 0, 0), keep].concat(),
    );
    inputs.insert(
        "ancillary-unknown",
        [classic_insn(0x20, 0, 0, 0xffff_f0f0), keep].concat(),
    );
    inputs.insert("ancillary-every", {
        let loads = (0..64)
            .step_by(4)
            .map(|at| classic_insn(0x20, 0, 0, 0xffff_f000 + at));
        loads.chain([keep]).flatten().collect()
    });
    inputs.insert("every-code", {
        let all = (0..=255).map(|code| classic_insn(code, 0, 0, 1));
        all.chain([keep]).flatten().collect()
    });
    inputs.insert("longest", {
        let longest = std::iter::repeat_n(classic_insn(0x04, 0, 0, 1), 4095);
        longest.chain([keep]).flatten().collect()
    });
    inputs.insert(
        "too-long",
        std::iter::repeat_n(keep, 4097).flatten().collect(),
    );
    inputs
}
