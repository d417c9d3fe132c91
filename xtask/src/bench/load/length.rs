//! What loading costs by the length of a program: its verdict, the check of the certificate, tier 1.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use osmia_isa::{NoNames, assemble};
use osmia_jit::Template;
use osmia_program::{Program, ProgramKind, ProgramParts, Target};
use osmia_user::UserOptions;
use osmia_verify::{Options, verify};
use osmia_vm::Code;
use serde_json::{Value, json};

use crate::place::Error;

/// Instructions of the programs.
const LENGTHS: [usize; 3] = [1_000, 10_000, 100_000];
/// Longer programs are loaded fewer times.
const INSNS_MEASURED: usize = 2_000_000;

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    let target = UserOptions::default().target();
    println!(
        "{:>9} {:>12} {:>12} {:>12} {:>12} {:>14}",
        "insns", "verdict", "check", "tier 1", "again", "1,000 insns"
    );
    let mut rows = Vec::new();
    for length in LENGTHS {
        let program = Arc::new(program(length)?);
        let turns = rounds.min(INSNS_MEASURED / length).max(1);
        let mut least = [Duration::MAX; 4];
        for _ in 0..turns {
            for (least, took) in least.iter_mut().zip(load(&program, &target)?) {
                *least = (*least).min(took);
            }
        }
        let micros = least.map(|took| took.as_secs_f64() * 1e6);
        let each = micros[2] * 1_000.0 / length as f64;
        println!(
            "{length:>9} {:>9.1} µs {:>9.1} µs {:>9.1} µs {:>9.1} µs {each:>11.1} µs",
            micros[0], micros[1], micros[2], micros[3]
        );
        rows.push(json!({
            "insns": length,
            "verdict_us": micros[0],
            "check_us": micros[1],
            "tier1_us": micros[2],
            "again_us": micros[3],
        }));
    }
    Ok(rows.into())
}

/// Times of verdict, check and tier 1, the sealing of pages included, and of the machine code of a repeated load.
fn load(program: &Arc<Program>, target: &Target) -> Result<[Duration; 4], Error> {
    let options = Options {
        check_certificate: false,
        ..Options::default()
    };
    let code = Code::prepare(program, &[]).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let verdict = verify(program, &[], target, &options);
    let verified = verdict.result.map_err(|why| why.message.clone())?;
    let judged = start.elapsed();
    let facts = (verified.facts(&[], target, &options)).map_err(|refusal| refusal.to_string())?;
    let checked = start.elapsed();
    let made = Template::make(&facts, &code).map_err(|error| error.to_string())?;
    let compiled = start.elapsed();
    let (native, template) = made;
    drop(native);
    let template = template.ok_or("there are addresses in it")?;
    let start = Instant::now();
    let native = template.native(&code).ok_or("it is another program")?;
    let again = start.elapsed();
    native.map_err(|error| error.to_string())?;
    Ok([judged, checked - judged, compiled - checked, again])
}

/// Arithmetic, loads, stores and jumps, as many as asked for.
fn program(length: usize) -> Result<Program, Error> {
    let mut text = String::from("r0 = 0\nr6 = *(u32 *)(r1 + 12)\n*(u64 *)(r10 - 8) = 7\n");
    let turn = [
        "r7 = *(u64 *)(r10 - 8)",
        "r6 += r7",
        "r6 ^= 0x1234",
        "w7 <<= 3",
        "r7 &= 0xff",
        "if r7 == 0x55 goto +1",
        "r6 += 1",
        "*(u64 *)(r10 - 8) = r7",
    ];
    for line in turn.iter().cycle().take(length - 5) {
        writeln!(text, "{line}")?;
    }
    text.push_str("r0 = r6\nexit\n");
    let slots = assemble(&text, &NoNames).map_err(|errors| format!("{errors:?}"))?;
    let parts = ProgramParts::bare("long", ProgramKind::Xdp, slots.slots);
    Ok(Program::new(parts)?)
}
