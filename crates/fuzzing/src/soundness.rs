//! Soundness by execution: a program that the verifier accepts runs on random inputs, never traps,
//! and stays inside what its certificate says at every step.

mod seen;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use osmia_isa::{Insn, NoNames, Slot, decode, encode_onto, listing};
use osmia_program::{
    KernelVersion, MapIndex, MapKind, MapSpec, Program, ProgramParts, Rules, Target, UpdateMode,
};
use osmia_verify::{Options, Trail, verify};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Cause, Code, Environment, Layer, Machine};

use crate::chance::Chance;
use crate::generate::{LOCK_OFFSET, Made, VALUE_BYTES, generate, kernel};
use seen::Seen;

/// Inputs each program runs on.
const RUNS: u64 = 3;
/// States a program's certificate may lead through; of those with more, only traps are looked for.
const STATES_MAX: usize = 5_000;
/// Instructions the verifier may visit: what takes more is not worth the time here.
pub(crate) const INSNS_VISITED_MAX: usize = 20_000;
/// Instructions of one run.
pub(crate) const INSNS_MAX: u64 = 100_000;

/// How a program fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The verifier does not take it.
    Rejected(String),
    /// It ran.
    Sound {
        /// Steps that were held against its certificate; none if that is too long.
        steps: Option<u64>,
    },
    /// It did what an accepted program never does.
    Unsound(String),
}

/// A machine to run programs in, one after the other.
pub struct Laboratory {
    runs: Arc<Runs>,
    machine: Machine,
    target: Target,
    hashes: Vec<Arc<Map>>,
}

impl Laboratory {
    /// One whose programs are accepted by these rules.
    pub fn new(rules: Rules) -> Self {
        let runs = Arc::new(Runs::new(1));
        let machine = Machine::among(&runs, Environment::repeatable(0));
        Self {
            machine: machine.expect("memory for a machine"),
            runs,
            target: Target { rules, ..target() },
            hashes: Vec::new(),
        }
    }

    /// Runs a program if it is accepted, on the inputs of a seed.
    pub fn fate_of(&mut self, made: &Made, seed: u64) -> Fate {
        let mut parts = ProgramParts::bare("made", made.kind, made.insns.clone());
        parts.maps = (0..made.maps.len()).map(MapIndex::from_usize).collect();
        parts.kfuncs.clone_from(&made.kfuncs);
        let program = match Program::new(parts) {
            Ok(program) => Arc::new(program),
            Err(error) => return Fate::Rejected(error.to_string()),
        };
        let options = Options {
            // The walk below is the check.
            check_certificate: false,
            insns_visited_max: INSNS_VISITED_MAX,
            ..Options::default()
        };
        let verified = match verify(&program, &made.maps, &self.target, &options).result {
            Ok(verified) => verified,
            Err(why) => return Fate::Rejected(why.message),
        };
        let trail = match verified.trail(&made.maps, &self.target, &options, STATES_MAX) {
            Ok(trail) => trail.map(Arc::new),
            Err(refusal) => return Fate::Unsound(format!("the certificate is refused: {refusal}")),
        };
        let maps: Vec<Arc<Map>> = made.maps.iter().map(|spec| self.map(spec)).collect();
        let code = match Code::prepare(&program, &maps) {
            Ok(code) => code,
            Err(error) => return Fate::Unsound(format!("accepted, but {error}")),
        };
        let mut steps = trail.as_ref().map(|_| 0);
        let mut unsound = None;
        for run in 0..RUNS {
            let mut chance = Chance::seeded(seed ^ run << 48);
            for map in &maps {
                fill(map, &code, &mut chance);
            }
            match self.run(made, &code, trail.as_ref(), &mut chance) {
                Ok(more) => steps = steps.map(|steps: u64| steps + more),
                Err(why) => unsound = Some(why),
            }
        }
        // A program array would keep the program that keeps it.
        for map in maps
            .iter()
            .filter(|map| map.spec().kind == MapKind::ProgArray)
        {
            empty(map);
        }
        unsound.map_or(Fate::Sound { steps }, Fate::Unsound)
    }

    /// A map; hash maps, which take long to make, are used again.
    fn map(&mut self, spec: &MapSpec) -> Arc<Map> {
        let known = |map: &&Arc<Map>| map.spec().name == spec.name;
        if let Some(map) = self.hashes.iter().find(known) {
            return Arc::clone(map);
        }
        let map = Arc::new(Map::create(spec, &self.runs).expect("memory for a small map"));
        if spec.kind == MapKind::Hash {
            self.hashes.push(Arc::clone(&map));
        }
        map
    }

    fn run(
        &mut self,
        made: &Made,
        code: &Arc<Code>,
        trail: Option<&Arc<Trail>>,
        chance: &mut Chance,
    ) -> Result<u64, String> {
        let mut environment = Environment::repeatable(chance.bits());
        environment.insns_max = INSNS_MAX;
        let machine = &mut self.machine;
        *machine.environment() = environment;
        let bytes = 14 + chance.below(100);
        let packet: Vec<u8> = (0..bytes).map(|_| chance.awkward() as u8).collect();
        machine
            .input(made.kind, &packet, &[], Layer::Ethernet)
            .map_err(|error| error.to_string())?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        if let Some(trail) = trail {
            let (trail, seen) = (Arc::clone(trail), Arc::clone(&seen));
            machine.watch(Some(Box::new(move |step| {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.step(&trail, step);
            })));
        }
        let result = machine.run(code);
        machine.watch(None);
        machine.rest();
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outside) = &seen.outside {
            return Err(outside.clone());
        }
        match result {
            Ok(_) => Ok(seen.steps),
            // Programs end, but not always soon.
            Err(trap) if matches!(trap.cause, Cause::Budget { .. }) => Ok(seen.steps),
            Err(trap) => Err(format!("it traps: {trap}")),
        }
    }
}

pub(crate) fn target() -> Target {
    Target {
        name: "soundness".into(),
        endian: osmia_isa::Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        cpus: 1,
        btf: Some(kernel()),
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
        release: None,
    }
}

/// Gives a map contents that are awkward to count with.
pub(crate) fn fill(map: &Arc<Map>, code: &Arc<Code>, chance: &mut Chance) {
    let spec = map.spec();
    match spec.kind {
        MapKind::ProgArray => {
            empty(map);
            // Half of the time there is one to go to: this one.
            if chance.percent(50) {
                map.set_program(0, Arc::clone(code)).expect("a slot");
            }
        }
        MapKind::Array | MapKind::Hash => {
            if spec.kind == MapKind::Hash {
                empty(map);
            }
            for key in 0..3_u64 {
                let key = key.to_le_bytes();
                let mut value: Vec<u8> = (0..VALUE_BYTES / 8)
                    .flat_map(|_| chance.awkward().to_le_bytes())
                    .collect();
                if spec.btf.is_some() {
                    value[LOCK_OFFSET as usize..].fill(0);
                }
                let key = &key[..spec.key_size as usize];
                let any = UpdateMode::Any as u64;
                if spec.kind == MapKind::Array || chance.percent(80) {
                    map.update(key, &value, any, 0).expect("there is room");
                }
            }
        }
        _ => {}
    }
}

/// Takes out whatever a map has.
fn empty(map: &Map) {
    let mut before = None;
    while let Ok(key) = map.next_key_outside(before.as_deref()) {
        // There may be nothing in a slot.
        let _ = map.delete_outside(&key);
        // The keys of slots stay; other keys are gone, and the first one left comes next.
        before = (map.spec().kind == MapKind::ProgArray).then_some(key);
    }
}

/// Takes away what an unsound program does not need to be unsound.
pub fn minimise(made: &Made, seed: u64, rules: Rules) -> Made {
    let mut made = made.clone();
    let mut laboratory = Laboratory::new(rules);
    let mut unsound = |made: &Made| matches!(laboratory.fate_of(made, seed), Fate::Unsound(_));
    loop {
        let mut changed = false;
        for at in (0..made.insns.len()).rev() {
            let Ok(insn) = decode(&made.insns, at) else {
                continue;
            };
            let mut fewer = made.clone();
            let nothing = nothing_in_place_of(&insn);
            if fewer.insns[at..at + nothing.len()] == nothing[..] {
                continue;
            }
            fewer.insns[at..at + nothing.len()].copy_from_slice(&nothing);
            if unsound(&fewer) {
                (made, changed) = (fewer, true);
            }
        }
        if !changed {
            return made;
        }
    }
}

/// Jumps to the next instruction, as many as there were slots.
fn nothing_in_place_of(insn: &Insn) -> Vec<Slot> {
    let mut slots = Vec::new();
    for _ in 0..insn.slots() {
        let off = 0;
        encode_onto(&mut slots, &Insn::Jump { off, long: false });
    }
    slots
}

/// What a sweep over seeds found.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// Programs made.
    pub programs: u64,
    /// Of those, accepted.
    pub accepted: u64,
    /// Steps held against certificates.
    pub steps: u64,
    /// Programs accepted of which only traps were looked for: their certificates are too long.
    pub unfollowed: u64,
    /// Why programs were rejected, and how often; numbers left out.
    pub reasons: BTreeMap<String, u64>,
    /// Seeds of unsound programs, with what happened.
    pub unsound: Vec<(u64, String)>,
}

impl Sweep {
    /// Counts another's in.
    pub fn add(&mut self, other: Sweep) {
        self.programs += other.programs;
        self.accepted += other.accepted;
        self.steps += other.steps;
        self.unfollowed += other.unfollowed;
        self.unsound.extend(other.unsound);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}

/// Tries the programs of these seeds, by these rules.
pub fn sweep(seeds: std::ops::Range<u64>, rules: Rules) -> Sweep {
    let mut sweep = Sweep::default();
    let mut laboratory = Laboratory::new(rules);
    for seed in seeds {
        sweep.programs += 1;
        match laboratory.fate_of(&generate(seed), seed) {
            Fate::Rejected(why) => {
                let why: String = why.chars().filter(|c| !c.is_ascii_digit()).collect();
                *sweep.reasons.entry(why).or_default() += 1;
            }
            Fate::Sound { steps } => {
                sweep.accepted += 1;
                sweep.unfollowed += u64::from(steps.is_none());
                sweep.steps += steps.unwrap_or_default();
            }
            Fate::Unsound(why) => {
                sweep.accepted += 1;
                sweep.unsound.push((seed, why));
            }
        }
    }
    sweep
}

/// A program as text, without what [`minimise`] made nothing of.
pub fn show(made: &Made) -> String {
    let text = listing(&made.insns, &NoNames).to_string();
    let lines = text.lines().filter(|line| !line.ends_with(" goto +0"));
    let lines: Vec<&str> = lines.collect();
    format!("; type: {}\n{}", made.kind, lines.join("\n"))
}
