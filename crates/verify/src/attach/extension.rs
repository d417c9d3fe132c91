//! Programs that replace a function of another program (`freplace`): they are verified as what they
//! replace, and must look like it (`btf_check_type_match` of Linux 6.18).

use std::borrow::Cow;
use std::sync::Arc;

use osmia_btf::{Body, Btf, FuncProto, Kind, TypeId};
use osmia_program::{DebugInfo, Errno, FuncRecord, Function, Program, ProgramKind, Target};

use super::refused;
use crate::reject::{Because, Check, reject};
use crate::shape::Shape;
use crate::{Mistake, Options};

/// The function that an extension replaces.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// The program it is a function of.
    pub program: Arc<Program>,
    /// Its name.
    pub function: String,
}

/// The program as it is verified: an extension stands for the program whose function it replaces.
///
/// # Errors
/// If it may not replace that function.
pub(crate) fn replacing<'a>(
    program: &'a Program,
    target: &Target,
    options: &Options,
) -> Check<Cow<'a, Program>> {
    let Some(replaced) = &options.replaces else {
        return Ok(Cow::Borrowed(program));
    };
    if program.hook.kind != ProgramKind::Ext {
        return Ok(Cow::Borrowed(program));
    }
    replaced.check(program, target).because(Mistake::Attach)?;
    let mut parts = program.clone().into_parts();
    parts.hook = replaced.program.hook.clone();
    let program = Program::new(parts);
    Ok(Cow::Owned(program.expect("only its type is another")))
}

impl Replaced {
    /// The function, and what its program's BTF says of it.
    pub(super) fn found(&self) -> Check<(&DebugInfo, &Function, &FuncRecord)> {
        let (of, name) = (&self.program, self.function.as_str());
        let Some(debug) = &of.debug else {
            return refused(
                "Tracing program can only be attached to another program annotated with BTF",
            );
        };
        let function = of.functions.iter().find(|function| function.name == name);
        let record = function.and_then(|function| {
            let records = debug.funcs.iter();
            records
                .into_iter()
                .find(|record| record.insn == function.start)
        });
        match (function, record) {
            (Some(function), Some(record)) => Ok((debug, function, record)),
            _ => refused(format!("Subprog {name} doesn't exist")),
        }
    }

    fn check(&self, program: &Program, target: &Target) -> Check {
        let of = &self.program;
        let (debug, function, record) = self.found()?;
        let theirs = Shape::new(of, target)?;
        let start = function.start as usize;
        let position = theirs.function_at(start).unwrap_or_default();
        if theirs.exception_callback == Some(position) {
            return refused("Extension programs cannot attach to exception callback");
        }
        if !function.global && start != 0 {
            return refused("Cannot replace static functions");
        }
        let ours = Shape::new(program, target)?;
        let (replaced, own) = (&theirs.functions[position], &ours.functions[0]);
        if own.changes_packet && !replaced.changes_packet {
            return refused("Extension program changes packet data, while original does not");
        }
        if own.sleeps && !replaced.sleeps {
            return refused("Extension program may sleep, while original does not");
        }
        match (of.hook.kind, of.hook.attach) {
            (ProgramKind::Ext, _) => return refused("Cannot recursively attach"),
            (
                ProgramKind::Tracing,
                Some(
                    osmia_program::AttachKind::TraceFentry | osmia_program::AttachKind::TraceFexit,
                ),
            ) => return refused("Cannot extend fentry/fexit"),
            _ => {}
        }
        let own = (program.debug.as_ref()).and_then(|debug| {
            let record = debug.funcs.iter().find(|record| record.insn == 0)?;
            Some((&*debug.btf, record.type_id))
        });
        let Some((btf, id)) = own else {
            return reject(None, "the program has no function types", Errno::EINVAL);
        };
        check_alike(Side::of(btf, id)?, Side::of(&debug.btf, record.type_id)?)
    }
}

/// A function, in its BTF.
#[derive(Copy, Clone)]
struct Side<'a> {
    btf: &'a Btf,
    name: &'a str,
    proto: FuncProto<'a>,
}

impl<'a> Side<'a> {
    fn of(btf: &'a Btf, id: TypeId) -> Check<Self> {
        let ty = btf.type_at(id);
        if let Body::Func(function) = ty.body()
            && let Body::FuncProto(proto) = btf.type_at(function.proto).body()
        {
            let name = ty.name();
            return Ok(Side { btf, name, proto });
        }
        refused("attach_btf_id is not a function")
    }

    fn params(&self) -> usize {
        self.proto.params().len()
    }
}

/// Refuses functions whose prototypes differ.
fn check_alike(own: Side<'_>, other: Side<'_>) -> Check {
    let (one, two) = (own.name, other.name);
    if own.params() != other.params() {
        return refused(format!(
            "{one}() has {} args while {two}() has {} args",
            own.params(),
            other.params()
        ));
    }
    let kinds = |a: TypeId, b: TypeId| (own.btf.resolve(a).kind(), other.btf.resolve(b).kind());
    let (gives, gave) = kinds(own.proto.result, other.proto.result);
    if gives != gave {
        return refused(format!(
            "Return type {gives:?} of {one}() doesn't match type {gave:?} of {two}()"
        ));
    }
    for (index, (a, b)) in own.proto.params().zip(other.proto.params()).enumerate() {
        let (mine, theirs) = kinds(a.ty, b.ty);
        if mine != theirs {
            return refused(format!(
                "arg{index} in {one}() is {mine:?} while {two}() has {theirs:?}"
            ));
        }
        let sized = !matches!(mine, Kind::Ptr);
        let (bytes, wanted) = (own.btf.size_of(a.ty), other.btf.size_of(b.ty));
        if sized && bytes != wanted {
            return refused(format!(
                "arg{index} in {one}() has size {} while {two}() has {}",
                bytes.unwrap_or_default(),
                wanted.unwrap_or_default()
            ));
        }
        if matches!(mine, Kind::Int | Kind::Enum | Kind::Enum64) {
            continue;
        }
        let (Body::Ptr(mine), Body::Ptr(theirs)) =
            (own.btf.resolve(a.ty).body(), other.btf.resolve(b.ty).body())
        else {
            return refused(format!("arg{index} in {one}() has unrecognized type"));
        };
        let (mine, theirs) = (own.btf.resolve(mine), other.btf.resolve(theirs));
        for (side, kind) in [(one, mine.kind()), (two, theirs.kind())] {
            if kind != Kind::Struct {
                return refused(format!(
                    "arg{index} in {side}() is not a pointer to context"
                ));
            }
        }
        if mine.name() != theirs.name() {
            return refused(format!(
                "arg{index} {one}(struct {} *) doesn't match {two}(struct {} *)",
                mine.name(),
                theirs.name()
            ));
        }
    }
    Ok(())
}
