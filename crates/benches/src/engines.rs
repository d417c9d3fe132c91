//! The interpreters that are compared, behind the same few functions.

use std::sync::Arc;

use osmia_isa::{Endian, Slot, write_slots};
use osmia_object::{LinkOptions, Object};
use osmia_program::{KernelVersion, Program, ProgramKind, Target};
use osmia_vm::{Code, Environment, Layer, Machine};

use crate::{BenchProgram, packet};

/// The linked program of a bench object.
fn link(bench: &BenchProgram) -> Program {
    let target = Target {
        name: "bench".into(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        cpus: 1,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
    };
    let object = Object::parse(bench.object, bench.name).expect("a committed object");
    let set = object.link(&target, &LinkOptions::default());
    let mut programs = set.expect("a committed object links").programs;
    programs.pop().expect("a committed object has a program")
}

/// Our interpreter: every access checked against regions, instructions counted.
pub struct Osmia {
    machine: Machine,
    code: Arc<Code>,
}

impl Osmia {
    /// Ready to run the program on the bench packet.
    pub fn new(bench: &BenchProgram) -> Osmia {
        let mut machine = Machine::new(Environment::repeatable(1)).expect("memory");
        machine
            .input(ProgramKind::Xdp, &packet(), &[], Layer::Ethernet)
            .expect("the packet fits");
        let code = Code::prepare(&Arc::new(link(bench)), &[]).expect("the program can run");
        Osmia { machine, code }
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
    machine: rbpf::EbpfVmMbuff<'static>,
    packet: Vec<u8>,
    /// Where the packet begins and ends.
    context: Vec<u8>,
}

impl Rbpf {
    /// Ready to run the program on the bench packet.
    pub fn new(bench: &BenchProgram) -> Rbpf {
        let mut slots = link(bench).insns.clone();
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
    use super::{Osmia, Rbpf};
    use crate::WITHOUT_MAPS;

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
}
