//! What a hook passes to its programs, from the kernel's BTF: names and types of arguments.

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::{AttachKind, Hook, ProgramKind};

/// One argument.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    /// Its name; empty if the types do not say.
    pub(super) name: String,
    pub(super) ty: TypeId,
    /// Eight-byte words it takes.
    pub(super) words: usize,
}

/// Arguments and result.
#[derive(Clone, Debug)]
pub(super) struct Prototype {
    pub(super) arguments: Vec<Argument>,
    /// What the function returns; `void` if nothing.
    pub(super) returns: TypeId,
}

impl Prototype {
    /// That of the function, tracepoint or hook a program names.
    pub(super) fn of(btf: &Btf, hook: &Hook) -> Option<Self> {
        let target = hook.target.as_deref()?;
        match (hook.kind, hook.attach) {
            (ProgramKind::RawTracepoint | ProgramKind::RawTracepointWritable, _)
            | (ProgramKind::Tracing, Some(AttachKind::TraceRawTp)) => tracepoint(btf, target),
            (ProgramKind::Lsm, _) => function(btf, &format!("bpf_lsm_{target}")),
            (ProgramKind::StructOps, _) => None,
            _ => function(btf, target.split('+').next()?),
        }
    }

    fn new(btf: &Btf, proto: TypeId) -> Option<Self> {
        let Body::FuncProto(proto) = btf.resolve(proto).body() else {
            return None;
        };
        let arguments = proto
            .params()
            // The last one of a variadic function has no type.
            .filter(|param| param.ty != TypeId::VOID)
            .map(|param| Argument {
                name: param.name.to_owned(),
                ty: param.ty,
                words: btf.size_of(param.ty).unwrap_or(8).div_ceil(8).max(1) as usize,
            })
            .collect();
        Some(Self {
            arguments,
            returns: proto.result,
        })
    }

    /// Which argument has a name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.arguments
            .iter()
            .position(|argument| argument.name == name)
    }

    /// Words of all arguments.
    pub(super) fn words(&self) -> usize {
        self.arguments.iter().map(|argument| argument.words).sum()
    }
}

/// A function's.
pub(super) fn function(btf: &Btf, name: &str) -> Option<Prototype> {
    let id = btf.find(name, Kind::Func)?;
    Prototype::new(btf, btf.type_at(id).target()?)
}

/// A tracepoint's, without the first parameter, which is the kernel's own. The type that declares it
/// has no names; the functions that call it have.
fn tracepoint(btf: &Btf, name: &str) -> Option<Prototype> {
    let named = ["__traceiter_", "__bpf_trace_"]
        .iter()
        .find_map(|prefix| function(btf, &format!("{prefix}{name}")));
    let declared = || {
        let id = btf.find(&format!("btf_trace_{name}"), Kind::Typedef)?;
        Prototype::new(btf, btf.resolve(id).target()?)
    };
    let mut prototype = named.or_else(declared)?;
    if !prototype.arguments.is_empty() {
        prototype.arguments.remove(0);
    }
    Some(prototype)
}
