//! Calls of functions of the program, callbacks, and the way back out of them.

use osmia_isa::Reg as RegName;
use osmia_program::Errno;
use osmia_program::helper::Helper;
use osmia_program::limits::CALL_FRAMES_MAX;

use super::Arguments;
use crate::domain::Scalar;
use crate::events::Turn;
use crate::limits;
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied, invalid, reject};
use crate::state::{Callback, Frame, ReturnRange};
use crate::transfer::{Next, Transfer};

const FOR_EACH_MAP_ELEM: u32 = 164;
const FIND_VMA: u32 = 180;
const LOOP: u32 = 181;

impl Transfer<'_> {
    pub(crate) fn call_function(&mut self, target: usize) -> Check<Next> {
        let at = self.at;
        let Some(function) = self.shape.function_at(target) else {
            return invalid(at, format!("the call of {target} is not to a function"));
        };
        if self.state.lock.is_some() && self.is_global(function) {
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
        for number in 1..=self.parameters(function).len() as u8 {
            let name = RegName::new(number).expect("at most five parameters");
            self.read(name)?;
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
            self.want(r(1));
        }
        // The branch that calls back; the one that goes on is looked at afterwards.
        if !never && self.state.frame().callback_depth <= limits::LOOPS_MAX as u32 {
            let start = self.shape.functions[function].start;
            let vma = self.type_number("vm_area_struct");
            let at = self.at;
            let outer = Some(self.state.frame().chain);
            let chain = self.chains.find(outer, Some(at), function);
            {
                let waiting = self.fork(start);
                waiting.callback_unroll_depth += 1;
                waiting.frame_mut().callback_depth += 1;
                let number = waiting.frames.len();
                if number >= CALL_FRAMES_MAX {
                    return reject(
                        Some(at),
                        format!("the call stack of {number} frames is too deep"),
                        Errno::E2BIG,
                    );
                }
                let mut frame = Frame::new(function, chain, number as u8, Some(at));
                frame.callback = Some(Callback {
                    returns: ReturnRange { min: 0, max: 1 },
                    later: false,
                });
                callback_arguments(helper.id, &arguments, found, vma, &mut frame);
                waiting.frames.push(frame);
            }
        }
        self.state.frame_mut().callback_depth = 0;
        self.forget_arguments();
        *self.state.reg_mut(RegName::R0) = Reg::UNKNOWN;
        Ok(Next::Through)
    }

    pub(crate) fn exit(&mut self) -> Check<Next> {
        let at = self.at;
        if self.state.frames.len() == 1 {
            if let Some(reference) = self.state.references.first() {
                return invalid(
                    at,
                    format!(
                        "Unreleased reference id={} alloc_insn={}\nBPF_EXIT instruction in main prog would lead to reference leak",
                        reference.id, reference.at
                    ),
                );
            }
            if self.state.lock.is_some() {
                return invalid(
                    at,
                    "BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region",
                );
            }
            self.check_return()?;
            return Ok(Next::End);
        }
        let result = *self.state.reg(RegName::R0);
        if matches!(result.what, What::Stack { .. }) {
            return invalid(at, "cannot return stack pointer to the caller");
        }
        let callee = self.state.frames.pop().expect("there are two frames");
        let call = callee.callsite.expect("a callee has a call");
        if let Some(callback) = callee.callback {
            if !result.is_number() {
                return denied(at, "R0 not a scalar value");
            }
            self.want_in(&callee, RegName::R0);
            let range = callback.returns;
            let (min, max) = (i64::from(range.min), i64::from(range.max));
            if result.num.s.min < min || result.num.s.max > max {
                self.state.frames.push(callee);
                return invalid(
                    at,
                    format!(
                        "At callback return the register R0 should have been in [{min}, {max}]"
                    ),
                );
            }
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

    /// Wants a register of a frame that has just been left.
    fn want_in(&mut self, callee: &Frame, name: RegName) {
        self.state.frames.push(callee.clone());
        self.want(name);
        self.state.frames.pop();
    }

    /// What a program may return.
    fn check_return(&mut self) -> Check {
        use osmia_program::ProgramKind::{Lsm, StructOps};
        let kind = self.program.hook.kind;
        if self.root == 0 && matches!(kind, Lsm | StructOps) && self.attached_to_void() {
            return Ok(());
        }
        let reg = self.read(RegName::R0)?;
        if reg.is_pointer() {
            if self.root != 0 {
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
        if self.root != 0 {
            return Ok(());
        }
        let Some((min, max)) = self.returns() else {
            return Ok(());
        };
        self.want(RegName::R0);
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
                    "At program exit the register R0 has {is} should have been in [{min}, {max}]"
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
    vma: u32,
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
            frame.regs[1] = Reg::UNKNOWN;
            frame.regs[2] = given[2];
        }
    }
}
