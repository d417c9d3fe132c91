//! Random arithmetic, jumps and stack accesses: native code returns what the interpreter does.

use osmia_isa::{AluOp, AtomicOp, Cond, EndOp, Imm64, Insn, Operand, Size, Width, encode_onto};
use proptest::prelude::*;

use super::{Case, reg};
use crate::Tiers;

/// Registers that steps work on: all that programs may write.
const REGS: u8 = 10;

fn operand() -> impl Strategy<Value = Operand> {
    let special = prop_oneof![
        Just(0),
        Just(-1),
        Just(1),
        Just(i32::MIN),
        Just(i32::MAX),
        0..70_i32,
        any::<i32>()
    ];
    prop_oneof![
        (0..REGS).prop_map(|number| Operand::Reg(reg(number))),
        special.prop_map(Operand::Imm)
    ]
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::W32), Just(Width::W64)]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![Just(Size::B), Just(Size::H), Just(Size::W), Just(Size::DW)]
}

fn any_reg() -> impl Strategy<Value = osmia_isa::Reg> {
    (0..REGS).prop_map(reg)
}

fn atomic() -> impl Strategy<Value = AtomicOp> {
    let fetching = any::<bool>().prop_flat_map(|fetch| {
        prop_oneof![
            Just(AtomicOp::Add { fetch }),
            Just(AtomicOp::Or { fetch }),
            Just(AtomicOp::And { fetch }),
            Just(AtomicOp::Xor { fetch }),
        ]
    });
    prop_oneof![4 => fetching, 1 => Just(AtomicOp::Xchg), 1 => Just(AtomicOp::Cmpxchg)]
}

fn step() -> impl Strategy<Value = Insn> {
    let alu =
        (0..AluOp::ALL.len(), width(), any_reg(), operand()).prop_map(|(op, width, dst, src)| {
            Insn::Alu {
                op: AluOp::ALL[op],
                width,
                dst,
                src,
            }
        });
    let unary =
        (width(), any_reg(), any_reg(), size(), 0..4).prop_map(|(width, dst, src, from, kind)| {
            match (kind, from) {
                (0, _) => Insn::Neg { width, dst },
                (1, Size::H | Size::W | Size::DW) => Insn::End {
                    op: EndOp::ToBe,
                    dst,
                    size: from,
                },
                (2, Size::H | Size::W | Size::DW) => Insn::End {
                    op: EndOp::ToLe,
                    dst,
                    size: from,
                },
                (_, Size::B | Size::H) => Insn::MovSx {
                    width,
                    dst,
                    src,
                    from,
                },
                _ => Insn::MovSx {
                    width: Width::W64,
                    dst,
                    src,
                    from: Size::W,
                },
            }
        });
    // Slots of the stack at multiples of eight.
    let memory = (size(), any_reg(), operand(), 1..5_i16, any::<bool>()).prop_map(
        |(size, dst, src, slot, load)| {
            let (base, off) = (reg(10), slot * -8);
            match load {
                true => Insn::Load {
                    size,
                    sign_extend: size != Size::DW && slot % 2 == 0,
                    dst,
                    base,
                    off,
                },
                false => Insn::Store {
                    size,
                    base,
                    off,
                    src,
                },
            }
        },
    );
    let atomic =
        (atomic(), any::<bool>(), any_reg(), 1..5_i16).prop_map(|(op, wide, src, slot)| {
            Insn::Atomic {
                op,
                size: if wide { Size::DW } else { Size::W },
                base: reg(10),
                off: slot * -8,
                src,
            }
        });
    let jump = (0..11_usize, width(), any_reg(), operand(), 0..3_i16).prop_map(
        |(cond, width, dst, src, off)| Insn::JumpIf {
            cond: Cond::ALL[cond],
            width,
            dst,
            src,
            off,
        },
    );
    prop_oneof![6 => alu, 2 => unary, 2 => memory, 2 => atomic, 2 => jump]
}

fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        Just(1 << 63),
        Just(1 << 31),
        0..100_u64,
        any::<u64>()
    ]
}

/// A program of these steps, whose result is made of all registers.
fn case(seeds: &[u64], steps: &[Insn]) -> Case {
    let mut slots = Vec::new();
    for (number, value) in (0..).zip(seeds) {
        let value = Imm64::Value(*value);
        let dst = reg(number);
        encode_onto(&mut slots, &Insn::LoadImm64 { dst, value });
    }
    for step in steps {
        encode_onto(&mut slots, step);
    }
    // Everything that was computed goes into the result; jumps may lead behind the last step.
    for number in 0..REGS {
        let xor = Insn::Alu {
            op: AluOp::Xor,
            width: Width::W64,
            dst: reg(0),
            src: Operand::Reg(reg(number)),
        };
        let times = Insn::Alu {
            op: AluOp::Mul,
            width: Width::W64,
            dst: reg(0),
            src: Operand::Imm(0x1f3),
        };
        encode_onto(&mut slots, &times);
        encode_onto(&mut slots, &if number == 0 { times } else { xor });
    }
    encode_onto(&mut slots, &Insn::Exit);
    Case::new(slots, Vec::new(), vec![0; 14])
}

fn seeds() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(seed(), usize::from(REGS))
}

fn steps() -> impl Strategy<Value = Vec<Insn>> {
    proptest::collection::vec(step(), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn engines_agree(seeds in seeds(), steps in steps()) {
        let case = case(&seeds, &steps);
        let native = case.run(Some(Tiers::First));
        prop_assert_eq!(native, case.run(None), "{:#x?} {:#?}", seeds, steps);
    }
}

#[cfg(feature = "tier2")]
proptest! {
    // Compiling one takes a while where the compiler itself is not optimised.
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_second_tier_agrees(seeds in seeds(), steps in steps()) {
        let case = case(&seeds, &steps);
        let native = case.run(Some(Tiers::Second));
        prop_assert_eq!(native, case.run(None), "{:#x?} {:#?}", seeds, steps);
    }
}
