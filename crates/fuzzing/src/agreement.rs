//! Agreement by execution: machine code of a program that the verifier accepts comes to the same end as
//! the interpreter, on random inputs, with the same packet and maps.
//!
//! Programs are verified as those of somebody who may not see addresses: the two engines have others.

use std::ops::Range;
use std::sync::Arc;

use osmia_program::{MapIndex, Privilege, Program, ProgramParts, Target};
use osmia_verify::{Options, Verified, verify};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Code, Environment, Layer, Machine};

use crate::chance::Chance;
use crate::generate::{Made, generate};
use crate::soundness::{INSNS_MAX, INSNS_VISITED_MAX, fill, target};

/// Inputs each program runs on.
const RUNS: u64 = 3;

/// What a sweep over seeds found.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// Programs made.
    pub programs: u64,
    /// Of those, run in both engines.
    pub compiled: u64,
    /// Of those, refused by the compiler.
    pub refused: u64,
    /// Runs that agree.
    pub runs: u64,
    /// Seeds of programs that do not, with what differs.
    pub differing: Vec<(u64, String)>,
}

impl Agreement {
    /// Counts another's in.
    pub fn add(&mut self, other: Agreement) {
        self.programs += other.programs;
        self.compiled += other.compiled;
        self.refused += other.refused;
        self.runs += other.runs;
        self.differing.extend(other.differing);
    }
}

/// Tries the programs of these seeds.
pub fn compare(seeds: Range<u64>) -> Agreement {
    let mut agreement = Agreement::default();
    let mut bench = Bench::default();
    for seed in seeds {
        agreement.programs += 1;
        let made = generate(seed);
        let Some((program, verified)) = bench.verified(&made) else {
            continue;
        };
        match bench.differs(&made, &program, &verified, seed) {
            Ok(None) => {
                agreement.compiled += 1;
                agreement.runs += RUNS;
            }
            Ok(Some(why)) => agreement.differing.push((seed, why)),
            Err(_) => agreement.refused += 1,
        }
    }
    agreement
}

/// Two machines that share nothing.
struct Bench {
    interpreter: Machine,
    native: Machine,
    runs: [Arc<Runs>; 2],
    target: Target,
}

impl Default for Bench {
    fn default() -> Self {
        let runs = [Arc::new(Runs::new(1)), Arc::new(Runs::new(1))];
        let [interpreter, native] = runs.each_ref().map(|runs| {
            let machine = Machine::among(runs, Environment::repeatable(0));
            machine.expect("memory for a machine")
        });
        Self {
            interpreter,
            native,
            runs,
            target: target(),
        }
    }
}

/// What a run leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct End {
    result: Result<u64, String>,
    packet: Vec<u8>,
    maps: Vec<Vec<Option<Vec<u8>>>>,
}

fn options() -> Options {
    Options {
        privilege: Privilege::Bpf,
        insns_visited_max: INSNS_VISITED_MAX,
        // Facts are only had from a certificate that holds.
        check_certificate: false,
        ..Options::default()
    }
}

impl Bench {
    fn verified(&self, made: &Made) -> Option<(Arc<Program>, Verified)> {
        let mut parts = ProgramParts::bare("made", made.kind, made.insns.clone());
        parts.maps = (0..made.maps.len()).map(MapIndex::from_usize).collect();
        let program = Arc::new(Program::new(parts).ok()?);
        let verdict = verify(&program, &made.maps, &self.target, &options());
        Some((program, verdict.result.ok()?))
    }

    /// What differs, if something does; the compiler's reason if it does not take the program.
    fn differs(
        &mut self,
        made: &Made,
        program: &Arc<Program>,
        verified: &Verified,
        seed: u64,
    ) -> Result<Option<String>, String> {
        let facts = verified
            .facts(&made.maps, &self.target, &options())
            .map_err(|refusal| refusal.to_string())?;
        for run in 0..RUNS {
            let seed = seed ^ run << 48;
            let sides = [&mut self.interpreter, &mut self.native];
            let mut ends = Vec::new();
            for (side, machine) in sides.into_iter().enumerate() {
                let mut chance = Chance::seeded(seed);
                let create = |spec| Map::create(spec, &self.runs[side]).expect("memory");
                let maps: Vec<Arc<Map>> = made.maps.iter().map(create).map(Arc::new).collect();
                let code = Code::prepare(program, &maps).map_err(|error| error.to_string())?;
                for map in &maps {
                    fill(map, &code, &mut chance);
                }
                if side == 1 {
                    let native = osmia_jit::compile(&facts, &code);
                    let native = native.map_err(|error| error.to_string())?;
                    code.set_native(Box::new(native));
                }
                ends.push(end(machine, made, &code, &maps, &mut chance, seed)?);
            }
            if ends[0] != ends[1] {
                return Ok(Some(format!("interpreter and machine code: {ends:#x?}")));
            }
        }
        Ok(None)
    }
}

/// Runs it once.
fn end(
    machine: &mut Machine,
    made: &Made,
    code: &Arc<Code>,
    maps: &[Arc<Map>],
    chance: &mut Chance,
    seed: u64,
) -> Result<End, String> {
    let mut environment = Environment::repeatable(seed);
    environment.insns_max = INSNS_MAX;
    *machine.environment() = environment;
    let bytes = 14 + chance.below(100);
    let packet: Vec<u8> = (0..bytes).map(|_| chance.awkward() as u8).collect();
    machine
        .input(made.kind, &packet, &[], Layer::Ethernet)
        .map_err(|error| error.to_string())?;
    let result = match machine.run(code) {
        Ok(outcome) => Ok(outcome.value),
        Err(trap) if matches!(trap.cause, osmia_vm::Cause::Budget { .. }) => {
            return Err("it runs for too long to be compared".to_owned());
        }
        Err(trap) => Err(trap.to_string()),
    };
    let mut packet = Vec::new();
    machine.world().output(&mut packet);
    machine.rest();
    let keys = |map: &Arc<Map>| {
        let value = |key: u64| {
            let key = key.to_le_bytes();
            map.lookup_outside(&key[..map.spec().key_size as usize])
                .ok()
        };
        (0..8).map(value).collect()
    };
    Ok(End {
        result,
        packet,
        maps: maps.iter().map(keys).collect(),
    })
}
