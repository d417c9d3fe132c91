//! Every kind of place on the running kernel: attached, reached, detached. Needs root.
//!
//! `osmia attach` is given one program of `tests/attach/kinds.bpf.o` after the other, and a command that reaches
//! the place (this job, run again); the program has counted by then. Afterwards its link is gone, also if the command
//! was killed while a program was attached. What a network, a control group or a file of our own confines is
//! tried on any machine; the rest with `--everywhere`, on one that is nobody else's, such as a guest.

mod case;
mod fire;
mod ground;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use self::case::{CASES, Case};
use self::ground::Ground;
use crate::place::{self, Error};
use crate::{Verdict, own_network};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Our command; built if it is not given
    #[arg(long, value_name = "FILE")]
    osmia: Option<PathBuf>,
    /// The programs; those committed if it is not given
    #[arg(long, value_name = "FILE")]
    object: Option<PathBuf>,
    /// Also what everybody on the machine would notice
    #[arg(long)]
    everywhere: bool,
    /// Reach the places, from inside of this control group, and end
    #[arg(long, value_name = "FOLDER", hide = true)]
    fire: Option<PathBuf>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if let Some(group) = &options.fire {
        fire::fire(group)?;
        return Ok(Verdict::Holds);
    }
    if let Some(missing) = place::missing_privilege() {
        println!("skipped all: {missing}");
        return Ok(Verdict::Holds);
    }
    if !own_network::is_inside() {
        return own_network::enter();
    }
    let osmia = match &options.osmia {
        Some(osmia) => osmia.canonicalize()?,
        None => place::built_osmia()?,
    };
    let object = match &options.object {
        Some(object) => object.canonicalize()?,
        None => place::root().join("tests/attach/kinds.bpf.o"),
    };
    let ground = Ground::make()?;
    let judge = Judge {
        osmia,
        object,
        ground: &ground,
    };
    let (mut reached, mut failed, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for case in &CASES {
        if !case.confined && !options.everywhere {
            skipped.push(json!({ "kind": case.section, "why": "everybody would notice" }));
            continue;
        }
        match judge.judge(case) {
            Ok(hits) => {
                println!("{:36} {hits} times", case.section);
                reached.push(case.section);
            }
            Err(Missed::Kernel(why)) => {
                println!("{:36} skipped: {why}", case.section);
                skipped.push(json!({ "kind": case.section, "why": why }));
            }
            Err(Missed::Ours(why)) => {
                println!("{:36} FAILED: {why}", case.section);
                failed.push(json!({ "kind": case.section, "why": why }));
            }
        }
    }
    let (reached_count, skipped_count) = (reached.len(), skipped.len());
    println!(
        "attach: {reached_count} kinds attached, reached and gone afterwards, {} not, {skipped_count} skipped",
        failed.len()
    );
    if options.json {
        let line = json!({ "reached": reached, "failed": failed, "skipped": skipped });
        println!("{line}");
    }
    Ok(match failed.is_empty() {
        true => Verdict::Holds,
        false => Verdict::Fails,
    })
}

/// Why a kind was not seen to work.
enum Missed {
    /// This kernel does not have it.
    Kernel(String),
    /// We did not do it.
    Ours(String),
}

impl From<std::io::Error> for Missed {
    fn from(error: std::io::Error) -> Self {
        Missed::Ours(error.to_string())
    }
}

struct Judge<'a> {
    osmia: PathBuf,
    object: PathBuf,
    ground: &'a Ground,
}

impl Judge<'_> {
    /// How often a program ran.
    fn judge(&self, case: &Case) -> Result<u64, Missed> {
        let output = self
            .attach(case)
            .arg("--")
            .arg(&self.ground.fire)
            .args(["attach", "--fire"])
            .arg(&self.ground.group)
            .output()?;
        let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let complaint = complaint(&output.stderr);
        let (Some(start), Some(result)) = (line(&lines, "start"), line(&lines, "result")) else {
            return Err(match is_kernels(&complaint) {
                true => Missed::Kernel(complaint),
                false => Missed::Ours(complaint),
            });
        };
        if !output.status.success() {
            return Err(Missed::Ours(format!("{}: {complaint}", output.status)));
        }
        self.is_gone(start)?;
        let hits = result["globals"].as_array().into_iter().flatten();
        let name = format!("{}_hits", case.program);
        let hits = hits.filter(|global| global["name"] == name);
        let hits = hits.filter_map(|global| global["value"].as_u64()).sum();
        if hits == 0 {
            return Err(Missed::Ours("nothing reached it".to_owned()));
        }
        self.is_gone_after_a_kill(case)?;
        Ok(hits)
    }

    fn attach(&self, case: &Case) -> Command {
        let mut command = Command::new(&self.osmia);
        command.arg("attach").arg(&self.object).arg("--json");
        command.args(["--prog", case.program]);
        for flag in case.flags {
            match *flag {
                "{group}" => command.arg(&self.ground.group),
                "{fire}" => command.arg(format!("{}:main", self.ground.fire.display())),
                flag => command.arg(flag),
            };
        }
        command
    }

    /// Killed while it is attached: nothing stays.
    fn is_gone_after_a_kill(&self, case: &Case) -> Result<(), Missed> {
        if case.section.starts_with("iter") {
            // It is over by itself.
            return Ok(());
        }
        let mut child = self
            .attach(case)
            .args(["--for", "60"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut first = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut first)?;
        }
        child.kill()?;
        child.wait()?;
        let start = serde_json::from_str(&first);
        let start: Value = start.map_err(|_| Missed::Ours(format!("it began with: {first}")))?;
        self.is_gone(&start)
    }

    /// True to the kernel's word.
    fn is_gone(&self, start: &Value) -> Result<(), Missed> {
        let links = start["programs"][0]["links"].as_array();
        for id in links.into_iter().flatten().filter_map(Value::as_u64) {
            // What lets go of a link may take a moment: perf events wait for their CPUs.
            let mut patience = 50;
            while self.is_there(id)? {
                patience -= 1;
                if patience == 0 {
                    return Err(Missed::Ours(format!("link {id} stays behind")));
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn is_there(&self, link: u64) -> Result<bool, Missed> {
        let shown = Command::new(&self.osmia)
            .args(["--on", "linux", "link", "show", "id", &link.to_string()])
            .output()?;
        Ok(shown.status.success())
    }
}

fn line<'l>(lines: &'l [Value], kind: &str) -> Option<&'l Value> {
    lines.iter().find(|line| line["type"] == kind)
}

/// The first thing that was complained of.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let messages = text.lines().filter_map(|line| {
        let said: Value = serde_json::from_str(line).ok()?;
        (said["severity"] == "error")
            .then(|| said["message"].as_str().unwrap_or_default().to_owned())
    });
    messages.collect::<Vec<_>>().join("; ")
}

/// True for what a kernel without a feature says.
fn is_kernels(complaint: &str) -> bool {
    ["ENOENT", "EOPNOTSUPP", "EPERM", "E524", "there is no type"]
        .iter()
        .any(|said| complaint.contains(said))
}
