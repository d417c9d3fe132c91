//! rbpf's compilers: its own, one pass without run-time checks or verification, and, if it was built in,
//! Cranelift, every access checked against three ranges.
#![allow(unsafe_code)]

use crate::{BenchProgram, Rbpf};

/// A program compiled by one of them.
pub struct RbpfCompiled {
    rbpf: Rbpf,
    execute: fn(&mut Rbpf) -> std::io::Result<u64>,
}

impl RbpfCompiled {
    /// By its own compiler, ready to run on the bench packet; `None` if it does not compile.
    pub fn jit(bench: &BenchProgram) -> Option<Self> {
        let mut rbpf = Rbpf::new(bench);
        rbpf.machine.jit_compile().ok()?;
        let execute = |rbpf: &mut Rbpf| {
            let (packet, context) = (&mut rbpf.packet, &mut rbpf.context);
            // SAFETY: bench programs touch the packet inside of its bounds, which the context tells, and
            // their own stack: the verifier accepts each of them.
            unsafe { rbpf.machine.execute_program_jit(packet, context) }
        };
        Some(Self { rbpf, execute })
    }

    /// By Cranelift, of an older release than ours; `None` if it does not compile.
    #[cfg(feature = "rbpf-cranelift")]
    pub fn cranelift(bench: &BenchProgram) -> Option<Self> {
        let mut rbpf = Rbpf::new(bench);
        rbpf.machine.cranelift_compile().ok()?;
        let execute = |rbpf: &mut Rbpf| {
            let (packet, context) = (&mut rbpf.packet, &mut rbpf.context);
            rbpf.machine.execute_program_cranelift(packet, context)
        };
        Some(Self { rbpf, execute })
    }

    /// One run: what the program returned.
    pub fn run(&mut self) -> u32 {
        let result = (self.execute)(&mut self.rbpf);
        result.expect("it was compiled") as u32
    }
}
