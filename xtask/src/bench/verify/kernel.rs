//! The running kernel's verifier on the same programs, through `drivers/verify_times.c`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::libbpf_driver;
use crate::place::{self, Error};

/// What the kernel did for a program that it accepts.
#[derive(Copy, Clone)]
pub(super) struct Work {
    pub(super) micros: f64,
    pub(super) insns: u64,
    pub(super) states: u64,
}

/// By object and program, what it accepts.
pub(super) fn ask(
    objects: &[PathBuf],
    rounds: usize,
) -> Result<BTreeMap<(PathBuf, String), Work>, Error> {
    let driver = libbpf_driver::build("verify_times")?;
    let output = place::run(Command::new(driver).arg(rounds.to_string()).args(objects))?;
    let text = String::from_utf8_lossy(&output);
    let mut works = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [object, program, "0", micros, insns, states] = fields[..] else {
            continue;
        };
        let work = Work {
            micros: micros.parse()?,
            insns: insns.parse()?,
            states: states.parse()?,
        };
        works.insert((Path::new(object).to_owned(), program.to_owned()), work);
    }
    Ok(works)
}
