//! Open-coded iterators: begun, stepped and ended by calls, their state in slots of the stack.

use osmia_btf::{Body, Btf};
use osmia_program::kfunc::Kfunc;

use super::Called;
use super::class::register;
use crate::call::dynptr::Room;
use crate::domain::Scalar;
use crate::events::Turn;
use crate::reg::{Flags, Iterator, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::stack::{Byte, SLOT_BYTES, Slot};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// An iterator: room for one, or one that was begun.
    pub(super) fn check_iterator(
        &mut self,
        btf: &Btf,
        called: &mut Called,
        index: usize,
        reg: &Reg,
    ) -> Check {
        let at = self.at;
        let Body::Ptr(target) = btf.resolve(called.params[index].ty).body() else {
            return invalid(at, format!("expected valid iter pointer as arg #{index}"));
        };
        let ty = btf.resolve(target);
        let type_id = self.type_number(ty.name());
        let name = ty.name().trim_start_matches("bpf_").to_owned();
        let slots = (btf.size_of(target).unwrap_or(8) as usize).div_ceil(SLOT_BYTES);
        let Some(room) = self.object_room(register(index), reg, slots, "iter")? else {
            return invalid(
                at,
                format!("arg#{index} expected pointer to an iterator on stack"),
            );
        };
        called.iterator = Some((room, slots));
        let stack = &self.state.frames[room.frame].stack;
        if called.has(Kfunc::BEGINS) {
            let used = (0..slots).any(|more| {
                let slot = stack.slot(room.slot - more);
                slot.bytes.contains(&Byte::Iterator)
            });
            if used {
                return invalid(at, format!("expected uninitialized {name} as arg #{index}"));
            }
            for more in 0..slots {
                self.overwrite_dynptr(room.frame, room.slot - more)?;
            }
            return Ok(());
        }
        let held = *stack.slot(room.slot);
        self.touch(room, slots, false);
        let begun = held.bytes == [Byte::Iterator; SLOT_BYTES]
            && matches!(held.spilled.what,
                What::Iterator(iterator) if iterator.first && iterator.type_id == type_id);
        if !begun {
            return invalid(
                at,
                format!("expected an initialized {name} as arg #{index}"),
            );
        }
        if held.spilled.flags.has(Flags::UNTRUSTED) {
            return denied(
                at,
                format!("expected an RCU CS when using {}", called.kfunc.name),
            );
        }
        called.reference = held.spilled.reference;
        Ok(())
    }

    pub(super) fn begin_iterator(&mut self, called: &Called, room: Room, slots: usize) {
        let reference = self.acquire();
        let flags = match (called.has(Kfunc::IN_RCU), self.in_rcu()) {
            (false, _) => Flags::default(),
            (true, true) => Flags::RCU,
            (true, false) => Flags::UNTRUSTED,
        };
        let type_id = self.iterator_type(called);
        self.touch(room, slots, true);
        for more in 0..slots {
            let first = more == 0;
            let iterator = Iterator {
                type_id,
                active: true,
                depth: 0,
                first,
            };
            let held = Reg {
                flags,
                reference: if first { reference } else { 0 },
                ..Reg::pointer(What::Iterator(iterator))
            };
            *self.state.frames[room.frame]
                .stack
                .slot_mut(room.slot - more) = Slot {
                bytes: [Byte::Iterator; SLOT_BYTES],
                spilled: held,
            };
        }
    }

    fn iterator_type(&mut self, called: &Called) -> u32 {
        let btf = self.target.btf.clone();
        let name = btf.as_ref().and_then(|btf| {
            let Body::Ptr(target) = btf.resolve(called.params.first()?.ty).body() else {
                return None;
            };
            Some(btf.resolve(target).name().to_owned())
        });
        self.type_number(&name.unwrap_or_default())
    }

    pub(super) fn end_iterator(&mut self, room: Room, slots: usize) {
        let stack = &self.state.frames[room.frame].stack;
        let reference = stack.slot(room.slot).spilled.reference;
        self.state.release(reference);
        self.state.forget_reference(reference);
        self.touch(room, slots, true);
        for more in 0..slots {
            *self.state.frames[room.frame]
                .stack
                .slot_mut(room.slot - more) = Slot::EMPTY;
        }
    }

    /// The next item, looked at later; and no more of them.
    pub(super) fn step_iterator(&mut self, called: &Called) {
        let Some((room, _)) = called.iterator else {
            return;
        };
        let held = self.state.frames[room.frame].stack.slot(room.slot).spilled;
        let What::Iterator(iterator) = held.what else {
            return;
        };
        let set = |state: &mut crate::state::State, iterator: Iterator| {
            let slot = state.frames[room.frame].stack.slot_mut(room.slot);
            slot.spilled.what = What::Iterator(iterator);
        };
        if iterator.active {
            let more = self.fork(self.at + 1);
            set(
                more,
                Iterator {
                    depth: iterator.depth + 1,
                    ..iterator
                },
            );
            let item = more.reg_mut(osmia_isa::Reg::R0);
            item.flags = item.flags.without(Flags::MAYBE_NULL);
            item.id = 0;
            self.events.turn = Some(Turn::Aside);
        }
        set(
            &mut self.state,
            Iterator {
                active: false,
                ..iterator
            },
        );
        *self.state.reg_mut(osmia_isa::Reg::R0) = Reg::number(Scalar::known(0));
    }

    /// Whether an item of this iterator is protected by RCU alone.
    pub(super) fn item_flags(&self, room: Room) -> Flags {
        let slot = self.state.frames[room.frame].stack.slot(room.slot);
        if slot.spilled.flags.has(Flags::RCU) {
            Flags::RCU
        } else {
            Flags::TRUSTED
        }
    }
}
