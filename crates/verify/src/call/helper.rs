//! Calls of helpers.

use osmia_program::helper::{Helper, HelperDenial};
use osmia_program::{Errno, MapKind};

use super::compatible::compatible;
use super::{Arguments, Later};
use crate::reg::Reg;
use crate::reject::{Check, invalid, reject};
use crate::shape::calls_back;
use crate::transfer::{Next, Transfer};

const TAIL_CALL: u32 = 12;
const R2: osmia_isa::Reg = osmia_isa::Reg::new(2).unwrap();
const R3: osmia_isa::Reg = osmia_isa::Reg::new(3).unwrap();
const SETSOCKOPT: u32 = 49;
const GET_LOCAL_STORAGE: u32 = 81;
const KPTR_XCHG: u32 = 194;
const DYNPTR_WRITE: u32 = 202;
const TIMER_SET_CALLBACK: u32 = 170;
const SNPRINTF: u32 = 165;
const SPIN_LOCK: u32 = 93;
const SPIN_UNLOCK: u32 = 94;

impl Transfer<'_> {
    pub(crate) fn call_helper(&mut self, id: i32) -> Check<Next> {
        let at = self.at;
        let target = self.target;
        let known = u32::try_from(id)
            .ok()
            .filter(|&id| id != 0)
            .and_then(|id| target.helper(id));
        let Some(helper) = known else {
            return invalid(at, format!("invalid func unknown#{id}"));
        };
        let bare = helper.name;
        let program = self.program;
        let sleepable = self.may_sleep();
        match helper.permits(&program.hook, &program.license, sleepable) {
            Ok(()) => {}
            Err(HelperDenial::Callers) => {
                return invalid(
                    at,
                    format!("program of this type cannot use helper {bare}#{id}"),
                );
            }
            Err(HelperDenial::License) => {
                return invalid(
                    at,
                    "cannot call GPL-restricted function from non-GPL compatible program",
                );
            }
            Err(HelperDenial::Sleeps) => {
                return invalid(at, "helper call might sleep in a non-sleepable prog");
            }
        }
        // An algorithm that retires must not choose another.
        let retires = self.operations() == Some(("tcp_congestion_ops", "release"));
        if helper.id == SETSOCKOPT && retires {
            return invalid(
                at,
                format!("program of this type cannot use helper {bare}#{id}"),
            );
        }
        self.check_helper_release(helper.id, bare)?;
        self.check_helper_privilege(helper)?;
        let in_lock = matches!(helper.id, SPIN_LOCK | SPIN_UNLOCK | KPTR_XCHG);
        if !self.state.locks.is_empty() && !in_lock {
            return invalid(at, "function calls are not allowed while holding a lock");
        }
        if helper.sleeps
            && let Some(section) = self.wakeful_section()
        {
            return invalid(
                at,
                format!("sleepable helper {bare}#{id} in {section} region"),
            );
        }
        let found = self.check_arguments(helper)?;
        if let Some(map) = found.map {
            self.check_map_helper(map, helper)?;
        }
        if let Some(dynptr) = found.ended {
            self.end_dynptr(dynptr);
        } else if found.released != 0 {
            if !self.state.release(found.released) {
                return invalid(
                    at,
                    format!("func {bare}#{id} reference has not been acquired before"),
                );
            }
            self.state.forget_reference(found.released);
        }
        match helper.id {
            TAIL_CALL => {
                self.check_nothing_held("tail_call", true)?;
                self.want_position(&found);
            }
            GET_LOCAL_STORAGE => {
                if !self.state.reg(R2).is_null() {
                    return invalid(at, "get_local_storage() doesn't support non-zero flags");
                }
                self.want(R2);
            }
            SPIN_LOCK => found.lock.map_or(Ok(()), |lock| self.lock(lock))?,
            SPIN_UNLOCK => found.lock.map_or(Ok(()), |lock| self.unlock(lock))?,
            DYNPTR_WRITE if found.dynptr.is_some_and(|dynptr| dynptr.memory.is_packet()) => {
                self.state.forget_packet();
            }
            SNPRINTF => self.check_format()?,
            TIMER_SET_CALLBACK => self.call_later(found.callback, found.field_of, Later::Timer)?,
            _ => {}
        }
        if calls_back(id) {
            return self.call_back(helper, &found);
        }
        self.forget_arguments();
        if helper.moves_packet {
            self.state.forget_packet();
        }
        let result = self.result(helper, &found)?;
        *self.state.reg_mut(osmia_isa::Reg::R0) = result;
        if helper.id == TAIL_CALL {
            return self.may_leave(|state| {
                state.forget_packet();
                Reg::UNKNOWN
            });
        }
        Ok(Next::Through)
    }

    /// Linux jumps at once to a program whose position in the array is known, so that matters.
    fn want_position(&mut self, found: &Arguments) {
        let programs = found
            .map
            .map_or(0, |map| self.maps[usize::from(map)].max_entries);
        let position = self.state.reg(R3).value();
        if position.is_some_and(|position| position < u64::from(programs)) {
            self.want(R3);
        }
    }

    fn check_map_helper(&self, map: u16, helper: &Helper) -> Check {
        let spec = &self.maps[usize::from(map)];
        if compatible(spec.kind, helper.id) {
            return Ok(());
        }
        invalid(
            self.at,
            format!(
                "cannot pass map_type {} into func {}#{}",
                spec.kind as u32, helper.name, helper.id
            ),
        )
    }

    /// Something given to the program that it must give back.
    pub(crate) fn acquire(&mut self) -> u32 {
        let id = self.fresh_id();
        let at = self.at;
        self.state
            .references
            .push(crate::state::Reference { id, at });
        id
    }

    pub(crate) fn map_kind(&self, map: u16) -> MapKind {
        self.maps[usize::from(map)].kind
    }

    pub(crate) fn unsupported<T>(&self, what: &str) -> Check<T> {
        reject(
            Some(self.at),
            format!("{what} cannot be verified here yet"),
            Errno::ENOTSUPP,
        )
    }
}
