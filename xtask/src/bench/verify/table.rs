//! What was measured, as a table for people and as JSON.

use serde_json::{Value, json};

use super::baseline::Counts;
use super::kernel::Work;
use super::{Ours, Row};

/// Programs that took less in the kernel are shorter than its clock is exact.
const SHORTEST_MICROS: f64 = 5.0;

/// A program both accept, long enough to be timed.
struct Timed<'r> {
    ours: &'r Ours,
    kernel: Work,
}

impl Timed<'_> {
    fn ratio(&self) -> f64 {
        self.ours.micros / self.kernel.micros
    }
}

impl Row {
    fn timed(&self) -> Option<Timed<'_>> {
        let kernel = self.kernel?;
        let counts = self.ours.accepted && kernel.micros >= SHORTEST_MICROS;
        counts.then_some(Timed {
            ours: &self.ours,
            kernel,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.ours.accepted {
            true => "accepted",
            false => "rejected",
        }
    }

    fn to_json(&self) -> Value {
        let counts = self.ours.counts;
        json!({
            "program": self.name,
            "verdict": self.verdict(),
            "insns": counts.insns,
            "states": counts.states,
            "bytes": counts.bytes,
            "micros": self.ours.micros,
            "merged": {
                "accepted": self.merged.accepted,
                "insns": self.merged.counts.insns,
                "states": self.merged.counts.states,
                "bytes": self.merged.counts.bytes,
                "micros": self.merged.micros,
            },
            "kernel": self.kernel.map(|kernel| json!({
                "insns": kernel.insns,
                "states": kernel.states,
                "micros": kernel.micros,
            })),
        })
    }
}

/// Every program with its counts.
pub(super) fn counts(rows: &[Row]) -> Value {
    merging(rows);
    json!({ "list": rows.iter().map(Row::to_json).collect::<Vec<_>>() })
}

/// Every program, the slowest beside the kernel first, and what they make together.
pub(super) fn show(rows: &mut [Row]) -> Value {
    let slowness = |row: &Row| row.timed().map_or(0.0, |timed| timed.ratio());
    rows.sort_by(|a, b| slowness(b).total_cmp(&slowness(a)));
    println!(
        "{:52} {:8} {:>9} {:>9} {:>6} {:>7} {:>7} {:>6} {:>6} {:>6}",
        "slowest beside the kernel first",
        "",
        "µs",
        "kernel",
        "ratio",
        "insns",
        "kernel",
        "states",
        "kernel",
        "kB"
    );
    for row in rows.iter() {
        let (ours, counts) = (&row.ours, row.ours.counts);
        let kernel = |of: fn(Work) -> f64, digits: usize| {
            (row.kernel).map_or("-".to_owned(), |work| format!("{:.digits$}", of(work)))
        };
        let ratio = (row.timed()).map_or("-".to_owned(), |timed| format!("{:.2}", timed.ratio()));
        println!(
            "{:52} {} {:9.1} {:>9} {ratio:>6} {:7} {:>7} {:6} {:>6} {:6}",
            row.name,
            row.verdict(),
            ours.micros,
            kernel(|work| work.micros, 0),
            counts.insns,
            kernel(|work| work.insns as f64, 0),
            counts.states,
            kernel(|work| work.states as f64, 0),
            counts.bytes.div_ceil(1000),
        );
    }
    together(rows)
}

/// What merging states does to the work: the programs that only it accepts, and how the others fare.
fn merging(rows: &[Row]) -> Value {
    let both = || (rows.iter()).filter(|row| row.ours.accepted && row.merged.accepted);
    let count = |holds: fn(u64, u64) -> bool| {
        let holds = |row: &&Row| holds(row.merged.counts.insns, row.ours.counts.insns);
        both().filter(holds).count()
    };
    let sum = |of: fn(&Row) -> u64| both().map(of).sum::<u64>();
    let (fewer, more) = (
        count(|merged, ours| merged < ours),
        count(|merged, ours| merged > ours),
    );
    let (insns, merged) = (
        sum(|row| row.ours.counts.insns),
        sum(|row| row.merged.counts.insns),
    );
    let only = |row: &&Row| row.merged.accepted && !row.ours.accepted;
    let only: Vec<&Row> = rows.iter().filter(only).collect();
    let lost = (rows.iter())
        .filter(|row| row.ours.accepted && !row.merged.accepted)
        .count();
    for row in &only {
        let Counts {
            insns,
            states,
            bytes,
        } = row.merged.counts;
        println!(
            "only with merged states: {:40} {insns} insns, {states} states, {} kB, {:.0} µs",
            row.name,
            bytes.div_ceil(1000),
            row.merged.micros
        );
    }
    println!(
        "with merged states {} more programs are accepted and {lost} fewer; of {} others {fewer} take fewer instructions, {more} more; {merged} in place of {insns}",
        only.len(),
        both().count()
    );
    json!({
        "only": only.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        "lost": lost,
        "fewer_insns": fewer,
        "more_insns": more,
        "insns": merged,
        "insns_without": insns,
    })
}

fn together(rows: &[Row]) -> Value {
    let timed: Vec<Timed<'_>> = rows.iter().filter_map(Row::timed).collect();
    let count = |of: &dyn Fn(&Timed<'_>) -> bool| timed.iter().filter(|timed| of(timed)).count();
    let sum = |of: fn(&Timed<'_>) -> f64| timed.iter().map(of).sum::<f64>();
    let median = timed.get(timed.len() / 2).map_or(f64::NAN, Timed::ratio);
    let twice = count(&|timed| timed.ratio() > 2.0);
    let no_more = count(&|timed| timed.ours.counts.states <= timed.kernel.states);
    let ours = sum(|timed| timed.ours.micros) / sum(|timed| timed.ours.counts.insns as f64);
    let theirs = sum(|timed| timed.kernel.micros) / sum(|timed| timed.kernel.insns as f64);
    let skipped = rows.len() - timed.len();
    println!(
        "{} programs both accept, {skipped} skipped (refused by one side, or under {SHORTEST_MICROS} µs in the kernel)",
        timed.len()
    );
    println!(
        "time here ÷ the kernel's: median {median:.2}, over 2 in {twice}; no more states in {no_more}; {ours:.3} µs an instruction here, {theirs:.3} there"
    );
    json!({
        "programs": timed.len(),
        "median_ratio": median,
        "over_twice": twice,
        "no_more_states": no_more,
        "micros_per_insn": ours,
        "kernel_micros_per_insn": theirs,
        "merging": merging(rows),
        "list": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    })
}
