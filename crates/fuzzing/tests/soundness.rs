//! Random programs that the verifier accepts run inside of their certificates; `cargo xtask
//! soundness` tries a million. `SOUNDNESS_PROGRAMS` says how many are tried here.

use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::{minimise, show, sweep};

#[test]
fn accepted_programs_run_inside_their_certificates() {
    let programs = std::env::var("SOUNDNESS_PROGRAMS").map(|count| count.parse());
    let swept = sweep(0..programs.map_or(400, |count| count.expect("a number")));
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
