//! Memory by its real address, for programs whose every access was shown to be right beforehand.
//!
//! The interpreter tests each address; native code and the helpers it calls do not. What makes that
//! right is a proof, which a type stands for here: who has a [`Real`] has shown that the addresses
//! passed to it come from a verified program.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, AtomicU64};

use super::copy::{copy_in, copy_out};

/// Below this nothing lies: a null pointer, with an offset perhaps.
const FIRST_ADDRESS: u64 = 4096;

/// The right to use real addresses.
#[derive(Copy, Clone, Debug)]
pub struct Real(());

impl Real {
    /// Claims the right.
    ///
    /// # Safety
    /// Programs that run with it have been verified for the maps, the context and the stack they run
    /// with: helpers are only passed pointers to as many bytes, readable or writable, as their
    /// prototypes and the program's maps say, and those bytes live as long as the run.
    pub const unsafe fn of_verified() -> Self {
        Real(())
    }

    /// Copies bytes out; false for null.
    #[inline]
    pub(crate) fn read(self, address: u64, out: &mut [u8]) -> bool {
        if address < FIRST_ADDRESS {
            return out.is_empty();
        }
        // SAFETY: the program was shown to pass pointers to this many readable bytes (`of_verified`);
        // programs and helpers touch them only by single instructions or atomically.
        unsafe { copy_out(address as *mut u8, out) };
        true
    }

    /// Copies bytes in; false for null.
    #[inline]
    pub(crate) fn write(self, address: u64, bytes: &[u8]) -> bool {
        if address < FIRST_ADDRESS {
            return bytes.is_empty();
        }
        // SAFETY: as in `read`, for writable bytes.
        unsafe { copy_in(address as *mut u8, bytes) };
        true
    }

    /// Eight bytes for an atomic operation; `None` for null and unaligned addresses.
    pub(crate) fn atomic64<'a>(self, address: u64) -> Option<&'a AtomicU64> {
        let fits = address >= FIRST_ADDRESS && address.is_multiple_of(8);
        // SAFETY: as in `write`; nobody touches such bytes but by single instructions or atomically.
        fits.then(|| unsafe { AtomicU64::from_ptr(address as *mut u64) })
    }

    /// Four bytes, likewise.
    pub(crate) fn atomic32<'a>(self, address: u64) -> Option<&'a AtomicU32> {
        let fits = address >= FIRST_ADDRESS && address.is_multiple_of(4);
        // SAFETY: as in `atomic64`.
        fits.then(|| unsafe { AtomicU32::from_ptr(address as *mut u32) })
    }

    /// All that is left to check.
    #[inline]
    pub(crate) fn allows(self, address: u64, bytes: u32) -> bool {
        bytes == 0 || address >= FIRST_ADDRESS
    }
}
