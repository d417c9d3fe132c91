//! Random programs that the verifier accepts run inside of their certificates; `cargo xtask
//! soundness` tries a million. `SOUNDNESS_PROGRAMS` says how many are tried here.

use osmia_fuzzing::generate::generate;
use osmia_fuzzing::soundness::{minimise, show, sweep};
use osmia_program::Rules;

#[test]
fn accepted_programs_run_inside_their_certificates() {
    hold(Rules::Linux);
}

#[test]
fn so_do_those_whose_states_are_merged() {
    hold(Rules::Osmia);
}

fn hold(rules: Rules) {
    let programs = std::env::var("SOUNDNESS_PROGRAMS").map(|count| count.parse());
    let programs = programs.map_or(400, |count| count.expect("a number"));
    let swept = sweep(0..programs, rules);
    if let Some((seed, why)) = swept.unsound.first() {
        let least = minimise(&generate(*seed), *seed, rules);
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
