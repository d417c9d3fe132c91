//! Chance that repeats: the same seed gives the same choices on every machine.

/// Numbers at which ranges, widths and signs end.
const EDGES: [i64; 15] = [
    0,
    1,
    2,
    7,
    8,
    63,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX,
    i64::MIN,
];

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn seeded(seed: u64) -> Chance {
        let mut chance =
            Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03 | 1);
        chance.bits();
        chance
    }

    /// 64 of them.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below another, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 32) as usize % end
    }

    /// A number from a range, ends included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A number programs are likely to get wrong.
    pub fn awkward(&mut self) -> u64 {
        let edge = self.one_of(&EDGES) as u64;
        match self.below(6) {
            0 => self.bits(),
            1 => self.bits() >> self.below(64),
            2 => edge.wrapping_neg(),
            3 => edge.wrapping_add(self.below(5) as u64).wrapping_sub(2),
            _ => edge,
        }
    }

    /// One that fits an instruction.
    pub fn immediate(&mut self) -> i32 {
        if self.percent(40) {
            self.between(-20, 40) as i32
        } else {
            self.awkward() as i32
        }
    }
}
