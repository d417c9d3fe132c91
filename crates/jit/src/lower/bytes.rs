//! Numbers that programs put together from bytes in a row, one shift and one `or` after the other, become
//! one load: fields of packed structures are read like that.
//!
//! Along a block it is known of each register which bytes of memory it is made of. Loads that nobody
//! needs any more are left to `dead`.

use osmia_isa::{AluOp, Operand, Reg, Size, Width};

use super::{Base, Lowered, Op};

/// How many registers programs have.
const REGS: usize = 11;

/// A register that is so many bytes from memory, shifted left by bytes, zero otherwise.
#[derive(Copy, Clone, PartialEq, Eq)]
struct Bytes {
    base: Reg,
    /// Which of the base register's values it was.
    value: u32,
    off: i32,
    count: i32,
    /// In bytes.
    shift: i32,
    /// How many writes to memory there had been.
    writes: u32,
}

impl Bytes {
    /// Both together, if they lie in a row.
    fn with(self, other: Bytes) -> Option<Bytes> {
        let (low, high) = match self.shift < other.shift {
            true => (self, other),
            false => (other, self),
        };
        let expected = Bytes {
            off: low.off + low.count,
            shift: low.shift + low.count,
            count: high.count,
            ..low
        };
        let count = low.count + high.count;
        (high == expected).then_some(Bytes { count, ..low })
    }

    fn size(self) -> Option<Size> {
        let sizes = [Size::H, Size::W, Size::DW];
        let is_this = |size: &Size| size.bytes() as i32 == self.count;
        sizes.into_iter().find(is_this).filter(|_| self.shift == 0)
    }
}

/// What is known at a line.
#[derive(Default)]
struct Known {
    bytes: [Option<Bytes>; REGS],
    values: [u32; REGS],
    writes: u32,
}

pub(super) fn combine(lowered: &mut Lowered) {
    if !lowered.lines.iter().any(|line| is_or(&line.op)) {
        return;
    }
    let mut known = Known::default();
    for line in &mut lowered.lines {
        if lowered.places.is_target(line.slot) {
            known.bytes = Default::default();
        }
        let (reg, made) = match known.step(&line.op) {
            Some(made) => made,
            None => continue,
        };
        if let (Some(size), true) = (made.size(), is_or(&line.op)) {
            line.op = Op::Load {
                size,
                sign_extend: false,
                dst: reg,
                base: Base::Reg(made.base),
                off: made.off,
            };
        }
        if reg != made.base {
            known.bytes[reg.index()] = Some(made);
        }
    }
}

fn is_or(op: &Op) -> bool {
    matches!(
        op,
        Op::Alu {
            op: AluOp::Or,
            src: Operand::Reg(_),
            ..
        }
    )
}

impl Known {
    /// Takes a line into account; gives the register it makes of bytes, and which.
    fn step(&mut self, op: &Op) -> Option<(Reg, Bytes)> {
        let made = self.makes(op);
        // Whatever is no plain operation on registers may write to memory.
        self.writes += u32::from(op.result().is_none());
        for reg in op.written().iter() {
            self.values[reg.index()] += 1;
            self.bytes[reg.index()] = None;
        }
        made
    }

    fn makes(&self, op: &Op) -> Option<(Reg, Bytes)> {
        match *op {
            Op::Load {
                size,
                sign_extend: false,
                dst,
                base: Base::Reg(base),
                off,
            } => {
                let bytes = Bytes {
                    base,
                    value: self.values[base.index()],
                    off,
                    count: size.bytes() as i32,
                    shift: 0,
                    writes: self.writes,
                };
                Some((dst, bytes))
            }
            Op::Alu {
                op,
                width,
                dst,
                src,
            } => {
                let made = match (op, src) {
                    (AluOp::Mov, Operand::Reg(src)) => self.current(src)?,
                    (AluOp::Lsh, Operand::Imm(bits)) if bits % 8 == 0 => {
                        let old = self.current(dst)?;
                        let shift = old.shift + bits / 8;
                        Bytes { shift, ..old }
                    }
                    (AluOp::Or, Operand::Reg(src)) => {
                        self.current(dst)?.with(self.current(src)?)?
                    }
                    _ => return None,
                };
                let room = if width == Width::W64 { 8 } else { 4 };
                (made.shift + made.count <= room).then_some((dst, made))
            }
            _ => None,
        }
    }

    /// What a register is made of, if it could be loaded again here.
    fn current(&self, reg: Reg) -> Option<Bytes> {
        let bytes = self.bytes[reg.index()]?;
        let is_same = self.values[bytes.base.index()] == bytes.value;
        (is_same && bytes.writes == self.writes).then_some(bytes)
    }
}
