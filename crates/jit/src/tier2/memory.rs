//! Loads, stores, atomics and arrays. Verification showed that they are right: nothing is checked.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Value, types};
use osmia_isa::{AtomicOp, Cond, Operand, Reg, Size, Width};
use osmia_vm::layout;

use super::alu::type_of_size;
use super::body::{Body, reg};
use crate::lower::{Base, Line, Op, PacketField};
use crate::symbols::Symbol;

/// Memory that is there, aligned or not.
pub(super) fn plain() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl Body<'_, '_> {
    pub(super) fn load(&mut self, size: Size, sign_extend: bool, dst: Reg, base: Base, off: i32) {
        let (at, off) = match base {
            Base::Reg(base) => (self.get(base), off),
            Base::Packet(field) => (self.machine, offset(field)),
        };
        let (ins, flags, wide) = (self.builder.ins(), plain(), types::I64);
        let value = match (size, sign_extend) {
            (Size::B, false) => ins.uload8(wide, flags, at, off),
            (Size::H, false) => ins.uload16(wide, flags, at, off),
            (Size::W, false) => ins.uload32(flags, at, off),
            (Size::DW, _) => ins.load(wide, flags, at, off),
            (Size::B, true) => ins.sload8(wide, flags, at, off),
            (Size::H, true) => ins.sload16(wide, flags, at, off),
            (Size::W, true) => ins.sload32(flags, at, off),
        };
        self.set(dst, value);
    }

    pub(super) fn store(&mut self, size: Size, base: Reg, off: i32, src: Operand) {
        let at = self.get(base);
        let value = self.operand(src, Width::W64);
        let (ins, flags) = (self.builder.ins(), plain());
        match size {
            Size::B => ins.istore8(flags, value, at, off),
            Size::H => ins.istore16(flags, value, at, off),
            Size::W => ins.istore32(flags, value, at, off),
            Size::DW => ins.store(flags, value, at, off),
        };
    }

    pub(super) fn atomic(&mut self, op: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) {
        let ty = type_of_size(size);
        let at = self.get(base);
        let at = self.plus(at, off);
        let value = self.get(src);
        let value = self.reduce(value, ty);
        let (name, fetch) = match op {
            AtomicOp::Add { fetch } => (AtomicRmwOp::Add, fetch),
            AtomicOp::Or { fetch } => (AtomicRmwOp::Or, fetch),
            AtomicOp::And { fetch } => (AtomicRmwOp::And, fetch),
            AtomicOp::Xor { fetch } => (AtomicRmwOp::Xor, fetch),
            AtomicOp::Xchg => (AtomicRmwOp::Xchg, true),
            AtomicOp::Cmpxchg => {
                let expected = self.get(Reg::R0);
                let expected = self.reduce(expected, ty);
                let old = (self.builder.ins()).atomic_cas(plain(), at, expected, value);
                let old = self.widen(old, ty);
                return self.set(Reg::R0, old);
            }
        };
        let old = (self.builder.ins()).atomic_rmw(ty, plain(), name, at, value);
        if fetch {
            let old = self.widen(old, ty);
            self.set(src, old);
        }
    }

    /// `r2` points to the number of the element. A question that follows whether there is one has
    /// been answered.
    pub(super) fn array_element(&mut self, map: u32, next: Option<&Line>) {
        let shape = self.maker.symbols.array(map);
        let key = self.get(reg(2));
        let number = self.builder.ins().uload32(plain(), key, 0);
        let count = self.number(shape.count.into());
        let exists = (self.builder.ins()).icmp(IntCC::UnsignedLessThan, number, count);
        let mut position = number;
        if let Some(lane) = shape.lane {
            let cpu = (self.builder.ins()).load(types::I64, plain(), self.machine, layout::CPU);
            let lane = self.number(lane.into());
            let first = self.builder.ins().imul(cpu, lane);
            position = self.builder.ins().iadd(first, position);
        }
        let address = self.element(map, position, shape.stride);
        let none = self.number(0);
        match next.map(|next| (next.slot, next.op)) {
            Some((
                slot,
                Op::Branch {
                    cond: cond @ (Cond::Eq | Cond::Ne),
                    width: Width::W64,
                    dst: Reg::R0,
                    src: Operand::Imm(0),
                    to,
                },
            )) if !self.is_jumped_to(slot) => {
                let (missing, found) = (self.builder.create_block(), self.builder.create_block());
                let away = self.block(to);
                self.cut_chains();
                self.fork(exists, found, missing);
                let (leaves, leaving, stays, staying) = match cond {
                    Cond::Eq => (missing, none, found, address),
                    _ => (found, address, missing, none),
                };
                self.go_on(leaves);
                self.set(Reg::R0, leaving);
                self.jump(away, &[]);
                self.go_on(stays);
                self.set(Reg::R0, staying);
                self.answered();
            }
            _ => {
                let found = self.builder.ins().select(exists, address, none);
                self.set(Reg::R0, found);
            }
        }
    }

    fn element(&mut self, map: u32, position: Value, stride: usize) -> Value {
        let stride = self.number(stride as i64);
        let distance = self.builder.ins().imul(position, stride);
        let values = self.address(Symbol::Value(map, 0));
        self.builder.ins().iadd(values, distance)
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
