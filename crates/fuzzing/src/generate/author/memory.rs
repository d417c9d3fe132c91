//! Loads and stores through any address of which the author knows how far it reaches.

use osmia_isa::{AluOp, AtomicOp, Insn, Operand, Reg, Size, Width};

use super::{Author, Kind, SIZES, reg};

impl Author<'_> {
    /// Reads or writes at a fixed distance.
    pub(super) fn access(&mut self, base: usize, off: i64, size: Size) {
        let off = off as i16;
        if self.chance.percent(50) {
            let src = if self.chance.percent(30) {
                Operand::Imm(self.chance.immediate())
            } else {
                Operand::Reg(reg(self.number()))
            };
            let base = reg(base);
            self.code.push(Insn::Store {
                size,
                base,
                off,
                src,
            });
            return;
        }
        let dst = self.target();
        self.load(size, dst, reg(base), off);
    }

    /// Reads or writes what a caller lends, or memory that will be gone.
    pub(super) fn memory_access(&mut self) {
        let memory = self.has(|kind| matches!(kind, Kind::Lent(_) | Kind::Memory(_)));
        let Some(&base) = memory.first() else {
            return self.arithmetic();
        };
        let (Kind::Lent(bytes) | Kind::Memory(bytes)) = self.regs[base] else {
            return;
        };
        let size = self.chance.one_of(&SIZES);
        let last = bytes - size.bytes() as i64;
        if last < 0 {
            return;
        }
        let fixed = self.chance.percent(70);
        let index = if fixed { base } else { self.number() };
        if index == base {
            // Numbers may be anywhere, but atomically only where they belong.
            let off = self.chance.between(0, last) / size.bytes() as i64 * size.bytes() as i64;
            return self.access(base, off, size);
        }
        self.bound(index, last, |author| {
            let dst = author.target();
            if dst == index {
                return;
            }
            author.copy(dst, base);
            author.alu(AluOp::Add, Width::W64, dst, Operand::Reg(reg(index)));
            author.access(dst, 0, size);
            if author.regs[dst] != Kind::Number {
                author.regs[dst] = Kind::Nothing;
            }
        });
    }

    /// An atomic operation, or an ordered load or store, on the stack or on a map's value.
    pub(super) fn atomic(&mut self) {
        let src = self.number();
        let values = self.has(|kind| matches!(kind, Kind::Value(_)));
        let (base, off) = match values.first() {
            Some(&base) if self.chance.percent(50) => {
                let Kind::Value(start) = self.regs[base] else {
                    return;
                };
                (reg(base), self.chance.below(8) as i64 * 8 - start)
            }
            _ => {
                let slot = self.chance.below(self.stack.len());
                if self.stack[slot] != Kind::Number {
                    return self.spill_or_fill();
                }
                (Reg::R10, -8 * (slot as i64 + 1))
            }
        };
        let off = off as i16;
        if self.chance.percent(20) {
            let (size, dst) = (self.chance.one_of(&SIZES), self.target());
            let src = reg(src);
            if self.chance.percent(50) {
                self.code.push(Insn::StoreRelease {
                    size,
                    base,
                    off,
                    src,
                });
            } else {
                let dst_name = reg(dst);
                self.code.push(Insn::LoadAcquire {
                    size,
                    dst: dst_name,
                    base,
                    off,
                });
                self.regs[dst] = Kind::Number;
            }
            return;
        }
        let fetch = self.chance.percent(50);
        let op = self.chance.one_of(&[
            AtomicOp::Add { fetch },
            AtomicOp::Or { fetch },
            AtomicOp::And { fetch },
            AtomicOp::Xor { fetch },
            AtomicOp::Xchg,
            AtomicOp::Cmpxchg,
        ]);
        if op == AtomicOp::Cmpxchg && self.regs[0] != Kind::Number {
            if base == reg(0) {
                return;
            }
            self.set(0, 1);
        }
        self.code.push(Insn::Atomic {
            op,
            size: self.chance.one_of(&[Size::W, Size::DW]),
            base,
            off,
            src: reg(src),
        });
    }
}
