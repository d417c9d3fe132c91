//! Calls of functions of the program, callbacks, and the way back out of them.

use osmia_isa::Reg as RegName;
use osmia_program::helper::Helper;
use osmia_program::limits::CALL_FRAMES_MAX;
use osmia_program::{AttachKind, Errno};

use super::Arguments;
use crate::domain::Scalar;
use crate::events::Turn;
use crate::limits;
use crate::reg::{Dynptr, DynptrMemory, Flags, Reg, What};
use crate::reject::{Check, denied, invalid, reject};
use crate::state::{Callback, Frame, ReturnRange, State};
use crate::transfer::{Aside, Next, Transfer};

const FOR_EACH_MAP_ELEM: u32 = 164;
const FIND_VMA: u32 = 180;
const LOOP: u32 = 181;
const R4: RegName = RegName::new(4).unwrap();

/// What calls a function later.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// A timer: it must not sleep.
    Timer,
    /// A work queue.
    Work,
    /// A task, on its way back to user space.
    TaskWork,
}

impl Transfer<'_> {
    pub(crate) fn call_function(&mut self, target: usize) -> Check<Next> {
        let at = self.at;
        let Some(function) = self.shape.function_at(target) else {
            return invalid(at, format!("the call of {target} is not to a function"));
        };
        if !self.state.locks.is_empty() && self.is_global(function) {
            return invalid(
                at,
                "global function calls are not allowed while holding a lock,\nuse static function instead",
            );
        }
        if self.is_global(function) {
            return self.call_global(function);
        }
        self.push_frame(function)?;
        let number = self.state.top();
        let caller = &mut self.state.frames[number - 1];
        let arguments: Vec<Reg> = caller.regs[1..6].to_vec();
        for reg in &mut caller.regs[..6] {
            *reg = Reg::UNSET;
        }
        self.state.frames[number].regs[1..6].copy_from_slice(&arguments);
        Ok(Next::To(target))
    }

    fn push_frame(&mut self, function: usize) -> Check {
        let number = self.state.frames.len();
        if number >= CALL_FRAMES_MAX {
            return reject(
                Some(self.at),
                format!("the call stack of {number} frames is too deep"),
                Errno::E2BIG,
            );
        }
        let outer = Some(self.state.frame().chain);
        let chain = self.chains.find(outer, Some(self.at), function);
        let frame = Frame::new(function, chain, number as u8, Some(self.at));
        self.state.frames.push(frame);
        Ok(())
    }

    /// True for functions that are verified on their own.
    pub(crate) fn is_global(&self, function: usize) -> bool {
        let start = self.shape.functions[function].start;
        function != 0
            && (self.program.functions.iter())
                .any(|known| known.start as usize == start && known.global)
            && self.program.debug.is_some()
    }

    /// A function verified on its own: what it returns is any number.
    fn call_global(&mut self, function: usize) -> Check<Next> {
        self.check_global_arguments(function)?;
        let awake = self.wakeful_section().is_some() || !self.may_sleep();
        if self.shape.functions[function].sleeps && awake {
            return invalid(
                self.at,
                "global functions that may sleep are not allowed in non-sleepable context,\ni.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context",
            );
        }
        if !self.wanted_functions.contains(&function) {
            self.wanted_functions.push(function);
        }
        self.forget_arguments();
        if self.shape.functions[function].changes_packet {
            self.state.forget_packet();
        }
        *self.state.reg_mut(RegName::R0) = Reg::UNKNOWN;
        Ok(Next::Through)
    }

    /// A helper that calls back: the callback any number of times, or not at all.
    pub(crate) fn call_back(&mut self, helper: &Helper, found: &Arguments) -> Check<Next> {
        let Some(function) = found.callback else {
            return invalid(self.at, format!("{} needs a function", helper.name));
        };
        let function = usize::from(function);
        let r = |number: u8| RegName::new(number).expect("a register");
        let arguments = [1, 2, 3, 4].map(|number| *self.state.reg(r(number)));
        let never = helper.id == LOOP && arguments[0].num.u.max == 0;
        if helper.id == LOOP {
            self.want_no_flags(function);
            self.want(r(1));
        }
        // The branch that calls back; the one that goes on is looked at afterwards.
        if !never && self.state.frame().callback_depth <= limits::LOOPS_MAX as u32 {
            let vma = self.type_number("vm_area_struct");
            let dynptr = self.fresh_id();
            let callback = Callback {
                returns: ReturnRange { min: 0, max: 1 },
                later: false,
            };
            self.push_callback(function, callback, |frame| {
                callback_arguments(helper.id, &arguments, found, (vma, dynptr), frame);
            })?;
        }
        self.state.frame_mut().callback_depth = 0;
        self.forget_arguments();
        *self.state.reg_mut(RegName::R0) = Reg::UNKNOWN;
        Ok(Next::Through)
    }

    /// Linux inlines `bpf_loop` where it has no flags and calls one function on every path, so that
    /// matters as long as it may be so.
    fn want_no_flags(&mut self, function: usize) {
        let known = self.inlined_loops.get(&self.at).copied();
        if known == Some(None) {
            return;
        }
        let no_flags = self.state.reg(R4).is_null();
        if no_flags {
            self.want(R4);
        }
        let same = known.flatten().is_none_or(|known| known == function);
        let inlined = (no_flags && same).then_some(function);
        self.inlined_loops.insert(self.at, inlined);
    }

    /// Puts the branch aside in which a callback runs.
    pub(crate) fn push_callback(
        &mut self,
        function: usize,
        callback: Callback,
        prepare: impl FnOnce(&mut Frame),
    ) -> Check {
        let at = self.at;
        let start = self.shape.functions[function].start;
        let outer = Some(self.state.frame().chain);
        let chain = self.chains.find(outer, Some(at), function);
        let number = self.state.frames.len();
        if number >= CALL_FRAMES_MAX {
            return reject(
                Some(at),
                format!("the call stack of {number} frames is too deep"),
                Errno::E2BIG,
            );
        }
        let waiting = self.fork(start);
        waiting.callback_unroll_depth += 1;
        waiting.frame_mut().callback_depth += 1;
        let mut frame = Frame::new(function, chain, number as u8, Some(at));
        frame.callback = Some(callback);
        prepare(&mut frame);
        waiting.frames.push(frame);
        Ok(())
    }

    /// A function that runs later, on its own, with a value of a map.
    pub(crate) fn call_later(
        &mut self,
        function: Option<u16>,
        map: Option<u16>,
        later: Later,
    ) -> Check {
        let (Some(function), Some(map)) = (function.map(usize::from), map) else {
            return invalid(self.at, "a callback needs a function and a map");
        };
        if !self.later_functions.contains(&function) {
            self.later_functions.push(function);
        }
        let chain = self.chains.find(None, None, function);
        let mut state = State::new(function, chain);
        state.sleepable = later != Later::Timer;
        let frame = state.frame_mut();
        frame.callback = Some(Callback {
            returns: match later {
                Later::Timer | Later::Work => ReturnRange { min: 0, max: 0 },
                Later::TaskWork => ReturnRange {
                    min: i32::MIN,
                    max: i32::MAX,
                },
            },
            later: true,
        });
        frame.regs[1] = Reg::pointer(What::Map(map));
        frame.regs[2] = Reg::pointer(What::MapKey(map));
        frame.regs[3] = Reg::pointer(What::MapValue { map, inner: 0 });
        let at = self.shape.functions[function].start;
        self.asides.push(Aside {
            state,
            at,
            anew: true,
        });
        Ok(())
    }

    pub(crate) fn exit(&mut self) -> Check<Next> {
        let at = self.at;
        if self.state.frames.len() == 1 {
            self.check_nothing_held_at_exit()?;
            if let Some(callback) = self.state.frame().callback {
                let result = self.read(RegName::R0)?;
                self.want(RegName::R0);
                self.check_callback_result(&result, callback.returns)?;
                return Ok(Next::End);
            }
            self.check_returned(RegName::R0)?;
            return Ok(Next::End);
        }
        let result = *self.state.reg(RegName::R0);
        if matches!(result.what, What::Stack { .. }) {
            return invalid(at, "cannot return stack pointer to the caller");
        }
        let callee = self.state.frames.pop().expect("there are two frames");
        let call = callee.callsite.expect("a callee has a call");
        if let Some(callback) = callee.callback {
            self.want_in(&callee, RegName::R0);
            self.check_callback_result(&result, callback.returns)?;
            // The helper may call back again, or be through: both are looked at there. What differs
            // from turn to turn and does not matter may be forgotten, so that turns become alike.
            self.events.turn = Some(Turn::Onward(call));
            return Ok(Next::To(call));
        }
        // What is in the callee's r0 goes to the caller.
        *self.state.reg_mut(RegName::R0) = result;
        for number in 1..6 {
            self.state.frame_mut().regs[number] = Reg::UNSET;
        }
        Ok(Next::To(call + 1))
    }

    /// This instruction may end the function that runs and give its caller this: another program took its
    /// place, or the packet has no such byte. Where it does not, the path goes on behind it.
    pub(crate) fn may_leave(&mut self, leave: impl FnOnce(&mut State) -> Reg) -> Check<Next> {
        // With the entry everything ends, and what it returns then is fine.
        if self.state.frames.len() == 1 {
            return Ok(Next::Through);
        }
        self.fork(self.at + 1);
        *self.state.reg_mut(RegName::R0) = leave(&mut self.state);
        self.exit()
    }

    /// Wants a register of a frame that has just been left.
    fn want_in(&mut self, callee: &Frame, name: RegName) {
        self.state.frames.push(callee.clone());
        self.want(name);
        self.state.frames.pop();
    }

    /// What a callback may return.
    fn check_callback_result(&self, result: &Reg, range: ReturnRange) -> Check {
        if !result.is_number() {
            return denied(self.at, "R0 not a scalar value");
        }
        let (min, max) = (i64::from(range.min), i64::from(range.max));
        let (least, most) = if (range.min, range.max) == (i32::MIN, i32::MAX) {
            (min, max)
        } else {
            (result.num.s.min, result.num.s.max)
        };
        if least < min || most > max {
            return invalid(
                self.at,
                format!("At callback return the register R0 should have been in [{min}, {max}]"),
            );
        }
        Ok(())
    }

    /// What a program may return, or throw: the value of a register.
    pub(crate) fn check_returned(&mut self, name: RegName) -> Check {
        let whole = self.root == 0 || self.shape.exception_callback == Some(self.root);
        use osmia_program::ProgramKind::{Lsm, StructOps};
        let hook = &self.program.hook;
        let (kind, of_group) = (hook.kind, hook.attach == Some(AttachKind::LsmCgroup));
        let free = matches!(kind, Lsm | StructOps) && !of_group;
        if whole && free && self.attached_to_void() {
            return Ok(());
        }
        let reg = self.read(name)?;
        if whole && self.gives_back(&reg) {
            return self.check_given_back(&reg);
        }
        if reg.is_pointer() {
            if !whole {
                return invalid(
                    self.at,
                    "At subprogram exit the register R0 is not a scalar value",
                );
            }
            if self.would_leak(&reg) {
                return denied(self.at, "R0 leaks addr as return value");
            }
            if self.returns().is_some() {
                return invalid(
                    self.at,
                    "At program exit the register R0 is not a known value",
                );
            }
            return Ok(());
        }
        if !whole {
            return Ok(());
        }
        let Some((min, max)) = self.returns() else {
            return Ok(());
        };
        self.want(name);
        let num: &Scalar = &reg.num;
        // The kernel looks at the lower half of what its hooks return.
        let (least, most) = if kind == Lsm {
            (num.s32.min, num.s32.max)
        } else {
            (num.s.min, num.s.max)
        };
        if least < i64::from(min) || most > i64::from(max) {
            let is = format!("smin={least} smax={most}");
            return invalid(
                self.at,
                format!(
                    "At program exit the register R{} has {is} should have been in [{min}, {max}]",
                    name.number()
                ),
            );
        }
        Ok(())
    }
}

/// The registers a callback finds.
fn callback_arguments(
    helper: u32,
    given: &[Reg; 4],
    found: &Arguments,
    (vma, dynptr): (u32, u32),
    frame: &mut Frame,
) {
    let map = found.map.unwrap_or_default();
    match helper {
        LOOP => {
            frame.regs[1] = Reg::UNKNOWN;
            frame.regs[2] = given[2];
        }
        FOR_EACH_MAP_ELEM => {
            frame.regs[1] = Reg::pointer(What::Map(map));
            frame.regs[2] = Reg::pointer(What::MapKey(map));
            frame.regs[3] = Reg::pointer(What::MapValue { map, inner: 0 });
            frame.regs[4] = given[2];
        }
        FIND_VMA => {
            frame.regs[1] = given[0];
            frame.regs[2] = Reg {
                flags: Flags::TRUSTED,
                ..Reg::pointer(What::Kernel { type_id: vma })
            };
            frame.regs[3] = given[3];
        }
        _ => {
            let local = Dynptr {
                memory: DynptrMemory::Local,
                first: true,
            };
            frame.regs[1] = Reg {
                id: dynptr,
                ..Reg::pointer(What::Dynptr(local))
            };
            frame.regs[2] = given[2];
        }
    }
}
