//! Machine code of random programs that the verifier accepts does what the interpreter does; `cargo
//! xtask agreement` tries a million.

use osmia_fuzzing::agreement::compare;
use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::show;
use osmia_jit::Tiers;

#[test]
fn machine_code_and_the_interpreter_come_to_the_same_ends() {
    let agreement = compare(0..300, &[Tiers::First]);
    if let Some((seed, why)) = agreement.differing.first() {
        panic!("seed {seed}: {why}\n{}", show(&generate(*seed)));
    }
    assert!(
        agreement.compiled * 5 > agreement.programs,
        "only {} of {} compared",
        agreement.compiled,
        agreement.programs
    );
}

/// A jump over lines that are never reached, to one of which a branch leads: machine code left the
/// jump out once.
#[test]
fn a_jump_over_dead_lines_that_a_branch_names_stays() {
    let seed = 1965;
    let agreement = compare(seed..seed + 1, &[Tiers::First]);
    assert!(agreement.differing.is_empty(), "seed {seed}");
    assert_eq!(agreement.compiled, 1, "seed {seed} says nothing any more");
}
