//! The running kernel against the user-space host: every committed object, packet by packet.
//!
//! Each program is loaded twice, through Debian's libbpf into the kernel and through our own linker
//! into our host, and run on the same packets in the same order with `BPF_PROG_TEST_RUN`. Return values,
//! packets, contexts and globals must be equal after every packet, maps and records at the end.
//! Only the repository's own objects are loaded; nothing is attached or pinned. Both hosts see a network
//! made for the purpose, in a namespace of its own. Needs root, `unshare` and `ip`.

mod exceptions;
mod inputs;
mod judge;
mod kernel;
mod namespace;
mod ours;
mod sockets;

use std::collections::BTreeMap;
use std::path::Path;

use osmia::{Fault, HostProgram, Loaded, UserHost};
use serde_json::{Value, json};

use crate::place::{self, Error};
use crate::{Verdict, examples, own_network};
use inputs::{Filling, Input};
use judge::Judgement;
use kernel::Driver;
use namespace::Pass;

/// Different differences printed of one program; `--json` has all.
const FINDINGS_SHOWN: usize = 20;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only programs whose object or name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Skip programs that have no machine code
    #[arg(long, conflicts_with = "interp")]
    native: bool,
    /// Run ours in the interpreter
    #[arg(long)]
    interp: bool,
    /// Print every program, not only those with something to say
    #[arg(long)]
    verbose: bool,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if let Some(why) = place::missing_privilege() {
        println!("skipped all: {why}");
        if options.json {
            println!("{}", json!({ "skipped": why }));
        }
        return Ok(Verdict::Holds);
    }
    if !own_network::is_inside() {
        return own_network::enter();
    }
    let root = place::root();
    let driver = Driver::build()?;
    let inputs = inputs::Inputs::read(&root)?;
    let mut totals = Judgement::default();
    let mut listed = Vec::new();
    let mut sockets = Vec::new();
    for pass in [Pass::Plain, Pass::WithRules] {
        pass.begin()?;
        if sockets.is_empty() {
            sockets = sockets::open()?;
        }
        let host = ours::host(&sockets, !options.interp)?;
        for path in examples::objects(&root)? {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            if !pass.concerns(&file) {
                continue;
            }
            let linked = match ours::link(&path, &host) {
                Ok(linked) => linked,
                Err(why) => {
                    println!("{file}: skipped: not linked here: {why}");
                    continue;
                }
            };
            let filling = inputs::filling(&path, &linked.set().maps);
            for program in &linked.set().programs {
                let label = format!("{file} {}", program.name);
                let is_asked_for = |text: &String| label.contains(text.as_str());
                if !options.only.as_ref().is_none_or(is_asked_for) {
                    continue;
                }
                let mut judged = Judgement::default();
                match (
                    exceptions::of_program(&label),
                    inputs.of(program, pass.frames_max(&file)),
                ) {
                    (Some(why), _) => judged.skipped.push(why.to_owned()),
                    (None, None) => judged
                        .skipped
                        .push(format!("{} programs have no test run", program.hook.kind)),
                    (None, Some(inputs)) => {
                        let loaded = linked.load(&host, &[&program.name]);
                        let given = (filling.as_slice(), inputs.as_slice());
                        let compiled = match &loaded {
                            Ok(loaded) if options.native => loaded.code_bytes().map(drop),
                            _ => Ok(()),
                        };
                        match compiled {
                            Ok(()) => one(&label, &path, loaded, given, &driver, &mut judged)?,
                            Err(why) => judged.skipped.push(format!("no machine code: {why}")),
                        }
                    }
                }
                report(&label, &judged, options.verbose);
                listed.push(as_json(&label, &judged));
                totals.add(judged);
            }
        }
    }
    println!(
        "{} programs: {} runs agree, {} differ in {} programs, {} maps agree; {} programs and {} runs skipped",
        listed.len(),
        totals.runs,
        totals.differing_runs,
        totals.differing,
        totals.maps,
        totals.skipped.len(),
        totals.refused
    );
    if options.json {
        let all = json!({
            "programs": listed,
            "totals": {
                "programs": listed.len(),
                "runs_agree": totals.runs,
                "runs_differ": totals.differing_runs,
                "maps_agree": totals.maps,
                "differences": totals.differences.len(),
                "programs_skipped": totals.skipped.len(),
                "runs_skipped": totals.refused,
            },
        });
        println!("{all}");
    }
    Ok(if totals.differences.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// Runs one program on both sides and compares.
fn one(
    label: &str,
    path: &Path,
    loaded: Result<Loaded<'_, UserHost>, osmia::Error>,
    (filling, inputs): (&[Filling], &[Input]),
    driver: &Driver,
    judged: &mut Judgement,
) -> Result<(), Error> {
    let name = label.rsplit(' ').next().unwrap_or(label);
    let theirs = match driver.run(path, name, filling, inputs)? {
        Ok(ran) => ran,
        Err(why) => {
            let last: Vec<&str> = why.lines().collect();
            let last = last[last.len().saturating_sub(2)..].join("; ");
            judged
                .skipped
                .push(format!("the kernel refuses it: {last}"));
            return Ok(());
        }
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) if error.fault == Fault::Unsupported => {
            judged.skipped.push(format!("not supported here: {error}"));
            return Ok(());
        }
        Err(error) => {
            judged.differences.push(format!("not loaded here: {error}"));
            judged.differing = 1;
            return Ok(());
        }
    };
    let kind = loaded
        .program(name)
        .map(|program| program.program().hook.kind);
    let ours = ours::run(&loaded, name, filling, inputs, &theirs)?;
    judge::judge(label, kind, &ours, &theirs, judged);
    Ok(())
}

fn report(label: &str, judged: &Judgement, verbose: bool) {
    if !judged.differences.is_empty() {
        println!("{label}: DIFFERENT in {} runs", judged.differing_runs);
        // The same in every run is one finding.
        let mut findings: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for difference in &judged.differences {
            let (run, what) = difference.split_once(": ").unwrap_or(("", difference));
            findings.entry(what).or_insert((run, 0)).1 += 1;
        }
        for (what, (run, times)) in findings.iter().take(FINDINGS_SHOWN) {
            println!("  {run}: {what} ({times} times)");
        }
        if findings.len() > FINDINGS_SHOWN {
            println!("  and {} more", findings.len() - FINDINGS_SHOWN);
        }
    } else if verbose && judged.skipped.is_empty() {
        println!("{label}: {} runs, {} maps", judged.runs, judged.maps);
    }
    for why in &judged.skipped {
        println!("{label}: skipped: {why}");
    }
    if verbose {
        for why in &judged.ignored {
            println!("{label}: not compared: {why}");
        }
    }
}

fn as_json(label: &str, judged: &Judgement) -> Value {
    json!({
        "program": label,
        "runs_agree": judged.runs,
        "runs_skipped": judged.refused,
        "maps_agree": judged.maps,
        "differences": judged.differences,
        "skipped": judged.skipped,
        "not_compared": judged.ignored,
    })
}
