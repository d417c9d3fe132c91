//! The context of one run, by the kind of context its program type has.

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::context::{Context, Fields, context};
use osmia_program::{AttachKind, Program, ProgramKind};

use super::layout::{Buffer, Builder, HEX, Place, find_type, raw_bytes};
use super::tree::{Node, Tree};
use super::{arguments, fields, iterator, record, registers};

/// Who a context is described for.
#[derive(Copy, Clone)]
pub(super) struct Subject<'a> {
    pub(super) program: &'a Program,
    pub(super) kernel: Option<&'a Btf>,
}

/// How the bytes of a context are read by people.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Form {
    /// By the fields of a UAPI structure.
    Fields(Fields),
    /// By a structure of the program's BTF.
    Own(TypeId),
    /// Not at all.
    Opaque,
}

impl Form {
    /// That of a program's context.
    pub(crate) fn of(program: &Program) -> Self {
        match (program.hook.kind, context(&program.hook)) {
            (_, Context::Fields(fields)) => Form::Fields(fields),
            (ProgramKind::Syscall, _) => parameter(program).map_or(Form::Opaque, Form::Own),
            _ => Form::Opaque,
        }
    }
}

/// Fills the context of one run. What `ctx` does not say is zero.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    if let Some(node) = ctx
        && let Tree::Text(text) = &node.value
    {
        match raw_bytes(text) {
            Ok(bytes) if text.starts_with(HEX) => builder.context = bytes,
            Ok(_) => builder.wrong(
                node,
                "this context is text",
                "a table, or `hex:` and digits",
            ),
            Err(message) => builder.wrong(node, message, "pairs of digits"),
        }
        return;
    }
    let hook = &subject.program.hook;
    match (hook.kind, hook.attach) {
        (ProgramKind::Tracing, Some(AttachKind::TraceIter)) => {
            iterator::fill(builder, subject, ctx)
        }
        (
            ProgramKind::RawTracepoint
            | ProgramKind::RawTracepointWritable
            | ProgramKind::Tracing
            | ProgramKind::Lsm
            | ProgramKind::StructOps,
            _,
        ) => arguments::fill(builder, subject, ctx),
        (ProgramKind::Kprobe | ProgramKind::PerfEvent, _) => registers::fill(builder, subject, ctx),
        (ProgramKind::Tracepoint, _) => record::fill(builder, subject, ctx),
        (ProgramKind::Syscall, _) => own(builder, subject, ctx),
        _ => match context(hook) {
            Context::Fields(layout) => fields::fill(builder, layout.layout(), ctx),
            _ => {
                if let Some(node) = ctx {
                    let kind = hook.kind;
                    let message = format!("the context of {kind} programs has no names here");
                    builder.wrong(node, message, "`hex:` and digits");
                }
            }
        },
    }
}

/// A context that is a structure of the program's own.
fn own<'a>(builder: &mut Builder<'a>, subject: Subject<'a>, ctx: Option<&'a Node>) {
    let Some(node) = ctx else { return };
    let debug = subject.program.debug.as_ref();
    match (parameter(subject.program), debug) {
        (Some(ty), Some(debug)) => structure(builder, &debug.btf, ty, node),
        _ => builder.wrong(
            node,
            "the program does not say what its context is",
            "`hex:` and digits, as the parameter's type is unknown",
        ),
    }
}

/// Makes the context a structure and fills it.
pub(super) fn structure<'a>(builder: &mut Builder<'a>, btf: &'a Btf, ty: TypeId, node: &'a Node) {
    builder.context = vec![0; btf.size_of(ty).unwrap_or(0) as usize];
    builder.value(btf, Place::at(Buffer::Context, 0, ty), node);
}

/// The structure that the program's parameter points to, in the program's BTF.
pub(super) fn parameter(program: &Program) -> Option<TypeId> {
    let debug = program.debug.as_ref()?;
    let function = debug.funcs.first()?.type_id;
    let btf = &debug.btf;
    let Body::FuncProto(proto) = btf.resolve(btf.type_at(function).target()?).body() else {
        return None;
    };
    let Body::Ptr(target) = btf.resolve(proto.params().next()?.ty).body() else {
        return None;
    };
    let ty = btf.resolve(target);
    (ty.kind() == Kind::Struct).then(|| ty.id())
}

/// The structure of a record or an iterator: the kernel's of the name the program's parameter has,
/// else the kernel's of `name`, else the program's own.
pub(super) fn kernel_structure<'a>(subject: Subject<'a>, name: &str) -> Option<(&'a Btf, TypeId)> {
    let program = subject.program;
    let own = program
        .debug
        .as_ref()
        .zip(parameter(program))
        .map(|(debug, ty)| (&*debug.btf, ty));
    let own_name = own.map(|(btf, ty)| osmia_btf::essential_name(btf.type_at(ty).name()));
    let kernel = subject.kernel.and_then(|btf| {
        let named = own_name.and_then(|name| btf.find(name, Kind::Struct));
        Some((btf, named.or_else(|| find_type(btf, name))?))
    });
    kernel.or(own)
}
