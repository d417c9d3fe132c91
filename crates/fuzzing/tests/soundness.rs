//! Random programs that the verifier accepts run inside of their certificates; `cargo xtask
//! soundness` tries a million.

use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::{minimise, show, sweep};

#[test]
fn accepted_programs_run_inside_their_certificates() {
    let swept = sweep(0..400);
    if let Some((seed, why)) = swept.unsound.first() {
        let least = minimise(&generate(*seed), *seed);
        panic!("seed {seed}: {why}\n{}", show(&least));
    }
    assert!(
        swept.accepted * 3 > swept.programs,
        "only {} of {} accepted: {:#?}",
        swept.accepted,
        swept.programs,
        swept.reasons
    );
}
