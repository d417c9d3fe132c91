//! `osmia.h`, made of the C interface, and whether the committed one is.

use std::path::Path;

use crate::Verdict;
use crate::place::{self, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compare with what is committed and change nothing
    #[arg(long)]
    check: bool,
}

const INTERFACE: &str = "crates/capi/src/interface.rs";
const HEADER: &str = "crates/capi/include/osmia.h";

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let root = place::root();
    if is_current(&root)? {
        println!("{HEADER} is current");
        return Ok(Verdict::Holds);
    }
    if options.check {
        println!("not current: {HEADER}; run `cargo xtask header` and commit the result");
        return Ok(Verdict::Fails);
    }
    std::fs::write(root.join(HEADER), make(&root)?)?;
    println!("wrote {HEADER}");
    Ok(Verdict::Holds)
}

/// True if the committed header is as it should be.
pub(crate) fn is_current(root: &Path) -> Result<bool, Error> {
    let committed = std::fs::read_to_string(root.join(HEADER));
    Ok(committed.ok() == Some(make(root)?))
}

/// The header as it should be.
fn make(root: &Path) -> Result<String, Error> {
    let bindings = cbindgen::Builder::new()
        .with_src(root.join(INTERFACE))
        .with_language(cbindgen::Language::C)
        .with_header("/* Osmia for C. Made by `cargo xtask header`: change crates/capi/src/interface.rs instead. */")
        .with_include_guard("OSMIA_H")
        .with_cpp_compat(true)
        .with_documentation(true)
        .with_style(cbindgen::Style::Type)
        .generate()
        .map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(String::from_utf8(text)?)
}
