//! Calls of kernel functions: who may, what they are given, what they do to the state and what they
//! return. Prototypes come from the target's BTF, everything else from the table of kernel functions.

mod argument;
mod class;
mod container;
mod iterator;
mod memory;
mod result;
mod section;

use osmia_btf::{Body, TypeId};
use osmia_isa::Reg as RegName;
use osmia_program::Errno;
use osmia_program::helper::Callers;
use osmia_program::kfunc::{self, Kfunc};

use super::Later;
use super::dynptr::Room;
use crate::attach::is_partial;
use crate::fields::Root;
use crate::reg::{Dynptr, Reg};
use crate::reject::{Check, denied, invalid, reject};
use crate::state::{Frame, Lock};
use crate::transfer::{Next, Transfer};

/// A parameter: its name and type in the target's BTF.
#[derive(Clone, Debug)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) ty: TypeId,
}

/// What a call is, and what its arguments said about it.
pub(super) struct Called {
    pub(super) kfunc: &'static Kfunc,
    pub(super) params: Vec<Param>,
    /// What it returns.
    pub(super) result: TypeId,
    /// The resource that an argument carries.
    pub(super) reference: u32,
    /// It is given back.
    pub(super) released: bool,
    /// The constant argument: a size, or the number of a type.
    pub(super) constant: Option<u64>,
    /// Bytes of memory that the result has, and whether it may be written.
    pub(super) result_bytes: Option<(u64, bool)>,
    /// The object that is given back, counted or put into a container.
    pub(super) object: Option<Reg>,
    /// The dynptr, and its slot.
    pub(super) dynptr: Option<(Dynptr, Reg)>,
    /// Where a new dynptr goes.
    pub(super) made: Option<Room>,
    /// The iterator's slots.
    pub(super) iterator: Option<(Room, usize)>,
    /// What the list or tree holds.
    pub(super) root: Option<Root>,
    /// The function that is called back.
    pub(super) callback: Option<u16>,
    /// The map whose value has the field that an argument points to.
    pub(super) field_of: Option<u16>,
    pub(super) lock: Option<Lock>,
    /// Where interrupt flags are saved.
    pub(super) irq: Option<Room>,
}

impl Called {
    pub(super) fn is(&self, name: &str) -> bool {
        self.kfunc.name == name
    }

    pub(super) fn has(&self, flags: u16) -> bool {
        self.kfunc.has(flags)
    }
}

impl Transfer<'_> {
    pub(crate) fn call_kfunc(&mut self, id: i32) -> Check<Next> {
        let mut called = self.look_up(id)?;
        self.check_caller(&called)?;
        self.check_kfunc_arguments(&mut called)?;
        self.check_sections(&called)?;
        if called.is("bpf_rbtree_add_impl") {
            self.call_less(&called)?;
        }
        self.take_effect(&mut called)?;
        if called.is("bpf_throw") {
            return self.throw();
        }
        let lock = called.lock;
        let result = self.kfunc_result(&called)?;
        self.forget_arguments();
        *self.state.reg_mut(RegName::R0) = result;
        if called.is("bpf_xdp_pull_data") {
            self.state.forget_packet();
        }
        match lock {
            Some(lock) if called.has(Kfunc::MAY_BE_NULL) => self.try_lock(&called, lock)?,
            Some(lock) => self.unlock(lock)?,
            None => {}
        }
        if called.has(Kfunc::STEPS) {
            self.step_iterator(&called);
        }
        Ok(Next::Through)
    }

    /// The function that an instruction names, with its prototype.
    fn look_up(&self, id: i32) -> Check<Called> {
        let at = self.at;
        let btf = self.target.btf.clone();
        let by_number = || {
            let ty = btf.as_ref()?.ty(TypeId(id as u32))?;
            Some(ty.name().to_owned())
        };
        let name = self.program.kfunc_at(at).map(str::to_owned);
        let Some(name) = name.or_else(by_number).filter(|name| !name.is_empty()) else {
            return invalid(at, format!("kernel btf_id {id} is not a function"));
        };
        let Some(kfunc) = kfunc::by_name(&name) else {
            return self.unsupported(&format!("kernel function {name}"));
        };
        let Some(btf) = &btf else {
            return reject(
                Some(at),
                "calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF",
                Errno::EINVAL,
            );
        };
        let proto = crate::kernel::prototype(btf, &name);
        let Some(Body::FuncProto(proto)) = proto.map(|proto| btf.type_at(proto).body()) else {
            if is_partial(btf) {
                return self.unsupported(&format!("kernel function {name}"));
            }
            return invalid(
                at,
                format!("kernel function {name} is not in the target's BTF"),
            );
        };
        let params = proto.params().map(|param| Param {
            name: param.name.to_owned(),
            ty: param.ty,
        });
        Ok(Called {
            kfunc,
            params: params.collect(),
            result: proto.result,
            reference: 0,
            released: false,
            constant: None,
            result_bytes: None,
            object: None,
            dynptr: None,
            made: None,
            iterator: None,
            root: None,
            callback: None,
            field_of: None,
            lock: None,
            irq: None,
        })
    }

    fn check_caller(&self, called: &Called) -> Check {
        let (at, name) = (self.at, called.kfunc.name);
        let caller = Callers::of(&self.program.hook);
        if caller != Callers::NONE && !called.kfunc.callers.meets(caller) {
            return denied(at, format!("calling kernel function {name} is not allowed"));
        }
        if !self.state.locks.is_empty() && !called.has(Kfunc::UNDER_LOCK) {
            return invalid(at, "function calls are not allowed while holding a lock");
        }
        if called.has(Kfunc::SLEEPS) && !self.may_sleep() {
            return denied(
                at,
                format!("program must be sleepable to call sleepable kfunc {name}"),
            );
        }
        if called.has(Kfunc::IN_RCU) && !self.in_rcu() {
            return denied(
                at,
                format!("kernel func {name} requires RCU critical section protection"),
            );
        }
        let called_back = self.state.frame().callback.is_some();
        if name == "bpf_rbtree_remove" && called_back && !self.state.locks.is_empty() {
            return invalid(at, "bpf_rbtree_remove not allowed in rbtree cb");
        }
        if name == "bpf_throw" {
            let called_back = |frame: &&Frame| frame.callback.is_some();
            if let Some(frame) = self.state.frames.iter().find(called_back) {
                let function = frame.function;
                return invalid(
                    at,
                    format!(
                        "bpf_throw kfunc (insn {at}) cannot be called from callback subprog {function}"
                    ),
                );
            }
            self.check_nothing_held("bpf_throw", true)?;
        }
        if name.starts_with("bpf_xdp_metadata_rx") {
            return invalid(at, "metadata kfuncs require device-bound program");
        }
        Ok(())
    }

    /// What the call does to resources and to what the program made.
    fn take_effect(&mut self, called: &mut Called) -> Check {
        self.enter_or_leave(called)?;
        if let Some(room) = called.made {
            self.make_kfunc_dynptr(called, room)?;
        }
        if let Some((room, slots)) = called.iterator {
            if called.has(Kfunc::BEGINS) {
                self.begin_iterator(called, room, slots);
            } else if called.has(Kfunc::ENDS) {
                self.end_iterator(room, slots);
            }
        }
        if called.released {
            self.give_back(called.reference)?;
        }
        if called.has_node() {
            self.put_into_container(called)?;
        }
        let later = match called.kfunc.name {
            "bpf_wq_set_callback_impl" => Later::Work,
            "bpf_task_work_schedule_signal_impl" | "bpf_task_work_schedule_resume_impl" => {
                Later::TaskWork
            }
            _ => return Ok(()),
        };
        self.call_later(called.callback, called.field_of, later)
    }

    /// Gives a resource back, with every pointer that it kept.
    pub(crate) fn give_back(&mut self, reference: u32) -> Check {
        if !self.state.release(reference) {
            return invalid(self.at, "reference has not been acquired before");
        }
        self.state.forget_reference(reference);
        Ok(())
    }
}
