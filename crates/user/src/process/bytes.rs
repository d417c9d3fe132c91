//! Reading what attributes point to.

use osmia_program::Errno;

/// So many bytes from a pointer; `EFAULT` if it is null or memory ends before.
pub(super) fn read(from: Option<&[u8]>, bytes: usize) -> Result<&[u8], Errno> {
    match from {
        _ if bytes == 0 => Ok(&[]),
        None => Err(Errno::EFAULT),
        Some(from) => from.get(..bytes).ok_or(Errno::EFAULT),
    }
}

/// A word of a record.
pub(super) fn word(record: &[u8], index: usize) -> u32 {
    let (words, _) = record.as_chunks::<4>();
    words.get(index).map_or(0, |word| u32::from_ne_bytes(*word))
}
