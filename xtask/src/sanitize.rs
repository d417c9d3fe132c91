//! A sanitizer over the map kinds: the tests that use maps from several threads, or their memory, as
//! machine code that watches every access. A slow job; it needs a nightly toolchain with the sources
//! of the standard library, which is built anew so that it is watched, too.

use std::process::Command;

use clap::ValueEnum;

use crate::Verdict;
use crate::place::{self, Error};

/// The tests worth their time.
const TESTS: [&str; 2] = ["map::", "memory::"];
/// Sanitizers want to be told what they build for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What is looked for.
#[derive(Copy, Clone, Debug, ValueEnum)]
enum Sanitizer {
    /// Races between threads
    Thread,
    /// Accesses outside of what is allocated, or after it was freed
    Address,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What is looked for
    #[arg(value_enum, default_value = "thread")]
    sanitizer: Sanitizer,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let nightly = || {
        let mut cargo = Command::new("cargo");
        // What `cargo xtask` was started with names another toolchain.
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        cargo.current_dir(place::root()).arg("+nightly");
        cargo
    };
    let sources = Command::new("rustc")
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["+nightly", "--print", "sysroot"])
        .output()?;
    let sysroot = String::from_utf8_lossy(&sources.stdout).trim().to_owned();
    let library = place::root()
        .join(sysroot)
        .join("lib/rustlib/src/rust/library");
    if !library.is_dir() {
        return Err("this needs the standard library's sources (`rustup toolchain install nightly -c rust-src`)".into());
    }
    let name = match options.sanitizer {
        Sanitizer::Thread => "thread",
        Sanitizer::Address => "address",
    };
    let mut failed = false;
    for test in TESTS {
        println!("{name} sanitizer, {test}");
        let status = nightly()
            .env("RUSTFLAGS", format!("-Zsanitizer={name}"))
            .args(["test", "-Zbuild-std", "--target", TARGET])
            // Apart, since everything is built otherwise.
            .args(["--target-dir", "target/sanitize"])
            .args(["-p", "osmia-vm", "--lib", test])
            .status()?;
        failed |= !status.success();
    }
    match failed {
        true => Ok(Verdict::Fails),
        false => Ok(Verdict::Holds),
    }
}
