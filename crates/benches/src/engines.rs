//! The interpreters that are compared, behind the same few functions.

use std::sync::Arc;

use osmia_isa::{Endian, Slot, write_slots};
use osmia_jit::Tiers;
use osmia_object::{LinkOptions, Object};
use osmia_program::{KernelVersion, MapSpec, Program, ProgramKind, Target, UpdateMode};
use osmia_verify::Options;
use osmia_vm::map::{Map, Runs};
use osmia_vm::{Code, Environment, Layer, Machine};

use crate::{BenchProgram, contents, packet};

/// Where bench programs are linked for.
pub(crate) fn target(cpus: u32) -> Target {
    Target {
        name: "bench".into(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    }
}

/// The linked program of a bench object and its maps.
fn link(bench: &BenchProgram) -> (Program, Vec<MapSpec>) {
    let target = target(1);
    let object = Object::parse(bench.object, bench.name).expect("a committed object");
    let set = object.link(&target, &LinkOptions::default());
    let mut set = set.expect("a committed object links");
    let program = set
        .programs
        .pop()
        .expect("a committed object has a program");
    let maps = program.maps.iter().map(|map| set.maps[map.index()].clone());
    let maps = maps.collect();
    (program, maps)
}

/// The maps of a bench program.
pub fn maps(bench: &BenchProgram) -> Vec<MapSpec> {
    link(bench).1
}

/// Gives a program its native form, if the verifier and the compiler take it.
pub(crate) fn compile(
    code: &Arc<Code>,
    program: &Program,
    maps: &[MapSpec],
    target: &Target,
    tiers: Tiers,
) -> bool {
    let options = Options::default();
    let verified = osmia_verify::verify(program, maps, target, &options);
    let compiled = verified.result.ok().and_then(|verified| {
        let facts = verified.facts(maps, target, &options).ok()?;
        osmia_jit::compile_in(&facts, code, tiers).ok()
    });
    compiled.is_some_and(|native| code.set_native(Box::new(native)))
}

/// A map that holds what the program expects.
fn filled(bench: &BenchProgram, spec: &MapSpec, runs: &Arc<Runs>) -> Arc<Map> {
    let map = Map::create(spec, runs).expect("a right specification");
    for (key, value) in contents(bench.name, &spec.name) {
        map.update_outside(&key, &value, UpdateMode::Any)
            .expect("there is room");
    }
    Arc::new(map)
}

/// Our interpreter: every access checked against regions, instructions counted.
pub struct Osmia {
    machine: Machine,
    code: Arc<Code>,
}

impl Osmia {
    /// Ready to run the program on the bench packet.
    pub fn new(bench: &BenchProgram) -> Osmia {
        let runs = Arc::new(Runs::new(1));
        let mut machine = Machine::among(&runs, Environment::repeatable(1)).expect("memory");
        machine
            .input(ProgramKind::Xdp, &packet(), &[], Layer::Ethernet)
            .expect("the packet fits");
        let (program, maps) = link(bench);
        let maps: Vec<_> = maps.iter().map(|spec| filled(bench, spec, &runs)).collect();
        let code = Code::prepare(&Arc::new(program), &maps).expect("the program can run");
        Osmia { machine, code }
    }

    /// The same as machine code; `None` if the verifier or the compiler does not take the program.
    pub fn native(bench: &BenchProgram, tiers: Tiers) -> Option<Osmia> {
        let osmia = Self::new(bench);
        let (program, maps) = link(bench);
        compile(&osmia.code, &program, &maps, &target(1), tiers).then_some(osmia)
    }

    /// One run: what the program returned.
    pub fn run(&mut self) -> u32 {
        self.machine
            .run(&self.code)
            .expect("the program is sound")
            .value as u32
    }

    /// One run: instructions executed.
    pub fn insns(&mut self) -> u64 {
        self.machine
            .run(&self.code)
            .expect("the program is sound")
            .insns
    }
}

/// rbpf's interpreter: every access checked against three ranges, no budget.
pub struct Rbpf {
    pub(crate) machine: rbpf::EbpfVmMbuff<'static>,
    pub(crate) packet: Vec<u8>,
    /// Where the packet begins and ends.
    pub(crate) context: Vec<u8>,
}

impl Rbpf {
    /// Ready to run the program on the bench packet.
    pub fn new(bench: &BenchProgram) -> Rbpf {
        let mut slots = link(bench).0.insns.clone();
        widen_context_loads(&mut slots);
        // A machine borrows its program; a bench has few and ends soon.
        let program = write_slots(&slots, Endian::Little).leak();
        let mut machine = rbpf::EbpfVmMbuff::new(Some(program)).expect("rbpf takes the program");
        machine
            .register_helper(GET_PRANDOM_U32, |_, _, _, _, _| 4)
            .expect("rbpf takes a helper");
        let packet = packet();
        let range = packet.as_ptr_range();
        let context = [range.start, range.end].map(|at| (at as usize as u64).to_ne_bytes());
        Rbpf {
            machine,
            packet,
            context: context.concat(),
        }
    }

    /// One run: what the program returned.
    pub fn run(&mut self) -> u32 {
        let result = self.machine.execute_program(&self.packet, &self.context);
        result.expect("the program is sound") as u32
    }
}

const GET_PRANDOM_U32: u32 = 7;

/// rbpf's packet pointers have 64 bits, those of `struct xdp_md` 32: the two loads that every
/// program begins with are widened.
fn widen_context_loads(slots: &mut [Slot]) {
    const LOAD_W: u8 = 0x61;
    const LOAD_DW: u8 = 0x79;
    // Later on r1 is something else.
    for slot in slots.iter_mut().take(3) {
        if slot.code == LOAD_W && slot.src == 1 && matches!(slot.off, 0 | 4) {
            slot.code = LOAD_DW;
            slot.off *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Osmia, Rbpf, Tiers};
    use crate::{WITH_MAPS, WITHOUT_MAPS};

    #[test]
    fn both_engines_return_what_every_program_must() {
        for bench in WITHOUT_MAPS {
            let mut osmia = Osmia::new(bench);
            assert_eq!(osmia.insns(), bench.insns, "{}", bench.name);
            assert_eq!(osmia.run(), bench.first, "{}", bench.name);
            assert_eq!(
                Rbpf::new(bench).run(),
                bench.first,
                "{} in rbpf",
                bench.name
            );
        }
    }

    #[test]
    fn machine_code_of_both_tiers_returns_what_every_program_must() {
        // The verifier looks at these instruction by instruction, which takes a while.
        let long = ["alu_xorshift", "alu_primes", "alu_log2", "matmul"];
        for bench in WITHOUT_MAPS.iter().chain(WITH_MAPS) {
            if long.contains(&bench.name) {
                continue;
            }
            for tiers in [Tiers::First, Tiers::Second] {
                let mut native = Osmia::native(bench, tiers).expect(bench.name);
                assert_eq!(native.run(), bench.first, "{}", bench.name);
            }
        }
    }

    #[test]
    fn programs_find_their_maps_filled() {
        for bench in WITH_MAPS {
            let mut osmia = Osmia::new(bench);
            assert_eq!(osmia.run(), bench.first, "{}", bench.name);
            let insns = Osmia::new(bench).insns();
            assert_eq!(insns, bench.insns, "{}", bench.name);
        }
    }
}
