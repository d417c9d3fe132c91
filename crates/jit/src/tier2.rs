//! Tier 2: Cranelift, for programs that get hot.
//!
//! Works from the same lines as tier 1 and gives code that is entered the same way: `stubs` stand before it
//! for what the two tiers agree on. Small functions become part of their callers. Nothing here knows
//! the machine but `stubs`.
//!
//! Cranelift takes more than linear time for shapes that an author can choose, and cannot be
//! stopped, so that what it is given is bounded ([`crate::limits`]), and long chains of arithmetic are
//! cut ([`body`]).

mod alu;
mod body;
mod call;
mod counted;
mod inline;
mod link;
mod memory;
mod reduction;
mod signature;
mod stubs;
mod tail;
mod wide;

use std::fmt::Display;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;

use crate::limits;
use crate::lower::{CALL_BACK, Constant, Line, Lowered, Op};
use crate::pages::Places;
use crate::refused::NotCompiled;
use crate::symbols::Symbols;
use crate::tier1::Isa;
use link::Linker;

/// Machine code that is not yet where it can run.
#[derive(Debug)]
pub(crate) struct Optimised {
    pub(crate) bytes: Vec<u8>,
    /// The ways in.
    pub(crate) places: Places,
    /// Where what was made of a slot begins, in the order of the code.
    pub(crate) lines: Vec<(usize, u32)>,
}

/// Why a program stays in tier 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOptimised {
    #[error("it has {lines} operations, more than {max}", max = limits::OPTIMISED_LINES_MAX)]
    Lines { lines: usize },
    #[error("it has {jumps} jumps, more than {max}", max = limits::OPTIMISED_JUMPS_MAX)]
    Jumps { jumps: usize },
    #[error("its operation at instruction {slot} is left to tier 1")]
    Operation { slot: u32 },
    #[error("{0}")]
    Cranelift(String),
}

impl NotOptimised {
    fn cranelift(error: impl Display) -> Self {
        NotOptimised::Cranelift(error.to_string())
    }
}

/// Compiles a program.
pub(crate) fn compile(lowered: &Lowered, symbols: &Symbols<'_>) -> Result<Optimised, NotOptimised> {
    compile_and(lowered, symbols, |_| {})
}

/// As [`compile`], and gives what Cranelift made of each function before it became machine code.
pub(crate) fn compile_and(
    lowered: &Lowered,
    symbols: &Symbols<'_>,
    mut made: impl FnMut(&Function),
) -> Result<Optimised, NotOptimised> {
    check_limits(lowered)?;
    check_operations(lowered)?;
    let isa = isa()?;
    let functions = signature::functions(lowered);
    let here = Isa::HERE.ok_or_else(|| NotOptimised::cranelift(NotCompiled::Machine))?;
    let mut linker = Linker::new(here, functions.len());
    let (mut context, mut builder) = (Context::new(), FunctionBuilderContext::new());
    // Functions that are called, those callers took in are not.
    let mut waiting = vec![0];
    while let Some(number) = waiting.pop() {
        if linker.has(number) {
            continue;
        }
        context.clear();
        let maker = body::Maker {
            isa: &*isa,
            lowered,
            symbols,
            functions: &functions,
        };
        let called = maker.make(number, &mut context.func, &mut builder);
        context
            .compile(&*isa, &mut ControlPlane::default())
            .map_err(|error| NotOptimised::cranelift(error.inner))?;
        made(&context.func);
        linker.add(number, &context);
        waiting.extend(called);
    }
    Ok(linker.finish(functions[0].needs_frame))
}

/// What the machine does itself, what calls back, and what is looked at whether to stop, costs the same in
/// tier 1.
fn check_operations(lowered: &Lowered) -> Result<(), NotOptimised> {
    let is_left = |line: &&Line| match line.op {
        Op::CallHelper { helper } => CALL_BACK.contains(&helper),
        Op::CallFunction { to } => lowered.apart.binary_search(&to).is_ok(),
        Op::FarLoad { .. }
        | Op::FarStore { .. }
        | Op::FarAtomic { .. }
        | Op::LoadPacket { .. }
        | Op::ToUser { .. }
        | Op::MayGoto { .. }
        | Op::CallKfunc { .. }
        | Op::Constant {
            value: Constant::Function(_),
            ..
        } => true,
        _ => false,
    };
    match lowered.lines.iter().find(is_left) {
        Some(line) => Err(NotOptimised::Operation { slot: line.slot }),
        None => Ok(()),
    }
}

fn check_limits(lowered: &Lowered) -> Result<(), NotOptimised> {
    let lines = lowered.lines.len();
    if lines > limits::OPTIMISED_LINES_MAX {
        return Err(NotOptimised::Lines { lines });
    }
    let jumps = lowered.lines.iter();
    let jumps = jumps.filter(|line| line.op.jumps_to().is_some()).count();
    if jumps > limits::OPTIMISED_JUMPS_MAX {
        return Err(NotOptimised::Jumps { jumps });
    }
    Ok(())
}

/// This machine, with what its processor can.
fn isa() -> Result<OwnedTargetIsa, NotOptimised> {
    let mut flags = settings::builder();
    let wanted = [
        ("opt_level", "speed"),
        // Would undo what `body` does about long chains of arithmetic, and gains nothing else.
        ("enable_alias_analysis", "false"),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("enable_verifier", if cfg!(test) { "true" } else { "false" }),
        // Frame pointers are for calls of its own convention for tail calls, of which there are none.
        ("preserve_frame_pointers", "false"),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(NotOptimised::cranelift)?;
    }
    let builder = cranelift_native::builder().map_err(NotOptimised::cranelift)?;
    let isa = builder.finish(settings::Flags::new(flags));
    isa.map_err(NotOptimised::cranelift)
}
