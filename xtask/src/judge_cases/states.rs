//! Our log in the kernel's style beside the kernel's own, line by line.

use std::path::Path;

use osmia_program::{MapSpec, Program, Target};
use osmia_verify::explain::{LoggedPaths, Wish};
use osmia_verify::{Options, verify_and_watch};

/// Lines that show an instruction and what is known after it.
#[derive(Default)]
pub(super) struct Lines {
    /// The kernel's.
    theirs: usize,
    /// Those of ours that are the same, up to ids and the names of maps.
    same: usize,
    /// Those that are the same to the letter.
    identical: usize,
    /// Programs compared.
    programs: usize,
}

impl Lines {
    pub(super) fn add(&mut self, other: &Lines) {
        self.theirs += other.theirs;
        self.same += other.same;
        self.identical += other.identical;
        self.programs += other.programs;
    }

    pub(super) fn show(&self) {
        println!(
            "states: {} programs, {} lines of the kernel, {} the same, {} to the letter",
            self.programs, self.theirs, self.same, self.identical
        );
    }
}

/// Compares one program's logs, as far as both take the same way; `show` prints what differs.
pub(super) fn compare(
    log: &Path,
    program: &Program,
    maps: &[MapSpec],
    target: &Target,
    show: bool,
) -> Lines {
    let Ok(theirs) = std::fs::read_to_string(log) else {
        return Lines::default();
    };
    let wish = Wish {
        kernel_log: Some(LoggedPaths::Every),
        ..Wish::default()
    };
    let options = Options {
        check_certificate: false,
        ..Options::default()
    };
    let (_, _, seen) = verify_and_watch(program, maps, target, &options, &wish);
    let (theirs, ours) = (instructions(&theirs), instructions(&seen.kernel_log));
    let pairs = || theirs.iter().zip(&ours);
    if show {
        for (a, b) in pairs().filter(|(a, b)| without_ids(a) != without_ids(b)) {
            println!("theirs {a}\nours   {b}");
        }
    }
    Lines {
        theirs: theirs.len(),
        same: pairs()
            .filter(|(a, b)| without_ids(a) == without_ids(b))
            .count(),
        identical: pairs().filter(|(a, b)| a == b).count(),
        programs: 1,
    }
}

/// The lines of instructions with their states, which the kernel puts on a line of their own when it
/// has something to say in between; addresses of maps and blanks do not count.
fn instructions(log: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut after_branch = false;
    for line in log.lines() {
        let Some((number, rest)) = line.split_once(": ") else {
            after_branch |= line.is_empty();
            continue;
        };
        if number.starts_with("from ") {
            after_branch = true;
            continue;
        }
        if number.parse::<usize>().is_err() {
            continue;
        }
        if rest.starts_with('(') {
            let words: Vec<&str> = rest.split_whitespace().map(address).collect();
            found.push(format!("{number}: {}", words.join(" ")));
            after_branch = false;
        } else if !after_branch
            && let Some(last) = found.last_mut().filter(|last| !last.contains("; "))
        {
            let words: Vec<&str> = rest.split_whitespace().collect();
            *last += &format!(" ; {}", words.join(" "));
        }
    }
    found
}

fn address(word: &str) -> &str {
    if word.starts_with("0xffff") && word.len() == 18 || word.starts_with("map[") {
        "MAP"
    } else {
        word
    }
}

/// A line without ids and without names of maps, which the case file does not have.
fn without_ids(line: &str) -> String {
    let mut text = line.to_owned();
    for key in ["id=", "map="] {
        let mut parts = text.split(key);
        let mut rest = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find([',', ')']).unwrap_or(part.len());
            let tail = &part[end..];
            rest += tail.strip_prefix(',').unwrap_or(tail);
        }
        text = rest;
    }
    text
}
