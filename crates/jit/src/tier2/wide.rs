//! Turns of counted loops, several at once: copies of the body without the jumps between them, or elements
//! side by side in vectors. The last turns are taken one by one, by the loop itself, which leaves every
//! register as it must be.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, types};
use cranelift_frontend::Variable;
use osmia_isa::{AluOp, Size, Width};

use super::body::Body;
use super::counted::Counted;
use super::memory::plain;
use super::reduction::{self, Address, Element, Fold, Reduction};

/// Turns that are copied.
const COPIES: i64 = 4;
/// Sums that grow side by side, so that none waits for the one before.
const CHAINS_MAX: usize = 4;
/// Bytes of a vector.
const VECTOR_BYTES: i64 = 16;

/// A fold on its way.
struct Folding<'a> {
    fold: &'a Fold,
    /// What vectors are of; bits have no lanes.
    lanes: Option<Type>,
    chains: Vec<Variable>,
}

impl Body<'_, '_> {
    /// Goes on in the block of a counted loop that takes its turns one by one.
    pub(super) fn turns_at_once(&mut self, counted: &Counted) {
        let reduction = match has_vectors() {
            true => reduction::find(&self.maker.lowered.lines, counted),
            false => None,
        };
        let [first, wide, behind, single] = [(); 4].map(|()| self.builder.create_block());
        let turns = reduction.as_ref().map_or(COPIES, turns);
        self.fork_if_more(counted, turns, first, single);
        self.go_on(first);
        let kept = self.kept_chains();
        match &reduction {
            Some(reduction) => {
                let foldings = self.begin_folds(reduction, turns);
                self.jump(wide, &[]);
                self.go_on(wide);
                self.fold(&foldings, turns);
                for (reg, step) in &reduction.steps {
                    let (value, step) = (self.get(*reg), self.number(step * turns));
                    let value = self.builder.ins().iadd(value, step);
                    self.set(*reg, value);
                }
                self.fork_if_more(counted, turns, wide, behind);
                self.go_on(behind);
                self.end_folds(&foldings);
            }
            None => {
                self.jump(wide, &[]);
                self.go_on(wide);
                let lines = &self.maker.lowered.lines[counted.body.clone()];
                for _ in 0..turns {
                    lines.iter().for_each(|line| self.line(line, None));
                }
                self.fork_if_more(counted, turns, wide, behind);
                self.go_on(behind);
            }
        }
        self.keep_chains(kept);
        self.jump(single, &[]);
        self.go_on(single);
        self.turn_back_to(counted, single);
    }

    /// Goes on in one block if more than so many turns are left, otherwise in the other.
    fn fork_if_more(&mut self, counted: &Counted, turns: i64, more: Block, otherwise: Block) {
        let counter = self.narrow(counted.counter, counted.width);
        let bound = self.operand(counted.bound, counted.width);
        let left = match counted.step > 0 {
            true => self.builder.ins().isub(bound, counter),
            false => self.builder.ins().isub(counter, bound),
        };
        let taken = turns * i64::from(counted.step).abs();
        let taken = match counted.width {
            Width::W64 => self.number(taken),
            // More than can be left if it does not fit.
            Width::W32 => {
                let taken = u32::try_from(taken).unwrap_or(u32::MAX);
                self.builder.ins().iconst(types::I32, i64::from(taken))
            }
        };
        let mut is_more = (self.builder.ins()).icmp(IntCC::UnsignedGreaterThan, left, taken);
        if counted.below {
            let is_below = (self.builder.ins()).icmp(IntCC::UnsignedLessThan, counter, bound);
            is_more = self.builder.ins().band(is_more, is_below);
        }
        self.fork(is_more, more, otherwise);
    }

    fn begin_folds<'a>(&mut self, reduction: &'a Reduction, turns: i64) -> Vec<Folding<'a>> {
        let mut foldings = Vec::new();
        for fold in &reduction.folds {
            let lanes = match (fold.op, fold.width) {
                (AluOp::Add, Width::W32) => Some(types::I32X4),
                (AluOp::Add, Width::W64) => Some(types::I64X2),
                _ => None,
            };
            let ty = lanes.unwrap_or(types::I64X2);
            let lane_bytes = match lanes {
                Some(lanes) => i64::from(lanes.lane_type().bytes()),
                None => size_of(fold).bytes() as i64,
            };
            let vectors = usize::try_from(turns * lane_bytes / VECTOR_BYTES).unwrap_or(1);
            let chains = (0..vectors.clamp(1, CHAINS_MAX)).map(|_| {
                let chain = self.builder.declare_var(ty);
                let zero = self.builder.ins().iconst(ty.lane_type(), 0);
                let zeroes = self.builder.ins().splat(ty, zero);
                self.builder.def_var(chain, zeroes);
                chain
            });
            foldings.push(Folding {
                fold,
                lanes,
                chains: chains.collect(),
            });
        }
        foldings
    }

    /// So many turns.
    fn fold(&mut self, foldings: &[Folding<'_>], turns: i64) {
        for folding in foldings {
            for element in &folding.fold.elements {
                let vectors = self.vectors(element, folding.lanes, turns);
                for (vector, chain) in vectors.into_iter().zip(folding.chains.iter().cycle()) {
                    let before = self.builder.use_var(*chain);
                    let after = self.together(folding.fold.op, before, vector);
                    self.builder.def_var(*chain, after);
                }
            }
        }
    }

    fn together(&mut self, op: AluOp, first: Value, second: Value) -> Value {
        let ins = self.builder.ins();
        match op {
            AluOp::Add => ins.iadd(first, second),
            AluOp::Or => ins.bor(first, second),
            _ => ins.bxor(first, second),
        }
    }

    /// The elements of so many turns.
    fn vectors(&mut self, element: &Element, lanes: Option<Type>, turns: i64) -> Vec<Value> {
        match element {
            Element::Load(size, address) => self.load_vectors(*size, *address, lanes, turns),
            Element::Both(op, first, second) => {
                let first = self.vectors(first, lanes, turns);
                let second = self.vectors(second, lanes, turns);
                let both = first.into_iter().zip(second);
                both.map(|(first, second)| self.together(*op, first, second))
                    .collect()
            }
        }
    }

    fn load_vectors(
        &mut self,
        size: Size,
        address: Address,
        lanes: Option<Type>,
        turns: i64,
    ) -> Vec<Value> {
        let mut at = None;
        for (number, part) in (0..).zip(address.parts) {
            for _ in 0..part {
                let value = self.get(super::body::reg(number));
                at = Some(match at {
                    Some(at) => self.builder.ins().iadd(at, value),
                    None => value,
                });
            }
        }
        let at = at.expect("elements in a row move");
        let off = i32::try_from(address.off).expect("it was looked at");
        let bytes = turns * size.bytes() as i64;
        // Vectors of wider lanes are loaded by the half and widened meanwhile.
        let loaded = match (lanes, size) {
            (Some(types::I32X4), Size::B | Size::H) | (Some(types::I64X2), Size::W) => 8,
            (Some(types::I64X2), Size::B | Size::H) => 8,
            _ => VECTOR_BYTES,
        };
        let mut vectors = Vec::new();
        for distance in (0..bytes).step_by(loaded as usize) {
            let off = off.wrapping_add(distance as i32);
            let (ins, flags) = (self.builder.ins(), plain());
            let mut wide = vec![match (lanes, size) {
                (None, _) | (_, Size::DW) => ins.load(types::I64X2, flags, at, off),
                (Some(types::I32X4), Size::W) => ins.load(types::I32X4, flags, at, off),
                (_, Size::W) => ins.uload32x2(flags, at, off),
                (_, Size::H) => ins.uload16x4(flags, at, off),
                (_, Size::B) => ins.uload8x8(flags, at, off),
            }];
            while lanes.is_some_and(|lanes| self.builder.func.dfg.value_type(wide[0]) != lanes) {
                let halves = wide.iter().flat_map(|vector| {
                    let low = self.builder.ins().uwiden_low(*vector);
                    [low, self.builder.ins().uwiden_high(*vector)]
                });
                wide = halves.collect();
            }
            vectors.extend(wide);
        }
        vectors
    }

    /// Puts what vectors came to into registers.
    fn end_folds(&mut self, foldings: &[Folding<'_>]) {
        for Folding {
            fold,
            lanes,
            chains,
        } in foldings
        {
            let ends: Vec<Value> = (chains.iter())
                .map(|chain| self.builder.use_var(*chain))
                .collect();
            let vector = self.all(fold.op, &ends);
            let ty = lanes.unwrap_or(types::I64X2);
            let lane = |lane: u32| self.builder.ins().extractlane(vector, lane as u8);
            let lanes_apart: Vec<Value> = (0..ty.lane_count()).map(lane).collect();
            let value = self.all(fold.op, &lanes_apart);
            let value = match lanes {
                Some(_) => self.widen(value, ty.lane_type()),
                None => self.fold_bits(fold, value),
            };
            let first = self.narrow(fold.into, fold.width);
            let narrow = super::alu::type_of(fold.width);
            let second = self.reduce(value, narrow);
            let both = self.together(fold.op, first, second);
            let both = self.widen(both, narrow);
            self.set(fold.into, both);
        }
    }

    fn all(&mut self, op: AluOp, values: &[Value]) -> Value {
        let (first, others) = values.split_first().expect("there is one");
        (others.iter()).fold(*first, |all, value| self.together(op, all, *value))
    }

    /// Elements that lie in one number are put together.
    fn fold_bits(&mut self, fold: &Fold, value: Value) -> Value {
        let size = size_of(fold);
        let (mut value, mut bits) = (value, 32);
        while bits >= size.bytes() * 8 {
            let count = self.number(bits as i64);
            let upper = self.builder.ins().ushr(value, count);
            value = self.together(fold.op, value, upper);
            bits /= 2;
        }
        let narrow = super::alu::type_of_size(size);
        let value = self.reduce(value, narrow);
        self.widen(value, narrow)
    }
}

/// The size of elements.
fn size_of(fold: &Fold) -> Size {
    fold.elements[0].size()
}

/// Turns whose elements fill some vectors.
fn turns(reduction: &Reduction) -> i64 {
    match size_of(&reduction.folds[0]) {
        Size::DW => 8,
        _ => 16,
    }
}

/// Widening while loading came after the first vectors.
fn has_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("sse4.1");
    #[cfg(not(target_arch = "x86_64"))]
    true
}
