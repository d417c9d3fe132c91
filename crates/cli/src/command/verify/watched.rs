//! What was watched, as text: lines by visits, what is known at a line, the log.

use osmia::Judged;

use crate::console::Console;
use crate::table::{Align, Table};

/// Lines shown by visits.
const LINES_MAX: usize = 20;

pub(super) fn show(console: &mut Console, judged: &Judged, line: Option<u32>) {
    console.text(&judged.kernel_log);
    if !judged.heat.is_empty() {
        let total: u64 = judged.heat.iter().map(|line| line.visits).sum();
        console.heading(&format!("{}: {total} visits", judged.program));
        let mut table = Table::new(&[
            ("visits", Align::Right),
            ("share", Align::Right),
            ("line", Align::Right),
            ("", Align::Left),
        ]);
        for line in judged.heat.iter().take(LINES_MAX) {
            let share = line.visits as f64 * 100.0 / total as f64;
            table.row([
                line.visits.to_string(),
                format!("{share:.1} %"),
                line.line.to_string(),
                line.text.clone(),
            ]);
        }
        show_table(console, &table);
        if judged.heat.len() > LINES_MAX {
            console.line(&format!("{} more lines", judged.heat.len() - LINES_MAX));
        }
    }
    if let Some(line) = line {
        if judged.known.is_empty() {
            console.line(&format!("{}: no path comes to line {line}", judged.program));
        }
        for at in &judged.known {
            let states = if at.states == 1 {
                "1 state".to_owned()
            } else {
                format!("{} states", at.states)
            };
            console.heading(&format!(
                "{}: line {line}, instruction {}, {states}",
                judged.program, at.insn
            ));
            let mut table = Table::new(&[
                ("", Align::Left),
                ("in the kernel's style", Align::Left),
                ("in words", Align::Left),
            ]);
            for value in &at.values {
                table.row([
                    value.place.clone(),
                    value.values.join(" or "),
                    value.words.join("; or "),
                ]);
            }
            show_table(console, &table);
        }
    }
}

fn show_table(console: &mut Console, table: &Table) {
    let (head, rows) = table.lines();
    console.heading(&head);
    for row in rows {
        console.line(&row);
    }
}
