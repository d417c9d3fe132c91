//! arm64 machine code as text. Addresses are put together by several instructions: what they are of stands
//! behind the last one.

use std::fmt::Write as _;

use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

use super::Disassembler;
use super::names::Names;

pub(super) struct Arm {
    decoder: InstDecoder,
    names: Names,
}

impl Arm {
    pub(super) fn new(names: Names) -> Self {
        Self {
            decoder: InstDecoder::default(),
            names,
        }
    }

    /// What the last of these words completes, or reaches.
    fn note(&self, words: &[u32]) -> Option<String> {
        let last = *words.last()?;
        if let Some(distance) = of_run(last) {
            return Names::field(distance);
        }
        let tail = words.len().checked_sub(3)?;
        self.names.symbol(address(&words[tail..])?)
    }
}

impl Disassembler for Arm {
    fn show(&mut self, text: &mut String, bytes: &[u8], start: usize) {
        let words: Vec<u32> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        for (number, bytes) in bytes.chunks(4).enumerate() {
            let at = start + 4 * number;
            let shown = match self.decoder.decode(&mut U8Reader::new(bytes)) {
                Ok(instruction) => absolute(&instruction.to_string(), at),
                Err(why) => format!("{:#010x} ({why})", words[number]),
            };
            write!(text, "  {at:5x}    {shown}").expect("strings take all");
            if let Some(note) = self.note(&words[..=number]) {
                write!(text, " ; {note}").expect("strings take all");
            }
            text.push('\n');
        }
    }
}

/// Jumps go to places in the listing.
fn absolute(text: &str, at: usize) -> String {
    let Some((before, distance)) = text.split_once('$') else {
        return text.to_owned();
    };
    let number = distance.get(1..).and_then(|text| text.strip_prefix("0x"));
    let number = number.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    let to = match (number, distance.as_bytes().first()) {
        (Some(number), Some(b'+')) => at.checked_add(number),
        (Some(number), Some(b'-')) => at.checked_sub(number),
        _ => None,
    };
    to.map_or_else(|| text.to_owned(), |to| format!("{before}{to:#x}"))
}

/// The number that `movz` and two `movk` make, lowest half first.
fn address(words: &[u32]) -> Option<u64> {
    let rows = [0xd280_0000, 0xf2a0_0000, 0xf2c0_0000];
    let mut number = 0;
    for (half, (word, row)) in words.iter().zip(rows).enumerate() {
        let is_same = word & 0xffe0_0000 == row && (word ^ words[0]) & 0x1f == 0;
        number |= u64::from(is_same.then_some(word >> 5 & 0xffff)?) << (16 * half);
    }
    Some(number)
}

/// How far from what the machine keeps of a run a word loads from or stores to.
fn of_run(word: u32) -> Option<u64> {
    let is = word >> 24 & 0x3f == 0x39 && word >> 5 & 0x1f == 26;
    is.then(|| u64::from(word >> 10 & 0xfff) << (word >> 30))
}
