//! Miri over the map kinds: every access of their tests is checked for undefined behaviour and for
//! races, several schedules each. A slow job; it needs a nightly toolchain with Miri.

use std::process::Command;

use crate::Verdict;
use crate::place::{self, Error};

/// The tests worth their time: memory, and maps used by several threads.
const TESTS: [&str; 12] = [
    "memory::",
    "map::pool",
    "map::runs",
    "map::lpm",
    "map::tests::linear",
    "map::tests::batch",
    "map::tests::threads::an_inner_map",
    "map::tests::threads::a_hash_with_room",
    "map::tests::threads::looking_into",
    "map::tests::sockets::sockets_close",
    "map::tests::storages::owners_come",
    "who_looks",
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Schedules tried of every test
    #[arg(long, default_value_t = 1)]
    seeds: u32,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let nightly = || {
        let mut cargo = Command::new("cargo");
        // What `cargo xtask` was started with names another toolchain.
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        cargo.current_dir(place::root()).args(["+nightly", "miri"]);
        cargo
    };
    place::run(nightly().arg("--version")).map_err(|error| {
        format!("this needs Miri (`rustup toolchain install nightly -c miri -c rust-src`): {error}")
    })?;
    let flags = format!(
        "-Zmiri-disable-isolation -Zmiri-many-seeds=0..{}",
        options.seeds.max(1)
    );
    let mut failed = false;
    for test in TESTS {
        println!("miri {test}");
        let status = nightly()
            .env("MIRIFLAGS", &flags)
            .args(["test", "-p", "osmia-vm", "--lib", test])
            .status()?;
        failed |= !status.success();
    }
    match failed {
        true => Ok(Verdict::Fails),
        false => Ok(Verdict::Holds),
    }
}
