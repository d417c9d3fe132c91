//! In which order types are defined: what a type contains by value comes before it, what it points
//! to need not.

use crate::print::c::{Dump, DumpError, Progress};
use crate::{Body, TypeId};

impl<'a> Dump<'a> {
    /// Notes which types others refer to: an enumeration without a name is defined on its own only
    /// if nobody does.
    pub(super) fn mark_referenced(&mut self) {
        for ty in self.btf.types() {
            let mut mark = |id: TypeId| self.states[id.0 as usize].referenced = true;
            match ty.body() {
                Body::Array(array) => {
                    mark(array.element);
                    mark(array.index);
                }
                Body::Struct(composite) | Body::Union(composite) => {
                    composite.places().for_each(|member| mark(member.ty));
                }
                Body::FuncProto(proto) => proto.params().for_each(|param| mark(param.ty)),
                Body::DataSec(section) => section.vars().for_each(|var| mark(var.var)),
                _ => {
                    if let Some(target) = ty.target() {
                        mark(target);
                    }
                }
            }
        }
    }

    /// Queues what must be defined before `id` can be used, and `id`. `by_pointer` says that only
    /// a declaration is needed. The answer says whether it really was queued: a typedef behind a
    /// pointer may wait if what it names may.
    pub(super) fn order(&mut self, id: TypeId, by_pointer: bool) -> Result<bool, DumpError> {
        if id == TypeId::VOID {
            return Ok(false);
        }
        let ty = self.btf.type_at(id);
        match self.state(id).ordered {
            Progress::Done => return Ok(true),
            Progress::Begun => {
                if ty.kind().is_composite() && by_pointer && !ty.is_anonymous() {
                    return Ok(false);
                }
                return Err(DumpError::Cycle {
                    id,
                    kind: ty.kind(),
                });
            }
            Progress::No => {}
        }
        self.enter(ty)?;
        let strong = match ty.body() {
            Body::Ptr(target) => {
                let strong = self.order(target, true)?;
                self.state(id).ordered = Progress::Done;
                strong
            }
            Body::Array(array) => self.order(array.element, false)?,
            Body::Struct(composite) | Body::Union(composite) => {
                // Without a name it is written out wherever it is used.
                if by_pointer && !ty.is_anonymous() {
                    false
                } else {
                    self.state(id).ordered = Progress::Begun;
                    for member in composite.places() {
                        self.order(member.ty, false)?;
                    }
                    if !ty.is_anonymous() {
                        self.queue.push(id);
                    }
                    self.state(id).ordered = Progress::Done;
                    true
                }
            }
            Body::Enum(_) | Body::Enum64(_) | Body::Fwd(_) => {
                if !ty.is_anonymous() || !self.state(id).referenced {
                    self.queue.push(id);
                }
                self.state(id).ordered = Progress::Done;
                true
            }
            Body::Typedef(target) => {
                if !self.order(target, by_pointer)? && by_pointer {
                    false
                } else {
                    self.queue.push(id);
                    self.state(id).ordered = Progress::Done;
                    true
                }
            }
            Body::Volatile(target)
            | Body::Const(target)
            | Body::Restrict(target)
            | Body::TypeTag(target) => self.order(target, by_pointer)?,
            Body::FuncProto(proto) => {
                let mut strong = self.order(proto.result, by_pointer)?;
                for param in proto.params() {
                    strong |= self.order(param.ty, by_pointer)?;
                }
                strong
            }
            _ => {
                self.state(id).ordered = Progress::Done;
                false
            }
        };
        self.leave();
        Ok(strong)
    }
}
