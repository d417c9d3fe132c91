//! Arithmetic agrees with a small evaluator written another way; whatever the instructions, a run
//! ends in time and in order.

use std::sync::Arc;

use osmia_isa::{AluOp, Cond, Insn, Operand, Reg, Slot, Width, encode_onto};
use osmia_program::{Hook, MapKind, MapSpec, Program, ProgramFlags, ProgramKind, ProgramParts};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Cause, Code, Environment, Layer, Machine};
use proptest::prelude::*;

fn program(kind: ProgramKind, insns: Vec<Slot>) -> Result<Program, osmia_program::ProgramError> {
    Program::new(ProgramParts {
        name: "test".to_owned(),
        section: String::new(),
        hook: Hook {
            kind,
            attach: None,
            target: None,
        },
        flags: ProgramFlags::default(),
        license: "GPL".to_owned(),
        kernel_version: 0,
        autoload: true,
        insns,
        maps: Vec::new(),
        functions: Vec::new(),
        debug: None,
        poisons: Vec::new(),
        kfuncs: Vec::new(),
    })
}

const OPS: [AluOp; 14] = AluOp::ALL;

/// One step: operation, 32-bit, destination, and a register or an immediate.
#[derive(Clone, Debug)]
struct Step {
    op: AluOp,
    narrow: bool,
    dst: u8,
    src: Result<u8, i32>,
}

fn step() -> impl Strategy<Value = Step> {
    let imm = prop_oneof![Just(0), Just(-1), Just(i32::MIN), 0..70i32, any::<i32>()];
    let src = prop_oneof![(0..10u8).prop_map(Ok), imm.prop_map(Err)];
    (0..OPS.len(), any::<bool>(), 0..10u8, src).prop_map(|(op, narrow, dst, src)| Step {
        op: OPS[op],
        narrow,
        dst,
        src,
    })
}

fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        Just(1 << 63),
        Just(1 << 31),
        0..100u64,
        any::<u64>()
    ]
}

/// The operation in whole numbers: operands and result are taken modulo 2^bits only here.
fn evaluate(op: AluOp, bits: u32, a: u64, b: u64) -> u64 {
    let modulus = 1i128 << bits;
    let unsigned = |value: u64| i128::from(value) & (modulus - 1);
    let signed = |value: u64| {
        let value = unsigned(value);
        if value >= modulus / 2 {
            value - modulus
        } else {
            value
        }
    };
    let (ua, ub) = (unsigned(a), unsigned(b));
    let (sa, sb) = (signed(a), signed(b));
    let count = ub % i128::from(bits);
    let result = match op {
        AluOp::Add => ua + ub,
        AluOp::Sub => ua - ub,
        // The product of two 64-bit numbers is cut while it still fits.
        AluOp::Mul => (ua as u128).wrapping_mul(ub as u128) as i128,
        AluOp::Div if ub == 0 => 0,
        AluOp::Div => ua / ub,
        AluOp::Sdiv if ub == 0 => 0,
        AluOp::Sdiv => sa / sb,
        AluOp::Mod if ub == 0 => ua,
        AluOp::Mod => ua % ub,
        AluOp::Smod if ub == 0 => ua,
        AluOp::Smod => sa % sb,
        AluOp::Or => ua | ub,
        AluOp::And => ua & ub,
        AluOp::Xor => ua ^ ub,
        AluOp::Lsh => ((ua as u128) << count) as i128,
        AluOp::Rsh => ua >> count,
        AluOp::Arsh => sa >> count,
        AluOp::Mov => ub,
    };
    (result & (modulus - 1)) as u64
}

fn run(insns: &[Insn]) -> u64 {
    let mut slots = Vec::new();
    for insn in insns {
        encode_onto(&mut slots, insn);
    }
    let program = Arc::new(program(ProgramKind::Xdp, slots).expect("a layout"));
    let code = Code::prepare(&program, &[]).expect("nothing is missing");
    let mut machine = Machine::new(Environment::repeatable(0)).expect("memory");
    machine
        .input(ProgramKind::Xdp, &[], &[], Layer::Ethernet)
        .expect("an empty packet");
    machine.run(&code).expect("arithmetic does not trap").value
}

/// An instruction of any kind in a program of `count` slots, as raw fields.
fn raw(count: usize) -> impl Strategy<Value = Slot> {
    let code = prop_oneof![
        3 => any::<u8>(),
        // Loads, stores, atomics, calls: what can go wrong.
        1 => Just(0x79u8), 1 => Just(0x7bu8), 1 => Just(0x61u8), 1 => Just(0xdbu8), 1 => Just(0x85u8),
        1 => Just(0xbfu8), 1 => Just(0x07u8), 1 => Just(0x18u8),
    ];
    let off = prop_oneof![Just(0i16), -16..16i16, any::<i16>()];
    let count = count as i32;
    let imm = prop_oneof![0..16i32, 0..200i32, -count..count, any::<i32>()];
    (code, 0..11u8, 0..11u8, off, imm).prop_map(|(code, dst, src, off, imm)| Slot {
        code,
        dst,
        src,
        off,
        imm,
    })
}

/// The nearest program with a valid layout: what does not fit becomes `r0 = 0`.
fn settle(mut slots: Vec<Slot>) -> Program {
    let exit = Slot {
        code: 0x95,
        ..Slot::default()
    };
    slots.push(exit);
    loop {
        let at = match program(ProgramKind::Xdp, slots.clone()) {
            Ok(program) => return program,
            Err(osmia_program::ProgramError::Layout(error)) => error.at(),
            Err(error) => panic!("{error}"),
        };
        // Fields that must be zero are the usual reason; then nothing else will do.
        let slot = &mut slots[at];
        let tamed = Slot {
            src: 0,
            off: 0,
            imm: 0,
            ..*slot
        };
        *slot = if *slot == tamed {
            Slot {
                code: 0xb7,
                ..Slot::default()
            }
        } else {
            tamed
        };
        *slots.last_mut().expect("not empty") = exit;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arithmetic_is_arithmetic(
        seeds in proptest::array::uniform10(seed()),
        steps in proptest::collection::vec(step(), 1..24),
        result in 0..10u8,
    ) {
        let reg = |number: u8| Reg::new(number).expect("below 11");
        let mut insns = Vec::new();
        let mut expected = seeds;
        for (number, value) in (0..).zip(seeds) {
            let value = osmia_isa::Imm64::Value(value);
            insns.push(Insn::LoadImm64 { dst: reg(number), value });
        }
        for Step { op, narrow, dst, src } in &steps {
            let (src, b) = match *src {
                Ok(number) => (Operand::Reg(reg(number)), expected[number as usize]),
                Err(imm) => (Operand::Imm(imm), i64::from(imm) as u64),
            };
            let width = if *narrow { Width::W32 } else { Width::W64 };
            insns.push(Insn::Alu { op: *op, width, dst: reg(*dst), src });
            let bits = if *narrow { 32 } else { 64 };
            let a = expected[*dst as usize];
            expected[*dst as usize] = evaluate(*op, bits, a, b);
        }
        let src = Operand::Reg(reg(result));
        insns.push(Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R0, src });
        insns.push(Insn::Exit);
        prop_assert_eq!(run(&insns), expected[result as usize]);
    }

    #[test]
    fn conditions_compare(
        a in seed(), b in seed(), same in any::<bool>(), narrow in any::<bool>(), which in 0..11usize,
    ) {
        let b = if same { a } else { b };
        let conditions = [
            Cond::Eq, Cond::Ne, Cond::Gt, Cond::Ge, Cond::Lt, Cond::Le, Cond::Set,
            Cond::Sgt, Cond::Sge, Cond::Slt, Cond::Sle,
        ];
        let cond = conditions[which];
        let bits = if narrow { 32 } else { 64 };
        let cut = |value: u64| i128::from(value << (64 - bits) >> (64 - bits));
        let sign = |value: u64| i128::from((value << (64 - bits)) as i64 >> (64 - bits));
        let taken = match cond {
            Cond::Eq => cut(a) == cut(b),
            Cond::Ne => cut(a) != cut(b),
            Cond::Gt => cut(a) > cut(b),
            Cond::Ge => cut(a) >= cut(b),
            Cond::Lt => cut(a) < cut(b),
            Cond::Le => cut(a) <= cut(b),
            Cond::Set => cut(a) & cut(b) != 0,
            Cond::Sgt => sign(a) > sign(b),
            Cond::Sge => sign(a) >= sign(b),
            Cond::Slt => sign(a) < sign(b),
            Cond::Sle => sign(a) <= sign(b),
        };
        let (r1, r2) = (Reg::new(1).unwrap(), Reg::new(2).unwrap());
        let width = if narrow { Width::W32 } else { Width::W64 };
        let load = |dst, value| Insn::LoadImm64 { dst, value: osmia_isa::Imm64::Value(value) };
        let insns = [
            load(r1, a),
            load(r2, b),
            load(Reg::R0, 1),
            Insn::JumpIf { cond, width, dst: r1, src: Operand::Reg(r2), off: 2 },
            load(Reg::R0, 0),
            Insn::Exit,
        ];
        prop_assert_eq!(run(&insns), u64::from(taken));
    }

    #[test]
    fn any_instructions_end_in_time_and_in_order(
        slots in proptest::collection::vec(raw(40), 1..40),
        packet in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        const INSNS_MAX: u64 = 5_000;
        let program = Arc::new(settle(slots));
        let runs = Arc::new(Runs::new(1));
        let map = |name: &str, kind, key, value, entries| {
            Arc::new(Map::create(&MapSpec::new(name, kind, key, value, entries), &runs).unwrap())
        };
        let maps = [
            map("array", MapKind::Array, 4, 12, 3),
            map("hash", MapKind::Hash, 8, 8, 4),
            map("ring", MapKind::Ringbuf, 0, 0, 4096),
        ];
        // Helpers and maps that do not exist are refused here, which is in order too.
        let Ok(code) = Code::prepare(&program, &maps) else {
            return Ok(());
        };
        let results: Vec<_> = (0..2).map(|_| {
            let mut env = Environment::repeatable(3);
            env.insns_max = INSNS_MAX;
            let mut machine = Machine::new(env).expect("memory");
            machine.input(ProgramKind::Xdp, &packet, &[], Layer::Ethernet).expect("a packet");
            machine.run(&code)
        }).collect();
        for result in results {
            match result {
                // A straight run may end a little after the budget.
                Ok(outcome) => prop_assert!(outcome.insns <= INSNS_MAX + 50),
                Err(trap) => {
                    prop_assert!(trap.slot < program.insns.len());
                    let said = trap.to_diagnostic().to_text(osmia_diag::Paint::Plain);
                    prop_assert!(said.contains("vm-"));
                    if let Cause::Budget { insns } = trap.cause {
                        prop_assert_eq!(insns, INSNS_MAX);
                    }
                }
            }
        }
    }

}
