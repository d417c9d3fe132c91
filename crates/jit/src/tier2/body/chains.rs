//! Chains of arithmetic: results of results of results, which Cranelift would compute anew wherever only exits
//! use them.

use cranelift_codegen::ir::{self, InstBuilder, Value, types};

use super::{Body, REGS};

/// Where jumps part, longer ones are cut.
const CHAIN_MAX: u32 = 48;

impl Body<'_, '_> {
    /// A number that Cranelift does not know: it would compare the counter as it was before the step, and
    /// keep both.
    pub(super) fn hidden(&mut self, value: i32) -> Value {
        let (slot, value) = (self.scratch(), self.number(value.into()));
        (self.builder.ins()).stack_store(types::I64, value, slot, 0);
        (self.builder.ins()).stack_load(types::I64, types::I64, slot, 0)
    }

    /// Keeps the ends of long chains in memory of their own: what lies there is not computed anew.
    pub(in crate::tier2) fn cut_chains(&mut self) {
        for number in 0..REGS {
            if self.active.chains[number] <= CHAIN_MAX {
                continue;
            }
            let slot = self.scratch();
            let variable = self.active.regs[number];
            let value = self.builder.use_var(variable);
            (self.builder.ins()).stack_store(types::I64, value, slot, 0);
            let value = (self.builder.ins()).stack_load(types::I64, types::I64, slot, 0);
            self.builder.def_var(variable, value);
            self.active.chains[number] = 0;
        }
    }

    /// How long chains are, to be put back.
    pub(in crate::tier2) fn kept_chains(&self) -> [u32; REGS] {
        self.active.chains
    }

    /// Chains of copies begin anew in what is not copied.
    pub(in crate::tier2) fn keep_chains(&mut self, kept: [u32; REGS]) {
        self.active.chains = kept;
    }

    fn scratch(&mut self) -> ir::StackSlot {
        let data = ir::StackSlotData::new(ir::StackSlotKind::ExplicitSlot, 8, 3);
        self.builder.create_sized_stack_slot(data)
    }
}
