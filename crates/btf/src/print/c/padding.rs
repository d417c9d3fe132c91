//! Gaps in structures. Unnamed bitfields fill what the compiler would not leave by itself.

use std::fmt::Write;

use crate::print::c::{Dump, DumpError};

impl Dump<'_> {
    /// Fills the bits from `start` to `end`, where a member aligned to `align` bytes comes.
    pub(super) fn pad(
        &mut self,
        start: u64,
        end: u64,
        align: u64,
        in_bitfield: bool,
        level: usize,
    ) -> Result<(), DumpError> {
        if start >= end {
            return Ok(());
        }
        let units = [
            ("long", u64::from(self.btf.pointer_bytes()) * 8),
            ("int", 32),
            ("short", 16),
            ("char", 8),
        ];
        let mut at = start;
        // The widest unit with a boundary inside the gap: from there on it can be repeated.
        let (unit, width) = units
            .into_iter()
            .find(|(_, width)| at.next_multiple_of(*width) <= end)
            .unwrap_or(("char", 8));
        let boundary = at.next_multiple_of(width);
        if boundary > at && boundary <= end {
            // A zero-width bitfield moves to the boundary where nothing else would: the next
            // member is less aligned, or the padding after it would fit before it.
            let natural = at.next_multiple_of((align * 8).max(1));
            let needed = if boundary == end {
                natural != boundary
            } else {
                end - boundary <= boundary - at
            };
            if in_bitfield {
                self.filler(level, unit, boundary - at)?;
            } else if needed {
                self.filler(level, unit, 0)?;
            }
            at = boundary;
        }
        while end - at >= width {
            self.filler(level, unit, width)?;
            at += width;
        }
        while at < end {
            let rest = end - at;
            let (unit, width) = units
                .into_iter()
                .rev()
                .find(|(_, width)| *width >= rest)
                .unwrap_or(units[0]);
            let bits = rest.min(width);
            self.filler(level, unit, bits)?;
            at += bits;
        }
        Ok(())
    }

    fn filler(&mut self, level: usize, unit: &str, bits: u64) -> Result<(), DumpError> {
        if self.out.len() > self.out_max {
            return Err(DumpError::TooLarge);
        }
        self.margin(level);
        let _ = write!(self.out, "{unit}: {bits};");
        Ok(())
    }
}
