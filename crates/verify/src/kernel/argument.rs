//! Arguments of functions, tracepoints, hooks and operations that programs are attached to, by the
//! prototypes in the target's BTF.

use osmia_btf::{Body, Btf, TypeId};
use osmia_program::release::Feature;
use osmia_program::{AttachKind, ProgramKind};

use super::nullable::{self, Item};
use super::{prototype, tagged};
use crate::attach::is_partial;
use crate::domain::Scalar;
use crate::reg::{Flags, Reg, What};
use crate::transfer::Transfer;

/// A parameter, or what a function returns.
struct Asked {
    ty: TypeId,
    /// Its name says that it may be null.
    nullable: bool,
    /// It is what the function returned.
    result: bool,
}

impl Transfer<'_> {
    /// The prototype of what the program is attached to.
    pub(crate) fn attached_prototype(&self, btf: &Btf) -> Option<TypeId> {
        let hook = &self.program.hook;
        if hook.kind == ProgramKind::StructOps {
            return self.operation_prototype(btf);
        }
        let name = hook.target.as_deref()?;
        let symbol = match (hook.kind, hook.attach) {
            (ProgramKind::Tracing, Some(AttachKind::TraceRawTp)) => format!("btf_trace_{name}"),
            (ProgramKind::Tracing, Some(AttachKind::TraceIter)) => format!("bpf_iter_{name}"),
            (ProgramKind::Lsm, _) => format!("bpf_lsm_{name}"),
            _ => name.to_owned(),
        };
        prototype(btf, &symbol)
    }

    /// True if the target's BTF does not say what the program is attached to, and need not.
    pub(crate) fn has_no_prototype(&self) -> bool {
        let btf = self.target.btf.as_deref();
        btf.is_some_and(|btf| self.attached_prototype(btf).is_none() && is_partial(btf))
    }

    /// True if what the program is attached to returns nothing.
    pub(crate) fn attached_to_void(&self) -> bool {
        let Some(btf) = &self.target.btf else {
            return false;
        };
        self.attached_prototype(btf)
            .is_some_and(|proto| match btf.type_at(proto).body() {
                Body::FuncProto(proto) => proto.result == TypeId::VOID,
                _ => false,
            })
    }

    /// An argument of what the program is attached to, loaded with so many bytes.
    pub(crate) fn typed_argument(&mut self, index: usize, bytes: u64) -> Option<Reg> {
        let target = self.target.btf.clone()?;
        let btf = &target;
        let asked = self.asked(btf, index)?;
        if asked.ty == TypeId::VOID {
            return Some(Reg::UNKNOWN);
        }
        let Body::Ptr(pointee) = btf.resolve(asked.ty).body() else {
            let hook = self.program.hook.kind == ProgramKind::Lsm && asked.result;
            return Some(if hook { error_or_zero() } else { Reg::UNKNOWN });
        };
        if bytes != 8 {
            return None;
        }
        let reference = self.reference_of_argument(index)?;
        let hook = self.program.hook.clone();
        let name = hook.target.as_deref().unwrap_or_default();
        let (mut flags, mut buffer) = (Flags::default(), false);
        match hook.attach {
            Some(AttachKind::TraceIter) => match nullable::iterator(name, index) {
                None => flags = Flags::TRUSTED,
                Some(Item::Trusted) => flags = Flags::TRUSTED.with(Flags::MAYBE_NULL),
                Some(Item::Plain) => flags = Flags::MAYBE_NULL,
                Some(Item::Buffer) => (flags, buffer) = (Flags::MAYBE_NULL, true),
                Some(Item::ReadOnlyBuffer) => {
                    (flags, buffer) = (Flags::MAYBE_NULL.with(Flags::READ_ONLY), true);
                }
            },
            Some(AttachKind::TraceRawTp) => {
                flags = Flags::TRUSTED;
                if nullable::tracepoint(name, index) && self.has(Feature::NullableEvents) {
                    flags = flags.with(Flags::MAYBE_NULL);
                }
            }
            _ => {
                let vouched = hook.kind == ProgramKind::StructOps
                    || (hook.kind == ProgramKind::Lsm && !nullable::is_distrusted(name));
                if vouched {
                    flags = Flags::TRUSTED;
                }
            }
        }
        if buffer {
            let id = self.fresh_id();
            return Some(Reg {
                flags,
                id,
                ..Reg::pointer(What::Buffer)
            });
        }
        if asked.nullable {
            flags = flags.with(Flags::MAYBE_NULL);
        }
        flags = flags.with(tagged(btf, pointee).without(Flags::RCU));
        let mut reg = self.typed_pointer(btf, pointee, flags);
        reg.reference = reference;
        self.promote_socket(&mut reg);
        Some(reg)
    }

    /// Congestion control is about TCP sockets, whatever the prototypes say.
    fn promote_socket(&mut self, reg: &mut Reg) {
        let about_tcp = matches!(self.operations(), Some(("tcp_congestion_ops", _)));
        if let What::Kernel { type_id } = reg.what
            && about_tcp
            && self.type_names[type_id as usize] == "sock"
        {
            let type_id = self.type_number("tcp_sock");
            reg.what = What::Kernel { type_id };
        }
    }

    /// The type of a parameter, or behind the last one, of the result.
    fn asked(&self, btf: &Btf, index: usize) -> Option<Asked> {
        let hook = &self.program.hook;
        let proto = self.attached_prototype(btf)?;
        let Body::FuncProto(function) = btf.type_at(proto).body() else {
            return None;
        };
        // A tracepoint's prototype has the registered function's data in front.
        let skip = usize::from(hook.attach == Some(AttachKind::TraceRawTp));
        if let Some(param) = function.params().nth(index + skip) {
            let nullable = param.name.ends_with("__nullable") || self.stub_takes_null(btf, index);
            return Some(Asked {
                ty: param.ty,
                nullable,
                result: false,
            });
        }
        let returns = matches!(
            hook.attach,
            Some(AttachKind::TraceFexit | AttachKind::ModifyReturn | AttachKind::LsmMac)
        );
        (returns && index + skip == function.params().len()).then_some(Asked {
            ty: function.result,
            nullable: false,
            result: true,
        })
    }

    /// True if the kernel's own function in a table of operations says that an argument may be null.
    fn stub_takes_null(&self, btf: &Btf, index: usize) -> bool {
        let names = self.stub_parameters(btf);
        names
            .get(index)
            .is_some_and(|name| name.ends_with("__nullable"))
    }
}

/// What the kernel's own hooks return.
fn error_or_zero() -> Reg {
    /// The largest error number.
    const ERRNO_MAX: i64 = 4095;
    let mut num = Scalar::UNKNOWN;
    num.s32.keep(-ERRNO_MAX, 0);
    num.sync();
    Reg::number(num)
}
