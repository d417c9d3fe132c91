//! Sections: RCU read locks, stretches without preemption or interrupts, and what they must not hold
//! at their ends.

use osmia_isa::Reg as RegName;
use osmia_program::kfunc::Kfunc;

use super::Called;
use crate::call::dynptr::Room;
use crate::domain::Scalar;
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::{Byte, SLOT_BYTES, Slot};
use crate::state::Lock;
use crate::transfer::{Next, Transfer};

/// The largest error number.
const ERRNO_MAX: i64 = 4095;

impl Transfer<'_> {
    /// The section that nothing may sleep in, if the program is in one.
    pub(crate) fn wakeful_section(&self) -> Option<&'static str> {
        if self.state.rcu_locks > 0 {
            Some("rcu_read_lock")
        } else if self.state.preempt_locks > 0 {
            Some("non-preemptible")
        } else if !self.state.irqs.is_empty() {
            Some("IRQ-disabled")
        } else {
            None
        }
    }

    /// What must not be called where the program is.
    pub(super) fn check_sections(&self, called: &Called) -> Check {
        let name = called.kfunc.name;
        match self.wakeful_section() {
            Some(section) if called.has(Kfunc::SLEEPS) => denied(
                self.at,
                format!("kernel func {name} is sleepable within {section} region"),
            ),
            _ => Ok(()),
        }
    }

    /// Begins or ends a section.
    pub(super) fn enter_or_leave(&mut self, called: &Called) -> Check {
        let at = self.at;
        match called.kfunc.name {
            "bpf_rcu_read_lock" => {
                if self.state.rcu_locks > 0 {
                    return invalid(
                        at,
                        "nested rcu read lock (kernel function bpf_rcu_read_lock)",
                    );
                }
                self.state.rcu_locks += 1;
            }
            "bpf_rcu_read_unlock" => {
                if self.state.rcu_locks == 0 {
                    return invalid(
                        at,
                        "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)",
                    );
                }
                self.state.rcu_locks -= 1;
                if self.state.rcu_locks == 0 {
                    self.distrust_rcu();
                }
            }
            "bpf_preempt_disable" => self.state.preempt_locks += 1,
            "bpf_preempt_enable" => {
                if self.state.preempt_locks == 0 {
                    return invalid(
                        at,
                        "unmatched attempt to enable preemption (kernel function bpf_preempt_enable)",
                    );
                }
                self.state.preempt_locks -= 1;
            }
            "bpf_local_irq_save" => self.save_irq(called.irq, false),
            "bpf_local_irq_restore" | "bpf_res_spin_unlock_irqrestore" => {
                self.restore_irq(called.irq)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What RCU protected is not protected any more.
    fn distrust_rcu(&mut self) {
        let distrust = |reg: &mut Reg| {
            if reg.flags.has(Flags::RCU) {
                let kept = reg.flags.without(Flags::RCU.with(Flags::MAYBE_NULL));
                reg.flags = kept.with(Flags::UNTRUSTED);
            }
        };
        for frame in &mut self.state.frames {
            frame.all_mut().for_each(distrust);
            let slots = frame.stack.slots_mut().iter_mut();
            slots
                .filter(|slot| slot.bytes[0] == Byte::Iterator)
                .for_each(|slot| distrust(&mut slot.spilled));
        }
    }

    /// Where interrupt flags are saved, or were.
    pub(super) fn check_irq_flags(
        &mut self,
        called: &Called,
        name: RegName,
        reg: &Reg,
    ) -> Check<Option<Room>> {
        let (at, argument) = (self.at, name.number() - 1);
        let Some(room) = self.object_room(name, reg, 1, "irq_flag")? else {
            return invalid(
                at,
                format!("arg#{argument} doesn't point to an irq flag on stack"),
            );
        };
        let held = *self.state.frames[room.frame].stack.slot(room.slot);
        let saved = held.bytes == [Byte::IrqFlags; SLOT_BYTES];
        let saves = matches!(
            called.kfunc.name,
            "bpf_local_irq_save" | "bpf_res_spin_lock_irqsave"
        );
        if saves {
            if saved {
                return invalid(
                    at,
                    format!("expected uninitialized irq flag as arg#{argument}"),
                );
            }
            self.overwrite_dynptr(room.frame, room.slot)?;
            return Ok(Some(room));
        }
        if !saved {
            return invalid(
                at,
                format!("expected an initialized irq flag as arg#{argument}"),
            );
        }
        self.touch(room, 1, false);
        let by_lock = called.is("bpf_res_spin_unlock_irqrestore");
        if held.spilled.what != (What::IrqFlags { by_lock }) {
            return invalid(
                at,
                "irq flag acquired by one kind of function cannot be restored with the other",
            );
        }
        Ok(Some(room))
    }

    fn save_irq(&mut self, room: Option<Room>, by_lock: bool) {
        let Some(room) = room else {
            return;
        };
        let id = self.fresh_id();
        self.state.irqs.push(id);
        self.touch(room, 1, true);
        let held = Reg {
            reference: id,
            ..Reg::pointer(What::IrqFlags { by_lock })
        };
        *self.state.frames[room.frame].stack.slot_mut(room.slot) = Slot {
            bytes: [Byte::IrqFlags; SLOT_BYTES],
            spilled: held,
        };
    }

    fn restore_irq(&mut self, room: Option<Room>) -> Check {
        let Some(room) = room else {
            return Ok(());
        };
        let slot = self.state.frames[room.frame].stack.slot_mut(room.slot);
        let id = slot.spilled.reference;
        *slot = Slot::EMPTY;
        if self.state.irqs.last() != Some(&id) {
            return denied(self.at, "cannot restore irq state out of order");
        }
        self.state.irqs.pop();
        self.touch(room, 1, true);
        Ok(())
    }

    /// A resilient lock: taken where the call returns 0, and not where it returns an error.
    pub(super) fn try_lock(&mut self, called: &Called, lock: Lock) -> Check {
        let mut failure = Scalar::UNKNOWN;
        failure.s.keep(-ERRNO_MAX, -1);
        failure.sync();
        let failed = self.fork(self.at + 1);
        *failed.reg_mut(RegName::R0) = Reg::number(failure);
        self.lock(lock)?;
        if called.irq.is_some() {
            self.save_irq(called.irq, true);
        }
        *self.state.reg_mut(RegName::R0) = Reg::constant(0);
        Ok(())
    }

    /// An exception: the program ends, or its handler runs.
    pub(super) fn throw(&mut self) -> Check<Next> {
        if self.shape.exception_callback.is_none() {
            self.check_returned(RegName::R1)?;
        }
        Ok(Next::End)
    }

    /// Nothing is held where the program ends, but for what an operation returns to the kernel.
    pub(crate) fn check_nothing_held_at_exit(&mut self) -> Check {
        let result = *self.state.reg(RegName::R0);
        let returned = self.state.frame().callback.is_none() && self.gives_back(&result);
        let held = self.state.references.clone();
        if returned {
            self.state.release(result.reference);
        }
        let checked = self.check_nothing_held("BPF_EXIT instruction in main prog", true);
        self.state.references = held;
        checked
    }

    /// Nothing is held where the program ends or goes elsewhere.
    pub(crate) fn check_nothing_held(&self, what: &str, everywhere: bool) -> Check {
        let at = self.at;
        if let Some(reference) = self.state.references.first() {
            return invalid(
                at,
                format!(
                    "Unreleased reference id={} alloc_insn={}\n{what} would lead to reference leak",
                    reference.id, reference.at
                ),
            );
        }
        if !everywhere {
            return Ok(());
        }
        let region = if !self.state.locks.is_empty() {
            "bpf_spin_lock-ed"
        } else if !self.state.irqs.is_empty() {
            "bpf_local_irq_save-ed"
        } else if self.state.rcu_locks > 0 {
            "bpf_rcu_read_lock-ed"
        } else if self.state.preempt_locks > 0 {
            "bpf_preempt_disable-ed"
        } else {
            return Ok(());
        };
        invalid(at, format!("{what} cannot be used inside {region} region"))
    }
}
