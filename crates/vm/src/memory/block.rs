//! Zeroed memory at a stable address: a row of equal elements that programs and hosts share.
//!
//! This is where map values, stacks and packets lie. Several threads may touch the same bytes at
//! the same time, as in the kernel; every access is therefore a relaxed atomic of its size where it
//! is aligned, and a run of byte-sized ones where it is not. Nothing here hands out a slice.
#![allow(unsafe_code)]

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use rustix::mm::{Advice, madvise};

use super::copy::{copy_in, copy_out};
use super::zeroed::Zeroed;

/// Bytes that are read from memory together.
const CACHE_LINE: usize = 64;
/// Bytes of a page.
const PAGE: usize = 4096;
/// Bytes of a large page.
const LARGE_PAGE: usize = 2 << 20;
/// Bytes in use from which on a large page is worth it: as many small ones are more than a CPU knows the
/// addresses of at a time.
const LARGE_PAGE_USED_MIN: usize = 256 << 10;

/// `count` elements of `window` accessible bytes each, `stride` bytes apart. In front of each may
/// lie a header that is its owner's alone: no offset leads there.
#[derive(Debug)]
pub struct Block {
    /// Where the elements begin: aligned by hand, since what the allocator aligns further than it
    /// does anyway it also touches.
    memory: NonNull<u8>,
    bytes: usize,
    _owned: Zeroed,
    count: usize,
    header: usize,
    window: usize,
    stride: usize,
}

// SAFETY: the memory is owned by the block, lives at one address until it is dropped, and is only
// ever touched through atomics.
unsafe impl Send for Block {}
// SAFETY: as above; shared access is atomic access.
unsafe impl Sync for Block {}

impl Block {
    /// Allocates zeroed memory; elements start on eight-byte boundaries. `None` if the size is
    /// absurd or memory is short.
    pub fn new(count: usize, window: usize) -> Option<Self> {
        Self::allocate(count, 0, window, 8)
    }

    /// The same with a header in front of each element, small ones on one cache line with it.
    pub fn with_headers(count: usize, header: usize, window: usize) -> Option<Self> {
        Self::allocate(
            count,
            header.checked_next_multiple_of(8)?,
            window,
            CACHE_LINE,
        )
    }

    /// The same on cache lines.
    pub fn in_lines(count: usize, window: usize) -> Option<Self> {
        Self::allocate(count, 0, window, CACHE_LINE)
    }

    /// The same in whole pages, as a mapping of the kernel's is.
    pub fn in_pages(count: usize, window: usize) -> Option<Self> {
        Self::allocate(count, 0, window, PAGE)
    }

    fn allocate(count: usize, header: usize, window: usize, align: usize) -> Option<Self> {
        let stride = header
            .checked_add(window)?
            .checked_next_multiple_of(8)?
            .max(8);
        let stride = match header {
            1..CACHE_LINE if stride <= CACHE_LINE => stride.next_power_of_two(),
            _ => stride,
        };
        let bytes = stride.checked_mul(count.max(1))?;
        let bytes = bytes.checked_next_multiple_of(align)?;
        let align = if bytes < LARGE_PAGE {
            align
        } else {
            LARGE_PAGE
        };
        let owned = Zeroed::new(bytes.checked_add(align - 8)?)?;
        let start = owned.start();
        // SAFETY: an address that is a multiple of eight is less than `align - 8` bytes, or exactly as
        // many, below one that is a multiple of `align`, and as many bytes were added.
        let memory = unsafe { start.add(start.addr().get().wrapping_neg() % align) };
        Some(Self {
            memory,
            bytes,
            _owned: owned,
            count,
            header,
            window,
            stride,
        })
    }

    /// Says that the first elements are going to be used: if they take much memory it comes in large
    /// pages, so that fewer addresses have to be translated.
    pub fn expect_use(&self, elements: usize) {
        let bytes = elements.min(self.count) * self.stride;
        let is_large = self.bytes >= LARGE_PAGE && bytes >= LARGE_PAGE_USED_MIN;
        if !is_large || cfg!(miri) {
            return;
        }
        let pages = bytes
            .next_multiple_of(LARGE_PAGE)
            .min(self.bytes / PAGE * PAGE);
        // SAFETY: whole pages, all of them of this block, whose memory is aligned to large ones; what
        // they contain does not change. A kernel that takes no advice is none the worse.
        let _ = unsafe { madvise(self.memory.as_ptr().cast(), pages, Advice::LinuxHugepage) };
    }

    /// Elements.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Accessible bytes of an element.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Bytes from one element to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Address of the first element; stays valid and unchanged until the block is dropped.
    pub fn base(&self) -> NonNull<u8> {
        // SAFETY: every element has a header's bytes in front of it.
        unsafe { self.memory.add(self.header) }
    }

    /// Address of an element. Panics outside: callers check first.
    #[inline]
    pub fn address(&self, element: usize) -> NonNull<u8> {
        let start = self.start(element, 0, 0);
        // SAFETY: in bounds by `start`.
        unsafe { self.memory.add(start) }
    }

    /// The words of an element, its padding included, for those who order their accesses. Panics
    /// outside: callers check first.
    #[inline]
    pub fn words(&self, element: usize) -> &[AtomicU64] {
        self.words_at(element, self.header, self.stride - self.header)
    }

    /// The words of an element's header. Panics outside: callers check first.
    #[inline]
    pub fn header_words(&self, element: usize) -> &[AtomicU64] {
        self.words_at(element, 0, self.header)
    }

    /// Everything, headers and padding included.
    pub fn all_words(&self) -> &[AtomicU64] {
        // SAFETY: these are the bytes of all elements; aligned, since the memory is; it lives as long as the
        // block that is borrowed, and is only ever touched through atomics.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), self.bytes / 8) }
    }

    #[inline]
    fn words_at(&self, element: usize, offset: usize, bytes: usize) -> &[AtomicU64] {
        assert!(element < self.count, "element {element} of {}", self.count);
        // SAFETY: header and element make a stride, in bounds by the assertion and the layout;
        // aligned, since the memory, headers and every stride are multiples of eight; the memory
        // lives as long as the block that is borrowed, and is only ever touched through atomics.
        unsafe {
            let first = self.memory.as_ptr().add(element * self.stride + offset);
            std::slice::from_raw_parts(first.cast::<AtomicU64>(), bytes / 8)
        }
    }

    /// Four bytes of an element at an offset that is a multiple of four, for locks. Panics elsewhere:
    /// callers check first.
    #[inline]
    pub fn word32(&self, element: usize, offset: usize) -> &AtomicU32 {
        let start = self.start(element, offset, 4);
        assert!(start.is_multiple_of(4), "offset {offset} is not aligned");
        // SAFETY: in bounds by `start`, aligned by the assertion and the base; the memory lives as
        // long as the block that is borrowed, and is only ever touched through atomics.
        unsafe { AtomicU32::from_ptr(self.memory.as_ptr().add(start).cast()) }
    }

    /// One byte of an element. Panics outside of it: callers check first.
    #[inline]
    pub fn byte(&self, element: usize, offset: usize) -> &AtomicU8 {
        let start = self.start(element, offset, 1);
        // SAFETY: in bounds by `start`; the memory lives as long as the block that is borrowed, and is
        // only ever touched through atomics.
        unsafe { AtomicU8::from_ptr(self.memory.as_ptr().add(start)) }
    }

    /// Copies bytes of an element out. Panics outside of it: callers check first.
    #[inline]
    pub fn read(&self, element: usize, offset: usize, out: &mut [u8]) {
        let start = self.start(element, offset, out.len());
        // SAFETY: in bounds by `start`; blocks are only touched atomically.
        unsafe { copy_out(self.memory.as_ptr().add(start), out) };
    }

    /// Copies bytes into an element. Panics outside of it: callers check first.
    #[inline]
    pub fn write(&self, element: usize, offset: usize, bytes: &[u8]) {
        let start = self.start(element, offset, bytes.len());
        // SAFETY: in bounds by `start`; blocks are only touched atomically.
        unsafe { copy_in(self.memory.as_ptr().add(start), bytes) };
    }

    /// Zeroes an element.
    pub fn clear(&self, element: usize) {
        let mut offset = 0;
        while offset < self.window {
            let bytes = (self.window - offset).min(64);
            self.write(element, offset, &[0; 64][..bytes]);
            offset += bytes;
        }
    }

    /// Zeroes elements of a block that nobody shares, as far as they exist.
    #[inline]
    pub(crate) fn zero(&mut self, elements: Range<usize>) {
        let end = elements.end.min(self.count) * self.stride;
        let start = (elements.start * self.stride).min(end);
        // SAFETY: these bytes belong to the block's elements, and the block is borrowed by nobody else,
        // so that nobody else touches them meanwhile.
        unsafe { self.memory.as_ptr().add(start).write_bytes(0, end - start) };
    }

    #[inline]
    fn start(&self, element: usize, offset: usize, len: usize) -> usize {
        assert!(element < self.count, "element {element} of {}", self.count);
        assert!(
            offset <= self.window && len <= self.window - offset,
            "{len} bytes at {offset} of an element of {} bytes",
            self.window
        );
        element * self.stride + self.header + offset
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::Block;

    #[test]
    fn what_is_written_is_read_back_and_neighbours_stay() {
        let block = Block::new(3, 13).unwrap();
        let bytes: Vec<u8> = (1..=13).collect();
        block.write(1, 0, &bytes);
        block.write(1, 3, &[9; 9]);
        let mut back = [0; 13];
        block.read(1, 0, &mut back);
        assert_eq!(back, [1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9, 13]);
        for neighbour in [0, 2] {
            block.read(neighbour, 0, &mut back);
            assert_eq!(back, [0; 13]);
        }
        block.clear(1);
        block.read(1, 0, &mut back);
        assert_eq!(back, [0; 13]);
    }

    #[test]
    fn words_reach_into_the_padding_and_share_the_bytes() {
        let block = Block::new(2, 12).unwrap();
        block.words(1)[1].store(u64::MAX, Relaxed);
        let mut back = [0; 4];
        block.read(1, 8, &mut back);
        assert_eq!(back, [0xff; 4]);
    }

    #[test]
    fn headers_lie_beside_their_elements_and_out_of_their_reach() {
        for (header, window, stride) in [(16, 8, 32), (16, 40, 64), (24, 80, 104), (4, 4, 16)] {
            let block = Block::with_headers(3, header, window).unwrap();
            assert_eq!((block.stride(), block.window()), (stride, window));
            assert_eq!(block.base(), block.address(0));
            for element in 0..3 {
                block.write(element, 0, &vec![0xff; window]);
                assert!(
                    block
                        .header_words(element)
                        .iter()
                        .all(|word| word.load(Relaxed) == 0)
                );
            }
            assert_eq!(block.all_words().len() * 8 % 64, 0);
        }
    }

    #[test]
    fn a_mapping_is_whole_pages() {
        let block = Block::in_pages(3, 13).unwrap();
        assert_eq!(block.base().addr().get() % 4096, 0);
        assert_eq!(block.all_words().len(), 512);
        block.write(1, 0, &[7; 8]);
        assert_eq!(block.all_words()[2].load(Relaxed), 0x0707_0707_0707_0707);
    }

    #[test]
    #[should_panic(expected = "bytes at 8 of an element")]
    fn outside_is_a_bug_of_the_caller() {
        Block::new(1, 10).unwrap().write(0, 8, &[0; 3]);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(Block::new(usize::MAX, 16).is_none());
    }
}
