//! Copies between memory that others may touch and plain bytes, in the widest steps that are aligned.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

macro_rules! with_each_width {
    ($body:ident) => {
        $body!(u64 AtomicU64);
        $body!(u32 AtomicU32);
        $body!(u16 AtomicU16);
        $body!(u8 AtomicU8);
    };
}

/// Copies bytes out.
///
/// # Safety
/// As many bytes as `out` has lie at `at`, and are only ever touched atomically.
#[inline(always)]
pub(super) unsafe fn copy_out(at: *mut u8, out: &mut [u8]) {
    let mut done = 0;
    macro_rules! steps {
        ($int:ident $atomic:ident) => {
            if at.addr().is_multiple_of(size_of::<$int>()) {
                while let Some(part) = out.get_mut(done..done + size_of::<$int>()) {
                    // SAFETY: inside the bytes the caller vouches for; aligned, since `at` is and the
                    // steps so far were as wide or wider.
                    let cell = unsafe { $atomic::from_ptr(at.add(done).cast()) };
                    part.copy_from_slice(&cell.load(Relaxed).to_ne_bytes());
                    done += part.len();
                }
            }
        };
    }
    with_each_width!(steps);
}

/// Copies bytes in.
///
/// # Safety
/// As many bytes as there are may be written at `at`, and are only ever touched atomically.
#[inline(always)]
pub(super) unsafe fn copy_in(at: *mut u8, bytes: &[u8]) {
    let mut done = 0;
    macro_rules! steps {
        ($int:ident $atomic:ident) => {
            if at.addr().is_multiple_of(size_of::<$int>()) {
                while let Some(part) = bytes[done..].first_chunk() {
                    // SAFETY: inside the bytes the caller vouches for; aligned, since `at` is and the
                    // steps so far were as wide or wider.
                    let cell = unsafe { $atomic::from_ptr(at.add(done).cast()) };
                    cell.store($int::from_ne_bytes(*part), Relaxed);
                    done += part.len();
                }
            }
        };
    }
    with_each_width!(steps);
}

#[cfg(test)]
mod tests {
    use super::{copy_in, copy_out};

    #[test]
    fn every_length_at_every_alignment_comes_back() {
        for start in 0..8 {
            for len in 0..24 {
                let mut memory = [0_u64; 5];
                let at = memory.as_mut_ptr().cast::<u8>();
                let bytes: Vec<u8> = (1..=len).collect();
                let mut back = vec![0; bytes.len()];
                // SAFETY: at most 31 of 40 bytes, and nobody else has them.
                unsafe {
                    copy_in(at.add(start), &bytes);
                    copy_out(at.add(start), &mut back);
                }
                assert_eq!(back, bytes, "{len} bytes at {start}");
                let written = memory.iter().flat_map(|word| word.to_ne_bytes());
                let others = written.enumerate().filter(|(place, byte)| {
                    *byte != 0 && !(start..start + bytes.len()).contains(place)
                });
                assert_eq!(others.count(), 0, "around {len} bytes at {start}");
            }
        }
    }
}
