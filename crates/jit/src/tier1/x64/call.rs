//! Calls and ends.

use osmia_isa::Reg;
use osmia_program::limits::STACK_BYTES;
use osmia_vm::map_call::MapOperation;
use osmia_vm::{Leaf, layout};

use super::super::frame::Frame;
use super::super::templates::Calls;
use super::Compiler;
use super::regs::{RUN, SCRATCH, SCRATCH2, gpr};
use crate::asm::Assembly as _;
use crate::symbols::{ArrayShape, Symbol};
use crate::x64::{Condition, Gpr, Place, op};

impl Calls for Compiler<'_> {
    /// Arguments are where the ABI wants them; the sixth is what code was entered with.
    fn call_helper(&mut self, slot: u32, helper: Symbol) {
        if helper.calls_back() {
            let frame = Place::Mem(RUN, layout::FRAME);
            self.asm.emit(op::MOV_TO, true, Gpr::Rbp, frame);
        }
        self.address(SCRATCH, helper);
        let place = Place::Mem(RUN, layout::HELPER);
        self.asm.emit(op::MOV_TO, true, SCRATCH, place);
        self.call_machine(Symbol::CallHelper);
        self.end_if_asked(slot);
    }

    fn call_leaf(&mut self, helper: u32) {
        if Leaf::of_helper(helper) == Some(Leaf::Cpu) {
            let cpu = Place::Mem(RUN, layout::CPU);
            self.asm.emit(op::LOAD, false, Gpr::Rax, cpu);
            return;
        }
        let running = Place::Mem(RUN, layout::RUNNING);
        self.asm.emit(op::LOAD, true, Gpr::Rdi, running);
        self.address(Gpr::Rax, Symbol::Leaf(helper));
        self.asm.emit_one(op::CALL_AT, false, Gpr::Rax);
    }

    fn call_map(&mut self, operation: MapOperation, map: u32) {
        self.address(Gpr::Rdi, Symbol::MapItself(map));
        self.call_machine(Symbol::CallMap(operation, map));
    }

    fn call_function(&mut self, to: u32) {
        let function = self.lowered.function_of(to);
        let bytes = STACK_BYTES as i32;
        self.asm.emit_with(op::SUB_I32, true, Gpr::Rbp, bytes);
        self.asm.call(self.functions[function]);
        self.asm.emit_with(op::ADD_I32, true, Gpr::Rbp, bytes);
    }

    fn exit(&mut self) {
        self.leave();
        self.asm.ret();
    }

    fn tail_call(&mut self, slot: u32) {
        let none = self.asm.label();
        self.call_machine(Symbol::TailCall);
        self.end_if_asked(slot);
        self.asm.emit(op::TEST_TO, true, Gpr::Rax, Gpr::Rax);
        self.asm.jump_if(Condition::Equal, none);
        let context = Place::Mem(RUN, layout::CONTEXT);
        self.asm.emit(op::LOAD, true, Gpr::Rdi, context);
        self.leave();
        self.asm.emit_one(op::JMP_AT, false, Gpr::Rax);
        self.asm.bind(none);
    }

    fn array_element(&mut self, map: u32) {
        let shape = self.symbols.array(map);
        let key = gpr(Reg::new(2).expect("there are eleven registers"));
        let none = self.asm.label();
        let done = self.asm.label();
        self.asm.emit(op::LOAD, false, Gpr::Rax, Place::Mem(key, 0));
        self.asm
            .emit_with(op::CMP_I32, false, Gpr::Rax, shape.count as i32);
        self.asm.jump_if(Condition::AboveOrEqual, none);
        if let Some(lane) = shape.lane {
            let cpu = Place::Mem(RUN, layout::CPU);
            self.asm
                .emit_imm(op::IMUL_I32, true, SCRATCH2, cpu, lane as i32);
            self.asm.emit(op::ADD_TO, true, SCRATCH2, Gpr::Rax);
        }
        self.scale(&shape);
        self.address(SCRATCH, Symbol::Value(map, 0));
        self.asm.emit(op::ADD_TO, true, SCRATCH, Gpr::Rax);
        self.asm.jump(done);
        self.asm.bind(none);
        self.asm.constant(Gpr::Rax, 0);
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
    fn call_machine(&mut self, function: Symbol) {
        let running = Place::Mem(RUN, layout::RUNNING);
        self.asm.emit(op::LOAD, true, Gpr::R9, running);
        self.address(Gpr::Rax, function);
        self.asm.emit_one(op::CALL_AT, false, Gpr::Rax);
    }

    /// Makes the element number in `rax` a distance.
    fn scale(&mut self, shape: &ArrayShape) {
        let stride = shape.stride;
        if stride.is_power_of_two() {
            let bits = stride.trailing_zeros() as i32;
            self.asm.emit_with(op::SHL_I8, true, Gpr::Rax, bits);
        } else {
            self.asm
                .emit_imm(op::IMUL_I32, true, Gpr::Rax, Gpr::Rax, stride as i32);
        }
    }
}
