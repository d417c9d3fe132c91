//! Every encoding is what a disassembler says it is, and what LLVM's assembler makes of that.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

use super::*;

const A: Gpr = Gpr::x(3);
const B: Gpr = Gpr::x(19);
const C: Gpr = Gpr::x(30);

/// As a disassembler has it, distances of jumps as numbers.
fn disassemble(bytes: &[u8]) -> Vec<String> {
    let decoder = InstDecoder::default();
    let texts = bytes.chunks(4).map(|word| {
        let instruction = decoder.decode(&mut U8Reader::new(word));
        let text = instruction.expect("an instruction").to_string();
        text.replace("$+", "#").replace("$-", "#-")
    });
    texts.collect()
}

fn shown(asm: Assembler) -> String {
    disassemble(&asm.finish(&[]).0).join(" / ")
}

#[test]
fn every_row_of_three() {
    let rows = [
        op::ADD,
        op::SUB,
        op::SUBS,
        op::AND,
        op::OR,
        op::OR_NOT,
        op::XOR,
        op::ANDS,
        op::MUL,
        op::UDIV,
        op::SDIV,
        op::LSL,
        op::LSR,
        op::ASR,
    ];
    let mut asm = Assembler::default();
    for (row, wide) in rows.into_iter().zip([true, false].into_iter().cycle()) {
        asm.three(row, wide, A, B, C);
    }
    asm.three(op::SUBS, true, Gpr::ZERO, A, B);
    asm.three(op::SUB, false, A, Gpr::ZERO, B);
    asm.copy(true, A, B);
    asm.three_shifted(op::ADD, A, B, C, 3);
    asm.four(op::MADD, true, A, (B, C), A);
    asm.four(op::MSUB, false, A, (B, C), A);
    let expected = "\
add x3, x19, x30 / sub w3, w19, w30 / subs x3, x19, x30 / and w3, w19, w30 / \
orr x3, x19, x30 / orn w3, w19, w30 / eor x3, x19, x30 / ands w3, w19, w30 / \
mul x3, x19, x30 / udiv w3, w19, w30 / sdiv x3, x19, x30 / lsl w3, w19, w30 / \
lsr x3, x19, x30 / asr w3, w19, w30 / cmp x3, x19 / neg w3, w19 / mov x3, x19 / \
add x3, x19, x30, lsl #3 / madd x3, x19, x30, x3 / msub w3, w19, w30, w3";
    assert_eq!(shown(asm), expected);
}

#[test]
fn immediates() {
    let mut asm = Assembler::default();
    assert!(asm.sum(op::ADD_I, true, A, B, 0xfff));
    assert!(asm.sum(op::SUB_I, false, A, B, 0xfff000));
    assert!(asm.sum(op::SUBS_I, true, Gpr::ZERO, B, 7));
    assert!(asm.sum(op::ADDS_I, false, Gpr::ZERO, B, 7));
    assert!(!asm.sum(op::ADD_I, true, A, B, 0x1001));
    asm.move_stack(op::SUB_I, 32);
    asm.copy_stack(A, Gpr::SP);
    asm.copy_stack(Gpr::SP, A);
    assert!(asm.logical(op::AND_I, false, A, B, 0xff));
    assert!(asm.logical(op::OR_I, true, A, B, 0xff00_ff00_ff00_ff00));
    assert!(asm.logical(op::XOR_I, true, A, B, 0x8000_0000_0000_0001));
    assert!(asm.logical(op::ANDS_I, false, Gpr::ZERO, B, 0x8000_0000));
    assert!(!asm.logical(op::AND_I, true, A, B, 5));
    asm.shift_left(true, A, B, 63);
    asm.shift_left(false, A, B, 5);
    asm.field(op::UNSIGNED, true, A, B, (4, 63));
    asm.field(op::SIGNED, false, A, B, (31, 31));
    asm.field(op::SIGNED, true, A, B, (0, 31));
    asm.field(op::UNSIGNED, false, A, B, (0, 15));
    for (row, wide) in [op::REV16, op::REV32, op::REV64].into_iter().zip(0..) {
        assert!(wide < 3);
        asm.two(row, A, B);
    }
    let expected = "\
add x3, x19, #0xfff / sub w3, w19, #0xfff, lsl #12 / cmp x19, #0x7 / cmn w19, #0x7 / \
sub sp, sp, #0x20 / mov x3, sp / mov sp, x3 / and w3, w19, #0xff / \
orr x3, x19, #0xff00ff00ff00ff00 / eor x3, x19, #0x8000000000000001 / \
tst w19, #0x80000000 / lsl x3, x19, #0x3f / lsl w3, w19, #0x5 / lsr x3, x19, #0x4 / \
asr w3, w19, #0x1f / sxtw x3, w19 / uxth w3, w19 / rev16 w3, w19 / rev w3, w19 / rev x3, x19";
    assert_eq!(shown(asm), expected);
}

#[test]
fn constants_take_few_instructions() {
    let cases: [(u64, &str); 10] = [
        (0, "mov x3, #0x0"),
        (0x1234, "mov x3, #0x1234"),
        (u64::MAX, "mov x3, #0xffffffffffffffff"),
        (0xffff_ffff, "mov x3, #0xffffffff"),
        (0xffff_1234, "mov w3, #0xffff1234"),
        (0x1234_ffff, "mov w3, #0x1234ffff"),
        (i64::MIN as u64, "mov x3, #0x8000000000000000"),
        (0x12_0034, "mov x3, #0x34 / movk x3, #0x12, lsl #16"),
        (
            -0x12_0034_i64 as u64,
            "mov x3, #0xffffffffffffffcc / movk x3, #0xffed, lsl #16",
        ),
        (
            0x1111_2222_3333_4444,
            "mov x3, #0x4444 / movk x3, #0x3333, lsl #16 / movk x3, #0x2222, lsl #32 / \
             movk x3, #0x1111, lsl #48",
        ),
    ];
    for (value, expected) in cases {
        let mut asm = Assembler::default();
        asm.constant(A, value);
        assert_eq!(shown(asm), expected, "{value:#x}");
    }
}

#[test]
fn addresses_take_four_instructions() {
    let mut asm = Assembler::default();
    asm.address(A, 5);
    let expected =
        "mov x3, #0x5 / movk x3, #0x0, lsl #16 / movk x3, #0x0, lsl #32 / movk x3, #0x0, lsl #48";
    assert_eq!(shown(asm), expected);
}

#[test]
fn addresses_are_put_in_the_place_of_others() {
    let made = |address: u64| {
        let mut asm = Assembler::default();
        asm.ret();
        let at = asm.here();
        asm.address(A, address);
        asm.ret();
        (asm.finish(&[]).0, at)
    };
    for address in [0, 5, 0xffff_8000_1234_0000, u64::MAX] {
        for other in [0, 0x7fff_1234_5678_9abc, u64::MAX] {
            let (mut code, at) = made(other);
            Assembler::patch(&mut code, at, address);
            assert_eq!(code, made(address).0, "{address:#x} for {other:#x}");
        }
    }
}

#[test]
fn memory() {
    let mut asm = Assembler::default();
    let rows = [
        op::LOAD8,
        op::LOAD16,
        op::LOAD32,
        op::LOAD64,
        op::LOAD_SX8,
        op::LOAD_SX16,
        op::LOAD_SX32,
        op::STORE8,
        op::STORE16,
        op::STORE32,
        op::STORE64,
    ];
    let distances = [0, 8, -1, 255, 4095, 4096 * 8 - 8, -256];
    for (row, distance) in rows.into_iter().zip(distances.into_iter().cycle()) {
        if let Some(place) = Place::at(row, B, distance) {
            asm.access(row, A, place);
        }
        asm.access(row, A, Place::Sum(B, C));
    }
    assert_eq!(Place::at(op::LOAD64, B, 4096 * 8), None);
    assert_eq!(Place::at(op::LOAD64, B, 257), None);
    assert_eq!(Place::at(op::LOAD8, B, -257), None);
    let pair = (A, B);
    asm.pair(op::STORE_PAIR, pair, Gpr::SP, -32, Indexed::Before);
    asm.pair(op::LOAD_PAIR, pair, Gpr::SP, 504, Indexed::After);
    asm.pair(op::STORE_PAIR_D, pair, Gpr::SP, 16, Indexed::No);
    asm.pair(op::LOAD_PAIR_D, pair, Gpr::SP, -512, Indexed::No);
    let expected = "\
ldrb w3, [x19] / ldrb w3, [x19, x30] / ldrh w3, [x19, #0x8] / ldrh w3, [x19, x30] / \
ldur w3, [x19, #-0x1] / ldr w3, [x19, x30] / ldur x3, [x19, #0xff] / ldr x3, [x19, x30] / \
ldrsb x3, [x19, #0xfff] / ldrsb x3, [x19, x30] / ldrsh x3, [x19, x30] / \
ldursw x3, [x19, #-0x100] / ldrsw x3, [x19, x30] / strb w3, [x19] / strb w3, [x19, x30] / \
strh w3, [x19, #0x8] / strh w3, [x19, x30] / stur w3, [x19, #-0x1] / str w3, [x19, x30] / \
stur x3, [x19, #0xff] / str x3, [x19, x30] / stp x3, x19, [sp, #-0x20]! / \
ldp x3, x19, [sp], #0x1f8 / stp d3, d19, [sp, #0x10] / ldp d3, d19, [sp, #-0x200]";
    assert_eq!(shown(asm), expected);
}

#[test]
fn atomics() {
    let mut asm = Assembler::default();
    for row in [op::LD_ADD, op::LD_CLEAR, op::LD_XOR, op::LD_OR, op::SWAP] {
        asm.atomic(row, true, A, B, C);
        asm.atomic(row, false, A, Gpr::ZERO, C);
    }
    for wide in [false, true] {
        asm.atomic(op::COMPARE_SWAP, wide, A, B, C);
        asm.atomic(op::LOAD_LINKED, wide, Gpr::ZERO, B, C);
        asm.atomic(op::STORE_LINKED, wide, A, B, C);
    }
    asm.barrier();
    let expected = "\
ldaddal x3, x19, [x30] / ldaddal w3, wzr, [x30] / ldclral x3, x19, [x30] / \
ldclral w3, wzr, [x30] / ldeoral x3, x19, [x30] / ldeoral w3, wzr, [x30] / \
ldsetal x3, x19, [x30] / ldsetal w3, wzr, [x30] / swpal x3, x19, [x30] / swpal w3, wzr, [x30] / \
casal w3, w19, [x30] / ldaxr w19, [x30] / stlxr w3, w19, [x30] / casal x3, x19, [x30] / \
ldaxr x19, [x30] / stlxr w3, x19, [x30] / dmb ish";
    assert_eq!(shown(asm), expected);
}

#[test]
fn jumps_find_their_labels() {
    let mut asm = Assembler::default();
    let (start, end) = (asm.label(), asm.label());
    asm.bind(start);
    asm.jump(end);
    asm.jump_if(Condition::Above, start);
    asm.jump_if_zero(true, true, A, end);
    asm.jump_if_zero(false, false, B, start);
    asm.call(start);
    asm.to(op::CALL_TO, A);
    asm.to(op::JUMP_TO, B);
    asm.select(Condition::Less, true, A, (B, C));
    asm.bind(end);
    asm.trap();
    asm.ret();
    let (bytes, places) = asm.finish(&[start, end]);
    assert_eq!(places, [0, 32]);
    let expected = "\
b #0x20 / b.hi #-0x4 / cbz x3, #0x18 / cbnz w19, #-0xc / bl #-0x10 / blr x3 / br x19 / \
csel x3, x19, x30, lt / udf #0x0 / ret";
    assert_eq!(disassemble(&bytes).join(" / "), expected);
}

/// Follows jumps from a place to a word that is none.
fn followed(words: &[u32], from: usize) -> usize {
    let word = words[from];
    let signed = |field: u32, bits: u32| i64::from((field << (32 - bits)) as i32 >> (32 - bits));
    let by = match word >> 24 {
        0x54 => signed(word >> 5 & 0x7_ffff, 19),
        0x14..=0x17 => signed(word & 0x3ff_ffff, 26),
        _ => return from,
    };
    followed(words, (from as i64 + by) as usize)
}

#[test]
fn conditional_jumps_are_led_on_where_they_do_not_reach() {
    let mut asm = Assembler::default();
    let (start, near, far) = (asm.label(), asm.label(), asm.label());
    asm.bind(start);
    for _ in 0..1000 {
        asm.jump_if(Condition::Equal, far);
        asm.jump_if(Condition::Equal, near);
    }
    asm.ret();
    asm.bind(near);
    while asm.here() < 5 << 20 {
        asm.keep_in_reach();
        asm.barrier();
    }
    let back = asm.here() / 4;
    asm.jump_if(Condition::NotEqual, start);
    asm.ret();
    asm.bind(far);
    asm.barrier();
    let (bytes, places) = asm.finish(&[near, far]);
    let words: Vec<u32> = (bytes.as_chunks().0.iter())
        .map(|word| u32::from_le_bytes(*word))
        .collect();
    for number in (0..2000).step_by(2) {
        assert_eq!(followed(&words, number), places[1] / 4);
        assert_eq!(followed(&words, number + 1), places[0] / 4);
    }
    let shown = disassemble(&bytes[back * 4..][..8]).join(" / ");
    assert_eq!(shown, format!("b.eq #0x8 / b #-{:#x}", back * 4 + 4));
}

/// Many instructions of every kind.
fn many() -> Vec<u8> {
    let mut asm = Assembler::default();
    let registers = [0, 1, 7, 15, 16, 29, 30].map(Gpr::x);
    let all = [registers.as_slice(), &[Gpr::ZERO]].concat();
    for (at, first) in all.iter().enumerate() {
        let (second, third) = (all[(at + 3) % all.len()], all[(at + 5) % all.len()]);
        let first = *first;
        for wide in [false, true] {
            for row in [op::ADD, op::SUBS, op::OR, op::OR_NOT, op::XOR, op::ANDS] {
                asm.three(row, wide, first, second, third);
            }
            for row in [op::MUL, op::UDIV, op::SDIV, op::LSL, op::LSR, op::ASR] {
                asm.three(row, wide, first, second, third);
            }
            asm.four(op::MADD, wide, first, (second, third), registers[0]);
            asm.four(op::MSUB, wide, first, (second, third), registers[0]);
            for value in [
                1,
                0xff,
                0x7fff_8000,
                0xaaaa_aaaa,
                0x0f0f_0f0f,
                0xffff_0000_ffff,
            ] {
                let _ = asm.logical(op::ANDS_I, wide, first, second, value);
                let _ = asm.logical(op::XOR_I, wide, registers[at % 7], second, value);
            }
            for value in [0, 1, 0xfff, 0x1000, 0xabc000] {
                let (dst, src) = (registers[at % 7], registers[(at + 2) % 7]);
                assert!(asm.sum(op::ADD_I, wide, dst, src, value));
                assert!(asm.sum(op::SUBS_I, wide, first, src, value));
            }
            let last = if wide { 63 } else { 31 };
            for bits in [(0, 7), (1, last), (last, last), (5, 20), (20, 5)] {
                asm.field(op::SIGNED, wide, first, second, bits);
                asm.field(op::UNSIGNED, wide, first, second, bits);
            }
            for number in [0, 1, 2, 3, 8, 9, 10, 11, 12, 13] {
                let condition = [
                    Condition::Equal,
                    Condition::NotEqual,
                    Condition::AboveOrEqual,
                    Condition::Below,
                    Condition::Above,
                    Condition::BelowOrEqual,
                    Condition::GreaterOrEqual,
                    Condition::Less,
                    Condition::Greater,
                    Condition::LessOrEqual,
                ];
                let condition = condition.into_iter().find(|it| *it as u8 == number);
                let condition = condition.expect("the numbers are theirs");
                asm.select(condition, wide, first, (second, third));
            }
        }
        for value in [
            0,
            0x1234_5678,
            u64::MAX << 17,
            0xdead_beef_0000_1234,
            1 << 47,
        ] {
            asm.constant(registers[at % 7], value);
        }
        for distance in [-256, -8, 0, 8, 248, 4088] {
            for row in [
                op::LOAD8,
                op::LOAD_SX16,
                op::LOAD32,
                op::LOAD64,
                op::STORE64,
            ] {
                let place = Place::at(row, registers[at % 7], distance);
                asm.access(row, first, place.expect("it fits"));
            }
        }
    }
    asm.finish(&[]).0
}

#[test]
fn llvm_assembles_the_same() {
    let bytes = many();
    let texts = disassemble(&bytes);
    let child = Command::new("llvm-mc-19")
        .args(["-triple=aarch64", "-mattr=+lse", "--show-encoding"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            osmia_diag::skipped("comparison with llvm-mc-19", "it is not installed");
            return;
        }
        child => child.expect("a process"),
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = texts.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let output = String::from_utf8(output.stdout).expect("text");
    let encodings: Vec<Vec<u8>> = (output.lines())
        .filter_map(|line| line.split_once("encoding: [")?.1.split_once(']'))
        .map(|(bytes, _)| {
            let bytes = bytes.split(',').map(|byte| byte.trim_start_matches("0x"));
            bytes
                .map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
                .collect()
        })
        .collect();
    assert_eq!(encodings.len(), texts.len(), "one encoding an instruction");
    let mut differ = BTreeSet::new();
    for ((ours, theirs), text) in bytes.chunks(4).zip(&encodings).zip(&texts) {
        if ours != theirs {
            differ.insert(format!("{text}: {ours:02x?}, but LLVM {theirs:02x?}"));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}
