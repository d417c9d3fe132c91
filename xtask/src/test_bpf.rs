//! The kernel's own instruction tests (`lib/test_bpf.c`) through our interpreter.
//!
//! Extended programs run as they are, classic ones through our translation. Whatever is not run is
//! counted with its reason, whatever comes out differently is listed.

mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_isa::{Endian, Insn, LayoutError, Slot, classic};
use osmia_program::{
    Function, Hook, Program, ProgramFlags, ProgramKind, ProgramParts,
    context::{Context, context},
};
use osmia_vm::{Code, Environment, Layer, Machine};
use serde_json::json;

use crate::Verdict;
use crate::kernel_source;
use crate::place::Error;
use table::{Expected, Test};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Tests whose outcome is another one here for a reason.
const KNOWN: [(&str, &str); 1] = [(
    "BPF_MAXINSNS: jump over MSH",
    "accepted: the filter no longer fits 16-bit jumps in Linux's expansion, in our shorter one it does",
)];

/// What became of one run, or of a test that is not to run.
enum Judged {
    Agrees,
    Differs(String),
    Known(&'static str),
    Skipped(String),
}

#[derive(Default)]
struct Counts {
    agree: u64,
    differ: u64,
    known: u64,
    skipped: BTreeMap<String, u64>,
}

impl Counts {
    fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let mut tests = table::read()?;
    if let Some(text) = &options.only {
        tests.retain(|test| test.name.contains(text));
    }
    let mut machine = Machine::new(Environment::repeatable(0)).ok_or("no memory")?;
    let [mut classic, mut extended] = [Counts::default(), Counts::default()];
    for test in &tests {
        let counts = if test.classic {
            &mut classic
        } else {
            &mut extended
        };
        for judged in judge(&mut machine, test) {
            match judged {
                Judged::Agrees => counts.agree += 1,
                Judged::Differs(how) => {
                    counts.differ += 1;
                    println!("differs: {}: {how}", test.name);
                }
                Judged::Known(why) => {
                    counts.known += 1;
                    println!("differs, as known: {}: {why}", test.name);
                }
                Judged::Skipped(why) => *counts.skipped.entry(why).or_default() += 1,
            }
        }
    }
    for (name, counts) in [("extended", &extended), ("classic", &classic)] {
        println!(
            "{name}: {} agree, {} differ, {} differ as known, {} skipped",
            counts.agree,
            counts.differ,
            counts.known,
            counts.skipped()
        );
        for (why, count) in &counts.skipped {
            println!("  skipped {count}: {why}");
        }
    }
    if options.json {
        let object = |counts: &Counts| {
            json!({
                "agree": counts.agree,
                "differ": counts.differ,
                "known": counts.known,
                "skipped": counts.skipped,
            })
        };
        let all = json!({
            "kernel": kernel_source::VERSION,
            "tests": tests.len(),
            "extended": object(&extended),
            "classic": object(&classic),
        });
        println!("{all}");
    }
    Ok(if extended.differ + classic.differ == 0 {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// One verdict for each run of a test; one for the test if it has none.
fn judge(machine: &mut Machine, test: &Test) -> Vec<Judged> {
    let known = KNOWN.iter().find(|(name, _)| *name == test.name);
    let judged = judge_plainly(machine, test).into_iter();
    judged
        .map(|judged| match (judged, known) {
            (Judged::Differs(_), Some((_, why))) => Judged::Known(why),
            (judged, _) => judged,
        })
        .collect()
}

fn judge_plainly(machine: &mut Machine, test: &Test) -> Vec<Judged> {
    let slots = match slots(test) {
        Ok(slots) => slots,
        Err(judged) => return vec![judged],
    };
    let program = match program(test, slots) {
        Ok(program) => Arc::new(program),
        Err(error) => return vec![Judged::Differs(format!("not a program: {error}"))],
    };
    let code = match Code::prepare(&program, &[]) {
        Ok(code) => code,
        Err(error) => return vec![Judged::Differs(format!("not prepared: {error:?}"))],
    };
    test.runs
        .iter()
        .map(|expected| once(machine, test, &code, expected))
        .collect()
}

/// The program as extended instructions.
fn slots(test: &Test) -> Result<Vec<Slot>, Judged> {
    if !test.classic {
        let slots = osmia_isa::read_slots(&test.insns, Endian::Little);
        let slots = slots.map_err(|error| Judged::Differs(error.to_string()))?;
        return Ok(as_loaded(slots));
    }
    let filter = classic::read_insns(&test.insns, Endian::Little)
        .map_err(|error| Judged::Differs(error.to_string()))?;
    match classic::translate(&filter, classic::ClassicUse::SocketFilter) {
        Ok(_) if test.refused => Err(Judged::Differs("accepted, Linux refuses it".into())),
        Ok(slots) => Ok(slots),
        Err(classic::TranslateError::Ancillary { name, .. }) => Err(Judged::Skipped(format!(
            "eBPF has no equivalent of ancillary load `{name}`"
        ))),
        Err(_) if test.refused => Err(Judged::Agrees),
        Err(error) => Err(Judged::Differs(format!("refused: {error}"))),
    }
}

/// The table is never shown to Linux's verifier; two things in it would not pass there.
fn as_loaded(mut slots: Vec<Slot>) -> Vec<Slot> {
    const MOV32_REG: u8 = 0xbc;
    for slot in slots
        .iter_mut()
        .filter(|slot| slot.code == MOV32_REG && slot.imm == 1)
    {
        // The kernel's own mark for a move that only clears the upper half.
        slot.imm = 0;
    }
    if let Err(LayoutError::RunsOffEnd { .. }) = osmia_isa::check_layout(&slots) {
        // Jumps lead away from the last instruction: nothing reaches this one.
        osmia_isa::encode_onto(&mut slots, &Insn::Exit);
    }
    slots
}

/// Buffers are passed as the context of a program type that takes any.
fn kind(test: &Test) -> ProgramKind {
    if test.large_memory {
        ProgramKind::Syscall
    } else {
        ProgramKind::SocketFilter
    }
}

fn program(test: &Test, insns: Vec<Slot>) -> Result<Program, osmia_program::ProgramError> {
    Program::new(ProgramParts {
        name: test.name.clone(),
        section: String::new(),
        hook: Hook {
            kind: kind(test),
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
            name: test.name.clone(),
            start: 0,
            global: true,
        }],
        debug: None,
        poisons: Vec::new(),
    })
}

fn once(machine: &mut Machine, test: &Test, code: &Arc<Code>, expected: &Expected) -> Judged {
    let (mut packet, mut context) = (Vec::new(), Vec::new());
    if test.large_memory {
        context.resize(expected.bytes, 0);
    } else if !test.no_data {
        packet.extend(&test.data[..expected.bytes.min(test.data.len())]);
        if test.fragments {
            packet.extend(&test.fragment);
        }
        context = socket_buffer();
    }
    if let Err(error) = machine.input(kind(test), &packet, &context, Layer::Ethernet) {
        return Judged::Differs(format!("input refused: {error}"));
    }
    match machine.run(code) {
        Ok(outcome) if outcome.value as u32 == expected.result => Judged::Agrees,
        Ok(outcome) => Judged::Differs(format!(
            "with {} bytes: {:#x}, expected {:#x}",
            expected.bytes, outcome.value as u32, expected.result
        )),
        Err(trap) => Judged::Differs(format!(
            "with {} bytes: at {}: {:?}, expected {:#x}",
            expected.bytes, trap.slot, trap.cause, expected.result
        )),
    }
}

/// The constants the kernel's runner puts into every socket buffer.
fn socket_buffer() -> Vec<u8> {
    let Context::Fields(layout) = context(ProgramKind::SocketFilter) else {
        return Vec::new();
    };
    let mut bytes = vec![0; layout.bytes as usize];
    let protocol = u32::from(0x0800_u16.to_be());
    for (name, value) in [
        ("pkt_type", 3),
        ("mark", 0x1234_aaaa),
        ("queue_mapping", 123),
        ("protocol", protocol),
        ("vlan_present", 1),
        ("vlan_tci", 0xffff),
        ("vlan_proto", protocol),
        ("ifindex", 577),
        ("hash", 0x1234_aaab),
    ] {
        if let Some(field) = layout.field(name) {
            let at = field.offset as usize;
            bytes[at..at + 4].copy_from_slice(&u32::to_ne_bytes(value));
        }
    }
    bytes
}
