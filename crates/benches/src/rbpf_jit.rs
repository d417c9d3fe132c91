//! rbpf's template compiler: one pass, no run-time checks, no verification either.
#![allow(unsafe_code)]

use crate::{BenchProgram, Rbpf};

/// A program compiled by it.
pub struct RbpfJit(Rbpf);

impl RbpfJit {
    /// Ready to run the program on the bench packet; `None` if it does not compile.
    pub fn new(bench: &BenchProgram) -> Option<Self> {
        let mut rbpf = Rbpf::new(bench);
        rbpf.machine.jit_compile().ok()?;
        Some(Self(rbpf))
    }

    /// One run: what the program returned.
    pub fn run(&mut self) -> u32 {
        let Rbpf {
            machine,
            packet,
            context,
        } = &mut self.0;
        // SAFETY: bench programs touch the packet inside of its bounds, which the context tells, and their
        // own stack: the verifier accepts each of them.
        let result = unsafe { machine.execute_program_jit(packet, context) };
        result.expect("it was compiled") as u32
    }
}
