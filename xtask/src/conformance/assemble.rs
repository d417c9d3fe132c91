//! The assembly of the suite's tests: a mnemonic, then operands between commas; registers with or
//! without `%`, jumps to labels or by distance, `exit` a label of its own.

use std::collections::HashMap;

use osmia_isa::{
    AluOp, AtomicOp, Callee, Cond, EndOp, Imm64, Insn, Operand, Reg, Size, Slot, Width, encode_onto,
};

const ALU: [(&str, AluOp); 14] = [
    ("add", AluOp::Add),
    ("sub", AluOp::Sub),
    ("mul", AluOp::Mul),
    ("div", AluOp::Div),
    ("sdiv", AluOp::Sdiv),
    ("mod", AluOp::Mod),
    ("smod", AluOp::Smod),
    ("or", AluOp::Or),
    ("and", AluOp::And),
    ("xor", AluOp::Xor),
    ("lsh", AluOp::Lsh),
    ("rsh", AluOp::Rsh),
    ("arsh", AluOp::Arsh),
    ("mov", AluOp::Mov),
];

const CONDITIONS: [(&str, Cond); 11] = [
    ("jeq", Cond::Eq),
    ("jne", Cond::Ne),
    ("jgt", Cond::Gt),
    ("jge", Cond::Ge),
    ("jlt", Cond::Lt),
    ("jle", Cond::Le),
    ("jset", Cond::Set),
    ("jsgt", Cond::Sgt),
    ("jsge", Cond::Sge),
    ("jslt", Cond::Slt),
    ("jsle", Cond::Sle),
];

const BYTE_ORDERS: [(&str, EndOp); 4] = [
    ("be", EndOp::ToBe),
    ("le", EndOp::ToLe),
    ("bswap", EndOp::Swap),
    ("swap", EndOp::Swap),
];

const SIZES: [(&str, Size); 4] = [
    ("b", Size::B),
    ("h", Size::H),
    ("w", Size::W),
    ("dw", Size::DW),
];

/// An unsigned number, decimal or hexadecimal; negative ones wrap.
pub(super) fn number(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// The slots of a program.
pub(super) fn program(text: &str) -> Result<Vec<Slot>, String> {
    let labels = labels(text)?;
    let mut slots = Vec::new();
    for line in text.lines().filter(|line| !line.ends_with(':')) {
        let here = slots.len() as i64;
        let insn = Line::new(line, &labels, here).insn();
        let insn = insn.ok_or_else(|| format!("`{line}` is not understood"))?;
        encode_onto(&mut slots, &insn);
    }
    Ok(slots)
}

/// Where every label stands, in slots; `exit` is the first instruction of that name.
fn labels(text: &str) -> Result<HashMap<&str, i64>, String> {
    let (mut labels, mut at) = (HashMap::new(), 0);
    for line in text.lines() {
        if let Some(label) = line.strip_suffix(':') {
            if labels.insert(label, at).is_some() {
                return Err(format!("label {label} twice"));
            }
            continue;
        }
        if line == "exit" {
            labels.entry("exit").or_insert(at);
        }
        at += if line.starts_with("lddw") { 2 } else { 1 };
    }
    Ok(labels)
}

/// A line with what its operands may refer to.
struct Line<'a> {
    mnemonic: &'a str,
    operands: Vec<&'a str>,
    labels: &'a HashMap<&'a str, i64>,
    here: i64,
}

impl<'a> Line<'a> {
    fn new(line: &'a str, labels: &'a HashMap<&'a str, i64>, here: i64) -> Self {
        let (mnemonic, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let separators = |c: char| c == ',' || c.is_whitespace();
        let operands = rest.split(separators).filter(|operand| !operand.is_empty());
        Line {
            mnemonic,
            operands: operands.collect(),
            labels,
            here,
        }
    }

    fn insn(&self) -> Option<Insn> {
        match self.mnemonic {
            "exit" => Some(Insn::Exit),
            "ja" => self.jump(false),
            "ja32" => self.jump(true),
            "call" => self.call(),
            "lddw" => Some(Insn::LoadImm64 {
                dst: self.reg(0)?,
                value: Imm64::Value(number(self.operands.get(1)?)?),
            }),
            "lock" => self.atomic(),
            _ => self
                .memory()
                .or_else(|| self.byte_order())
                .or_else(|| self.sign_extension())
                .or_else(|| self.arithmetic())
                .or_else(|| self.conditional()),
        }
    }

    fn jump(&self, long: bool) -> Option<Insn> {
        let off = i32::try_from(self.distance(0)?).ok()?;
        Some(Insn::Jump { off, long })
    }

    fn call(&self) -> Option<Insn> {
        let callee = match self.operands[..] {
            ["local", _] => Callee::Local(i32::try_from(self.distance(1)?).ok()?),
            ["runtime", id] => Callee::Kfunc {
                id: number(id)? as i32,
                module: 0,
            },
            ["helper", id] => Callee::Helper(number(id)? as i32),
            [target] => match register(target) {
                Some(target) => return Some(Insn::CallReg(target)),
                None => Callee::Helper(number(target)? as i32),
            },
            _ => return None,
        };
        Some(Insn::Call(callee))
    }

    fn atomic(&self) -> Option<Insn> {
        let (fetch, rest) = match self.operands.split_first()? {
            (&"fetch", rest) => (true, rest),
            _ => (false, &self.operands[..]),
        };
        let [operation, place, src] = rest[..] else {
            return None;
        };
        let (name, size) = match operation.strip_suffix("32") {
            Some(name) => (name, Size::W),
            None => (operation, Size::DW),
        };
        let op = match name {
            "add" => AtomicOp::Add { fetch },
            "or" => AtomicOp::Or { fetch },
            "and" => AtomicOp::And { fetch },
            "xor" => AtomicOp::Xor { fetch },
            "xchg" => AtomicOp::Xchg,
            "cmpxchg" => AtomicOp::Cmpxchg,
            _ => return None,
        };
        let ((base, off), src) = (place_of(place)?, register(src)?);
        Some(Insn::Atomic {
            op,
            size,
            base,
            off,
            src,
        })
    }

    fn memory(&self) -> Option<Insn> {
        let size_of = |name| find(&SIZES, name);
        if let Some(rest) = self.mnemonic.strip_prefix("ldx") {
            let (sign_extend, rest) = match rest.strip_prefix('s') {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            let (base, off) = place_of(self.operands.get(1)?)?;
            return Some(Insn::Load {
                size: size_of(rest)?,
                sign_extend,
                dst: self.reg(0)?,
                base,
                off,
            });
        }
        let (size, src) = match self.mnemonic.strip_prefix("stx") {
            Some(size) => (size_of(size)?, Operand::Reg(self.reg(1)?)),
            None => {
                let size = size_of(self.mnemonic.strip_prefix("st")?)?;
                (size, Operand::Imm(self.immediate(1)?))
            }
        };
        let (base, off) = place_of(self.operands.first()?)?;
        Some(Insn::Store {
            size,
            base,
            off,
            src,
        })
    }

    fn byte_order(&self) -> Option<Insn> {
        let (op, size) = BYTE_ORDERS.iter().find_map(|(name, op)| {
            let size = match self.mnemonic.strip_prefix(name)? {
                "16" => Size::H,
                "32" => Size::W,
                "64" => Size::DW,
                _ => return None,
            };
            Some((*op, size))
        })?;
        let dst = self.reg(0)?;
        Some(Insn::End { op, dst, size })
    }

    /// `movsx832`: from how many bits to how many.
    fn sign_extension(&self) -> Option<Insn> {
        let (from, width) = match self.mnemonic.strip_prefix("movsx")? {
            "832" => (Size::B, Width::W32),
            "1632" => (Size::H, Width::W32),
            "864" => (Size::B, Width::W64),
            "1664" => (Size::H, Width::W64),
            "3264" => (Size::W, Width::W64),
            _ => return None,
        };
        let (dst, src) = (self.reg(0)?, self.reg(1)?);
        Some(Insn::MovSx {
            width,
            dst,
            src,
            from,
        })
    }

    fn arithmetic(&self) -> Option<Insn> {
        let (name, width) = self.width();
        let dst = self.reg(0)?;
        if name == "neg" {
            return Some(Insn::Neg { width, dst });
        }
        let (op, src) = (find(&ALU, name)?, self.operand(1)?);
        Some(Insn::Alu {
            op,
            width,
            dst,
            src,
        })
    }

    fn conditional(&self) -> Option<Insn> {
        let (name, width) = self.width();
        Some(Insn::JumpIf {
            cond: find(&CONDITIONS, name)?,
            width,
            dst: self.reg(0)?,
            src: self.operand(1)?,
            off: i16::try_from(self.distance(2)?).ok()?,
        })
    }

    fn width(&self) -> (&'a str, Width) {
        let narrow = self.mnemonic.strip_suffix("32");
        // Some write the width of the wide ones, too.
        let wide = self.mnemonic.strip_suffix("64").unwrap_or(self.mnemonic);
        narrow.map_or((wide, Width::W64), |name| (name, Width::W32))
    }

    fn reg(&self, position: usize) -> Option<Reg> {
        register(self.operands.get(position)?)
    }

    fn operand(&self, position: usize) -> Option<Operand> {
        let register = self.reg(position).map(Operand::Reg);
        register.or_else(|| self.immediate(position).map(Operand::Imm))
    }

    /// The low half of a number, as the suite takes it.
    fn immediate(&self, position: usize) -> Option<i32> {
        Some(number(self.operands.get(position)?)? as i32)
    }

    /// Slots from behind this instruction to a label, or as written.
    fn distance(&self, position: usize) -> Option<i64> {
        let target = *self.operands.get(position)?;
        if target.starts_with(['+', '-']) {
            return Some(number(target)? as i64);
        }
        Some(self.labels.get(target)? - self.here - 1)
    }
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let row = table.iter().find(|(one, _)| *one == name)?;
    Some(row.1)
}

fn register(text: &str) -> Option<Reg> {
    let text = text.strip_prefix('%').unwrap_or(text);
    Reg::new(text.strip_prefix('r')?.parse().ok()?)
}

/// `[%r1+8]`
fn place_of(text: &str) -> Option<(Reg, i16)> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    let end = inside.find(['+', '-']).unwrap_or(inside.len());
    let (base, off) = inside.split_at(end);
    let off = if off.is_empty() {
        0
    } else {
        number(off)? as i16
    };
    Some((register(base)?, off))
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn lines_become_instructions() {
        let source = "mov32 %r0, -1\nlddw %r1, 0x1122334455667788\nldxsh r2, [%r1+2]\n\
            stxdw [r10-8], r2\nlock fetch add32 [r10-8], r1\nlock cmpxchg [r10-8], r1\n\
            bswap16 r3\nmovsx832 r3, r2\njsgt32 r0, 5, exit\nja +1\ncall local f\nexit\nf:\n\
            neg64 r0\nexit\n";
        let expected = "\
            0: w0 = -1\n\
            1: r1 = 0x1122334455667788 ll\n\
            3: r2 = *(s16 *)(r1 + 2)\n\
            4: *(u64 *)(r10 - 8) = r2\n\
            5: r1 = atomic_fetch_add((u32 *)(r10 - 8), r1)\n\
            6: r0 = atomic64_cmpxchg((u64 *)(r10 - 8), r0, r1)\n\
            7: r3 = bswap16 r3\n\
            8: w3 = (s8)w2\n\
            9: if w0 s> 5 goto +2\n\
            10: goto +1\n\
            11: call pc+1\n\
            12: exit\n\
            13: r0 = -r0\n\
            14: exit\n";
        let slots = program(source).unwrap();
        assert_eq!(osmia_isa::listing(&slots, &osmia_isa::NoNames), expected);
    }
}
