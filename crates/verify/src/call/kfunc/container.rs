//! Objects that programs make, count and drop, and the lists and trees that hold them.

use osmia_isa::Reg as RegName;

use super::Called;
use super::class::{Class, register};
use crate::fields::{Owner, Root, Special};
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, invalid};
use crate::state::{Callback, ReturnRange};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// An object to be dropped.
    pub(super) fn check_allocated(&self, called: &mut Called, index: usize, reg: &Reg) -> Check {
        let per_cpu = called.is("bpf_percpu_obj_drop_impl");
        let fine = matches!(reg.what, What::Object(_))
            && !reg.may_be_null()
            && reg.flags.has(Flags::PER_CPU) == per_cpu;
        if !fine {
            return invalid(
                self.at,
                format!("arg#{index} expected pointer to allocated object"),
            );
        }
        if reg.reference == 0 {
            return invalid(self.at, "allocated object must be referenced");
        }
        called.object = Some(*reg);
        Ok(())
    }

    /// An object that counts its users.
    pub(super) fn check_counted(&mut self, called: &mut Called, index: usize, reg: &Reg) -> Check {
        let What::Object(ty) = reg.what else {
            return invalid(
                self.at,
                format!("arg#{index} is neither owning or non-owning ref"),
            );
        };
        let record = self.record(Owner::Object(ty));
        if record
            .find(|special| *special == Special::Refcount)
            .is_none()
        {
            return invalid(
                self.at,
                format!("arg#{index} doesn't point to a type with bpf_refcount field"),
            );
        }
        called.object = Some(*reg);
        Ok(())
    }

    /// A list or tree: its lock has to be held.
    pub(super) fn check_root(
        &mut self,
        called: &mut Called,
        class: &Class,
        name: RegName,
        reg: &Reg,
    ) -> Check {
        let list = *class == Class::ListHead;
        let what = if list { "bpf_list_head" } else { "bpf_rb_root" };
        let (at, number) = (self.at, name.number());
        let Some(owner) = Self::owner(reg).filter(|_| !reg.may_be_null()) else {
            return invalid(
                at,
                format!(
                    "arg#{} expected pointer to map value or allocated object",
                    number - 1
                ),
            );
        };
        if matches!(owner, Owner::Object(_)) && reg.reference == 0 {
            return invalid(at, "allocated object must be referenced");
        }
        let Some(by) = reg.num.constant() else {
            return invalid(
                at,
                format!(
                    "R{number} doesn't have constant offset. {what} has to be at the constant offset"
                ),
            );
        };
        let place = i64::from(reg.off) + by as i64;
        let record = self.record(owner);
        let root = record.at(place).and_then(|field| match field.special {
            Special::ListHead(root) if list => Some(root),
            Special::TreeRoot(root) if !list => Some(root),
            _ => None,
        });
        let Some(root) = root else {
            return invalid(at, format!("{what} not found at offset={place}"));
        };
        self.check_guarded(reg, what)?;
        called.root = Some(root);
        // The object that a list lies in is not what the call is about.
        called.reference = 0;
        Ok(())
    }

    /// A node of an object: to be put in, taken out or gone on from.
    pub(super) fn check_node(
        &mut self,
        called: &mut Called,
        class: &Class,
        index: usize,
        reg: &Reg,
    ) -> Check {
        let at = self.at;
        let What::Object(ty) = reg.what else {
            return invalid(
                at,
                format!("arg#{index} expected pointer to allocated object"),
            );
        };
        if called.has_node() {
            if reg.reference == 0 {
                return invalid(at, "allocated object must be referenced");
            }
        } else if !reg.flags.has(Flags::NON_OWNING) && reg.reference == 0 {
            return invalid(
                at,
                format!(
                    "{} can only take non-owning or refcounted bpf_rb_node pointer",
                    called.kfunc.name
                ),
            );
        }
        let what = if *class == Class::ListNode {
            "bpf_list_node"
        } else {
            "bpf_rb_node"
        };
        let Some(root) = called.root else {
            return invalid(at, format!("{what} without a container"));
        };
        let place = i64::from(reg.off) + reg.num.s.min;
        if reg.num.constant().is_none() {
            return invalid(
                at,
                format!(
                    "R{} doesn't have constant offset. {what} has to be at the constant offset",
                    register(index).number()
                ),
            );
        }
        let expected = i64::from(root.node);
        if ty != root.object || place != expected {
            let (wanted, held) = (self.object_name(root.object), self.object_name(ty));
            return invalid(
                at,
                format!(
                    "operation expects arg#1 {what} at offset={expected} in struct {wanted}, but arg is at offset={place} in struct {held}"
                ),
            );
        }
        called.object = Some(*reg);
        Ok(())
    }

    /// The object's owner is the container from now on; what the program holds of it stays valid
    /// while the lock is held.
    pub(super) fn put_into_container(&mut self, called: &Called) -> Check {
        let Some(object) = called.object else {
            return Ok(());
        };
        let reference = object.reference;
        for reg in self.state.all_mut() {
            if reg.reference == reference {
                reg.reference = 0;
                reg.flags = reg.flags.with(Flags::NON_OWNING);
            }
        }
        let What::Object(ty) = object.what else {
            return Ok(());
        };
        self.count_non_owning(ty);
        if !self.state.release(reference) {
            return invalid(self.at, "reference has not been acquired before");
        }
        Ok(())
    }

    /// Objects that count their users can be freed while others look at them, under RCU.
    fn count_non_owning(&mut self, ty: u32) {
        if !self.is_counted(ty) {
            return;
        }
        for reg in self.state.all_mut() {
            if reg.what == What::Object(ty) && reg.flags.has(Flags::NON_OWNING) {
                reg.flags = reg.flags.with(Flags::RCU);
            }
        }
    }

    fn is_counted(&mut self, ty: u32) -> bool {
        let record = self.record(Owner::Object(ty));
        record
            .find(|special| *special == Special::Refcount)
            .is_some()
    }

    /// A node in a container, which the program does not own.
    pub(super) fn node(&mut self, root: Root) -> Reg {
        let mut flags = Flags::NON_OWNING;
        if self.is_counted(root.object) {
            flags = flags.with(Flags::RCU);
        }
        Reg {
            flags,
            off: root.node as i32,
            ..Reg::pointer(What::Object(root.object))
        }
    }

    /// The function that says which of two nodes comes first.
    pub(super) fn call_less(&mut self, called: &Called) -> Check {
        let (Some(function), Some(root)) = (called.callback, called.root) else {
            return Ok(());
        };
        let node = self.node(root);
        let callback = Callback {
            returns: ReturnRange { min: 0, max: 1 },
            later: false,
        };
        self.push_callback(usize::from(function), callback, |frame| {
            frame.regs[1] = node;
            frame.regs[2] = node;
        })
    }
}
