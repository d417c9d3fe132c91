//! Numbers of any width out of bytes and into them, in either byte order.

use osmia_isa::Endian;

/// Reads `bits` bits that begin `first_bit` bits into `bytes`. `None` if they are not all there or
/// more than 128.
pub(crate) fn read(bytes: &[u8], first_bit: u64, bits: u32, endian: Endian) -> Option<u128> {
    if bits == 0 {
        return Some(0);
    }
    let (window, shift) = window(first_bit, bits, endian)?;
    let mut number: u128 = 0;
    let mut high: u128 = 0;
    // A window of 17 bytes holds 128 unaligned bits: the last byte goes to `high`.
    let bytes = bytes.get(window)?;
    let each = |number: &mut u128, high: &mut u128, byte: u8| {
        *high = *high << 8 | *number >> 120;
        *number = *number << 8 | u128::from(byte);
    };
    match endian {
        Endian::Little => bytes
            .iter()
            .rev()
            .for_each(|b| each(&mut number, &mut high, *b)),
        Endian::Big => bytes.iter().for_each(|b| each(&mut number, &mut high, *b)),
    }
    let shifted = if shift == 0 {
        number
    } else {
        number >> shift | high << (128 - shift)
    };
    Some(shifted & mask(bits))
}

/// Writes the low `bits` bits of `number`, leaving the bits around them alone.
pub(crate) fn write(
    bytes: &mut [u8],
    first_bit: u64,
    bits: u32,
    endian: Endian,
    number: u128,
) -> Option<()> {
    let (window, _) = window(first_bit, bits, endian)?;
    let start = window.start as u64 * 8;
    let window = bytes.get_mut(window)?;
    let skip = (first_bit - start) as u32;
    for bit in 0..bits {
        let value = match endian {
            Endian::Little => number >> bit & 1,
            Endian::Big => number >> (bits - 1 - bit) & 1,
        } as u8;
        let at = skip + bit;
        let in_byte = match endian {
            Endian::Little => at % 8,
            Endian::Big => 7 - at % 8,
        };
        let byte = window.get_mut(at as usize / 8)?;
        *byte = *byte & !(1 << in_byte) | value << in_byte;
    }
    Some(())
}

/// The bytes that the bits are in, and how far right a number made of those must be shifted.
fn window(first_bit: u64, bits: u32, endian: Endian) -> Option<(std::ops::Range<usize>, u32)> {
    if bits > 128 {
        return None;
    }
    let start = usize::try_from(first_bit / 8).ok()?;
    let skip = (first_bit % 8) as u32;
    let count = (skip + bits).div_ceil(8);
    let shift = match endian {
        Endian::Little => skip,
        Endian::Big => count * 8 - skip - bits,
    };
    Some((start..start.checked_add(count as usize)?, shift))
}

/// `bits` ones.
pub(crate) fn mask(bits: u32) -> u128 {
    match bits {
        0 => 0,
        128.. => u128::MAX,
        _ => (1 << bits) - 1,
    }
}

/// The low `bits` bits as two's complement.
pub(crate) fn sign_extend(number: u128, bits: u32) -> i128 {
    if bits == 0 || bits >= 128 {
        return number as i128;
    }
    let unused = 128 - bits;
    (number << unused) as i128 >> unused
}

#[cfg(test)]
mod tests {
    use super::{read, sign_extend, write};
    use osmia_isa::Endian;
    use proptest::prelude::*;

    #[test]
    fn bits_count_from_either_end() {
        let bytes = [0b1010_0110, 0b0000_0001];
        assert_eq!(read(&bytes, 1, 3, Endian::Little), Some(0b011));
        assert_eq!(read(&bytes, 1, 3, Endian::Big), Some(0b010));
        assert_eq!(read(&bytes, 6, 3, Endian::Little), Some(0b110));
        assert_eq!(read(&bytes, 14, 3, Endian::Little), None);
        assert_eq!(sign_extend(0b110, 3), -2);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else_changes(
            mut bytes in proptest::collection::vec(any::<u8>(), 20),
            first_bit in 0_u64..30,
            bits in 1_u32..=128,
            number: u128,
            big: bool,
        ) {
            let endian = if big { Endian::Big } else { Endian::Little };
            let before = bytes.clone();
            write(&mut bytes, first_bit, bits, endian, number).unwrap();
            prop_assert_eq!(
                read(&bytes, first_bit, bits, endian),
                Some(number & super::mask(bits))
            );
            prop_assert_eq!(
                read(&bytes, 0, first_bit as u32, endian),
                read(&before, 0, first_bit as u32, endian)
            );
            let old = read(&before, first_bit, bits, endian).unwrap();
            write(&mut bytes, first_bit, bits, endian, old).unwrap();
            prop_assert_eq!(bytes, before);
        }
    }
}
