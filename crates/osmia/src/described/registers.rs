//! Contexts that are registers: of a probed function, or of what a perf event interrupted.
//!
//! Arguments and return values go into the registers that the machine's calling convention names.

use osmia_btf::Btf;
use osmia_program::ProgramKind;
use osmia_program::context::{Context, ContextLayout, context};

use super::arguments::typed_word;
use super::context::Subject;
use super::fields;
use super::layout::{Buffer, Builder};
use super::prototype::{Prototype, function};
use super::tree::{Node, Tree};

/// Registers of the first arguments.
const ARGUMENTS: [&str; 6] = ["di", "si", "dx", "cx", "r8", "r9"];
/// The register of what a function returned.
const RESULT: &str = "ax";
/// Bytes of a register.
const WORD: usize = 8;

/// The place of a register in `struct pt_regs`.
fn offset(registers: &ContextLayout, name: &str) -> Option<usize> {
    // `rdi` is what the process calls `di`.
    let plain = name.strip_prefix('r');
    let field = registers.field(name).or_else(|| registers.field(plain?))?;
    Some(field.offset as usize)
}

/// Fills the context.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    let hook = &subject.program.hook;
    let (Context::Fields(whole), Context::Fields(registers)) =
        (context(hook), context(ProgramKind::Kprobe))
    else {
        return;
    };
    // What a perf event measured lies behind the registers, which are one field there.
    let measured = || {
        whole
            .fields
            .iter()
            .filter(|field| field.name != "regs" && field.count == 1)
    };
    builder.context = vec![0; whole.bytes as usize];
    let prototype = subject
        .kernel
        .zip(hook.target.as_deref())
        .and_then(|(btf, target)| function(btf, target.split('+').next()?));
    let Some(node) = ctx else { return };
    let Tree::Table(entries) = &node.value else {
        return builder.wrong(node, "this is no context", "a table of registers");
    };
    for entry in entries {
        let name = entry.name.as_str();
        let node = &entry.value;
        let argument = prototype.as_ref().and_then(|proto| proto.position(name));
        if let (Some(index), Some(btf)) = (argument, subject.kernel) {
            argument_word(builder, &registers, btf, prototype.as_ref(), index, node);
        } else if let Some(at) = offset(&registers, name) {
            builder.untyped(Buffer::Context, at, node);
        } else if let Some(field) = measured().find(|field| field.name == name) {
            fields::number(builder, Buffer::Context, field.offset as usize, WORD, node);
        } else if name == "args" {
            all(
                builder,
                &registers,
                subject.kernel,
                prototype.as_ref(),
                node,
            );
        } else if name == "retval" {
            let at = offset(&registers, RESULT).unwrap_or_default();
            match (subject.kernel, prototype.as_ref()) {
                (Some(btf), Some(proto)) => {
                    typed_word(builder, btf, Buffer::Context, at, proto.returns, node);
                }
                _ => builder.untyped(Buffer::Context, at, node),
            }
        } else {
            let arguments = prototype.iter().flat_map(|proto| &proto.arguments);
            let known: Vec<&str> = arguments
                .map(|argument| argument.name.as_str())
                .chain(["args", "retval"])
                .chain(registers.fields.iter().map(|field| field.name))
                .chain(measured().map(|field| field.name))
                .collect();
            builder.unknown(entry, "this context", known);
        }
    }
}

fn all<'a>(
    builder: &mut Builder<'a>,
    registers: &ContextLayout,
    kernel: Option<&'a Btf>,
    prototype: Option<&Prototype>,
    node: &'a Node,
) {
    let Tree::List(items) = &node.value else {
        return builder.wrong(node, "arguments are not given so", "a list");
    };
    if items.len() > ARGUMENTS.len() {
        let message = format!("{} arguments are too many", items.len());
        let expected = format!("at most {}, the rest lies on the stack", ARGUMENTS.len());
        return builder.wrong(node, message, &expected);
    }
    for (index, item) in items.iter().enumerate() {
        let typed = prototype.filter(|proto| index < proto.arguments.len());
        match (kernel, typed) {
            (Some(btf), Some(_)) => argument_word(builder, registers, btf, typed, index, item),
            _ => builder.untyped(Buffer::Context, register(registers, index), item),
        }
    }
}

/// The place of an argument's register.
fn register(registers: &ContextLayout, argument: usize) -> usize {
    let name = ARGUMENTS.get(argument).unwrap_or(&ARGUMENTS[0]);
    offset(registers, name).unwrap_or_default()
}

fn argument_word<'a>(
    builder: &mut Builder<'a>,
    registers: &ContextLayout,
    btf: &'a Btf,
    prototype: Option<&Prototype>,
    index: usize,
    node: &'a Node,
) {
    let Some(argument) = prototype.and_then(|proto| proto.arguments.get(index)) else {
        return;
    };
    if index >= ARGUMENTS.len() {
        return builder.wrong(
            node,
            "this argument is not in a register",
            "one of the first six",
        );
    }
    let at = register(registers, index);
    typed_word(builder, btf, Buffer::Context, at, argument.ty, node);
}
