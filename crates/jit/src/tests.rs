//! Programs written by hand: what they become, and that they do what the interpreter does.
//!
//! Tests hand programs to the compiler that nobody verified; the door for that is not there outside
//! of tests.

mod again;
mod agree;
mod files;
#[cfg(feature = "tier2")]
mod loops;
#[cfg(feature = "tier2")]
mod rise;
mod stops;

use std::sync::Arc;

use osmia_isa::{AluOp, Insn, Operand, Reg, Slot, decode};
use osmia_program::{MapIndex, MapSpec, Program, ProgramKind, ProgramParts};
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Code, Environment, Layer, Machine};

use crate::facts::Facts;
use crate::lower::Lowered;
use crate::native::NativeCode;
use crate::{Tiers, pages, refused};

/// A program, its maps, and what it runs on.
struct Case {
    program: Arc<Program>,
    specs: Vec<MapSpec>,
    packet: Vec<u8>,
}

/// What a run leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct End {
    result: Result<u64, String>,
    packet: Vec<u8>,
    maps: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Case {
    fn new(slots: Vec<Slot>, specs: Vec<MapSpec>, packet: Vec<u8>) -> Self {
        let mut parts = ProgramParts::bare("test", ProgramKind::Xdp, slots);
        parts.maps = (0..specs.len() as u32)
            .map(|index| MapIndex::from_usize(index as _))
            .collect();
        Self {
            program: Arc::new(Program::new(parts).expect("a layout")),
            specs,
            packet,
        }
    }

    fn lowered(&self, maps: &[Arc<Map>]) -> Result<Lowered, refused::Refused> {
        Lowered::new(&self.program, maps, &facts(&self.program))
    }

    fn maps(&self, runs: &Arc<Runs>) -> Vec<Arc<Map>> {
        let made = |spec| Arc::new(Map::create(spec, runs).expect("a right specification"));
        self.specs.iter().map(made).collect()
    }

    /// Runs it twice, interpreted or as machine code.
    fn run(&self, native: Option<Tiers>) -> End {
        let runs = Arc::new(Runs::new(2));
        let maps = self.maps(&runs);
        let code = Code::prepare(&self.program, &maps).expect("nothing is missing");
        for map in maps.iter().filter(|map| map.spec().name == "jumps") {
            map.set_program(0, Arc::clone(&code)).expect("a slot");
        }
        if let Some(tiers) = native {
            let lowered = self.lowered(&maps).expect("it has a native form");
            match NativeCode::new(lowered, &code, pages::vouch_for_test(), tiers) {
                Ok(native) => assert!(code.set_native(Box::new(native))),
                // What tier 2 leaves to tier 1 is compared there.
                #[cfg(feature = "tier2")]
                Err(refused::NotCompiled::Optimiser { .. }) => {}
                Err(why) => panic!("{why}"),
            }
        }
        let mut machine = Machine::among(&runs, Environment::repeatable(7)).expect("memory");
        machine
            .input(ProgramKind::Xdp, &self.packet, &[], Layer::Ethernet)
            .expect("a packet");
        let mut result = Ok(0);
        for _ in 0..2 {
            result = machine
                .run(&code)
                .map(|outcome| outcome.value)
                .map_err(|trap| trap.to_diagnostic().message);
        }
        let mut packet = Vec::new();
        machine.world().output(&mut packet);
        End {
            result,
            packet,
            maps: maps.iter().map(|map| contents(map)).collect(),
        }
    }
}

fn contents(map: &Map) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut key = map.next_key_outside(None).ok();
    while let Some(now) = key {
        if let Ok(value) = map.lookup_outside(&now) {
            entries.push((now.clone(), value));
        }
        key = map.next_key_outside(Some(&now)).ok();
    }
    entries.sort();
    entries
}

/// Facts of programs that keep their context in a register along the list of their instructions.
fn facts(program: &Program) -> Facts {
    let slots = &program.insns;
    let mut facts = Facts {
        context: vec![false; slots.len()],
        far: vec![false; slots.len()],
        far_arguments: vec![false; slots.len()],
        constants: Default::default(),
        apart: Vec::new(),
        reads_unset_stack: true,
        reached: vec![true; slots.len()],
        context_bytes: 0,
    };
    let mut holds = [false; 11];
    holds[1] = true;
    let mut at = 0;
    while at < slots.len() {
        let insn = decode(slots, at).expect("a layout");
        match insn {
            Insn::Load { dst, base, .. } => {
                facts.context[at] = holds[base.index()];
                holds[dst.index()] = false;
            }
            Insn::Store { base, .. } => facts.context[at] = holds[base.index()],
            Insn::Alu {
                op: AluOp::Mov,
                dst,
                src: Operand::Reg(src),
                ..
            } => holds[dst.index()] = holds[src.index()],
            Insn::Alu { dst, .. } | Insn::LoadImm64 { dst, .. } => holds[dst.index()] = false,
            Insn::Call(_) => holds[..6].fill(false),
            _ => {}
        }
        at += insn.slots();
    }
    facts
}

fn reg(number: u8) -> Reg {
    Reg::new(number).expect("there are eleven registers")
}
