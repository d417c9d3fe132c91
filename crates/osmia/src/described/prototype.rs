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
            (ProgramKind::StructOps, _) => operation(btf, target),
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

/// That of a function of a table of operations, `tcp_congestion_ops.ssthresh`. The pointer to it has no
/// names; the function that stands in for it where the kernel checks programs has.
fn operation(btf: &Btf, target: &str) -> Option<Prototype> {
    let (table, member) = target.split_once('.')?;
    let table_type = btf.find(table, Kind::Struct)?;
    let mut members = btf.type_at(table_type).composite()?.members();
    let Body::Ptr(proto) = btf
        .resolve(members.find(|known| known.name == member)?.ty)
        .body()
    else {
        return None;
    };
    let mut prototype = Prototype::new(btf, proto)?;
    let same_types = |other: &Prototype| {
        let mut pairs = prototype.arguments.iter().zip(&other.arguments);
        prototype.arguments.len() == other.arguments.len()
            && pairs.all(|(one, other)| btf.resolve(one.ty).id() == btf.resolve(other.ty).id())
    };
    let stand_in = function(btf, &format!("{table}__{member}")).filter(same_types);
    let suffix = format!("_{member}");
    let mut functions = btf.own_types().filter(|ty| {
        let name = ty.name();
        ty.kind() == Kind::Func && name.starts_with("bpf_") && name.ends_with(&suffix)
    });
    let similar = || functions.find_map(|ty| function(btf, ty.name()).filter(same_types));
    let names = stand_in.or_else(similar);
    for (index, argument) in prototype.arguments.iter_mut().enumerate() {
        let named = names
            .as_ref()
            .map(|names| names.arguments[index].name.clone());
        argument.name = (named.filter(|name| !name.is_empty())).unwrap_or(format!("arg{index}"));
    }
    Some(prototype)
}

#[cfg(test)]
mod tests {
    use osmia_btf::{BtfBuilder, Endian, Int, Linkage, NewMember, TypeId};

    use super::operation;

    #[test]
    fn arguments_of_operations_are_named_by_what_stands_in_for_them() {
        let mut types = BtfBuilder::new();
        let int = types.int("int", 4, Int::SIGNED);
        let pointer = |types: &mut BtfBuilder, names: &[&str]| {
            let params: Vec<_> = names.iter().map(|name| (*name, int)).collect();
            types.func_proto(TypeId::VOID, &params)
        };
        let bare = pointer(&mut types, &["", ""]);
        let to_bare = types.ptr(bare);
        let members = [
            NewMember::new("enqueue", to_bare, 0),
            NewMember::new("dequeue", to_bare, 8),
        ];
        types.structure("some_ops", 16, &members);
        let named = pointer(&mut types, &["packet", "queue"]);
        types.func("bpf_some_enqueue", Linkage::Static, named);
        let btf = types.build(Endian::NATIVE).expect("right types");
        let names = |target: &str| -> Option<Vec<String>> {
            let prototype = operation(&btf, target)?;
            Some(
                prototype
                    .arguments
                    .into_iter()
                    .map(|argument| argument.name)
                    .collect(),
            )
        };
        assert_eq!(names("some_ops.enqueue").unwrap(), ["packet", "queue"]);
        assert_eq!(names("some_ops.dequeue").unwrap(), ["arg0", "arg1"]);
        assert_eq!(names("some_ops.reset"), None);
    }
}
