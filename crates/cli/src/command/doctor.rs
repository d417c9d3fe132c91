//! `osmia doctor`: what this machine allows, and how to open what it does not.

use clap::Args;
use osmia::Error;
use osmia::doctor::{Finding, State, examine};
use serde_json::json;

use crate::console::Console;
use crate::exit::Exit;
use crate::table::{Align, Table};

/// Say what this machine allows, what that opens, and how to open the rest.
#[derive(Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

const SCHEMA: &str = "osmia.doctor/1";

impl Doctor {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let findings = examine();
        if self.json {
            console.value(&json!({ "schema": SCHEMA, "findings": findings }));
            return Ok(Exit::Ok);
        }
        let mut table = Table::new(&[
            ("what", Align::Left),
            ("is", Align::Left),
            ("found", Align::Left),
            ("opens", Align::Left),
        ]);
        for finding in &findings {
            table.row(
                [
                    finding.name,
                    word(finding.state),
                    &finding.found,
                    finding.opens,
                ]
                .map(str::to_owned),
            );
        }
        let (heading, rows) = table.lines();
        console.heading(&heading);
        rows.iter().for_each(|row| console.line(row));
        let closed: Vec<&Finding> = findings.iter().filter(|f| f.way.is_some()).collect();
        if !closed.is_empty() {
            console.line("");
            console.heading("to open the rest");
        }
        for finding in closed {
            console.line(&format!(
                "{}: {}",
                finding.name,
                finding.way.unwrap_or_default()
            ));
        }
        Ok(Exit::Ok)
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Closed => "closed",
        State::Unknown => "unknown",
    }
}
