//! `osmia verify --matrix`: which releases should take an object.

use osmia::{Predicted, Release};
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::table::{Align, Table};

/// JSON: schema `osmia.matrix/1`, described in `docs/json.md`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    /// Nobody asked these kernels.
    prediction: bool,
    releases: &'a [Predicted],
}

/// Shows what is predicted, one row for releases of one mind.
pub(super) fn show(console: &mut Console, predicted: &[Predicted], json: bool) -> Exit {
    if json {
        console.value(&Document {
            schema: "osmia.matrix/1",
            prediction: true,
            releases: predicted,
        });
    } else {
        let table = table(predicted);
        let (heading, rows) = table.lines();
        console.heading(&heading);
        for row in rows {
            console.line(&row);
        }
        console.line("Predictions: mainline's features, and the verifier of linux-6.18.");
    }
    let takes = |verdict| predicted.iter().any(|one| one.takes == verdict);
    match (takes(Some(true)), takes(None)) {
        (true, _) => Exit::Ok,
        (false, true) => Exit::NotHere,
        (false, false) => Exit::Negative,
    }
}

fn table(predicted: &[Predicted]) -> Table {
    let mut table = Table::new(&[
        ("releases", Align::Left),
        ("take it", Align::Left),
        ("program", Align::Left),
        ("first reason", Align::Left),
    ]);
    let mut rows: Vec<(Release, &Predicted)> = Vec::new();
    for one in predicted {
        match rows.last_mut() {
            Some((_, last)) if is_same(last, one) => *last = one,
            _ => rows.push((one.release, one)),
        }
    }
    for (first, last) in rows {
        let releases = match first == last.release {
            true => first.to_string(),
            false => format!("{first} to {}", last.release),
        };
        let takes = match last.takes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let program = last.program.clone().unwrap_or_default();
        table.row([releases, takes.to_owned(), program, reason(last)]);
    }
    table
}

/// The reason without what differs between releases: the release's own name.
fn reason(one: &Predicted) -> String {
    let reason = one.reason.as_ref();
    let text = reason.map_or(String::new(), |reason| reason.message.clone());
    let own = format!("linux-{} has ", one.release);
    text.strip_prefix(&own).map_or(text.clone(), str::to_owned)
}

fn is_same(one: &Predicted, other: &Predicted) -> bool {
    one.takes == other.takes && one.program == other.program && reason(one) == reason(other)
}
