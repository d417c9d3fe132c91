//! `osmia verify`: whether programs are safe by Linux's rules, before any kernel is involved.

mod log;
mod matrix;
mod rights;
mod sarif;
mod story;
mod watched;

use std::path::PathBuf;

use clap::Args;
use osmia::{Error, Judged, Release, Rules, TargetName, Watching};
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
  osmia verify automaton.bpf.o --target osmia
  osmia verify lb.bpf.o --matrix
  osmia verify lb.bpf.o --heat
  osmia verify lb.bpf.o --show-state 42
  bpftool -d prog load lb.bpf.o /sys/fs/bpf/lb 2>&1 | osmia verify --explain-log -")]
pub(crate) struct Verify {
    #[command(flatten)]
    object: ObjectFlags,
    /// Only this program.
    #[arg(long, value_name = "NAME", help_heading = "Program")]
    prog: Option<String>,
    /// What the person who loads the programs may do.
    #[arg(long, value_enum, default_value_t, help_heading = "Machine")]
    caps: Rights,
    /// Predict for a release of Linux, linux-5.4 to linux-6.18: refuse what came later; or, with `osmia`,
    /// take safe programs that Linux's verifier gives up on.
    #[arg(long, value_name = "linux-X.Y|osmia", help_heading = "Machine")]
    target: Option<TargetName>,
    /// The object whose functions extension programs (`freplace`) replace, and `fentry` and `fexit`
    /// programs look at.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["matrix", "explain_log"], help_heading = "Input")]
    extends: Option<PathBuf>,
    /// Predict which releases should take the object, and why others should not.
    #[arg(long, conflicts_with_all = ["target", "caps", "stats"], help_heading = "Output")]
    matrix: bool,
    /// Say how much work each verdict took.
    #[arg(long, help_heading = "Output")]
    stats: bool,
    /// Say which source lines the work went to.
    #[arg(long, conflicts_with_all = ["matrix", "explain_log"], help_heading = "Output")]
    heat: bool,
    /// Say what is known when a source line begins, all paths together; without line information
    /// LINE is an instruction.
    #[arg(long, value_name = "LINE", conflicts_with_all = ["matrix", "explain_log"], help_heading = "Output")]
    show_state: Option<u32>,
    /// Print every instruction with what is known, in the style of the kernel's log level 2.
    #[arg(long, conflicts_with_all = ["matrix", "explain_log"], help_heading = "Output")]
    kernel_log: bool,
    /// FILE is the log of a kernel's verifier, of any age and with what loaders print around it (-
    /// for standard input): explain the rejection in it.
    #[arg(long, conflicts_with_all = ["matrix", "stats", "target", "prog"], help_heading = "Input")]
    explain_log: bool,
    /// Print SARIF 2.1.0, for editors and code review.
    #[arg(long, conflicts_with_all = ["matrix", "json", "stats", "heat", "show_state", "kernel_log"], help_heading = "Output")]
    sarif: bool,
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
    /// Whose rules they are by, if not Linux's.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<TargetName>,
    programs: &'a [Judged],
}

impl Verify {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        if self.explain_log {
            return log::show(console, self.object.files(), self.json, self.sarif);
        }
        let object = self.object.open(console)?;
        let mut target = self.object.user_options(&object, true, console)?.target();
        let wanted = self.prog.as_deref();
        if self.matrix {
            let options = self.object.link_options(wanted);
            let predicted = object.predict(&target, &options, wanted)?;
            return Ok(matrix::show(console, &predicted, self.json));
        }
        if let Some(name) = self.target {
            target = name.of(&target);
        }
        let mut linked = self.object.link(&object, &target, wanted, console)?;
        if let Some(path) = &self.extends {
            let other = osmia::Object::open(path)?;
            linked.extend(&other.link(&target, &osmia::LinkOptions::default())?);
        }
        let watching = Watching {
            heat: self.heat,
            kernel_log: self.kernel_log,
            state_at: self.show_state,
        };
        let privilege = self.caps.privilege();
        let judged = linked.verify_watching(privilege, &target, wanted, &watching)?;
        for one in &judged {
            match (&one.explanation, &one.reason) {
                _ if self.sarif => {}
                (Some(explanation), _) if !self.json => {
                    console.complaint(|paint| story::text(explanation, &one.program, paint));
                }
                (_, Some(reason)) => console.diagnostic(reason),
                _ => {}
            }
        }
        if self.sarif {
            let found = judged
                .iter()
                .filter_map(|one| Some((one.program.as_str(), one.explanation.as_ref()?)));
            let file = self.object.files()[0].display().to_string();
            console.value(&sarif::document(&file, found));
        } else if self.json {
            console.value(&Document {
                schema: "osmia.verify/1",
                prediction_for: self.target.and_then(TargetName::release),
                rules: (target.rules == Rules::Osmia).then_some(TargetName::Osmia),
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
            match self.target {
                Some(TargetName::Linux(release)) => {
                    line += &format!(" (prediction for linux-{release})");
                }
                Some(TargetName::Osmia) => line += " (by Osmia's verifier, which no kernel has)",
                None => {}
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
            watched::show(console, one, self.show_state);
            console.line(&line);
        }
    }
}
