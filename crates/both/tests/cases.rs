//! Every case of `tests/both` on the user-space host, against the kernel's committed answers.

use std::path::Path;

use osmia_both::{Known, Step, User, files, run};

/// How an answer of ours is wrong; `None` if it is right.
fn wrong(step: &Step, ours: &str) -> Option<String> {
    let expected = match (&step.expected, &step.known) {
        (None, _) => return Some("the kernel has not answered yet: bless the file".to_owned()),
        (Some(theirs), Some(Known { answer, .. })) if theirs == answer => {
            return Some("a difference is noted that is none".to_owned());
        }
        (_, Some(known)) => &known.answer,
        (Some(theirs), None) => theirs,
    };
    (ours != expected).then(|| format!("expected {expected}\n    came     {ours}"))
}

#[test]
fn the_user_space_host_answers_as_linux_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/both");
    let mut user = User::new().expect("memory");
    let (mut cases, mut failures) = (0, Vec::new());
    for file in files(&root).expect("files of cases") {
        let name = file.path.strip_prefix(&root).expect("below the root");
        let name = name.display();
        for case in &file.cases {
            cases += 1;
            let outcomes = run(case, &mut user).unwrap_or_else(|error| panic!("{name}: {error}"));
            for one in outcomes {
                if let Some(how) = wrong(one.step, &one.answer) {
                    let line = one.step.line;
                    failures.push(format!("{name}:{line}: {}: {how}", case.title));
                }
            }
        }
    }
    assert!(cases >= 400, "only {cases} cases");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
