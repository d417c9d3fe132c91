//! The running kernel's `BPF_PROG_LOAD`, through `drivers/load_times.c`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::libbpf_driver;
use crate::place::{self, Error};

/// Microseconds by object and program.
pub(super) type Times = BTreeMap<(PathBuf, String), f64>;

/// Of the programs it accepts, the least of so many loads each.
pub(super) fn ask(objects: &[PathBuf], rounds: usize) -> Result<Times, Error> {
    let driver = libbpf_driver::build("load_times")?;
    let output = place::run(Command::new(driver).arg(rounds.to_string()).args(objects))?;
    let text = String::from_utf8_lossy(&output);
    let mut times = Times::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [object, program, "0", nanoseconds] = fields[..] else {
            continue;
        };
        let micros = nanoseconds.parse::<f64>()? / 1e3;
        times.insert((Path::new(object).to_owned(), program.to_owned()), micros);
    }
    Ok(times)
}
