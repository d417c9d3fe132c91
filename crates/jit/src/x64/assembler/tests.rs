//! Every encoding is what a disassembler says it is.

use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};

use super::{Assembler, Place, ShiftTo};
use crate::asm::Assembly;
use crate::x64::{Condition, Gpr, op};

const ALL: [Gpr; 16] = [
    Gpr::Rax,
    Gpr::Rcx,
    Gpr::Rdx,
    Gpr::Rbx,
    Gpr::Rsp,
    Gpr::Rbp,
    Gpr::Rsi,
    Gpr::Rdi,
    Gpr::R8,
    Gpr::R9,
    Gpr::R10,
    Gpr::R11,
    Gpr::R12,
    Gpr::R13,
    Gpr::R14,
    Gpr::R15,
];
const NAMES: [[&str; 16]; 2] = [
    [
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
        "r12d", "r13d", "r14d", "r15d",
    ],
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ],
];

fn disassemble(asm: Assembler) -> Vec<String> {
    let (bytes, _) = asm.finish(&[]);
    let mut formatter = NasmFormatter::new();
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    let decoder = Decoder::new(64, &bytes, DecoderOptions::NONE);
    let lines = decoder.into_iter().map(|instruction| {
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        text
    });
    lines.collect()
}

#[test]
fn registers_and_memory_in_every_combination() {
    for reg in ALL {
        for rm in ALL {
            for wide in [false, true] {
                let mut asm = Assembler::default();
                asm.emit(op::ADD_TO, wide, reg, rm);
                asm.emit(op::LOAD, wide, reg, Place::Mem(rm, 0));
                asm.emit(op::MOV_TO, wide, reg, Place::Mem(rm, -8));
                asm.emit(op::IMUL, wide, reg, Place::Mem(rm, 0x1234));
                let names = &NAMES[usize::from(wide)];
                let (name, rm_name) = (names[reg as usize], names[rm as usize]);
                let base = NAMES[1][rm as usize];
                let expected = [
                    format!("add {rm_name},{name}"),
                    format!("mov {name},[{base}]"),
                    format!("mov [{base}-8],{name}"),
                    format!("imul {name},[{base}+0x1234]"),
                ];
                assert_eq!(disassemble(asm), expected);
            }
        }
    }
}

#[test]
fn low_bytes_are_never_high_ones() {
    let mut asm = Assembler::default();
    for reg in ALL {
        asm.emit(op::STORE8, false, reg, Place::Mem(Gpr::Rax, 1));
        asm.emit(op::LOAD8, false, Gpr::Rax, reg);
    }
    let low = [
        "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
        "r13b", "r14b", "r15b",
    ];
    let expected: Vec<String> = low
        .iter()
        .flat_map(|low| [format!("mov [rax+1],{low}"), format!("movzx eax,{low}")])
        .collect();
    assert_eq!(disassemble(asm), expected);
}

#[test]
fn every_row() {
    let mut asm = Assembler::default();
    let (a, b) = (Gpr::Rsi, Gpr::R9);
    let mem = Place::Mem(Gpr::R13, 0);
    for row in [
        op::OR_TO,
        op::AND_TO,
        op::SUB_TO,
        op::XOR_TO,
        op::CMP_TO,
        op::TEST_TO,
        op::LOAD16,
        op::LOAD_SX8,
        op::LOAD_SX16,
        op::LOAD_SX32,
    ] {
        asm.emit(row, true, a, b);
    }
    for row in [
        op::STORE16,
        op::LOCK_ADD,
        op::LOCK_OR,
        op::LOCK_AND,
        op::LOCK_XOR,
        op::LOCK_XADD,
        op::LOCK_CMPXCHG,
        op::XCHG,
        op::LEA,
    ] {
        asm.emit(row, false, b, mem);
    }
    for row in [
        op::NEG,
        op::DIV,
        op::IDIV,
        op::SHL,
        op::SHR,
        op::SAR,
        op::CALL_AT,
        op::JMP_AT,
    ] {
        asm.emit_one(row, false, a);
    }
    for row in [
        op::ADD_I8,
        op::OR_I8,
        op::AND_I8,
        op::SUB_I8,
        op::XOR_I8,
        op::CMP_I8,
        op::SHL_I8,
        op::SHR_I8,
        op::SAR_I8,
        op::STORE8_I8,
    ] {
        asm.emit_with(row, false, mem, 7);
    }
    for row in [
        op::ADD_I32,
        op::OR_I32,
        op::AND_I32,
        op::SUB_I32,
        op::XOR_I32,
        op::CMP_I32,
        op::TEST_I32,
        op::MOV_I32,
    ] {
        asm.emit_with(row, true, b, -0x1234);
    }
    asm.emit_with(op::STORE16_I16, false, mem, 0x1234);
    asm.emit_with(op::ROL16_I8, false, a, 8);
    asm.emit_imm(op::IMUL_I8, true, a, b, -3);
    asm.emit_imm(op::IMUL_I32, false, a, b, 0x1234);
    let expected = "\
or r9,rsi / and r9,rsi / sub r9,rsi / xor r9,rsi / cmp r9,rsi / test r9,rsi / movzx rsi,r9w / \
movsx rsi,r9b / movsx rsi,r9w / movsxd rsi,r9d / mov [r13],r9w / lock add [r13],r9d / \
lock or [r13],r9d / lock and [r13],r9d / lock xor [r13],r9d / lock xadd [r13],r9d / \
lock cmpxchg [r13],r9d / xchg r9d,[r13] / lea r9,[r13] / neg esi / div esi / idiv esi / \
shl esi,cl / shr esi,cl / sar esi,cl / call rsi / jmp rsi / add dword [r13],7 / \
or dword [r13],7 / and dword [r13],7 / sub dword [r13],7 / xor dword [r13],7 / \
cmp dword [r13],7 / shl dword [r13],7 / shr dword [r13],7 / sar dword [r13],7 / \
mov byte [r13],7 / add r9,0xFFFFFFFFFFFFEDCC / or r9,0xFFFFFFFFFFFFEDCC / \
and r9,0xFFFFFFFFFFFFEDCC / sub r9,0xFFFFFFFFFFFFEDCC / xor r9,0xFFFFFFFFFFFFEDCC / \
cmp r9,0xFFFFFFFFFFFFEDCC / test r9,0xFFFFFFFFFFFFEDCC / mov r9,0xFFFFFFFFFFFFEDCC / \
mov word [r13],0x1234 / rol si,8 / imul rsi,r9,0xFFFFFFFFFFFFFFFD / imul esi,r9d,0x1234";
    assert_eq!(disassemble(asm).join(" / "), expected);
}

#[test]
fn constants_take_the_shortest_form() {
    let mut asm = Assembler::default();
    for value in [0, 1, u64::from(u32::MAX), u64::MAX, 1 << 32] {
        asm.constant(Gpr::R8, value);
    }
    asm.address(Gpr::Rax, 5);
    asm.swap(true, Gpr::R8);
    asm.swap(false, Gpr::Rax);
    asm.extend_rax(true);
    asm.extend_rax(false);
    asm.push(Gpr::R12);
    asm.pop(Gpr::Rbx);
    asm.ret();
    asm.trap();
    let expected = "\
xor r8d,r8d / mov r8d,1 / mov r8d,0xFFFFFFFF / mov r8,0xFFFFFFFFFFFFFFFF / \
mov r8,0x100000000 / mov rax,5 / bswap r8 / bswap eax / cqo / cdq / push r12 / pop rbx / \
ret / ud2";
    assert_eq!(disassemble(asm).join(" / "), expected);
}

#[test]
fn jumps_find_their_labels() {
    let mut asm = Assembler::default();
    let (start, end) = (asm.label(), asm.label());
    asm.bind(start);
    asm.jump(end);
    asm.jump_if(Condition::Above, start);
    asm.jump(start);
    asm.call(end);
    asm.bind(end);
    asm.ret();
    let (bytes, places) = asm.finish(&[start, end]);
    assert_eq!(places, [0, 14]);
    let expected = [
        0xe9, 9, 0, 0, 0, 0x77, 0xf9, 0xeb, 0xf7, 0xe8, 0, 0, 0, 0, 0xc3,
    ];
    assert_eq!(bytes, expected);
}

#[test]
fn sums_of_registers_in_every_combination() {
    for base in ALL {
        for index in ALL.into_iter().filter(|index| *index != Gpr::Rsp) {
            let mut asm = Assembler::default();
            asm.emit(op::LOAD, true, Gpr::R9, Place::Sum(base, index, 0x1234));
            asm.emit(op::LOAD8, false, Gpr::Rcx, Place::Sum(base, index, 0));
            let (base, index) = (NAMES[1][base as usize], NAMES[1][index as usize]);
            let [wide, byte] = &disassemble(asm)[..] else {
                panic!("two instructions");
            };
            assert_eq!(*wide, format!("mov r9,[{base}+{index}+0x1234]"));
            assert_eq!(*byte, format!("movzx ecx,byte [{base}+{index}]"));
        }
    }
}

#[test]
fn shifts_to_other_registers_in_every_combination() {
    let shifts = [
        (ShiftTo::Left, "shlx"),
        (ShiftTo::Right, "shrx"),
        (ShiftTo::Arithmetic, "sarx"),
    ];
    for (shift, name) in shifts {
        for (dst, src) in ALL.into_iter().flat_map(|dst| ALL.map(|src| (dst, src))) {
            for wide in [false, true] {
                for count in [Gpr::Rax, Gpr::R13] {
                    let mut asm = Assembler::default();
                    asm.shift_to(shift, wide, dst, src, count);
                    let names = [dst, src, count].map(|reg| NAMES[usize::from(wide)][reg as usize]);
                    assert_eq!(disassemble(asm), [format!("{name} {}", names.join(","))]);
                }
            }
        }
    }
}

#[test]
fn alignment_does_nothing() {
    for offset in 0..16 {
        let mut asm = Assembler::default();
        (0..offset).for_each(|_| asm.ret());
        asm.align(16);
        assert!(asm.here().is_multiple_of(16));
        let lines = disassemble(asm);
        let nops = lines[offset..].iter();
        assert!(
            nops.clone()
                .all(|line| line.starts_with("nop") || line == "xchg ax,ax"),
            "{lines:?}"
        );
    }
}
