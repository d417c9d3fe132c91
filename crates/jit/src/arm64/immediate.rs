//! Numbers that instructions hold in few bits.

/// Twelve bits, or twelve bits with as many zeros behind them: the field with its shift, ready for bit 10.
pub(super) fn twelve_bits(value: u64) -> Option<u32> {
    match value {
        0..=0xfff => Some(value as u32),
        _ if value & 0xfff == 0 && value >> 24 == 0 => Some(1 << 12 | (value >> 12) as u32),
        _ => None,
    }
}

/// What logical operations take: an element of 2 to 64 bits, repeated, that is a run of ones, turned round.
/// The three fields for bit 10: whether the element has 64 bits, how far it is turned right, and its
/// size with its ones.
pub(super) fn logical(value: u64, wide: bool) -> Option<u32> {
    let value = match wide {
        true => value,
        false => (value & 0xffff_ffff) * 0x1_0000_0001,
    };
    if value == 0 || value == u64::MAX {
        return None;
    }
    let mut size = 64;
    while size > 2 && value.rotate_right(size / 2) == value {
        size /= 2;
    }
    let element = value & u64::MAX >> (64 - size);
    let ones = element.count_ones();
    // Where the run begins; if it goes round the end, behind the zeros.
    let start = match element & 1 {
        0 => element.trailing_zeros(),
        _ if element.trailing_ones() == ones => 0,
        _ => size - (element << (64 - size)).leading_ones(),
    };
    let run = u64::MAX >> (64 - ones);
    let turned = (size - start) % size;
    let again = match turned {
        0 => run,
        _ => (run >> turned | run << (size - turned)) & u64::MAX >> (64 - size),
    };
    if again != element {
        return None;
    }
    let size_and_ones = !(size * 2 - 1) & 0x3f | (ones - 1);
    Some(u32::from(size == 64) << 12 | turned << 6 | size_and_ones)
}

/// Halves of 16 bits, lowest first.
pub(super) fn halves(value: u64) -> [u16; 4] {
    [0, 16, 32, 48].map(|shift| (value >> shift) as u16)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What the fields mean, as the architecture's manual has it (`DecodeBitMasks`).
    fn decoded(fields: u32) -> Option<u64> {
        let (wide, turned, low) = (fields >> 12, fields >> 6 & 0x3f, fields & 0x3f);
        let length = 31_u32.checked_sub((wide << 6 | !low & 0x3f).leading_zeros())?;
        let size = 1 << length;
        let ones = low & (size - 1);
        if length == 0 || ones == size - 1 {
            return None;
        }
        let run = u64::MAX >> (63 - ones);
        let turned = turned & (size - 1);
        let element = match turned {
            0 => run,
            _ => (run >> turned | run << (size - turned)) & u64::MAX >> (64 - size),
        };
        let times = (0..64 / size).map(|time| element << (time * size));
        Some(times.fold(0, |value, element| value | element))
    }

    #[test]
    fn logical_ones_are_all_found() {
        let all: HashSet<u64> = (0..1 << 13).filter_map(decoded).collect();
        assert_eq!(all.len(), 5334, "as many as there are");
        for value in &all {
            let fields = logical(*value, true).expect("it can be encoded");
            assert_eq!(decoded(fields), Some(*value), "{value:#x}");
        }
        for value in all.iter().map(|value| value ^ 1 << (value % 64)) {
            assert_eq!(
                logical(value, true).is_some(),
                all.contains(&value),
                "{value:#x}"
            );
        }
    }

    #[test]
    fn narrow_ones_have_small_elements() {
        assert_eq!(logical(0xffff_ffff, false), None);
        assert_eq!(
            logical(0x8000_0001, false),
            logical(0x8000_0001_8000_0001, true)
        );
    }

    #[test]
    fn twelve_bits_and_a_shift() {
        assert_eq!(twelve_bits(0xfff), Some(0xfff));
        assert_eq!(twelve_bits(0x1000), Some(0x1001));
        assert_eq!(twelve_bits(0xfff_000), Some(0x1fff));
        assert_eq!(twelve_bits(0x1001), None);
        assert_eq!(twelve_bits(0x100_0000), None);
    }
}
