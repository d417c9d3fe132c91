//! Loops that count: taken several turns at once they leave behind what they leave behind one by one.

use osmia_isa::{MapRef, Resolve, assemble};
use osmia_vm::map::Runs;

use super::Case;
use crate::Tiers;

struct Nothing;

impl Resolve for Nothing {
    fn helper(&self, _: &str) -> Option<i32> {
        None
    }

    fn map(&self, _: &str) -> Option<MapRef> {
        None
    }
}

const PACKET_BYTES: usize = 400;

/// A loop over the packet, at `r3` in each turn; everything it changed goes into the result.
fn case(begin: &str, body: &str, end: &str) -> Case {
    let lines = body.split("; ").count() + 3;
    let text = format!(
        "r6 = *(u32 *)(r1 + 0)\nr0 = 0x123456789abcdef ll\nr1 = 3\nr4 = 0\nr5 = 7\n{begin}\n\
         r3 = r6\nr3 += r2\n{}\n{end} goto -{lines}\n\
         r0 *= 31\nr0 ^= r1\nr0 *= 31\nr0 ^= r2\nr0 *= 31\nr0 ^= r4\nr0 *= 31\nr0 ^= r5\nr0 += r3\nr0 -= r6\nexit\n",
        body.replace("; ", "\n")
    );
    let assembly = assemble(&text, &Nothing).expect("right assembly");
    let packet = (0..PACKET_BYTES).map(|at| (at * 167 + at / 5) as u8);
    Case::new(assembly.slots, Vec::new(), packet.collect())
}

fn agrees(begin: &str, body: &str, end: &str) {
    let case = case(begin, body, end);
    let native = case.run(Some(Tiers::Second));
    assert_eq!(native, case.run(None), "{begin}; {body}; {end}");
}

/// What tier 2 makes of a loop.
fn form(begin: &str, body: &str, end: &str) -> String {
    let case = case(begin, body, end);
    let lowered = case.lowered(&case.maps(&std::sync::Arc::new(Runs::new(1))));
    let text = crate::listing::optimised(&lowered.expect("it has a native form"));
    text.expect("it is optimised").0
}

#[test]
fn sums_of_every_size_agree() {
    for (name, bytes) in [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)] {
        for fold in ["r0 += r4", "w0 += w4", "r0 ^= r4", "w0 |= w4"] {
            // Both the vectors and what is left of them, none of either, and just too few.
            for turns in [1, 16, 17, 43] {
                let (first, last) = (5, 5 + bytes * turns);
                agrees(
                    &format!("r2 = {first}"),
                    &format!("r4 = *({name} *)(r3 + 2); {fold}; r2 += {bytes}"),
                    &format!("if r2 != {last}"),
                );
            }
        }
    }
}

#[test]
fn differences_of_blocks_agree() {
    for fold in ["r5 |= r1", "r5 ^= r1", "r5 += r1"] {
        let body = format!(
            "r4 = *(u64 *)(r3 + 1); r1 = *(u64 *)(r3 + 170); r1 ^= r4; {fold}; r2 += 8; r4 = r5"
        );
        agrees("r2 = 3", &body, "if r2 < 150");
    }
}

#[test]
fn copied_turns_agree() {
    let loops = [
        (
            "r2 = 40",
            "r4 = *(u8 *)(r3 + 1); r0 *= r4; r2 += -3",
            "if r2 != 1",
        ),
        (
            "r2 = 4",
            "r4 = *(u8 *)(r3 + 1); r0 *= r4; r0 += r1; r1 += 5; r2 += 7",
            "if r2 < 200",
        ),
        (
            "r2 = 4",
            "*(u8 *)(r3 + 3) = r0; r0 *= 5; r4 = *(u16 *)(r3 + 2); r0 ^= r4; w2 += 1",
            "if w2 != 77",
        ),
        (
            "r2 = 0",
            "r4 = *(u8 *)(r3 + 0); r0 ^= r4; w0 *= 0x1000193; r2 += 1",
            "if w2 < 33",
        ),
        (
            "r2 = 0",
            "r5 += r4; r4 = *(u8 *)(r3 + 0); r1 ^= r5; r2 += 1",
            "if r2 != 9",
        ),
    ];
    for (begin, body, end) in loops {
        agrees(begin, body, end);
    }
}

#[test]
fn what_does_not_lie_in_a_row_agrees() {
    let loops = [
        (
            "r2 = 0",
            "r4 = *(u16 *)(r3 + 0); r0 += r4; r2 += 4",
            "if r2 != 200",
        ),
        (
            "r2 = 200",
            "r4 = *(u16 *)(r3 + 0); r0 += r4; r2 += -2",
            "if r2 != 0",
        ),
        (
            "r2 = 0",
            "r4 = *(u16 *)(r3 + 0); r0 += r4; r1 += r0; r2 += 2",
            "if r2 != 200",
        ),
        (
            "r2 = 0",
            "r4 = *(u8 *)(r3 + 0); r5 = *(u16 *)(r3 + 0); w0 += w4; w0 += w5; r2 += 1",
            "if r2 != 99",
        ),
        (
            "r2 = 0",
            "r4 = *(u8 *)(r3 + 0); w0 += w4; w1 += 3; r2 += 1",
            "if r2 != 99",
        ),
        (
            "r2 = 0",
            "r4 = *(s16 *)(r3 + 0); w0 += w4; r2 += 2",
            "if r2 != 200",
        ),
    ];
    for (begin, body, end) in loops {
        agrees(begin, body, end);
        assert!(!form(begin, body, end).contains("extractlane"), "{body}");
    }
}

#[test]
fn a_checksum_is_a_sum_of_vectors() {
    let body = "r4 = *(u16 *)(r3 + 0); w0 += w4; r2 += 2";
    let made = form("r2 = 0", body, "if r2 != 200");
    #[cfg(target_arch = "x86_64")]
    let expected = std::arch::is_x86_feature_detected!("sse4.1");
    #[cfg(not(target_arch = "x86_64"))]
    let expected = true;
    assert_eq!(made.contains("uload16x4"), expected, "{made}");
}
