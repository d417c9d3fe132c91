//! Ways to break the verifier, each a mistake somebody could make: an expression of its sources, and
//! what stands there instead.

/// A breakage.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// The file, in the verifier's sources.
    pub(super) file: &'static str,
    /// An expression that is there exactly once.
    pub(super) find: &'static str,
    pub(super) replace: &'static str,
}

macro_rules! mutants {
    ($($file:literal { $($name:literal: $find:literal => $replace:literal,)+ })+) => {
        [$($(Mutant { name: $name, file: $file, find: $find, replace: $replace },)+)+]
    };
}

pub(super) const MUTANTS: [Mutant; COUNT] = mutants! {
    "domain/arith.rs" {
        "bits of a sum: carries forgotten":
            "a.add(b)" =>
            "Tnum::new(a.value.wrapping_add(b.value), a.mask | b.mask)",
        "bits of a difference: borrows forgotten":
            "a.sub(b)" =>
            "Tnum::new(a.value.wrapping_sub(b.value), a.mask | b.mask)",
        "bits of a product: doubt forgotten":
            "a.mul(b)" =>
            "Tnum::new(a.value.wrapping_mul(b.value), a.mask | b.mask)",
        "range shifted left: lost bits not noticed":
            "self.u.max > Width::<BITS>::MAX >> by" =>
            "false",
        "range of the half shifted left: lost bits not noticed":
            "by >= BITS || range.max > Width::<BITS>::MAX >> by" =>
            "by >= BITS",
        "range of an and: of the ends": "u.max.min(other_u.max)" => "u.max & other_u.max",
        "range of an or: of the ends": "u.min.max(other_u.min)" => "u.min | other_u.min",
    }
    "domain/interval.rs" {
        "unsigned sum: a wrap of one end not noticed": "min_wraps == max_wraps" => "true",
        "unsigned difference: a wrap of one end not noticed":
            "(self.min < other.max) == (self.max < other.min)" =>
            "true",
        "unsigned product: width forgotten": "max <= Width::<BITS>::MAX" => "true",
        "signed and unsigned: the piece taken one too early":
            "u.max < high_start" =>
            "u.max <= high_start",
        "signed sums: overflow below not noticed":
            "min < i128::from(Self::ALL.min) || max > i128::from(Self::ALL.max)" =>
            "max > i128::from(Self::ALL.max)",
    }
    "domain/scalar.rs" {
        "halves from wholes: upper half not compared": "high_min == high_max" => "true",
        "wholes from halves: sign extension supposed":
            "self.s.max <= Width::<HALF>::SMAX" =>
            "true",
        "zero extension keeps a negative range": "self.s32.min >= 0" => "true",
        "truncation keeps ends of another block":
            "self.u.min & !mask == self.u.max & !mask" =>
            "true",
        "sign extension keeps ends of another block":
            "same_block && (min < 0) == (max < 0) && min <= max" =>
            "min <= max",
    }
    "domain/compare.rs" {
        "greater is decided by an equal end":
            "order(a.u.min > b.u.max, a.u.max <= b.u.min)" =>
            "order(a.u.min >= b.u.max, a.u.max <= b.u.min)",
        "less takes one too many": "b.u.max.wrapping_sub(1)" => "b.u.max.wrapping_sub(2)",
        "signed at most keeps the wrong end": "b.s.min.max(a.s.min)" => "b.s.min.max(a.s.max)",
        "unlike takes an end that is not the number":
            "self.u.min == value" =>
            "self.u.min <= value",
        "a common bit: any of several is taken for set":
            "bits.is_known() && bits.value.is_power_of_two()" =>
            "bits.is_known()",
        "no common bit: the wrong ones are cleared":
            "a.bits.and(Tnum::known(!b.bits.value))" =>
            "a.bits.and(Tnum::known(b.bits.value))",
        "no common bit is decided by known bits alone":
            "wanted & a.bits.max() == 0" =>
            "wanted & a.bits.value == 0",
    }
    "branch.rs" {
        "the packet reaches a byte too far": "u64::from(one_more)" => "1",
        "linked numbers: distance the wrong way":
            "i64::from(reg.delta) - i64::from(known.delta)" =>
            "i64::from(known.delta) - i64::from(reg.delta)",
        "linked numbers: distance forgotten": "reg.delta == known.delta" => "true",
        "linked numbers: halves do not wrap":
            "sum == Sum::Half || other == Sum::Half" =>
            "false",
        "a null check checks every pointer":
            "!reg.may_be_null() || reg.id != id" =>
            "!reg.may_be_null()",
    }
    "memory/region.rs" {
        "memory is a byte longer":
            "off >= 0 && off as u64 + access.bytes <= size" =>
            "off >= 0 && off as u64 + access.bytes <= size + 1",
        "the largest offset is not looked at":
            "num.u.max as i64 + access.off" =>
            "num.s.min + access.off",
    }
    "memory.rs" {
        "a sign-extending load keeps the id, as in Linux 6.18":
            "loaded.num.u.max >= 1 << (bits - 1)" =>
            "false",
        "an atomic fetch leaves the register": "self.write(fetched, old)" => "Ok(())",
    }
    "memory/stack.rs" {
        "variable offsets may leave the stack":
            "min < -(STACK_BYTES as i64) || end > 0 || min >= 0" =>
            "min < -(STACK_BYTES as i64) || min >= 0",
        "a store somewhere leaves zeroes": "zero && kind == Byte::Zero" => "kind == Byte::Zero",
        "some zeroes make a zero":
            "(min..max).all(|off| stack.byte(off) == Byte::Zero)" =>
            "(min..max).any(|off| stack.byte(off) == Byte::Zero)",
        "what a helper wrote is as before": "slot.bytes[byte] = Byte::Misc" => "()",
        "a part of a spill keeps the id":
            "significant_bits(&reg.num) > 8 * bytes as u32" =>
            "false",
    }
    "arithmetic.rs" {
        "a changed number keeps its id": "result.unlink()" => "()",
        "a sign extension is supposed to change nothing":
            "reg.num.u.max < 1 << (bits - 1)" =>
            "reg.num.u.max < 1 << bits",
        "the copy of a lower half has the id of the whole":
            "reg.num.u.max <= u64::from(u32::MAX)" =>
            "true",
        "a swap of bytes changes nothing": "self.write(dst, Reg::number(SWAPPED))" => "Ok(())",
        "the half of a large number is near it":
            "this.num.u.max > u64::from(u32::MAX)" =>
            "false",
        "a variable offset is not added": "self.add_variable(&mut result, &num)" => "()",
    }
    "call/helper.rs" {
        "what was released may be used": "self.state.forget_reference(found.released)" => "()",
        "a helper that moves the packet leaves pointers": "helper.moves_packet" => "false",
    }
    "call/function.rs" {
        "a function that moves the packet leaves pointers":
            "self.shape.functions[function].changes_packet" =>
            "false",
    }
    "prune.rs" {
        "a state stands for wider numbers":
            "ids.same_number(old.id, new.id) && old.num.includes(&new.num)" =>
            "ids.same_number(old.id, new.id)",
    }
};

const COUNT: usize = 48;
