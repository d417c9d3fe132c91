//! rbpf's optimising compiler: Cranelift, every access checked against three ranges.

use crate::{BenchProgram, Rbpf};

/// A program compiled by it.
pub struct RbpfCranelift(Rbpf);

impl RbpfCranelift {
    /// Ready to run the program on the bench packet; `None` if it does not compile.
    pub fn new(bench: &BenchProgram) -> Option<Self> {
        let mut rbpf = Rbpf::new(bench);
        rbpf.machine.cranelift_compile().ok()?;
        Some(Self(rbpf))
    }

    /// One run: what the program returned.
    pub fn run(&mut self) -> u32 {
        let Rbpf {
            machine,
            packet,
            context,
        } = &mut self.0;
        let result = machine.execute_program_cranelift(packet, context);
        result.expect("it was compiled") as u32
    }
}
