//! Agreement by execution: machine code of a program that the verifier accepts, of each tier that takes it,
//! comes to the same end as the interpreter, on random inputs, with the same packet and maps.
//!
//! Programs are verified as those of somebody who may not see addresses: the two engines have others.

use std::ops::Range;
use std::sync::Arc;

use osmia_jit::{NotCompiled, Tiers};
use osmia_program::{MapIndex, Privilege, Program, ProgramParts, Target};
use osmia_verify::{Facts, Options, Verified, verify};
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
    /// Of those, run as machine code and interpreted.
    pub compiled: u64,
    /// Of those, run as the optimising tier's code, too.
    pub optimised: u64,
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
        self.optimised += other.optimised;
        self.refused += other.refused;
        self.runs += other.runs;
        self.differing.extend(other.differing);
    }
}

/// Tries the programs of these seeds, in each of these tiers that takes them.
pub fn compare(seeds: Range<u64>, tiers: &[Tiers]) -> Agreement {
    let mut agreement = Agreement::default();
    let mut bench = Bench::new(tiers);
    for seed in seeds {
        agreement.programs += 1;
        let made = generate(seed);
        let Some((program, verified)) = bench.verified(&made) else {
            continue;
        };
        match bench.differs(&made, &program, &verified, seed) {
            Ok(Ended::Alike { optimised }) => {
                agreement.compiled += 1;
                agreement.optimised += u64::from(optimised);
                agreement.runs += RUNS;
            }
            Ok(Ended::Differing(why)) => agreement.differing.push((seed, why)),
            Err(_) => agreement.refused += 1,
        }
    }
    agreement
}

/// Machines that share nothing.
struct Bench {
    /// The interpreter first.
    sides: Vec<Side>,
    target: Target,
}

/// A machine, and what programs become for it.
struct Side {
    tiers: Option<Tiers>,
    machine: Machine,
    runs: Arc<Runs>,
}

/// A program on a side.
struct Ready<'s> {
    side: &'s mut Side,
    code: Arc<Code>,
    maps: Vec<Arc<Map>>,
}

/// What running a program everywhere came to.
enum Ended {
    Alike { optimised: bool },
    Differing(String),
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

impl Side {
    fn new(tiers: Option<Tiers>) -> Self {
        let runs = Arc::new(Runs::new(1));
        let machine = Machine::among(&runs, Environment::repeatable(0));
        let machine = machine.expect("memory for a machine");
        Self {
            tiers,
            machine,
            runs,
        }
    }

    /// The program with maps of its own; `None` if the tier leaves it to another.
    fn ready(
        &mut self,
        made: &Made,
        program: &Arc<Program>,
        facts: &Facts<'_>,
    ) -> Result<Option<Ready<'_>>, String> {
        let create = |spec| Map::create(spec, &self.runs).expect("memory");
        let maps: Vec<Arc<Map>> = made.maps.iter().map(create).map(Arc::new).collect();
        let code = Code::prepare(program, &maps).map_err(|error| error.to_string())?;
        if let Some(tiers) = self.tiers {
            match osmia_jit::compile_in(facts, &code, tiers) {
                Ok(native) => code.set_native(Box::new(native)),
                Err(NotCompiled::Optimiser { .. }) => return Ok(None),
                Err(why) => return Err(why.to_string()),
            };
        }
        let side = self;
        Ok(Some(Ready { side, code, maps }))
    }
}

impl Bench {
    fn new(tiers: &[Tiers]) -> Self {
        let tiers = tiers.iter().map(|tiers| Some(*tiers));
        Self {
            sides: [None].into_iter().chain(tiers).map(Side::new).collect(),
            target: target(),
        }
    }

    fn verified(&self, made: &Made) -> Option<(Arc<Program>, Verified)> {
        let mut parts = ProgramParts::bare("made", made.kind, made.insns.clone());
        parts.maps = (0..made.maps.len()).map(MapIndex::from_usize).collect();
        let program = Arc::new(Program::new(parts).ok()?);
        let verdict = verify(&program, &made.maps, &self.target, &options());
        Some((program, verdict.result.ok()?))
    }

    /// Runs a program on every side; the reason if it cannot be compared.
    fn differs(
        &mut self,
        made: &Made,
        program: &Arc<Program>,
        verified: &Verified,
        seed: u64,
    ) -> Result<Ended, String> {
        let facts = verified
            .facts(&made.maps, &self.target, &options())
            .map_err(|refusal| refusal.to_string())?;
        let mut ready = Vec::new();
        for side in &mut self.sides {
            ready.extend(side.ready(made, program, &facts)?);
        }
        if ready.len() < 2 {
            return Err("no tier takes it".to_owned());
        }
        for run in 0..RUNS {
            let seed = seed ^ run << 48;
            // The interpreter's first: it gives up where machine code would run for too long.
            let ends = ready.iter_mut().map(|ready| ready.end(made, seed));
            let ends = ends.collect::<Result<Vec<End>, String>>()?;
            if let Some(other) = ends.iter().position(|end| *end != ends[0]) {
                let tiers = ready[other].side.tiers;
                let why = format!("interpreter and {tiers:?}: {ends:#x?}");
                return Ok(Ended::Differing(why));
            }
        }
        let optimised = |ready: &Ready<'_>| ready.code.native().is_some_and(|code| code.tier() > 1);
        Ok(Ended::Alike {
            optimised: ready.iter().any(optimised),
        })
    }
}

impl Ready<'_> {
    /// Runs it once.
    fn end(&mut self, made: &Made, seed: u64) -> Result<End, String> {
        let mut chance = Chance::seeded(seed);
        for map in &self.maps {
            fill(map, &self.code, &mut chance);
        }
        end(
            &mut self.side.machine,
            made,
            (&self.code, &self.maps),
            &mut chance,
            seed,
        )
    }
}

fn end(
    machine: &mut Machine,
    made: &Made,
    (code, maps): (&Arc<Code>, &[Arc<Map>]),
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
