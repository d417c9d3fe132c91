//! The addresses a checked program sees, and the table every access is checked against.
//!
//! An address is `region << 48 | offset`: it says which memory is meant, not where that lies, so
//! that runs are repeatable and every check takes the same few instructions. A region is a row of
//! elements, each at a power of two with a gap behind it: running over the end of a map value or a
//! stack frame hits the gap, not the neighbour. Region 0 is the null pointer's and has no memory.
//!
//! This module does not know what regions are for.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::Block;
use super::copy::{copy_in, copy_out};

/// Bits of an address that are the offset.
const OFFSET_BITS: u32 = 48;
/// Where regions start, so that an address slightly below one still names it.
const FIRST_OFFSET: u64 = 0x10_0000;

/// What may be done with a region.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Load.
    Read,
    /// Load and store.
    ReadWrite,
    /// Store.
    Write,
    /// Neither: the address is only a name.
    None,
}

/// How a block appears in the address space.
#[derive(Copy, Clone, Debug)]
pub struct Shape {
    /// Offset of the first byte in the block's element (all elements alike).
    pub start: usize,
    /// Accessible bytes of each element.
    pub window: usize,
    /// Address distance of elements, as a power of two; see [`Shape::shift_for`].
    pub shift: u32,
    /// How many elements.
    pub count: usize,
    /// What may be done.
    pub rights: Rights,
}

impl Shape {
    /// The whole of a block.
    pub fn whole(block: &Block, rights: Rights) -> Option<Self> {
        Some(Self {
            start: 0,
            window: block.window(),
            shift: Self::shift_for(block.count(), block.window())?,
            count: block.count(),
            rights,
        })
    }

    /// The smallest distance that leaves a gap as long as the element; `None` if the elements do
    /// not fit the address bits.
    pub fn shift_for(count: usize, window: usize) -> Option<u32> {
        let distance = window.max(8).checked_mul(2)?.checked_next_power_of_two()?;
        let shift = distance.trailing_zeros();
        let bytes = (count.max(1) as u64).checked_mul(1u64.checked_shl(shift)?)?;
        (bytes < 1 << (OFFSET_BITS - 1)).then_some(shift)
    }
}

/// One entry of the table, a cache line.
#[derive(Copy, Clone)]
struct Region {
    /// Address of the first byte.
    origin: u64,
    /// Elements.
    count: u64,
    /// Accessible bytes of an element by kind of access; 0 denies it.
    readable: u64,
    writable: u64,
    /// Bits below `shift`.
    mask: u64,
    /// Where the first element lies.
    base: *mut u8,
    /// Distance of elements there.
    stride: usize,
    shift: u32,
}

impl Region {
    const NONE: Region = Region {
        origin: 0,
        count: 0,
        readable: 0,
        writable: 0,
        mask: 0,
        base: std::ptr::null_mut(),
        stride: 0,
        shift: 0,
    };
}

/// An integer that memory is read and written as.
pub trait Cell: Copy + sealed::Sealed {
    /// Bytes.
    const BYTES: u64;
    /// Its zero-extended value.
    fn widen(self) -> u64;
    /// The low bits of a value.
    fn narrow(value: u64) -> Self;
}

mod sealed {
    pub trait Sealed {
        /// # Safety
        /// `at` is valid for reads and writes of the type and only touched atomically.
        unsafe fn load(at: *mut u8) -> Self;
        /// # Safety
        /// As for `load`.
        unsafe fn store(at: *mut u8, value: Self);
    }
}

macro_rules! cell {
    ($($int:ident $atomic:ident,)+) => {$(
        impl Cell for $int {
            const BYTES: u64 = size_of::<$int>() as u64;

            #[inline(always)]
            fn widen(self) -> u64 {
                u64::from(self)
            }

            #[inline(always)]
            fn narrow(value: u64) -> Self {
                value as $int
            }
        }

        impl sealed::Sealed for $int {
            #[inline(always)]
            unsafe fn load(at: *mut u8) -> Self {
                if at.addr() % size_of::<$int>() == 0 {
                    // SAFETY: valid by the caller, aligned by the test above.
                    return unsafe { $atomic::from_ptr(at.cast()) }.load(Relaxed);
                }
                let mut bytes = [0; size_of::<$int>()];
                for (i, byte) in bytes.iter_mut().enumerate() {
                    // SAFETY: inside the bytes the caller vouches for.
                    *byte = unsafe { AtomicU8::from_ptr(at.add(i)) }.load(Relaxed);
                }
                $int::from_ne_bytes(bytes)
            }

            #[inline(always)]
            unsafe fn store(at: *mut u8, value: Self) {
                if at.addr() % size_of::<$int>() == 0 {
                    // SAFETY: valid by the caller, aligned by the test above.
                    return unsafe { $atomic::from_ptr(at.cast()) }.store(value, Relaxed);
                }
                for (i, byte) in value.to_ne_bytes().into_iter().enumerate() {
                    // SAFETY: inside the bytes the caller vouches for.
                    unsafe { AtomicU8::from_ptr(at.add(i)) }.store(byte, Relaxed);
                }
            }
        }
    )+};
}

cell! {
    u8 AtomicU8,
    u16 AtomicU16,
    u32 AtomicU32,
    u64 AtomicU64,
}

/// Where an address points, for people.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Region number; 0 for null and numbers that were never addresses.
    pub region: usize,
    /// Element, if the address is at or above the first one.
    pub element: u64,
    /// Offset from the start of that element, negative below the first one.
    pub offset: i64,
    /// Accessible bytes of the element; 0 if there is no such element.
    pub window: u64,
    /// Elements of the region.
    pub count: u64,
}

/// The table of regions.
pub struct Space {
    regions: Vec<Region>,
    /// The memory behind each region, kept alive while its entry points into it.
    owners: Vec<Owner>,
}

/// Who else has the memory of a region.
enum Owner {
    /// It has none.
    Nobody,
    Shared(Arc<Block>),
    /// Only the table.
    Own(Block),
}

// SAFETY: entries point into blocks that `owners` keeps alive; blocks are themselves `Send + Sync`
// and every access through an entry is atomic.
unsafe impl Send for Space {}
// SAFETY: as above.
unsafe impl Sync for Space {}

impl Space {
    /// A table without regions.
    pub fn new() -> Self {
        Self {
            regions: vec![Region::NONE],
            owners: vec![Owner::Nobody],
        }
    }

    /// Address of byte `offset` of an element of a region.
    pub fn address(region: usize, shift: u32, element: usize, offset: usize) -> u64 {
        ((region as u64) << OFFSET_BITS)
            + FIRST_OFFSET
            + ((element as u64) << shift)
            + offset as u64
    }

    /// The region an address names.
    pub fn region_of(address: u64) -> usize {
        (address >> OFFSET_BITS) as usize
    }

    /// How many regions there are room for now.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// True if there is only the null region.
    pub fn is_empty(&self) -> bool {
        self.regions.len() <= 1
    }

    /// Makes a region show a block. Panics if the shape does not lie inside the block, or if the
    /// region is the null pointer's: callers make shapes from blocks.
    #[inline]
    pub fn put(&mut self, region: usize, block: &Arc<Block>, shape: Shape) {
        self.enter(region, block, shape);
        // Every run shows its packet and context anew, mostly in the same memory.
        let owner = &mut self.owners[region];
        if !matches!(owner, Owner::Shared(kept) if Arc::ptr_eq(kept, block)) {
            *owner = Owner::Shared(Arc::clone(block));
        }
    }

    /// The same with a block that only the table has; see [`Space::zero`].
    pub fn put_own(&mut self, region: usize, block: Block, shape: Shape) {
        self.enter(region, &block, shape);
        self.owners[region] = Owner::Own(block);
    }

    /// Zeroes the first elements of a region whose block only the table has.
    #[inline]
    pub fn zero(&mut self, region: usize, elements: usize) {
        if let Some(Owner::Own(block)) = self.owners.get_mut(region) {
            block.zero(0..elements);
        }
    }

    #[inline]
    fn enter(&mut self, region: usize, block: &Block, shape: Shape) {
        assert!(region != 0 && region < 1 << 16, "region {region}");
        assert!(shape.count <= block.count(), "more elements than memory");
        assert!(
            shape.start <= block.window() && shape.window <= block.window() - shape.start,
            "the window leaves the element"
        );
        assert!(
            shape.shift < OFFSET_BITS && shape.window as u64 <= 1 << shape.shift,
            "elements overlap"
        );
        while self.regions.len() <= region {
            self.regions.push(Region::NONE);
            self.owners.push(Owner::Nobody);
        }
        let window = shape.window as u64;
        let (readable, writable) = match shape.rights {
            Rights::Read => (window, 0),
            Rights::ReadWrite => (window, window),
            Rights::Write => (0, window),
            Rights::None => (0, 0),
        };
        self.regions[region] = Region {
            origin: Self::address(region, 0, 0, shape.start),
            count: shape.count as u64,
            readable,
            writable,
            mask: (1 << shape.shift) - 1,
            // SAFETY: `start` is at most the window of the first element (asserted above).
            base: unsafe { block.base().as_ptr().add(shape.start) },
            stride: block.stride(),
            shift: shape.shift,
        };
    }

    /// Makes a region's addresses invalid.
    pub fn clear(&mut self, region: usize) {
        if let Some(entry) = self.regions.get_mut(region) {
            *entry = Region::NONE;
            self.owners[region] = Owner::Nobody;
        }
    }

    /// Forgets all regions from this one on.
    pub fn truncate(&mut self, region: usize) {
        self.regions.truncate(region.max(1));
        self.owners.truncate(region.max(1));
    }

    /// The checked pointer to `bytes` bytes at an address.
    #[inline(always)]
    fn pointer<const WRITE: bool>(&self, address: u64, bytes: u64) -> Option<NonNull<u8>> {
        let region = self.regions.get((address >> OFFSET_BITS) as usize)?;
        let relative = address.wrapping_sub(region.origin);
        let element = relative >> (region.shift & 63);
        let within = relative & region.mask;
        let window = if WRITE {
            region.writable
        } else {
            region.readable
        };
        // `within` is below 2^48 and callers' `bytes` below 2^32: no overflow.
        if element >= region.count || within + bytes > window {
            return None;
        }
        let at = element as usize * region.stride + within as usize;
        // SAFETY: `element` and the bytes lie inside the block that `put` checked the shape against,
        // and `owners` keeps it alive.
        NonNull::new(unsafe { region.base.add(at) })
    }

    /// Loads a cell; `None` if the address does not allow it.
    #[inline(always)]
    pub fn load<T: Cell>(&self, address: u64) -> Option<T> {
        let at = self.pointer::<false>(address, T::BYTES)?;
        // SAFETY: `pointer` checked the bytes; blocks are only touched atomically.
        Some(unsafe { <T as sealed::Sealed>::load(at.as_ptr()) })
    }

    /// Stores a cell; `None` if the address does not allow it.
    #[inline(always)]
    pub fn store<T: Cell>(&self, address: u64, value: T) -> Option<()> {
        let at = self.pointer::<true>(address, T::BYTES)?;
        // SAFETY: `pointer` checked the bytes; blocks are only touched atomically.
        unsafe { <T as sealed::Sealed>::store(at.as_ptr(), value) };
        Some(())
    }

    /// A 32-bit atomic that may be read and written; `None` if the address does not allow it or
    /// is not a multiple of 4.
    #[inline]
    pub fn atomic32(&self, address: u64) -> Option<&AtomicU32> {
        self.pointer::<false>(address, 4)?;
        let at = self.pointer::<true>(address, 4)?;
        // SAFETY: checked bytes, alignment tested here, blocks are only touched atomically, and
        // the block lives as long as the borrow of the table.
        (at.addr().get() % 4 == 0).then(|| unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) })
    }

    /// A 64-bit atomic that may be read and written; `None` if the address does not allow it or
    /// is not a multiple of 8.
    #[inline]
    pub fn atomic64(&self, address: u64) -> Option<&AtomicU64> {
        self.pointer::<false>(address, 8)?;
        let at = self.pointer::<true>(address, 8)?;
        // SAFETY: as in `atomic32`.
        (at.addr().get() % 8 == 0).then(|| unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) })
    }

    /// Copies bytes out; `None`, and nothing copied, if not all of them may be read.
    #[inline]
    pub fn read(&self, address: u64, out: &mut [u8]) -> Option<()> {
        if out.is_empty() {
            return Some(());
        }
        let at = self.pointer::<false>(address, u64::from(u32::try_from(out.len()).ok()?))?;
        // SAFETY: `pointer` checked the bytes; blocks are only touched atomically.
        unsafe { copy_out(at.as_ptr(), out) };
        Some(())
    }

    /// Copies bytes in; `None`, and nothing copied, if not all of them may be written.
    #[inline]
    pub fn write(&self, address: u64, bytes: &[u8]) -> Option<()> {
        if bytes.is_empty() {
            return Some(());
        }
        let at = self.pointer::<true>(address, u64::from(u32::try_from(bytes.len()).ok()?))?;
        // SAFETY: `pointer` checked the bytes; blocks are only touched atomically.
        unsafe { copy_in(at.as_ptr(), bytes) };
        Some(())
    }

    /// True if these bytes may be read (or written).
    pub fn allows(&self, address: u64, bytes: u32, write: bool) -> bool {
        if bytes == 0 {
            return true;
        }
        let bytes = u64::from(bytes);
        if write {
            self.pointer::<true>(address, bytes).is_some()
        } else {
            self.pointer::<false>(address, bytes).is_some()
        }
    }

    /// True if programs may load from a region and not store to it.
    pub fn is_read_only(&self, region: usize) -> bool {
        (self.regions.get(region)).is_some_and(|entry| entry.readable > 0 && entry.writable == 0)
    }

    /// Where an address points, for messages.
    pub fn spot(&self, address: u64) -> Spot {
        let number = Self::region_of(address);
        let Some(region) = self.regions.get(number).filter(|_| number != 0) else {
            return Spot {
                region: 0,
                element: 0,
                offset: address as i64,
                window: 0,
                count: 0,
            };
        };
        let relative = address.wrapping_sub(region.origin);
        let element = relative >> (region.shift & 63);
        let inside = element < region.count;
        Spot {
            region: number,
            element: if inside { element } else { 0 },
            offset: if inside {
                (relative & region.mask) as i64
            } else {
                relative as i64
            },
            window: region.readable.max(region.writable),
            count: region.count,
        }
    }
}

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space")
            .field("regions", &self.regions.len())
            .finish_non_exhaustive()
    }
}
