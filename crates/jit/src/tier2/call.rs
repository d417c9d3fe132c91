//! Calls: of helpers, of functions, as often as asked, of other programs; and the run's end from inside.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, FuncRef, InstBuilder, Signature, UserExternalName, Value,
    types,
};
use osmia_isa::Reg;
use osmia_program::Errno;
use osmia_program::limits::STACK_BYTES;
use osmia_vm::limits::LOOP_ITERATIONS_MAX;
use osmia_vm::map_call::MapOperation;
use osmia_vm::{Leaf, layout};

use super::body::{Body, reg};
use super::link::{END, LEAVE};
use super::memory::plain;
use super::signature::helper_args;
use crate::symbols::Symbol;

/// Arguments of the machine's own functions: five of the program's, and the machine.
const MACHINE_ARGS: usize = 6;

impl Body<'_, '_> {
    pub(super) fn call_helper(&mut self, slot: u32, helper: u32) {
        let asked = self.address(Symbol::Helper(helper));
        (self.builder.ins()).store(plain(), asked, self.machine, layout::HELPER);
        let args = helper_args(helper).min(5) as u8;
        let args: Vec<Value> = (1..=args).map(|number| self.get(reg(number))).collect();
        let value = self.call_machine(Symbol::CallHelper, &args);
        self.set(Reg::R0, value);
        self.end_if_asked(slot);
    }

    /// Takes nothing but what code was entered with, and cannot end the program.
    pub(super) fn call_leaf(&mut self, helper: u32) {
        let value = if Leaf::of_helper(helper) == Some(Leaf::Cpu) {
            (self.builder.ins()).load(types::I64, plain(), self.machine, layout::CPU)
        } else {
            let running =
                (self.builder.ins()).load(types::I64, plain(), self.machine, layout::RUNNING);
            let signature = self.signature(1);
            let signature = self.builder.import_signature(signature);
            let function = self.address(Symbol::Leaf(helper));
            let call = (self.builder.ins()).call_indirect(signature, function, &[running]);
            self.builder.inst_results(call)[0]
        };
        self.set(Reg::R0, value);
    }

    /// The map is the first argument, whatever `r1` was. Nothing it does ends the program.
    pub(super) fn call_map(&mut self, operation: MapOperation, map: u32) {
        let mut args = vec![self.address(Symbol::MapItself(map))];
        let behind = match operation {
            MapOperation::Update => 2..=4,
            MapOperation::Push => 2..=3,
            MapOperation::Lookup
            | MapOperation::Delete
            | MapOperation::Pop
            | MapOperation::Peek => 2..=2,
        };
        args.extend(behind.map(|number| self.get(reg(number))));
        let value = self.call_machine(Symbol::CallMap(operation, map), &args);
        self.set(Reg::R0, value);
    }

    /// Calls a function of the machine's; arguments that are not given are zero.
    fn call_machine(&mut self, function: Symbol, args: &[Value]) -> Value {
        let mut all = args.to_vec();
        while all.len() < MACHINE_ARGS - 1 {
            let zero = self.number(0);
            all.push(zero);
        }
        let running = (self.builder.ins()).load(types::I64, plain(), self.machine, layout::RUNNING);
        all.push(running);
        let signature = self.signature(MACHINE_ARGS);
        let signature = self.builder.import_signature(signature);
        let function = self.address(function);
        let call = (self.builder.ins()).call_indirect(signature, function, &all);
        self.builder.inst_results(call)[0]
    }

    fn signature(&self, args: usize) -> Signature {
        let mut signature = Signature::new(self.maker.isa.default_call_conv());
        signature.params = vec![AbiParam::new(types::I64); args];
        signature.returns = vec![AbiParam::new(types::I64)];
        signature
    }

    /// Ends the run if the machine says so.
    fn end_if_asked(&mut self, slot: u32) {
        let ended = (self.builder.ins()).load(types::I32, plain(), self.machine, layout::ENDED);
        self.end_if(ended, slot);
    }

    /// Ends the run if somebody wants it to stop.
    fn stop_if_asked(&mut self, slot: u32) {
        let flag = (self.builder.ins()).load(types::I64, plain(), self.machine, layout::STOP);
        let stop = self.builder.ins().load(types::I32, plain(), flag, 0);
        self.end_if(stop, slot);
    }

    fn end_if(&mut self, ended: Value, slot: u32) {
        let (end, on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(end);
        self.fork(ended, end, on);
        self.go_on(end);
        let ended = self.builder.ins().iconst(types::I32, 1);
        (self.builder.ins()).store(plain(), ended, self.machine, layout::ENDED);
        let slot = self.builder.ins().iconst(types::I32, i64::from(slot));
        (self.builder.ins()).store(plain(), slot, self.machine, layout::SLOT);
        let signature = self.signature(1);
        let stub = self.import(END, signature);
        self.builder.ins().call(stub, &[self.machine]);
        self.stop();
        self.go_on(on);
    }

    /// A function or stub of this program's code, by number.
    fn import(&mut self, number: u32, signature: Signature) -> FuncRef {
        if let Some(known) = self.imported.get(&number) {
            return *known;
        }
        let name = UserExternalName::new(0, number);
        let name = self.builder.func.declare_imported_user_function(name);
        let signature = self.builder.import_signature(signature);
        let function = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.imported.insert(number, function);
        function
    }

    pub(super) fn call_function(&mut self, to: u32) {
        let args = [1, 2, 3, 4, 5].map(reg);
        let number = self.maker.lowered.function_of(to);
        let count = self.maker.functions[number].args;
        let args: Vec<Value> = args[..count].iter().map(|arg| self.get(*arg)).collect();
        let value = self.call(number, &args);
        self.set(Reg::R0, value);
    }

    /// Calls a function, or takes it in. The callee's frame lies below this one's.
    fn call(&mut self, number: usize, args: &[Value]) -> Value {
        let function = &self.maker.functions[number];
        let frame = function.needs_frame.then(|| {
            let frame = self.get(Reg::R10);
            self.plus(frame, -(STACK_BYTES as i32))
        });
        if self.room.take(self.maker.lowered, function) {
            let behind = self.builder.create_block();
            self.builder.append_block_param(behind, types::I64);
            self.function(number, args, frame, Some(behind));
            self.go_on(behind);
            return self.builder.block_params(behind)[0];
        }
        let signature = function.signature(self.maker.isa, false);
        let callee = self.import(number as u32, signature);
        let mut all = args.to_vec();
        all.push(self.machine);
        all.extend(frame);
        let call = self.builder.ins().call(callee, &all);
        self.builder.inst_results(call)[0]
    }

    /// `bpf_loop`: `r1` is how often, `r3` what is passed on, `r4` flags, of which there are none.
    pub(super) fn loop_over(&mut self, slot: u32, to: u32) {
        let number = self.maker.lowered.function_of(to);
        let [count, passed, flags] = [1, 3, 4].map(|number| self.get(reg(number)));
        let [plain, few, turn, body, again, done] = [(); 6].map(|()| self.builder.create_block());
        self.builder.append_block_param(turn, types::I64);
        self.builder.append_block_param(done, types::I64);
        let refused = self.number(negative(Errno::EINVAL));
        let too_many = self.number(negative(Errno::E2BIG));
        // The count has 32 bits.
        let count = self.reduce(count, types::I32);
        let count = self.widen(count, types::I32);
        let is_plain = self.builder.ins().icmp_imm_s(IntCC::Equal, flags, 0);
        self.choose(is_plain, plain, done, refused);
        let max = i64::try_from(LOOP_ITERATIONS_MAX).expect("Linux' limit is 2^23");
        let max = self.number(max);
        let is_few = (self.builder.ins()).icmp(IntCC::UnsignedLessThanOrEqual, count, max);
        self.choose(is_few, few, done, too_many);
        let zero = self.number(0);
        self.jump(turn, &[zero]);
        self.go_on(turn);
        self.stop_if_asked(slot);
        let counter = self.builder.block_params(turn)[0];
        let goes_on = (self.builder.ins()).icmp(IntCC::UnsignedLessThan, counter, count);
        self.choose(goes_on, body, done, counter);
        let args = [counter, passed];
        let taken = self.maker.functions[number].args;
        let zeroes = vec![zero; taken.saturating_sub(args.len())];
        let args = [&args[..taken.min(args.len())], &zeroes].concat();
        let value = self.call(number, &args);
        let counter = self.plus(counter, 1);
        let stays = self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0);
        self.choose(stays, again, done, counter);
        self.jump(turn, &[counter]);
        self.go_on(done);
        let turns = self.builder.block_params(done)[0];
        self.set(Reg::R0, turns);
    }

    /// Goes on in a block if a condition holds, otherwise goes to another with a value.
    fn choose(
        &mut self,
        condition: Value,
        on: cranelift_codegen::ir::Block,
        away: cranelift_codegen::ir::Block,
        with: Value,
    ) {
        (self.builder.ins()).brif(condition, on, &[], away, &[with.into()]);
        self.go_on(on);
    }

    /// The machine looks for the program. It takes this function's frame; what it returns, this
    /// function returns.
    pub(super) fn tail_call(&mut self, slot: u32) {
        let args = [1, 2, 3].map(|number| self.get(reg(number)));
        let target = self.call_machine(Symbol::TailCall, &args);
        self.end_if_asked(slot);
        let (found, none) = (self.builder.create_block(), self.builder.create_block());
        self.fork(target, found, none);
        self.go_on(found);
        let context = (self.builder.ins()).load(types::I64, plain(), self.machine, layout::CONTEXT);
        let frame = self.get(Reg::R10);
        let signature = self.signature(4);
        let stub = self.import(LEAVE, signature);
        let call = (self.builder.ins()).call(stub, &[context, target, frame, self.machine]);
        let value = self.builder.inst_results(call)[0];
        self.leave(value);
        self.go_on(none);
        let zero = self.number(0);
        self.set(Reg::R0, zero);
    }
}

fn negative(errno: Errno) -> i64 {
    -i64::from(errno.0)
}
