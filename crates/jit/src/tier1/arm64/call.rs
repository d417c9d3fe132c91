//! Calls and ends.

use osmia_isa::{Reg, Width};
use osmia_program::limits::STACK_BYTES;
use osmia_vm::map_call::MapOperation;
use osmia_vm::{Leaf, layout};

use super::super::frame::Frame;
use super::super::templates::Calls;
use super::Compiler;
use super::regs::{FRAME, R0, RESULT, RUNNING, SCRATCH, SCRATCH2, gpr};
use crate::arm64::{Condition, Gpr, Place, op};
use crate::asm::Assembly as _;
use crate::symbols::Symbol;

impl Calls for Compiler<'_> {
    fn call_helper(&mut self, slot: u32, helper: Symbol) {
        if helper.calls_back() {
            self.run(op::STORE64, FRAME, layout::FRAME);
        }
        self.address(SCRATCH, helper);
        self.run(op::STORE64, SCRATCH, layout::HELPER);
        self.call_machine(Symbol::CallHelper);
        self.end_if_asked(slot);
    }

    fn call_leaf(&mut self, helper: u32) {
        if Leaf::of_helper(helper) == Some(Leaf::Cpu) {
            self.run(op::LOAD32, R0, layout::CPU);
            return;
        }
        self.run(op::LOAD64, Gpr::x(0), layout::RUNNING);
        self.call_symbol(Symbol::Leaf(helper));
    }

    fn call_map(&mut self, operation: MapOperation, map: u32) {
        self.address(Gpr::x(0), Symbol::MapItself(map));
        self.call_machine(Symbol::CallMap(operation, map));
    }

    fn call_function(&mut self, to: u32) {
        let function = self.lowered.function_of(to);
        let bytes = STACK_BYTES as i32;
        self.add(Width::W64, FRAME, FRAME, -bytes);
        self.asm.call(self.functions[function]);
        self.add(Width::W64, FRAME, FRAME, bytes);
        self.asm.copy(true, R0, RESULT);
    }

    fn exit(&mut self) {
        self.asm.copy(true, RESULT, R0);
        self.leave();
        self.asm.ret();
    }

    fn tail_call(&mut self, slot: u32) {
        let none = self.asm.label();
        self.call_machine(Symbol::TailCall);
        self.end_if_asked(slot);
        self.asm.jump_if_zero(true, true, R0, none);
        self.run(op::LOAD64, Gpr::x(0), layout::CONTEXT);
        self.leave();
        self.asm.to(op::JUMP_TO, R0);
        self.asm.bind(none);
    }

    fn array_element(&mut self, map: u32) {
        let shape = self.symbols.array(map);
        let key = gpr(Reg::new(2).expect("there are eleven registers"));
        let (none, done) = (self.asm.label(), self.asm.label());
        let place = Place::Sum(key, Gpr::ZERO);
        self.asm.access(op::LOAD32, R0, place);
        self.compare_with(Width::W32, R0, shape.count as i32);
        self.asm.jump_if(Condition::AboveOrEqual, none);
        if let Some(lane) = shape.lane {
            self.run(op::LOAD64, SCRATCH, layout::CPU);
            self.times(SCRATCH, SCRATCH, lane.into());
            self.asm.three(op::ADD, true, R0, R0, SCRATCH);
        }
        self.address(SCRATCH, Symbol::Value(map, 0));
        if shape.stride.is_power_of_two() {
            let bits = shape.stride.trailing_zeros();
            (self.asm).three_shifted(op::ADD, R0, SCRATCH, R0, bits);
        } else {
            self.asm.constant(SCRATCH2, shape.stride as u64);
            (self.asm).four(op::MADD, true, R0, (R0, SCRATCH2), SCRATCH);
        }
        self.asm.jump(done);
        self.asm.bind(none);
        self.asm.constant(R0, 0);
        self.asm.bind(done);
    }

    fn set_up(&mut self, frame: &Frame) {
        self.build(frame);
    }

    fn loop_over(&mut self, slot: u32, to: u32) {
        self.count_calls(slot, to);
    }
}

impl Compiler<'_> {
    /// A function of the machine's; arguments are where they belong, the last is what code was entered with.
    pub(super) fn call_machine(&mut self, function: Symbol) {
        self.run(op::LOAD64, RUNNING, layout::RUNNING);
        self.call_symbol(function);
    }

    fn call_symbol(&mut self, function: Symbol) {
        self.address(SCRATCH, function);
        self.asm.to(op::CALL_TO, SCRATCH);
        self.asm.copy(true, R0, RESULT);
    }
}
