//! The committed counts of every program: what verification costs wherever it runs.
//!
//! Times are compared with the kernel's only; instructions, states and bytes are the same in every
//! run, so a change of them is a change of the verifier.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::Verdict;
use crate::place::{self, Error};

/// What a program took.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) insns: u64,
    pub(super) states: u64,
    pub(super) bytes: u64,
}

type Table = BTreeMap<String, Counts>;

fn file() -> PathBuf {
    place::root().join("xtask/src/bench/verify/baseline.txt")
}

/// Compares with the committed counts, or commits these where `BLESS=1` asks for it.
pub(super) fn compare(kernel: &str, now: &Table) -> Result<Verdict, Error> {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file(), write(kernel, now))?;
        println!("baseline written: {} programs", now.len());
        return Ok(Verdict::Holds);
    }
    let text = std::fs::read_to_string(file())?;
    let (measured_on, known) = read(&text).ok_or("the baseline is no table")?;
    if measured_on != kernel {
        println!("baseline not compared: it is of Linux {measured_on}, whose types differ");
        return Ok(Verdict::Holds);
    }
    let differences = differences(&known, now);
    differences.iter().for_each(|line| println!("{line}"));
    println!(
        "baseline: {} programs, {} differ (BLESS=1 writes it anew)",
        known.len(),
        differences.len()
    );
    Ok(match differences.is_empty() {
        true => Verdict::Holds,
        false => Verdict::Fails,
    })
}

fn differences(known: &Table, now: &Table) -> Vec<String> {
    let shown = |counts: Option<&Counts>| match counts {
        Some(Counts {
            insns,
            states,
            bytes,
        }) => format!("{insns} instructions, {states} states, {bytes} bytes"),
        None => "not there".to_owned(),
    };
    let names: std::collections::BTreeSet<&String> = known.keys().chain(now.keys()).collect();
    (names.into_iter())
        .filter(|&name| known.get(name) != now.get(name))
        .map(|name| {
            let (known, now) = (shown(known.get(name)), shown(now.get(name)));
            format!("{name}: {known} in the baseline, {now} now")
        })
        .collect()
}

fn write(kernel: &str, table: &Table) -> String {
    let mut text = format!(
        "# On Linux {kernel}. Program, instructions visited, states kept, bytes at most.\n"
    );
    for (name, counts) in table {
        let Counts {
            insns,
            states,
            bytes,
        } = counts;
        text += &format!("{name} {insns} {states} {bytes}\n");
    }
    text
}

/// The kernel it was made on, and the counts.
fn read(text: &str) -> Option<(&str, Table)> {
    let mut lines = text.lines();
    let kernel = lines.next()?.strip_prefix("# On Linux ")?;
    let kernel = kernel.split_once(". ")?.0;
    let row = |line: &str| {
        let mut fields = line.split(' ');
        let name = fields.next()?.to_owned();
        let mut number = || fields.next()?.parse().ok();
        let counts = Counts {
            insns: number()?,
            states: number()?,
            bytes: number()?,
        };
        Some((name, counts))
    };
    Some((kernel, lines.map(row).collect::<Option<Table>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, [u64; 3])]) -> Table {
        let row = |&(name, [insns, states, bytes]): &(&str, [u64; 3])| {
            let counts = Counts {
                insns,
                states,
                bytes,
            };
            (name.to_owned(), counts)
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let table = table(&[
            ("a.bpf.o:first", [1, 2, 3]),
            ("b.bpf.o:second", [40, 5, 600]),
        ]);
        let text = write("6.18.0", &table);
        assert!(read(&text).is_some_and(|read| read == ("6.18.0", table)));
    }

    #[test]
    fn a_change_and_a_program_that_is_gone_are_told() {
        let known = table(&[("a", [1, 2, 3]), ("b", [4, 5, 6]), ("c", [7, 8, 9])]);
        let now = table(&[("a", [1, 2, 3]), ("b", [4, 5, 7])]);
        assert_eq!(
            differences(&known, &now),
            [
                "b: 4 instructions, 5 states, 6 bytes in the baseline, 4 instructions, 5 states, 7 bytes now",
                "c: 7 instructions, 8 states, 9 bytes in the baseline, not there now",
            ]
        );
    }
}
