//! Zeroed memory that nobody else has. Little of it comes from the allocator; much comes as fresh pages
//! from the system, which take memory only once they are touched. The allocator would zero as a whole
//! what it has had before.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// From so many bytes on it comes in pages: asking the system for less costs more than zeroing it.
const PAGES_MIN: usize = 128 << 10;

/// The memory; given back when dropped.
#[derive(Debug)]
pub(super) struct Zeroed {
    start: NonNull<u8>,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Allocator(Layout),
    Pages(usize),
}

// SAFETY: the memory is this value's alone, wherever that goes; it hands out no more than its address.
unsafe impl Send for Zeroed {}
// SAFETY: as above.
unsafe impl Sync for Zeroed {}

impl Zeroed {
    /// So many bytes, some at least, on an eight-byte boundary; `None` if memory is short.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(8), 8).ok()?;
        // Miri knows the allocator only.
        if bytes < PAGES_MIN || cfg!(miri) {
            // SAFETY: the layout's size is at least 8.
            let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
            return Some(Self {
                start,
                origin: Origin::Allocator(layout),
            });
        }
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the system chooses an address where nothing is.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, rights, MapFlags::PRIVATE) };
        Some(Self {
            start: NonNull::new(start.ok()?.cast())?,
            origin: Origin::Pages(bytes),
        })
    }

    /// Address of the first byte; stays the same as long as the value lives.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Zeroed {
    fn drop(&mut self) {
        match self.origin {
            // SAFETY: allocated in `new` with this layout and not freed since.
            Origin::Allocator(layout) => unsafe { dealloc(self.start.as_ptr(), layout) },
            // SAFETY: mapped in `new`, as many bytes, and not unmapped since. Pages that stay for some
            // reason are nobody's.
            Origin::Pages(bytes) => drop(unsafe { munmap(self.start.as_ptr().cast(), bytes) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGES_MIN, Zeroed};

    #[test]
    fn it_is_zero_wherever_it_comes_from() {
        for bytes in [3, 8, PAGES_MIN - 1, PAGES_MIN, PAGES_MIN + 1] {
            // The second time it may be where the first one's memory was.
            for _ in 0..2 {
                let memory = Zeroed::new(bytes).unwrap();
                assert!(memory.start().addr().get().is_multiple_of(8));
                for at in [0, bytes / 2, bytes - 1] {
                    // SAFETY: within the bytes asked for, which nobody else has.
                    let byte = unsafe { memory.start().add(at).as_mut() };
                    assert_eq!(std::mem::replace(byte, 7), 0);
                }
            }
        }
    }

    #[test]
    fn what_the_system_does_not_have_is_refused() {
        assert!(Zeroed::new(usize::MAX / 2).is_none());
        assert!(Zeroed::new(1 << 60).is_none());
    }
}
