//! Loads and stores.

use osmia_isa::{AtomicOp, Operand, Reg, Size, Width};
use osmia_vm::layout;

use super::super::templates::Memory;
use super::Compiler;
use super::immediate::{of_run, value};
use super::regs::{SCRATCH, gpr};
use crate::arm64::{Access, Place, op};
use crate::lower::{Base, PacketField};

impl Memory for Compiler<'_> {
    fn load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Base, off: i32) {
        let access = loading(size, sign_extend);
        let place = match base {
            Base::Reg(base) => self.place(access, gpr(base), off),
            Base::Packet(field) => of_run(access, offset(field)),
        };
        self.asm.access(access, gpr(dst), place);
    }

    fn load_through(
        &mut self,
        size: Size,
        sign_extend: bool,
        dst: Reg,
        (first, second): (Reg, Reg),
        off: i32,
    ) -> bool {
        if off == 0 {
            let place = Place::Sum(gpr(first), gpr(second));
            (self.asm).access(loading(size, sign_extend), gpr(dst), place);
        }
        off == 0
    }

    fn store(&mut self, size: Size, base: Reg, off: i32, src: Operand) {
        let access = match size {
            Size::B => op::STORE8,
            Size::H => op::STORE16,
            Size::W => op::STORE32,
            Size::DW => op::STORE64,
        };
        let src = match src {
            Operand::Reg(src) => gpr(src),
            Operand::Imm(imm) => self.held(SCRATCH, value(imm, Width::W64)),
        };
        let place = self.place(access, gpr(base), off);
        self.asm.access(access, src, place);
    }

    fn atomic(&mut self, atomic: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) {
        let base = match off {
            0 => gpr(base),
            _ => {
                self.add(Width::W64, SCRATCH, gpr(base), off);
                SCRATCH
            }
        };
        let wide = size == Size::DW;
        if self.features.atomics {
            self.atomic_at_once(atomic, wide, base, gpr(src));
        } else {
            self.atomic_by_turns(atomic, wide, base, gpr(src));
        }
    }
}

fn loading(size: Size, sign_extend: bool) -> Access {
    match (size, sign_extend) {
        (Size::B, false) => op::LOAD8,
        (Size::H, false) => op::LOAD16,
        (Size::W, false) => op::LOAD32,
        (Size::DW, _) => op::LOAD64,
        (Size::B, true) => op::LOAD_SX8,
        (Size::H, true) => op::LOAD_SX16,
        (Size::W, true) => op::LOAD_SX32,
    }
}

/// Where the machine keeps an address.
fn offset(field: PacketField) -> i32 {
    match field {
        PacketField::Start => layout::PACKET_START,
        PacketField::End => layout::PACKET_END,
        PacketField::Meta => layout::PACKET_META,
    }
}
