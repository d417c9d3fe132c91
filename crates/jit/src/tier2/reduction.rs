//! Loops that do nothing but put elements that lie in a row together to one number: sums of packets, or
//! whether blocks are alike. Many elements at once give the same.

use std::rc::Rc;

use osmia_isa::{AluOp, Operand, Reg, Size, Width};

use super::body::{REGS, reg};
use super::counted::Counted;
use crate::lower::{Base, Line, Op};

/// Elements of one turn that are put together.
const ELEMENTS_MAX: usize = 4;

/// What a turn does.
#[derive(Debug)]
pub(super) struct Reduction {
    /// Registers that change by as much in every turn.
    pub(super) steps: Vec<(Reg, i64)>,
    pub(super) folds: Vec<Fold>,
}

/// Elements put into a register.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fold {
    pub(super) into: Reg,
    /// An addition, `or` or `xor`.
    pub(super) op: AluOp,
    pub(super) width: Width,
    pub(super) elements: Vec<Rc<Element>>,
}

/// A number made of memory, without a sign.
#[derive(Debug, PartialEq)]
pub(super) enum Element {
    Load(Size, Address),
    /// By `or` or `xor`.
    Both(AluOp, Rc<Element>, Rc<Element>),
}

/// A sum of registers as they are when a turn begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// How often each register is in it.
    pub(super) parts: [i8; REGS],
    pub(super) off: i64,
}

/// What a register holds within a turn.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    Sum(Address),
    Element(Rc<Element>),
    Fold(Fold),
    Other,
}

impl Element {
    /// The bytes it may have.
    pub(super) fn size(&self) -> Size {
        match self {
            Element::Load(size, _) => *size,
            Element::Both(_, first, second) => {
                let (first, second) = (first.size(), second.size());
                match first.bytes() < second.bytes() {
                    true => second,
                    false => first,
                }
            }
        }
    }

    fn loads(&self) -> Vec<(Size, Address)> {
        match self {
            Element::Load(size, address) => vec![(*size, *address)],
            Element::Both(_, first, second) => [first.loads(), second.loads()].concat(),
        }
    }

    fn fits(&self, width: Width) -> bool {
        width == Width::W64 || self.size() != Size::DW
    }
}

impl Address {
    fn register(of: usize) -> Self {
        let mut parts = [0; REGS];
        parts[of] = 1;
        Self { parts, off: 0 }
    }

    fn is_register(&self) -> Option<Reg> {
        let of = self.parts.iter().position(|part| *part == 1)?;
        (*self == Self::register(of)).then(|| reg(of as u8))
    }

    fn plus(mut self, off: i32) -> Self {
        self.off += i64::from(off);
        self
    }

    fn with(mut self, other: Self) -> Option<Self> {
        for (part, other) in self.parts.iter_mut().zip(other.parts) {
            *part = part.checked_add(other)?;
        }
        self.off += other.off;
        Some(self)
    }
}

/// What a loop puts together, if that is all it does.
pub(super) fn find(all: &[Line], counted: &Counted) -> Option<Reduction> {
    let mut held: Vec<Held> = (0..REGS)
        .map(|number| Held::Sum(Address::register(number)))
        .collect();
    for line in &all[counted.body.clone()] {
        let dst = line.op.result()?;
        held[dst.index()] = held_by(&line.op, &held).unwrap_or(Held::Other);
    }
    let (mut steps, mut folds) = ([None; REGS], Vec::new());
    for (number, held) in held.into_iter().enumerate() {
        match held {
            Held::Sum(sum) => {
                let step = Address { off: 0, ..sum };
                if step.is_register() == Some(reg(number as u8)) {
                    steps[number] = Some(sum.off);
                }
            }
            Held::Fold(fold) if fold.into.index() == number => folds.push(fold),
            _ => {}
        }
    }
    // What a turn leaves for the next one must be known.
    let is_known = |reg: Reg| {
        let folded = folds.iter().any(|fold: &Fold| fold.into == reg);
        folded || steps[reg.index()].is_some()
    };
    if !carried(&all[counted.body.clone()]).all(is_known) {
        return None;
    }
    let elements = folds.iter().flat_map(|fold| &fold.elements);
    let loads: Vec<_> = elements.flat_map(|element| element.loads()).collect();
    let in_a_row = loads.iter().all(|(size, address)| {
        let parts = address.parts.iter().zip(steps);
        let step = parts.filter(|(part, _)| **part != 0);
        let step = step.map(|(part, step)| Some(i64::from(*part) * step?));
        step.sum::<Option<i64>>() == Some(size.bytes() as i64) && i32::try_from(address.off).is_ok()
    });
    // Elements of one size, so that as many of each fill a register.
    let alike = loads.iter().all(|(size, _)| *size == loads[0].0);
    if loads.is_empty() || loads.len() > ELEMENTS_MAX || !in_a_row || !alike {
        return None;
    }
    let steps = (0..REGS).filter_map(|number| {
        let step = steps[number].filter(|step| *step != 0)?;
        Some((reg(number as u8), step))
    });
    Some(Reduction {
        steps: steps.collect(),
        folds,
    })
}

/// Registers that are read before they are written, and written: they go from turn to turn.
fn carried(body: &[Line]) -> impl Iterator<Item = Reg> {
    (0..REGS as u8).map(reg).filter(|reg| {
        let first_write = body.iter().position(|line| line.op.writes(*reg));
        let first_read = body.iter().position(|line| line.op.reads(*reg));
        // A line reads before it writes.
        matches!((first_read, first_write), (Some(read), Some(write)) if read <= write)
    })
}

fn held_by(op: &Op, held: &[Held]) -> Option<Held> {
    let of = |reg: Reg| &held[reg.index()];
    match *op {
        Op::Alu {
            op: AluOp::Mov,
            width,
            src: Operand::Reg(src),
            ..
        } => match (of(src), width) {
            (held, Width::W64) => Some(held.clone()),
            (Held::Element(element), _) if element.fits(width) => Some(of(src).clone()),
            (Held::Fold(fold), _) if fold.width == width => Some(of(src).clone()),
            _ => None,
        },
        Op::Sum { src, imm, .. } => match of(src) {
            Held::Sum(sum) => Some(Held::Sum(sum.plus(imm))),
            _ => None,
        },
        Op::Alu {
            op: AluOp::Add,
            width: Width::W64,
            dst,
            src: Operand::Imm(imm),
        } => match of(dst) {
            Held::Sum(sum) => Some(Held::Sum(sum.plus(imm))),
            _ => None,
        },
        Op::Alu {
            op,
            width,
            dst,
            src: Operand::Reg(src),
        } => both(op, width, of(dst), of(src)),
        Op::Load {
            size,
            sign_extend: false,
            base: Base::Reg(base),
            off,
            ..
        } => match of(base) {
            Held::Sum(sum) => Some(Held::Element(Rc::new(Element::Load(size, sum.plus(off))))),
            _ => None,
        },
        _ => None,
    }
}

/// Two registers put together.
fn both(op: AluOp, width: Width, first: &Held, second: &Held) -> Option<Held> {
    if !matches!(op, AluOp::Add | AluOp::Or | AluOp::Xor) {
        return None;
    }
    match (first, second) {
        (Held::Sum(first), Held::Sum(second)) if (op, width) == (AluOp::Add, Width::W64) => {
            first.with(*second).map(Held::Sum)
        }
        (Held::Element(first), Held::Element(second))
            if op != AluOp::Add && first.fits(width) && second.fits(width) =>
        {
            let both = Element::Both(op, Rc::clone(first), Rc::clone(second));
            Some(Held::Element(Rc::new(both)))
        }
        (Held::Sum(sum), Held::Element(element)) | (Held::Element(element), Held::Sum(sum))
            if element.fits(width) =>
        {
            Some(Held::Fold(Fold {
                into: sum.is_register()?,
                op,
                width,
                elements: vec![Rc::clone(element)],
            }))
        }
        (Held::Fold(fold), Held::Element(element)) | (Held::Element(element), Held::Fold(fold))
            if (op, width) == (fold.op, fold.width) && element.fits(width) =>
        {
            let mut fold = fold.clone();
            fold.elements.push(Rc::clone(element));
            Some(Held::Fold(fold))
        }
        _ => None,
    }
}
