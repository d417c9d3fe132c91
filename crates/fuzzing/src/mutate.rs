//! Deterministic mutations: the same seed gives the same inputs on every machine.

/// Numbers that readers like to trip over.
const AWKWARD: [u64; 12] = [
    0,
    1,
    7,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Changes inputs a little, again and again.
#[derive(Clone, Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// From a seed.
    pub fn seeded(seed: u64) -> Mutator {
        Mutator(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn number(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below.max(1)
    }

    /// Makes one to four changes: flipped bits, awkward numbers, cuts, copies, growth.
    pub fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.number(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let at = self.number(len);
        match self.number(8) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.number(8);
                }
            }
            2..=4 => {
                let width = 1 << self.number(4);
                let awkward = AWKWARD[self.number(AWKWARD.len())].to_le_bytes();
                // Headers are at multiples of their fields' widths, mostly.
                let at = at & !(width - 1);
                if let Some(field) = bytes.get_mut(at..at + width) {
                    field.copy_from_slice(&awkward[..width]);
                }
            }
            5 => bytes.truncate(at),
            6 => {
                let from = self.number(len);
                let count = self.number(64).min(len - from).min(len - at);
                bytes.copy_within(from..from + count, at);
            }
            _ => {
                let count = self.number(32);
                let filler = self.number(256) as u8;
                bytes.splice(at..at, std::iter::repeat_n(filler, count));
            }
        }
    }
}
