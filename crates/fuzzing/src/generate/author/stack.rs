//! The own stack.

use osmia_isa::{AluOp, Insn, Operand, Reg, Size, Width};

use super::{Author, Kind, SIZES, SLOTS, reg};

impl Author<'_> {
    /// Puts something aside, or takes it back.
    pub(super) fn spill_or_fill(&mut self) {
        let slot = self.chance.below(SLOTS);
        let start = -8 * (slot as i64 + 1);
        let held = self.stack[slot];
        let address = !matches!(held, Kind::Nothing | Kind::Number);
        let size = if address || self.chance.percent(60) {
            Size::DW
        } else {
            self.chance.one_of(&SIZES)
        };
        let part = 8 / size.bytes() as usize;
        let off = (start + (self.chance.below(part) as i64) * size.bytes() as i64) as i16;
        if held != Kind::Nothing && self.chance.percent(55) {
            let dst = self.target();
            self.load(size, dst, Reg::R10, off);
            self.regs[dst] = held;
            return;
        }
        let (src, kind) = if self.chance.percent(25) {
            (Operand::Imm(self.chance.immediate()), Kind::Number)
        } else {
            let full = self.has(|kind| kind != Kind::Nothing);
            let any = size == Size::DW && self.chance.percent(40);
            let number = match full.is_empty() || !any {
                true => self.number(),
                false => full[self.chance.below(full.len())],
            };
            (Operand::Reg(reg(number)), self.regs[number])
        };
        self.code.push(Insn::Store {
            size,
            base: Reg::R10,
            off,
            src,
        });
        if size == Size::DW {
            self.stack[slot] = kind;
        }
    }

    /// Reads or writes the stack at a place that was computed.
    pub(super) fn stack_by_number(&mut self) {
        let index = self.number();
        // Only single bytes can be anywhere.
        let bytes = self.chance.one_of(&[1_i64, 1, 1, 2, 4, 8]);
        let size = SIZES[bytes.trailing_zeros() as usize];
        self.fill_slots(2);
        self.bound(index, 17 - bytes, |author| {
            let dst = author.target();
            if dst == index {
                return;
            }
            author.stack_address(dst, -16);
            author.alu(AluOp::Add, Width::W64, dst, Operand::Reg(reg(index)));
            author.access(dst, 0, size);
            if author.regs[dst] == Kind::Stack(-16) {
                author.regs[dst] = Kind::Nothing;
            }
        });
    }
}
