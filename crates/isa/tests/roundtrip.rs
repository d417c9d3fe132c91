//! Text and instructions round-trip; hostile slots and texts give errors, never panics.

mod support;

use std::borrow::Cow;

use osmia_isa::{
    Callee, Endian, Insn, MapRef, Names, NoNames, Slot, Spelling, assemble, check_layout, decode,
    encode_onto, listing, listing_as, read_slots, table, write_slots,
};
use proptest::prelude::*;
use support::insn_of;

/// Names everything, to see that names do not disturb reading back.
struct Everything;

impl Names for Everything {
    fn helper(&self, _: i32) -> Option<Cow<'_, str>> {
        Some("bpf_map_lookup_elem".into())
    }
    fn kfunc(&self, _: i32, _: i16) -> Option<Cow<'_, str>> {
        Some("bpf_task_acquire".into())
    }
    fn map(&self, map: MapRef) -> Option<Cow<'_, str>> {
        // A name with a space cannot be written and must be left out.
        Some(
            if map == MapRef::Fd(0) {
                "a map"
            } else {
                ".rodata"
            }
            .into(),
        )
    }
    fn variable(&self, _: i32, _: i32) -> Option<Cow<'_, str>> {
        Some("jiffies".into())
    }
    fn function(&self, _: i64) -> Option<Cow<'_, str>> {
        Some("sub".into())
    }
}

fn reads_back(insn: Insn) {
    let mut expected = Vec::new();
    encode_onto(&mut expected, &insn);
    for names in [&NoNames as &dyn Names, &Everything] {
        let text = insn.show(0, names).to_string();
        let assembly =
            assemble(&text, &NoNames).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        assert_eq!(assembly.slots, expected, "{text}");
        assert_eq!(decode(&assembly.slots, 0), Ok(insn), "{text}");
    }
}

#[test]
fn every_row_reads_back_at_the_edges_of_its_fields() {
    for row in table() {
        for (dst, src) in [(0, 0), (1, 2), (10, 9)] {
            for off in [0, 1, -1, i16::MIN, i16::MAX] {
                for imm in [0, 1, -1, 12, i32::MIN, i32::MAX] {
                    reads_back(insn_of(row, dst, src, off, imm, imm));
                }
            }
        }
    }
}

fn any_insn() -> impl Strategy<Value = Insn> {
    let row = 0..table().len();
    (row, any::<(u8, u8, i16, i32, i32)>()).prop_map(|(row, (dst, src, off, imm, high))| {
        insn_of(&table()[row], dst, src, off, imm, high)
    })
}

fn any_slot() -> impl Strategy<Value = Slot> {
    any::<[u8; 8]>().prop_map(|bytes| Slot::from_bytes(bytes, Endian::Little))
}

/// Fragments of the notation in any order: much likelier to get deep into the parser than letters.
fn almost_assembly() -> impl Strategy<Value = String> {
    let words = [
        "r1",
        "w2",
        "r0",
        "r11",
        "=",
        "+=",
        "s>>=",
        "*",
        "(",
        ")",
        "u32",
        "s8",
        "u64",
        "+",
        "-",
        "4",
        "0xffffffffffffffffff",
        "-1",
        "if",
        "goto",
        "gotol",
        "s>",
        "==",
        "call",
        "#1",
        "#",
        "pc",
        "kfunc",
        ":",
        "map",
        "[",
        "]",
        "fd",
        "ll",
        "lock",
        "skb",
        "exit",
        "loop",
        "loop:",
        "be16",
        "atomic64_fetch_add",
        "cmpxchg_64",
        ",",
        "store_release",
        "3:",
        "(b7)",
        ";",
        "//",
        "\n",
        "é",
        "\t",
        "addr_space_cast",
        "subprog",
        "btf",
        "id",
        "0",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..24)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn generated_instructions_read_back(insn in any_insn()) {
        reads_back(insn);
    }

    #[test]
    fn generated_programs_read_back_from_their_listing(
        insns in proptest::collection::vec(any_insn(), 0..40)
    ) {
        let mut slots = Vec::new();
        for insn in &insns {
            encode_onto(&mut slots, insn);
        }
        let text = listing(&slots, &Everything);
        let assembly = assemble(&text, &NoNames);
        prop_assert_eq!(assembly.map(|assembly| assembly.slots), Ok(slots), "{}", text);
    }

    #[test]
    fn generated_programs_read_back_from_the_kernels_spelling(
        insns in proptest::collection::vec(any_insn(), 0..40)
    ) {
        let mut slots = Vec::new();
        for insn in &insns {
            // The kernel spells the call of a kernel function like that of a helper.
            if !matches!(insn, Insn::Call(Callee::Kfunc { .. })) {
                encode_onto(&mut slots, insn);
            }
        }
        let text = listing_as(&slots, &Everything, Spelling::Kernel);
        let assembly = assemble(&text, &NoNames);
        prop_assert_eq!(assembly.map(|assembly| assembly.slots), Ok(slots), "{}", text);
    }

    #[test]
    fn any_slots_decode_or_fail(slots in proptest::collection::vec(any_slot(), 0..20)) {
        for at in 0..=slots.len() {
            let _ = decode(&slots, at);
        }
        let _ = check_layout(&slots);
        let _ = listing(&slots, &NoNames);
    }

    #[test]
    fn slots_survive_either_byte_order(slots in proptest::collection::vec(any_slot(), 0..20)) {
        for endian in [Endian::Little, Endian::Big] {
            let bytes = write_slots(&slots, endian);
            prop_assert_eq!(read_slots(&bytes, endian), Ok(slots.clone()));
            if !bytes.is_empty() {
                prop_assert!(read_slots(&bytes[1..], endian).is_err());
            }
        }
    }

    #[test]
    fn any_text_assembles_or_fails(text in ".*", almost in almost_assembly()) {
        for text in [text, almost] {
            if let Err(errors) = assemble(&text, &NoNames) {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    let _ = error.to_diagnostic("input", &text).to_text(osmia_diag::Paint::Plain);
                }
            }
        }
    }
}
