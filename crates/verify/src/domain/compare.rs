//! Branches: whether a comparison is decided, and what each outcome says about the two numbers.
//!
//! As precise as Linux 6.18.

use osmia_isa::Cond;

use super::interval::{Signed, Unsigned};
use super::scalar::Scalar;
use super::tnum::Tnum;
use super::width::sign_extend;

/// The comparison that holds when this one does not. `None` for `JSET`, whose opposite is no
/// comparison.
pub fn opposite(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::Gt => Cond::Le,
        Cond::Ge => Cond::Lt,
        Cond::Lt => Cond::Ge,
        Cond::Le => Cond::Gt,
        Cond::Sgt => Cond::Sle,
        Cond::Sge => Cond::Slt,
        Cond::Slt => Cond::Sge,
        Cond::Sle => Cond::Sgt,
        Cond::Set => return None,
    })
}

/// The same comparison with its sides exchanged.
pub fn mirrored(cond: Cond) -> Cond {
    match cond {
        Cond::Gt => Cond::Lt,
        Cond::Ge => Cond::Le,
        Cond::Lt => Cond::Gt,
        Cond::Le => Cond::Ge,
        Cond::Sgt => Cond::Slt,
        Cond::Sge => Cond::Sle,
        Cond::Slt => Cond::Sgt,
        Cond::Sle => Cond::Sge,
        Cond::Eq | Cond::Ne | Cond::Set => cond,
    }
}

/// Whether the comparison holds of two numbers, as the instructions decide it.
pub fn holds<const BITS: u32>(cond: Cond, a: u64, b: u64) -> bool {
    let (signed_a, signed_b) = (sign_extend::<BITS>(a), sign_extend::<BITS>(b));
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::Set => a & b != 0,
        Cond::Sgt => signed_a > signed_b,
        Cond::Sge => signed_a >= signed_b,
        Cond::Slt => signed_a < signed_b,
        Cond::Sle => signed_a <= signed_b,
    }
}

/// One width of a number, as comparisons see it.
#[derive(Copy, Clone)]
struct View<const BITS: u32> {
    bits: Tnum<BITS>,
    u: Unsigned<BITS>,
    s: Signed<BITS>,
}

impl<const BITS: u32> View<BITS> {
    fn decided(cond: Cond, a: &Self, b: &Self) -> Option<bool> {
        match cond {
            Cond::Eq => {
                if let (true, true) = (a.bits.is_known(), b.bits.is_known()) {
                    return Some(a.bits.value == b.bits.value);
                }
                let apart = !a.bits.meets(b.bits)
                    || a.u.min > b.u.max
                    || a.u.max < b.u.min
                    || a.s.min > b.s.max
                    || a.s.max < b.s.min;
                apart.then_some(false)
            }
            Cond::Ne => Self::decided(Cond::Eq, a, b).map(|equal| !equal),
            Cond::Set => {
                if !b.bits.is_known() {
                    return if a.bits.is_known() {
                        Self::decided(Cond::Set, b, a)
                    } else {
                        None
                    };
                }
                let wanted = b.bits.value;
                if wanted & a.bits.value != 0 {
                    Some(true)
                } else if wanted & a.bits.max() == 0 {
                    Some(false)
                } else {
                    None
                }
            }
            Cond::Gt => order(a.u.min > b.u.max, a.u.max <= b.u.min),
            Cond::Ge => order(a.u.min >= b.u.max, a.u.max < b.u.min),
            Cond::Sgt => order(a.s.min > b.s.max, a.s.max <= b.s.min),
            Cond::Sge => order(a.s.min >= b.s.max, a.s.max < b.s.min),
            Cond::Lt | Cond::Le | Cond::Slt | Cond::Sle => Self::decided(mirrored(cond), b, a),
        }
    }

    /// Keeps of both what a comparison that holds allows.
    fn refine(cond: Cond, a: &mut Self, b: &mut Self) {
        match cond {
            Cond::Eq => {
                let (umin, umax) = (a.u.min.max(b.u.min), a.u.max.min(b.u.max));
                let (smin, smax) = (a.s.min.max(b.s.min), a.s.max.min(b.s.max));
                let bits = a.bits.intersect(b.bits);
                for side in [a, b] {
                    side.u = Unsigned {
                        min: umin,
                        max: umax,
                    };
                    side.s = Signed {
                        min: smin,
                        max: smax,
                    };
                    side.bits = bits;
                }
            }
            Cond::Ne => {
                if b.bits.is_known() {
                    a.shave(b.bits.value);
                } else if a.bits.is_known() {
                    b.shave(a.bits.value);
                }
            }
            Cond::Set => {
                // Only one bit asked for: it is set.
                let one = |bits: Tnum<BITS>| {
                    (bits.is_known() && bits.value.is_power_of_two()).then_some(bits.value)
                };
                if let Some(bit) = one(b.bits) {
                    a.bits = a.bits.or(Tnum::known(bit));
                } else if let Some(bit) = one(a.bits) {
                    b.bits = b.bits.or(Tnum::known(bit));
                }
            }
            Cond::Le => {
                a.u.max = a.u.max.min(b.u.max);
                b.u.min = b.u.min.max(a.u.min);
            }
            Cond::Lt => {
                a.u.max = a.u.max.min(b.u.max.wrapping_sub(1));
                b.u.min = b.u.min.max(a.u.min.wrapping_add(1));
            }
            Cond::Sle => {
                a.s.max = a.s.max.min(b.s.max);
                b.s.min = b.s.min.max(a.s.min);
            }
            Cond::Slt => {
                a.s.max = a.s.max.min(b.s.max.wrapping_sub(1));
                b.s.min = b.s.min.max(a.s.min.wrapping_add(1));
            }
            Cond::Gt | Cond::Ge | Cond::Sgt | Cond::Sge => Self::refine(mirrored(cond), b, a),
        }
    }

    /// No common bit, where one side is a constant.
    fn refine_not_set(a: &mut Self, b: &mut Self) {
        if b.bits.is_known() {
            a.bits = a.bits.and(Tnum::known(!b.bits.value));
        } else if a.bits.is_known() {
            b.bits = b.bits.and(Tnum::known(!a.bits.value));
        }
    }

    /// Takes a number off an end of the ranges.
    fn shave(&mut self, value: u64) {
        let signed = sign_extend::<BITS>(value);
        if self.u.min == value {
            self.u.min = self.u.min.wrapping_add(1);
        }
        if self.u.max == value {
            self.u.max = self.u.max.wrapping_sub(1);
        }
        if self.s.min == signed {
            self.s.min = self.s.min.wrapping_add(1);
        }
        if self.s.max == signed {
            self.s.max = self.s.max.wrapping_sub(1);
        }
    }
}

fn order(yes: bool, no: bool) -> Option<bool> {
    if yes {
        Some(true)
    } else if no {
        Some(false)
    } else {
        None
    }
}

impl<const BITS: u32, const HALF: u32> Scalar<BITS, HALF> {
    fn whole(&self) -> View<BITS> {
        View {
            bits: self.bits,
            u: self.u,
            s: self.s,
        }
    }

    fn lower(&self) -> View<HALF> {
        let low = self.bits.low(HALF);
        View {
            bits: Tnum::new(low.value, low.mask),
            u: self.u32,
            s: self.s32,
        }
    }

    fn set_whole(&mut self, view: View<BITS>) {
        (self.bits, self.u, self.s) = (view.bits, view.u, view.s);
    }

    fn set_lower(&mut self, view: View<HALF>) {
        let low = Tnum::new(view.bits.value, view.bits.mask);
        self.bits = self.bits.with_low(HALF, low);
        (self.u32, self.s32) = (view.u, view.s);
    }

    /// Whether a comparison of the full width, or of the lower halves, holds for all numbers or for
    /// none.
    pub fn decided(cond: Cond, half: bool, a: &Self, b: &Self) -> Option<bool> {
        if half {
            View::decided(cond, &a.lower(), &b.lower())
        } else {
            View::decided(cond, &a.whole(), &b.whole())
        }
    }

    /// Keeps of both what the outcome of a comparison allows. Contradictory afterwards, if there
    /// are no such numbers.
    pub fn refine(cond: Cond, half: bool, outcome: bool, a: &mut Self, b: &mut Self) {
        let cond = if outcome { Some(cond) } else { opposite(cond) };
        if half {
            let (mut x, mut y) = (a.lower(), b.lower());
            match cond {
                Some(cond) => View::refine(cond, &mut x, &mut y),
                None => View::refine_not_set(&mut x, &mut y),
            }
            a.set_lower(x);
            b.set_lower(y);
        } else {
            let (mut x, mut y) = (a.whole(), b.whole());
            match cond {
                Some(cond) => View::refine(cond, &mut x, &mut y),
                None => View::refine_not_set(&mut x, &mut y),
            }
            a.set_whole(x);
            b.set_whole(y);
        }
        a.sync();
        b.sync();
    }
}
