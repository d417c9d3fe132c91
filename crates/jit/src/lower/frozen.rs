//! Loads from values that nobody can write any more become what is there.

use osmia_isa::{AluOp, Operand, Size, Width};
use osmia_program::MapKind;
use osmia_vm::map::Map;

use super::{Base, Constant, Lowered, Op};

/// How many registers programs have.
const REGS: usize = 11;

/// An address in the only value of a map, by the map's position.
type Address = (u32, i64);

/// The only value of a map, if neither programs nor anybody else can write it any more: read-only data.
pub(crate) fn settled(map: &Map) -> Option<Vec<u8>> {
    let spec = map.spec();
    let is_one_value = spec.kind == MapKind::Array && spec.max_entries == 1;
    let is_settled = is_one_value && map.is_frozen() && !map.program_writes();
    let value = is_settled.then(|| map.lookup_outside(&0_u32.to_ne_bytes()))?;
    value.ok()
}

pub(super) fn fold(lowered: &mut Lowered) {
    let values: Vec<_> = lowered.maps.iter().map(|map| settled(map)).collect();
    if values.iter().all(Option::is_none) {
        return;
    }
    let mut known: [Option<Address>; REGS] = [None; REGS];
    for line in &mut lowered.lines {
        if lowered.places.is_target(line.slot) {
            known = [None; REGS];
        }
        if let Some(value) = loaded(&line.op, &known, &values) {
            line.op = value;
        }
        let address = address(&line.op, &known);
        for reg in line.op.written().iter() {
            known[reg.index()] = None;
        }
        if let Some(dst) = line.op.result() {
            known[dst.index()] = address;
        }
    }
}

/// The address that an operation makes.
fn address(op: &Op, known: &[Option<Address>; REGS]) -> Option<Address> {
    match *op {
        Op::Constant {
            value: Constant::Value(map, off),
            ..
        } => Some((map, off.into())),
        Op::Alu {
            op: AluOp::Mov,
            width: Width::W64,
            src: Operand::Reg(src),
            ..
        } => known[src.index()],
        Op::Alu {
            op: AluOp::Add,
            width: Width::W64,
            dst,
            src: Operand::Imm(imm),
        } => {
            let (map, off) = known[dst.index()]?;
            Some((map, off + i64::from(imm)))
        }
        _ => None,
    }
}

/// What a load comes to that is known.
fn loaded(op: &Op, known: &[Option<Address>; REGS], values: &[Option<Vec<u8>>]) -> Option<Op> {
    let Op::Load {
        size,
        sign_extend,
        dst,
        base: Base::Reg(base),
        off,
    } = *op
    else {
        return None;
    };
    let (map, start) = known[base.index()]?;
    let value = values[map as usize].as_deref()?;
    let start = usize::try_from(start + i64::from(off)).ok()?;
    let bytes = value.get(start..start.checked_add(size.bytes() as usize)?)?;
    let number = number(bytes, size, sign_extend);
    Some(Op::Constant {
        dst,
        value: Constant::Number(number),
    })
}

/// Bytes as a register gets them; both machines that code is made for are little-endian.
fn number(bytes: &[u8], size: Size, sign_extend: bool) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let number = u64::from_le_bytes(wide);
    match sign_extend {
        true => {
            let unused = 64 - 8 * size.bytes() as u32;
            ((number << unused) as i64 >> unused) as u64
        }
        false => number,
    }
}
