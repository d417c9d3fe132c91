//! Which packets a classic filter keeps: tcpdump's answer and ours.
//!
//! `tcpdump -ddd` compiles an expression, `tcpdump -r` says which frames of a capture it keeps. Here the same
//! instructions are translated to eBPF and run as a socket filter on every frame. Nothing is captured
//! and no interface is opened.

mod expressions;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use osmia_isa::classic::{self, ClassicInsn, ClassicUse, TranslateError};
use osmia_program::{Function, Hook, Program, ProgramFlags, ProgramKind, ProgramParts};
use osmia_user::capture::{CaptureReader, Packet};
use osmia_vm::{Code, Environment, Layer, Machine};
use serde_json::json;

use crate::Verdict;
use crate::place::{self, Error};
use expressions::EXPRESSIONS;

const CAPTURES: [&str; 2] = ["examples/ping.pcap", "tests/kernel/varied.pcap"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only expressions that contain this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Counts {
    expressions: usize,
    packets: usize,
    kept: usize,
    differences: Vec<String>,
    skipped: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    if !place::is_installed("tcpdump") {
        println!("skipped all: tcpdump is not installed");
        if options.json {
            println!("{}", json!({ "skipped": "tcpdump is not installed" }));
        }
        return Ok(Verdict::Holds);
    }
    let mut machine = Machine::new(Environment::repeatable(0)).ok_or("no memory")?;
    let captures = CAPTURES.map(|name| place::root().join(name));
    let frames = captures.iter().map(|path| read(path));
    let frames: Vec<Vec<Vec<u8>>> = frames.collect::<Result<_, Error>>()?;
    let mut counts = Counts::default();
    for expression in EXPRESSIONS {
        if options
            .only
            .as_ref()
            .is_some_and(|text| !expression.contains(text.as_str()))
        {
            continue;
        }
        let code = match translated(expression, &captures[0])? {
            Ok(code) => code,
            Err(why) => {
                counts.skipped.push(format!("{expression}: {why}"));
                continue;
            }
        };
        counts.expressions += 1;
        for (path, frames) in captures.iter().zip(&frames) {
            let theirs = kept_by_tcpdump(expression, path)?;
            let ours = kept_here(&mut machine, &code, frames)?;
            counts.packets += frames.len();
            counts.kept += theirs.len();
            if ours != theirs {
                let name = path.file_name().unwrap_or_default().display();
                counts.differences.push(format!(
                    "{expression} on {name}: keeps frames {ours:?}, tcpdump {} frames",
                    theirs.len()
                ));
            }
        }
    }
    for difference in &counts.differences {
        println!("DIFFERENT {difference}");
    }
    for skipped in &counts.skipped {
        println!("skipped {skipped}");
    }
    println!(
        "{} expressions on {} packets: {} kept, {} differences, {} expressions skipped",
        counts.expressions,
        counts.packets,
        counts.kept,
        counts.differences.len(),
        counts.skipped.len()
    );
    if options.json {
        let all = json!({
            "expressions": counts.expressions,
            "packets": counts.packets,
            "kept": counts.kept,
            "differences": counts.differences,
            "skipped": counts.skipped,
        });
        println!("{all}");
    }
    Ok(if counts.differences.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn read(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    frames_of(std::fs::File::open(path)?)
}

fn frames_of(bytes: impl std::io::Read) -> Result<Vec<Vec<u8>>, Error> {
    let mut capture = CaptureReader::new(bytes)?;
    let mut packet = Packet::default();
    let mut frames = Vec::new();
    while capture.read(&mut packet)? {
        frames.push(packet.data.clone());
    }
    Ok(frames)
}

/// The frames that tcpdump writes.
fn kept_by_tcpdump(expression: &str, capture: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let mut command = Command::new("tcpdump");
    command.arg("-r").arg(capture).args(["-w", "-", expression]);
    frames_of(place::run(&mut command)?.as_slice())
}

/// The frames that the filter lets through here.
fn kept_here(
    machine: &mut Machine,
    code: &Arc<Code>,
    frames: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Error> {
    let mut kept = Vec::new();
    for frame in frames {
        machine
            .input(ProgramKind::SocketFilter, frame, &[], Layer::Ethernet)
            .map_err(|error| error.to_string())?;
        let outcome = machine
            .run(code)
            .map_err(|trap| format!("at {}: {:?}", trap.slot, trap.cause))?;
        if outcome.value as u32 != 0 {
            kept.push(frame.clone());
        }
    }
    Ok(kept)
}

/// The expression as a program of ours, or why it cannot be one.
fn translated(expression: &str, capture: &Path) -> Result<Result<Arc<Code>, String>, Error> {
    let mut command = Command::new("tcpdump");
    // The capture says what frames start with.
    command.arg("-r").arg(capture).args(["-ddd", expression]);
    let text = match place::run(&mut command) {
        Ok(text) => String::from_utf8(text)?,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let filter = text.lines().skip(1).map(line).collect::<Option<Vec<_>>>();
    let filter = filter.ok_or("tcpdump -ddd prints something else than numbers")?;
    let insns = match classic::translate(&filter, ClassicUse::SocketFilter) {
        Ok(insns) => insns,
        Err(error @ TranslateError::Ancillary { .. }) => return Ok(Err(error.to_string())),
        // libpcap follows chains by jumping back, which it runs itself and the kernel refuses.
        Err(error) if expression.contains("protochain") => return Ok(Err(error.to_string())),
        Err(error) => return Err(format!("{expression}: {error}").into()),
    };
    let program = Program::new(ProgramParts {
        name: "filter".into(),
        section: String::new(),
        hook: Hook {
            kind: ProgramKind::SocketFilter,
            attach: None,
            target: None,
        },
        flags: ProgramFlags::default(),
        license: "GPL".into(),
        kernel_version: 0,
        autoload: true,
        insns,
        maps: Vec::new(),
        functions: vec![Function {
            name: "filter".into(),
            start: 0,
            global: true,
        }],
        debug: None,
        poisons: Vec::new(),
        kfuncs: Vec::new(),
    })
    .map_err(|error| error.to_string())?;
    let code = Code::prepare(&Arc::new(program), &[]).map_err(|error| format!("{error:?}"))?;
    Ok(Ok(code))
}

/// Four numbers: code, two jump distances, operand.
fn line(text: &str) -> Option<ClassicInsn> {
    let mut numbers = text.split(' ').map(str::parse::<u32>);
    let mut next = || numbers.next()?.ok();
    Some(ClassicInsn {
        code: next()? as u16,
        jt: next()? as u8,
        jf: next()? as u8,
        k: next()?,
    })
}
