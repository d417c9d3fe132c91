//! `osmia verify`: whether programs are safe by Linux's rules, before any kernel is involved.

mod matrix;
mod rights;
mod story;

use clap::Args;
use osmia::{Error, Judged, Release, as_release};
use serde::Serialize;

use self::rights::Rights;
use super::object::ObjectFlags;
use crate::console::Console;
use crate::exit::Exit;

/// Say whether programs would pass Linux's verifier, and if not, where and why.
///
/// Every path is explored with what is known about each value, as Linux 6.18 does it, for a privileged
/// user unless `--caps` says otherwise. What the verifier does not know yet it says (`verify-unsupported`).
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia verify examples/hello.bpf.o
  osmia verify lb.bpf.o --prog balance --stats
  osmia verify filter.bpf.o --caps none
  osmia verify lb.bpf.o --target linux-5.10
  osmia verify lb.bpf.o --matrix")]
pub(crate) struct Verify {
    #[command(flatten)]
    object: ObjectFlags,
    /// Only this program.
    #[arg(long, value_name = "NAME", help_heading = "Program")]
    prog: Option<String>,
    /// What the person who loads the programs may do.
    #[arg(long, value_enum, default_value_t, help_heading = "Machine")]
    caps: Rights,
    /// Predict for a release of Linux, linux-5.4 to linux-6.18: refuse what came later.
    #[arg(long, value_name = "linux-X.Y", help_heading = "Machine")]
    target: Option<Release>,
    /// Predict which releases should take the object, and why others should not.
    #[arg(long, conflicts_with_all = ["target", "caps", "stats"], help_heading = "Output")]
    matrix: bool,
    /// Say how much work each verdict took.
    #[arg(long, help_heading = "Output")]
    stats: bool,
    /// Print JSON.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// JSON: schema `osmia.verify/1`, described in `docs/json.md`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    /// The release the verdicts are predictions for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction_for: Option<Release>,
    programs: &'a [Judged],
}

impl Verify {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        let object = self.object.open(console)?;
        let mut target = self.object.user_options(&object, true)?.target();
        let wanted = self.prog.as_deref();
        if self.matrix {
            let options = self.object.link_options(wanted);
            let predicted = object.predict(&target, &options, wanted)?;
            return Ok(matrix::show(console, &predicted, self.json));
        }
        if let Some(release) = self.target {
            target = as_release(&target, release);
        }
        let linked = self.object.link(&object, &target, wanted, console)?;
        let judged = linked.verify_as(self.caps.privilege(), &target, wanted)?;
        for one in &judged {
            match (&one.explanation, &one.reason) {
                (Some(explanation), _) if !self.json => {
                    console.complaint(|paint| story::text(explanation, &one.program, paint));
                }
                (_, Some(reason)) => console.diagnostic(reason),
                _ => {}
            }
        }
        if self.json {
            console.value(&Document {
                schema: "osmia.verify/1",
                prediction_for: self.target,
                programs: &judged,
            });
        } else {
            self.show(console, &judged);
        }
        let rejected = judged.iter().any(|one| one.judged && !one.accepted);
        Ok(if rejected {
            Exit::Negative
        } else if judged.iter().all(|one| one.accepted) {
            Exit::Ok
        } else {
            Exit::NotHere
        })
    }

    fn show(&self, console: &mut Console, judged: &[Judged]) {
        for one in judged {
            let verdict = match (one.judged, one.accepted) {
                (false, _) => "not judged",
                (true, true) => "accepted",
                (true, false) => "rejected",
            };
            let mut line = format!("{}: {verdict}", one.program);
            if let Some(release) = self.target {
                line += &format!(" (prediction for linux-{release})");
            }
            if self.stats {
                let micros = one.duration_ns / 1000;
                line += &format!(
                    " ({} instructions visited, {} states kept, {micros} µs",
                    one.insns_visited, one.states
                );
                if let Some(nanos) = one.check_ns {
                    line += &format!(", {} of them checking", nanos / 1000);
                }
                line.push(')');
            }
            console.line(&line);
        }
    }
}
