//! What was measured, as a table for people and as JSON.

use serde_json::{Value, json};

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
        "list": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    })
}
