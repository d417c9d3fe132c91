//! Programs that look at a function of another program, where it begins or ends (`fentry` and `fexit` with
//! `attach_prog_fd`): which may, and what they are given (`bpf_check_attach_target`, `btf_ctx_access` of
//! Linux 6.18).

use osmia_btf::{Body, FuncProto, Kind, TypeId};
use osmia_program::{AttachKind, ProgramKind};

use super::{Replaced, refused};
use crate::kernel::context;
use crate::reg::{Reg, What};
use crate::reject::Check;
use crate::shape::Shape;
use crate::transfer::Transfer;

/// What is given of a function whose types are not relied on: so many numbers.
const ARGUMENTS: usize = 5;

impl Replaced {
    /// The function's prototype; none for static functions, whose arguments a compiler may have changed.
    fn prototype(&self) -> Option<FuncProto<'_>> {
        let (debug, function, record) = self.found().ok()?;
        if !function.global && function.start != 0 {
            return None;
        }
        let Body::Func(of) = debug.btf.type_at(record.type_id).body() else {
            return None;
        };
        match debug.btf.type_at(of.proto).body() {
            Body::FuncProto(proto) => Some(proto),
            _ => None,
        }
    }
}

impl Transfer<'_> {
    /// Refuses a program that may not look at a function of another one.
    pub(super) fn check_traced_program(&self, traced: &Replaced) -> Check {
        use AttachKind as A;
        let (_, function, _) = traced.found()?;
        let shape = Shape::new(&traced.program, self.target)?;
        let position = shape.function_at(function.start as usize);
        if shape.exception_callback.is_some() && shape.exception_callback == position {
            return refused("FENTRY/FEXIT programs cannot attach to exception callback");
        }
        match self.program.hook.attach {
            Some(A::TraceFentry | A::TraceFexit | A::ModifyReturn) if self.sleeps() => {
                refused(format!("{} is not sleepable", traced.function))
            }
            Some(A::TraceFentry | A::TraceFexit) => Ok(()),
            Some(A::ModifyReturn) => refused("can't modify return codes of BPF programs"),
            _ => refused("Only FENTRY/FEXIT progs are attachable to another BPF prog"),
        }
    }

    /// An argument of the other program's function, or what it returned, loaded with so many bytes; none if
    /// there is no such.
    pub(crate) fn traced_argument(
        &mut self,
        traced: &Replaced,
        index: usize,
        bytes: u64,
    ) -> Option<Reg> {
        let at_end = self.program.hook.attach == Some(AttachKind::TraceFexit);
        let Some(proto) = traced.prototype() else {
            return (index < ARGUMENTS + usize::from(at_end)).then_some(Reg::UNKNOWN);
        };
        let count = proto.params().len();
        let ty = match proto.params().nth(index) {
            Some(param) => param.ty,
            None if index == count && at_end => proto.result,
            None => return None,
        };
        let btf = &traced.program.debug.as_ref()?.btf;
        let Body::Ptr(pointee) = btf.resolve(ty).body() else {
            return Some(Reg::UNKNOWN);
        };
        if bytes != 8 {
            return None;
        }
        let pointee = btf.resolve(pointee);
        if pointee.id() == TypeId::VOID || pointee.kind() == Kind::Int {
            return Some(Reg::UNKNOWN);
        }
        // Of structures only the context is known to the kernel, as what it is there.
        let kind = traced.program.hook.kind;
        if kind == ProgramKind::Ext || !context::names(kind).contains(&pointee.name()) {
            return None;
        }
        let type_id = self.type_number(context::behind(kind));
        Some(Reg::pointer(What::Kernel { type_id }))
    }
}
