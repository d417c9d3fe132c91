//! What each function takes: arguments it looks at, the machine, and a frame if it uses one.

use std::ops::Range;

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::TargetIsa;
use osmia_isa::Reg;

use crate::lower::{Line, Lowered, Op};

/// A function of a program.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Its lines, by position.
    pub(super) lines: Range<usize>,
    /// How many of `r1` to `r5`, from the first, it may look at.
    pub(super) args: usize,
    /// It, or what it calls, touches the stack.
    pub(super) needs_frame: bool,
}

/// The entry's frame pointer comes by way of the machine, so that its arguments fit registers.
pub(super) const ENTRY_ARGS: usize = 5;

pub(super) fn functions(lowered: &Lowered) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::with_capacity(lowered.functions.len());
    for (number, start) in lowered.functions.iter().enumerate() {
        let at = |slot: u32| lowered.lines.partition_point(|line| line.slot < slot);
        let end = lowered.functions.get(number + 1);
        let lines = at(*start)..end.map_or(lowered.lines.len(), |end| at(*end));
        let body = &lowered.lines[lines.clone()];
        let args = if number == 0 { ENTRY_ARGS } else { args(body) };
        functions.push(Function {
            needs_frame: body.iter().any(needs_frame),
            args,
            lines,
        });
    }
    functions
}

/// Frames of functions that are called lie below their caller's.
fn needs_frame(line: &Line) -> bool {
    let calls = matches!(
        line.op,
        Op::CallFunction { .. } | Op::Loop { .. } | Op::TailCall
    );
    calls || line.op.reads(Reg::R10)
}

/// How many of the first registers are read anywhere.
fn args(body: &[Line]) -> usize {
    let reads = |number: u8| {
        let reg = Reg::new(number).expect("there are eleven registers");
        body.iter().any(|line| reads_as_argument(&line.op, reg))
    };
    let last = (1..=5).rev().find(|number| reads(*number));
    last.map_or(0, usize::from)
}

fn reads_as_argument(op: &Op, reg: Reg) -> bool {
    match *op {
        Op::CallHelper { helper } => usize::from(reg.number()) <= helper_args(helper),
        _ => op.reads(reg),
    }
}

/// How many arguments a helper looks at.
pub(super) fn helper_args(helper: u32) -> usize {
    let Some(helper) = osmia_program::helper::by_id(helper) else {
        return 5;
    };
    let variants = helper.variants.iter().map(|(_, prototype)| prototype);
    let all = variants.chain([&helper.prototype]);
    all.map(|prototype| prototype.args.len()).max().unwrap_or(5)
}

impl Function {
    /// The native signature.
    pub(super) fn signature(&self, isa: &dyn TargetIsa, is_entry: bool) -> Signature {
        let mut signature = Signature::new(isa.default_call_conv());
        let frame = usize::from(self.needs_frame && !is_entry);
        let params = self.args + 1 + frame;
        signature.params = vec![AbiParam::new(types::I64); params];
        signature.returns = vec![AbiParam::new(types::I64)];
        signature
    }
}
