//! What each machine has for the operations of lowered programs, one trait for each family of them.
//!
//! Templates are methods of the [`Compiler`](super::walk::Compiler) for a machine's assembler. The contract
//! that all machines keep: functions take the program's `r1` to `r5` as the first arguments of the machine's
//! ABI and return `r0` as its result; what the machine keeps of the run and the program's frame pointer are
//! in registers that calls preserve, as are `r6` to `r9`.

use osmia_isa::{AluOp, AtomicOp, Cond, Operand, Reg, Size, Width};
use osmia_vm::map_call::MapOperation;

use super::frame::{Frame, Surroundings};
use crate::asm::{Assembly, Label};
use crate::lower::Base;
use crate::symbols::Symbol;

/// Arithmetic, and values known beforehand.
pub(super) trait Arithmetic {
    fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand);

    /// 64 bits.
    fn sum(&mut self, dst: Reg, src: Reg, imm: i32);

    fn neg(&mut self, width: Width, dst: Reg);

    /// Sign-extends the low bits of a register.
    fn extend(&mut self, width: Width, dst: Reg, src: Reg, from: Size);

    /// Turns the low bytes round, the others become zero.
    fn swap(&mut self, dst: Reg, size: Size);

    /// Keeps the low bytes.
    fn cut(&mut self, dst: Reg, size: Size);

    fn number(&mut self, dst: Reg, value: u64);

    /// As many bytes whatever the address is: it differs from run to run, listings should not.
    fn symbol(&mut self, dst: Reg, symbol: Symbol);

    /// An operation on two registers that sets a third, if the machine has it.
    fn alu_to(&mut self, op: AluOp, width: Width, dst: Reg, first: Reg, second: Reg) -> bool;
}

/// Loads, stores and atomics. Verification showed that they are right: nothing is checked.
pub(super) trait Memory {
    fn load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Base, off: i32);

    /// A load through the sum of two registers, if the machine has it.
    fn load_through(
        &mut self,
        size: Size,
        sign_extend: bool,
        dst: Reg,
        sum: (Reg, Reg),
        off: i32,
    ) -> bool;

    fn store(&mut self, size: Size, base: Reg, off: i32, src: Operand);

    fn atomic(&mut self, op: AtomicOp, size: Size, base: Reg, off: i32, src: Reg);
}

/// What the machine of the run does itself: a stub keeps the program's registers and calls it.
pub(super) trait FarMemory {
    fn far_load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Reg, off: i32);

    fn far_store(&mut self, size: Size, base: Reg, off: i32, src: Operand);

    fn far_atomic(&mut self, op: AtomicOp, size: Size, base: Reg, off: i32, src: Reg);

    /// Outside of the packet the function ends with zero.
    fn load_packet(&mut self, size: Size, index: Option<Reg>, off: i32);

    fn user_pointer(&mut self, dst: Reg, src: Reg);

    /// The stub, if somebody calls it.
    fn far_stub(&mut self);
}

/// Jumps and conditions.
pub(super) trait Control {
    fn jump(&mut self, to: Label);

    fn branch(&mut self, cond: Cond, width: Width, dst: Reg, src: Operand, to: Label);

    /// Copies if a comparison of two values does not hold.
    fn copy_unless(
        &mut self,
        cond: Cond,
        width: Width,
        compared: (Reg, Operand),
        copied: Width,
        dst: Reg,
        src: Operand,
    );

    /// Counts, and jumps once this function passed so often by such jumps.
    fn count_and_jump(&mut self, to: Label);

    /// Jumps if somebody wants the run to stop. May use the scratch registers.
    fn jump_if_stopping(&mut self, to: Label);

    /// Jumps if the machine says that the run is ended.
    fn jump_if_ended(&mut self, to: Label);

    /// Notes that the run is ended, if nobody did.
    fn note_end(&mut self);

    /// Notes by which slot the run is ended, and unwinds.
    fn end_at(&mut self, slot: u32);

    /// Where a loop begins: instructions that do nothing up to what is read from memory together.
    fn align_loop(&mut self);

    /// What is never reached.
    fn trap(&mut self);
}

/// Calls.
pub(super) trait Calls {
    /// A helper or kernel function, through the machine, which may end the run.
    fn call_helper(&mut self, slot: u32, helper: Symbol);

    /// Takes nothing but what code was entered with, and cannot end the program.
    fn call_leaf(&mut self, helper: u32);

    /// The map is the first argument, whatever `r1` was. Nothing it does ends the program.
    fn call_map(&mut self, operation: MapOperation, map: u32);

    /// The callee's frame lies below this one's.
    fn call_function(&mut self, to: u32);

    /// `bpf_loop` without a helper.
    fn loop_over(&mut self, slot: u32, to: u32);

    /// The machine looks for the program. It takes this function's frame and returns to its caller.
    fn tail_call(&mut self, slot: u32);

    /// `r2` points to the number of the element.
    fn array_element(&mut self, map: u32);

    /// Builds what a function has on the native stack.
    fn set_up(&mut self, frame: &Frame);

    /// Takes that down and returns.
    fn exit(&mut self);
}

/// All that a machine needs.
pub(super) trait Templates: Arithmetic + Memory + FarMemory + Control + Calls {}

impl<T: Arithmetic + Memory + FarMemory + Control + Calls> Templates for T {}

/// The ways in from outside, and out from inside.
pub(crate) trait Ways: Assembly {
    /// The program as a function that is called from outside: its arguments where they belong already, the
    /// sixth what the machine keeps of the run. Saves no more than the program uses.
    fn first(&mut self, surroundings: Surroundings, entry: Label, unwind: Label) -> Label;

    /// From outside: its arguments are what the machine keeps of the run, the frame pointer, the function,
    /// and where its five arguments lie. Gives the function's result. Who jumps to `unwind` ends the run
    /// that began here from inside: the stack pointer of that moment is kept, and that of a run around this
    /// one put back in the end.
    fn enter(&mut self, unwind: Label) -> Label;

    /// Returns what a tail call came to that is through.
    fn returned(&mut self) -> Label;
}
