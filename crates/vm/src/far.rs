//! Accesses of native code that are not single instructions: through pointers that may lead to something
//! else than what belongs to the run (objects of the heap, arenas, nowhere), to fields of the context
//! that programs see otherwise than they lie, and to the packet by legacy loads.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use osmia_isa::{AtomicOp, Size};

use crate::code::Code;
use crate::context;
use crate::direct::Direct;
use crate::interp::load_packet;
use crate::memory::Cell;
use crate::native::Running;

/// What native code asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Far {
    /// A load: its value, zero-extended; zero where nothing is.
    Load(Size),
    /// A store.
    Store(Size),
    /// An atomic: what was there, if it asks for it.
    Atomic(AtomicOp, Size),
    /// A legacy load: the address is an index, the value an offset. [`MISSED`] outside of the packet.
    Packet(Size),
    /// A pointer into an arena as the process has it.
    ToUser,
}

/// What a legacy load gives outside of the packet; others give 32 bits.
pub const MISSED: u64 = u64::MAX;

const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::DW];
const ATOMICS: [AtomicOp; 10] = [
    AtomicOp::Add { fetch: false },
    AtomicOp::Or { fetch: false },
    AtomicOp::And { fetch: false },
    AtomicOp::Xor { fetch: false },
    AtomicOp::Add { fetch: true },
    AtomicOp::Or { fetch: true },
    AtomicOp::And { fetch: true },
    AtomicOp::Xor { fetch: true },
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];

impl Far {
    /// As a number, which machine code passes.
    pub fn number(self) -> u32 {
        let (kind, operation, size) = match self {
            Far::Load(size) => (0, 0, size),
            Far::Store(size) => (1, 0, size),
            Far::Atomic(op, size) => {
                let operation = ATOMICS.iter().position(|known| *known == op);
                (2, operation.expect("every operation is listed"), size)
            }
            Far::Packet(size) => (3, 0, size),
            Far::ToUser => (4, 0, Size::DW),
        };
        kind << 16 | (operation as u32) << 8 | size.bytes().trailing_zeros()
    }

    fn of(number: u32) -> Self {
        let size = SIZES[(number & 3) as usize];
        match number >> 16 {
            0 => Far::Load(size),
            1 => Far::Store(size),
            2 => Far::Atomic(ATOMICS[(number >> 8 & 0xff) as usize], size),
            3 => Far::Packet(size),
            _ => Far::ToUser,
        }
    }
}

impl Running<'_> {
    /// Does what native code asks for by number. `compared` is `r0`.
    pub fn far(&mut self, number: u32, address: u64, value: u64, compared: u64) -> u64 {
        self.direct.touched();
        match Far::of(number) {
            Far::Load(Size::B) => self.load::<u8>(address),
            Far::Load(Size::H) => self.load::<u16>(address),
            Far::Load(Size::W) => self.load::<u32>(address),
            Far::Load(Size::DW) => self.load::<u64>(address),
            Far::Store(Size::B) => self.store::<u8>(address, value),
            Far::Store(Size::H) => self.store::<u16>(address, value),
            Far::Store(Size::W) => self.store::<u32>(address, value),
            Far::Store(Size::DW) => self.store::<u64>(address, value),
            Far::Atomic(op, Size::DW) => match self.atomic64(address) {
                Some(cell) => rmw64(cell, op, value, compared),
                None => unchanged(op, value, compared),
            },
            Far::Atomic(op, _) => match self.atomic32(address) {
                Some(cell) => rmw32(cell, op, value as u32, compared as u32).into(),
                None => unchanged(op, value, compared),
            },
            Far::Packet(size) => {
                let index = i64::from(address as u32 as i32);
                let offset = i64::from(value as u32 as i32) + index;
                load_packet(self.world, offset, size.bytes() as usize).unwrap_or(MISSED)
            }
            Far::ToUser => self.code().to_user(address),
        }
    }

    fn code(&self) -> &Code {
        self.direct.running().expect("a program runs")
    }

    /// The offset in the context, if the address is one there.
    fn in_context(&self, address: u64) -> Option<u64> {
        let offset = address.wrapping_sub(self.direct.head.context);
        (offset < self.direct.context_bytes).then_some(offset)
    }

    fn load<T: Cell>(&self, address: u64) -> u64 {
        if let Some(arena) = self.code().arena_at(address) {
            return arena.load::<T>(address).widen();
        }
        if let Some(value) = self.direct.space.load::<T>(address) {
            return value.widen();
        }
        if let Some(offset) = self.in_context(address)
            && let Some(value) = context::load(self.direct, self.world, offset, T::BYTES as u32)
        {
            return value;
        }
        let mut bytes = [0; 8];
        let own = &mut bytes[..T::BYTES as usize];
        // What is not there is zero.
        let _ = self.direct.read_own(address, own);
        u64::from_le_bytes(bytes)
    }

    fn store<T: Cell>(&mut self, address: u64, value: u64) -> u64 {
        if let Some(arena) = self.code().arena_at(address) {
            arena.store::<T>(address, value);
        } else if self.direct.space.store(address, T::narrow(value)).is_none() {
            let in_context = self
                .in_context(address)
                .and_then(|offset| context::store(self.world, offset, T::BYTES as u32, value));
            if in_context.is_none() {
                let bytes = value.to_le_bytes();
                self.direct.write_own(address, &bytes[..T::BYTES as usize]);
            }
        }
        0
    }

    fn atomic64(&self, address: u64) -> Option<&AtomicU64> {
        match self.code().arena_at(address) {
            Some(arena) => arena.atomic64(address),
            None => (self.direct.space.atomic64(address)).or_else(|| self.direct.atomic64(address)),
        }
    }

    fn atomic32(&self, address: u64) -> Option<&AtomicU32> {
        match self.code().arena_at(address) {
            Some(arena) => arena.atomic32(address),
            None => (self.direct.space.atomic32(address)).or_else(|| self.direct.atomic32(address)),
        }
    }
}

impl Direct {
    fn atomic64(&self, address: u64) -> Option<&AtomicU64> {
        self.is_own(address, 8)
            .then(|| self.real().atomic64(address))?
    }

    fn atomic32(&self, address: u64) -> Option<&AtomicU32> {
        self.is_own(address, 4)
            .then(|| self.real().atomic32(address))?
    }
}

/// What an atomic gives that did not happen, since no page is there: its register stays as it is.
fn unchanged(op: AtomicOp, value: u64, compared: u64) -> u64 {
    match op {
        AtomicOp::Cmpxchg => compared,
        _ => value,
    }
}

macro_rules! rmw {
    ($name:ident, $cell:ty, $int:ty) => {
        fn $name(cell: &$cell, op: AtomicOp, value: $int, compared: $int) -> $int {
            match op {
                AtomicOp::Add { .. } => cell.fetch_add(value, SeqCst),
                AtomicOp::Or { .. } => cell.fetch_or(value, SeqCst),
                AtomicOp::And { .. } => cell.fetch_and(value, SeqCst),
                AtomicOp::Xor { .. } => cell.fetch_xor(value, SeqCst),
                AtomicOp::Xchg => cell.swap(value, SeqCst),
                AtomicOp::Cmpxchg => cell
                    .compare_exchange(compared, value, SeqCst, SeqCst)
                    .unwrap_or_else(|found| found),
            }
        }
    };
}
rmw!(rmw64, AtomicU64, u64);
rmw!(rmw32, AtomicU32, u32);

#[cfg(test)]
mod tests {
    use super::{ATOMICS, Far, SIZES};

    #[test]
    fn numbers_say_what_was_asked_for() {
        let plain = SIZES
            .iter()
            .flat_map(|size| [Far::Load(*size), Far::Store(*size), Far::Packet(*size)]);
        let atomics = ATOMICS.iter().map(|op| Far::Atomic(*op, SIZES[2]));
        for far in plain.chain(atomics).chain([Far::ToUser]) {
            assert_eq!(Far::of(far.number()), far);
        }
    }
}
