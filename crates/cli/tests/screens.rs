//! The command line as people see it: every `console` block of `tests/cmd/*.md`, of the pages in
//! `docs/diagnostics` and of the gallery of mistakes in `tests/gallery` is run at the top of the repository and compared.
//! `TRYCMD=overwrite cargo test -p osmia-cli --test screens` blesses what has changed; put `[..]` back
//! where times were.

use std::path::Path;

#[test]
fn screens_are_as_written() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = crate_folder.join("../..");
    std::env::set_current_dir(&top).expect("the repository is there");
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case(crate_folder.join("tests/cmd/*.md"))
        .case(top.join("docs/diagnostics/*.md"))
        .case(top.join("tests/gallery/*.md"));
}
