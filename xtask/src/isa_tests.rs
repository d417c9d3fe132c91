//! The kernel's own instruction tests (`lib/test_bpf.c`) through our interpreter, and as machine code of
//! both tiers those that the verifier accepts.
//!
//! Extended programs run as they are, classic ones through our translation. The last line counts
//! tests; what failed and what was skipped is listed before it.

mod case;
mod exceptions;
mod fetch;

use std::path::PathBuf;
use std::sync::Arc;

use osmia_isa::{Endian, Insn, LayoutError, Slot, classic};
use osmia_jit::Tiers;
use osmia_program::{
    Program, ProgramKind, ProgramParts,
    context::{Context, context},
};
use osmia_user::UserOptions;
use osmia_verify::Options as VerifyOptions;
use osmia_vm::{Code, Environment, Layer, Machine};
use serde_json::json;

use crate::Verdict;
use crate::place::Error;
use case::{Case, Expected};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The tests, one JSON object a line [default: made from Debian's kernel source package]
    cases: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What became of a test.
enum Judged {
    /// By so many compilers' code, too.
    Passed(u64),
    Failed(String),
    Skipped(&'static str),
}

#[derive(Default)]
struct Tally<'a> {
    passed: u64,
    /// Of those, as machine code too.
    compiled: u64,
    /// Of those, as the optimising tier's, too.
    optimised: u64,
    failed: Vec<(&'a str, String)>,
    skipped: Vec<(&'a str, &'static str)>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Error> {
    let path = match &options.cases {
        Some(path) => path.clone(),
        None => fetch::case_file()?,
    };
    let mut cases = case::read(&path)?;
    if let Some(text) = &options.only {
        cases.retain(|case| case.name.contains(text));
    }
    let mut machine = Machine::new(Environment::repeatable(0)).ok_or("no memory")?;
    let mut tally = Tally::default();
    for case in &cases {
        match judge(&mut machine, case) {
            Judged::Passed(tiers) => {
                tally.passed += 1;
                tally.compiled += u64::from(tiers > 0);
                tally.optimised += u64::from(tiers > 1);
            }
            Judged::Failed(how) => tally.failed.push((&case.name, how)),
            Judged::Skipped(why) => tally.skipped.push((&case.name, why)),
        }
    }
    if options.json {
        println!("{}", as_json(&tally, cases.len()));
    } else {
        print_text(&tally);
    }
    Ok(if tally.failed.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

fn print_text(tally: &Tally<'_>) {
    for (name, how) in &tally.failed {
        println!("failed: {name}: {how}");
    }
    for (name, why) in &tally.skipped {
        println!("skipped: {name}: {why}");
    }
    println!(
        "{} passed ({} of them as machine code, {} as that of both tiers, too), {} failed, {} skipped",
        tally.passed,
        tally.compiled,
        tally.optimised,
        tally.failed.len(),
        tally.skipped.len()
    );
}

fn as_json(tally: &Tally<'_>, tests: usize) -> serde_json::Value {
    let failed = tally.failed.iter();
    let skipped = tally.skipped.iter();
    json!({
        "tests": tests,
        "passed": tally.passed,
        "compiled": tally.compiled,
        "optimised": tally.optimised,
        "failed": failed.map(|(name, how)| json!({"name": name, "how": how})).collect::<Vec<_>>(),
        "skipped": skipped.map(|(name, why)| json!({"name": name, "why": why})).collect::<Vec<_>>(),
    })
}

/// A test passes if every run of it does, or if it is refused where Linux refuses it.
fn judge(machine: &mut Machine, case: &Case) -> Judged {
    match (judge_plainly(machine, case), exceptions::reason(&case.name)) {
        (Ok(tiers), None) => Judged::Passed(tiers),
        (Ok(_), Some(_)) => Judged::Failed("passes, but is listed as an exception".into()),
        (Err(_), Some(why)) => Judged::Skipped(why),
        (Err(how), None) => Judged::Failed(how),
    }
}

/// How many compilers' code passed, too.
fn judge_plainly(machine: &mut Machine, case: &Case) -> Result<u64, String> {
    let Some(slots) = slots(case)? else {
        return Ok(0);
    };
    let program = program(case, slots).map_err(|error| format!("not a program: {error}"))?;
    let program = Arc::new(program);
    let prepare = || Code::prepare(&program, &[]).map_err(|error| format!("not prepared: {error}"));
    let code = prepare()?;
    let mut runs = case.runs.iter();
    runs.try_for_each(|expected| once(machine, case, &code, expected))?;
    let mut compiled = 0;
    for tiers in [Tiers::First, Tiers::Second] {
        let native = prepare()?;
        if !compile(&native, tiers) {
            break;
        }
        let mut runs = case.runs.iter();
        runs.try_for_each(|expected| once(machine, case, &native, expected))
            .map_err(|how| format!("as machine code ({tiers:?}) {how}"))?;
        compiled += 1;
    }
    Ok(compiled)
}

/// Gives a program its native form, if the verifier and the compiler take it.
fn compile(code: &Code, tiers: Tiers) -> bool {
    let (target, options) = (UserOptions::default().target(), VerifyOptions::default());
    let verdict = osmia_verify::verify(code.program(), &[], &target, &options);
    let Ok(verified) = verdict.result else {
        return false;
    };
    let Ok(facts) = verified.facts(&[], &target, &options) else {
        return false;
    };
    osmia_jit::compile_in(&facts, code, tiers).is_ok_and(|native| code.set_native(Box::new(native)))
}

/// The program as extended instructions; `None` if it was refused and Linux refuses it.
fn slots(case: &Case) -> Result<Option<Vec<Slot>>, String> {
    if !case.classic {
        let slots = osmia_isa::read_slots(&case.insns, Endian::Little);
        let slots = slots.map_err(|error| error.to_string())?;
        return Ok(Some(as_loaded(slots)));
    }
    let filter = classic::read_insns(&case.insns, Endian::Little).map_err(|e| e.to_string())?;
    match classic::translate(&filter, classic::ClassicUse::SocketFilter) {
        Ok(_) if case.refused => Err("accepted, Linux refuses it".into()),
        Ok(slots) => Ok(Some(slots)),
        Err(classic::TranslateError::Invalid(_)) if case.refused => Ok(None),
        Err(error) => Err(format!("refused: {error}")),
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
fn kind(case: &Case) -> ProgramKind {
    if case.large_memory {
        ProgramKind::Syscall
    } else {
        ProgramKind::SocketFilter
    }
}

fn program(case: &Case, insns: Vec<Slot>) -> Result<Program, osmia_program::ProgramError> {
    Program::new(ProgramParts::bare(&case.name, kind(case), insns))
}

fn once(
    machine: &mut Machine,
    case: &Case,
    code: &Arc<Code>,
    expected: &Expected,
) -> Result<(), String> {
    let (mut packet, mut context) = (Vec::new(), Vec::new());
    if case.large_memory {
        context.resize(expected.bytes, 0);
    } else if !case.no_data {
        packet.extend(&case.data[..expected.bytes.min(case.data.len())]);
        packet.extend(&case.fragment);
        context = socket_buffer();
    }
    machine
        .input(kind(case), &packet, &context, Layer::Ethernet)
        .map_err(|error| format!("input refused: {error}"))?;
    let (bytes, wanted) = (expected.bytes, expected.result);
    match machine.run(code) {
        Ok(outcome) if outcome.value as u32 == wanted => Ok(()),
        Ok(outcome) => Err(format!(
            "with {bytes} bytes: {:#x}, expected {wanted:#x}",
            outcome.value as u32
        )),
        Err(trap) => Err(format!(
            "with {bytes} bytes: at {}: {:?}, expected {wanted:#x}",
            trap.slot, trap.cause
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
