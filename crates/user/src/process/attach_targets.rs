//! What programs are made for: functions, tracepoints, iterators and operations by their type's number
//! (`bpf_check_attach_target` of Linux 6.18).

use osmia_btf::{Body, Btf, Kind, Type, TypeId};
use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_vm::Code;

use crate::iterate;
use crate::object::{AttachTo, ProgramRecord};

/// The name of what a program is for, as section names have it; `None` if its type names nothing.
pub(super) fn name(
    kind: ProgramKind,
    attach: u32,
    to: &AttachTo,
    log: &mut String,
) -> Result<Option<String>, Errno> {
    fn refused(log: &mut String, what: String) -> Result<Option<String>, Errno> {
        *log += &format!("{what}\n");
        Err(Errno::EINVAL)
    }
    if !matches!(
        kind,
        ProgramKind::Tracing | ProgramKind::Lsm | ProgramKind::Ext | ProgramKind::StructOps
    ) {
        return Ok(None);
    }
    let of_program =
        (to.program.as_ref()).and_then(|code| ProgramRecord::of(code).about.btf.as_ref());
    let Some(types) = of_program.or(to.btf.as_ref()).map(|object| &object.btf) else {
        return refused(
            log,
            "Tracing programs can only be attached to something with BTF".to_owned(),
        );
    };
    let ty = types
        .ty(TypeId(to.btf_id))
        .filter(|ty| !ty.name().is_empty());
    let Some(ty) = ty else {
        return refused(log, format!("attach_btf_id {} is invalid", to.btf_id));
    };
    if kind == ProgramKind::StructOps {
        return match operation(types, ty, attach) {
            Some(name) => Ok(Some(name)),
            None => refused(
                log,
                format!(
                    "attr->expected_attach_type {attach} is no member of {}",
                    ty.name()
                ),
            ),
        };
    }
    let of_other = to.program.as_deref();
    if of_other.is_some_and(|other| check_function_of(other, to.btf_id).is_err()) {
        return refused(log, format!("Subprog {} doesn't exist", ty.name()));
    }
    let wanted = match AttachKind::from_number(attach) {
        Some(AttachKind::TraceRawTp) => (Kind::Typedef, "btf_trace_"),
        Some(AttachKind::TraceIter) => (Kind::Func, "bpf_iter_"),
        Some(AttachKind::LsmMac | AttachKind::LsmCgroup) => (Kind::Func, "bpf_lsm_"),
        Some(AttachKind::TraceFentry | AttachKind::TraceFexit | AttachKind::ModifyReturn) => {
            (Kind::Func, "")
        }
        _ if kind == ProgramKind::Ext => (Kind::Func, ""),
        _ => return Err(Errno::EINVAL),
    };
    let name = ty.name().strip_prefix(wanted.1);
    match name.filter(|_| ty.kind() == wanted.0) {
        Some(name) if wanted.1 == "bpf_iter_" && !iterate::is_known(name) => {
            refused(log, format!("there is no iterator {name}"))
        }
        Some(name) => Ok(Some(name.to_owned())),
        None => refused(
            log,
            format!("attach_btf_id {} is not a {}", to.btf_id, wanted.1),
        ),
    }
}

/// A function of a table of operations: `TABLE.MEMBER`.
fn operation(types: &Btf, table: Type<'_>, member: u32) -> Option<String> {
    let found = table.composite()?.members().nth(member as usize)?;
    let Body::Ptr(target) = types.resolve(found.ty).body() else {
        return None;
    };
    let is_function = types.resolve(target).kind() == Kind::FuncProto;
    is_function.then(|| format!("{}.{}", table.name(), found.name))
}

/// Whether a program may replace this function of another one.
pub(super) fn check_extended(program: &Code, target: &Code, type_id: u32) -> Result<(), Errno> {
    check_function_of(target, type_id)?;
    let own = &ProgramRecord::of(program).about.attach_to;
    // What the verifier saw must be what is replaced: as many arguments, at least.
    let was = own.program.as_deref().unwrap_or(target);
    match parameters(was, own.btf_id) == parameters(target, type_id) {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

/// Whether a type is that of a function of a program.
fn check_function_of(target: &Code, type_id: u32) -> Result<(), Errno> {
    let debug = target.program().debug.as_ref();
    let mut functions = debug.into_iter().flat_map(|debug| &debug.funcs);
    match functions.any(|function| function.type_id == TypeId(type_id)) {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

fn parameters(code: &Code, function: u32) -> Option<usize> {
    let btf = &code.program().debug.as_ref()?.btf;
    let Body::Func(function) = btf.ty(TypeId(function))?.body() else {
        return None;
    };
    match btf.type_at(function.proto).body() {
        Body::FuncProto(proto) => Some(proto.params().len()),
        _ => None,
    }
}
