//! The C example, compiled with the committed header and run, where there is a C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use osmia::diag::skipped;

/// The folder that cargo puts the shared library in, which is beside this test.
fn libraries() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent().expect("and a folder").to_owned()
}

fn compile(compiler: &str, program: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = libraries();
    let output = Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(program)
        .arg(here.join("examples/rules.c"))
        .arg("-I")
        .arg(here.join("include"))
        .arg("-L")
        .arg(&libraries)
        .arg("-losmia_capi")
        .arg(format!("-Wl,-rpath,{}", libraries.display()))
        .output()
        .expect("the compiler starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_example_judges_payments() {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    if Command::new(&compiler).arg("--version").output().is_err() {
        return skipped("the C example", format!("there is no `{compiler}`"));
    }
    let folder = tempfile::tempdir().expect("a scratch folder");
    let program = folder.path().join("rules");
    compile(&compiler, &program);
    let object = "../osmia/examples/rules/rules.bpf.o";
    let object = Path::new(env!("CARGO_MANIFEST_DIR")).join(object);
    let output = Command::new(&program).arg(object).output();
    let output = output.expect("the example starts");
    let expected = "\
account 7 pays 12000: as ever, score 0
account 7 pays 80000: large, score 40
account 8 pays 900: as ever, score 0
limit of account 7: 50000
elf-not-elf: this is text; an eBPF object begins with 7f 45 4c 46
";
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{said}");
    assert!(output.status.success(), "{said}");

    let output = Command::new(&program).arg("missing.o").output();
    let output = output.expect("the example starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("error[file-io]: the file does not exist"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
}
