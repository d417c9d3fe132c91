//! `arena`: pages that programs and a process share through 32-bit pointers.
//!
//! A pointer of the process is `user_start` and what follows; a program computes with its lower 32
//! bits. A page exists once a program allocated it or the process touched it. Programs read zeroes
//! where there is none and what they store there is lost, as the kernel handles such faults
//! (`kernel/bpf/arena.c` and the x86-64 JIT, read in 6.18).

use std::collections::BTreeMap;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use osmia_program::{Errno, MapFlags, MapSpec};

use super::error::BrokenRule;
use crate::limits;
use crate::memory::{Block, Cell, Rights, Shape, Space};

/// Bytes of a page.
const PAGE: u64 = limits::PAGE_BYTES as u64;
/// log2 of them.
const PAGE_SHIFT: u32 = limits::PAGE_BYTES.trailing_zeros();
/// Pages of a chunk, which is allocated as one.
const CHUNK_PAGES: u32 = 256;
/// The region of a chunk's address space that its pages are.
const REGION: usize = 1;
/// Where the process has an arena whose author did not say.
const USER_START: u64 = 0x7e00_0000_0000;

/// An arena.
#[derive(Debug)]
pub struct Arena {
    user_start: u64,
    pages: u32,
    /// Casts to pointers of the process leave the lower 32 bits alone (`BPF_F_NO_USER_CONV`).
    no_user_pointers: bool,
    /// The process may not touch pages that nobody allocated (`BPF_F_SEGV_ON_FAULT`).
    faults: bool,
    chunks: Box<[OnceLock<Chunk>]>,
    /// A bit for each page that exists.
    there: Box<[AtomicU64]>,
    /// Pages nobody has taken or reserved: first page and count.
    free: Mutex<BTreeMap<u32, u32>>,
}

/// Neighbouring pages.
#[derive(Debug)]
struct Chunk {
    block: Arc<Block>,
    space: Space,
}

impl Chunk {
    fn new() -> Option<Self> {
        let block = Arc::new(Block::new(CHUNK_PAGES as usize, PAGE as usize)?);
        let mut space = Space::new();
        let shape = Shape {
            start: 0,
            window: PAGE as usize,
            shift: PAGE_SHIFT,
            count: CHUNK_PAGES as usize,
            rights: Rights::ReadWrite,
        };
        space.put(REGION, &block, shape);
        Some(Self { block, space })
    }
}

impl Arena {
    pub(super) fn new(spec: &MapSpec) -> Self {
        let pages = spec.max_entries;
        Self {
            user_start: match spec.extra {
                0 => USER_START,
                start => start,
            },
            pages,
            no_user_pointers: spec.flags.has(MapFlags::NO_USER_CONV),
            faults: spec.flags.has(MapFlags::SEGV_ON_FAULT),
            chunks: (0..pages.div_ceil(CHUNK_PAGES))
                .map(|_| OnceLock::new())
                .collect(),
            there: (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            free: Mutex::new(BTreeMap::from([(0, pages)])),
        }
    }

    /// Where the process has it.
    pub fn user_start(&self) -> u64 {
        self.user_start
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        u64::from(self.pages) * PAGE
    }

    /// The pointer of the process to what a program's pointer names.
    #[inline]
    pub fn to_user(&self, pointer: u64) -> u64 {
        match u64::from(pointer as u32) {
            low if low == 0 || self.no_user_pointers => low,
            low => self.user_start >> 32 << 32 | low,
        }
    }

    /// True for addresses that loads and stores through 32-bit pointers come to: programs add offsets
    /// of 16 bits.
    #[inline]
    pub fn is_near(address: u64) -> bool {
        const OFFSET: u64 = 1 << 15;
        address.wrapping_add(OFFSET) < (1 << 32) + 2 * OFFSET
    }

    /// What a program loads; 0 where no page is.
    pub fn load<T: Cell>(&self, address: u64) -> T {
        if let Some((chunk, at)) = self.place(address)
            && let Some(value) = chunk.space.load::<T>(at)
        {
            return value;
        }
        // Missing, or in two pages.
        let mut value = 0;
        for offset in 0..T::BYTES {
            let byte = self.place(address.wrapping_add(offset));
            let byte = byte.and_then(|(chunk, at)| chunk.space.load::<u8>(at));
            let Some(byte) = byte else {
                return T::narrow(0);
            };
            value |= u64::from(byte) << shift_of::<T>(offset);
        }
        T::narrow(value)
    }

    /// A program's store; lost where no page is.
    pub fn store<T: Cell>(&self, address: u64, value: u64) {
        if let Some((chunk, at)) = self.place(address)
            && chunk.space.store(at, T::narrow(value)).is_some()
        {
            return;
        }
        if (0..T::BYTES).any(|offset| self.place(address.wrapping_add(offset)).is_none()) {
            return;
        }
        for offset in 0..T::BYTES {
            if let Some((chunk, at)) = self.place(address.wrapping_add(offset)) {
                let byte = (value >> shift_of::<T>(offset)) as u8;
                chunk.space.store(at, byte);
            }
        }
    }

    /// A 32-bit atomic of a program; `None` where no page is, or in two of them.
    pub fn atomic32(&self, address: u64) -> Option<&AtomicU32> {
        let (chunk, at) = self.place(address)?;
        chunk.space.atomic32(at)
    }

    /// A 64-bit atomic of a program; `None` where no page is, or in two of them.
    pub fn atomic64(&self, address: u64) -> Option<&AtomicU64> {
        let (chunk, at) = self.place(address)?;
        chunk.space.atomic64(at)
    }

    /// `bpf_arena_alloc_pages`: zeroed pages at an address of the process (0: anywhere), and that
    /// address; 0 if there is no room.
    pub fn allocate(&self, address: u64, count: u32) -> u64 {
        if count == 0 || count > self.pages || !address.is_multiple_of(PAGE) {
            return 0;
        }
        let mut free = self.free();
        let first = match address {
            // The smallest place that is large enough, of those the first.
            0 => (free.iter())
                .filter(|(_, pages)| **pages >= count)
                .min_by_key(|(first, pages)| (**pages, **first))
                .map(|(first, _)| *first),
            _ => Some(self.page_of(address)).filter(|first| is_free(&free, *first, count)),
        };
        let Some(first) = first else {
            return 0;
        };
        if (first..first + count).any(|page| self.make(page).is_none()) {
            self.unmake(first, count);
            return 0;
        }
        take(&mut free, first, count);
        self.user_address(first)
    }

    /// `bpf_arena_free_pages`: gives pages from an address of the process on up.
    pub fn give_back(&self, address: u64, count: u32) {
        let first = self.page_of(address);
        if first >= self.pages {
            return;
        }
        let count = count.min(self.pages - first);
        let mut free = self.free();
        self.unmake(first, count);
        give(&mut free, first, count);
    }

    /// `bpf_arena_reserve_pages`: nobody gets these pages; `EBUSY` if somebody has one.
    pub fn reserve(&self, address: u64, count: u32) -> Result<(), Errno> {
        if count == 0 {
            return Ok(());
        }
        let first = self.page_of(address);
        if u64::from(first) + u64::from(count) > u64::from(self.pages) {
            return Err(Errno::EINVAL);
        }
        let mut free = self.free();
        if !is_free(&free, first, count) {
            return Err(Errno::EBUSY);
        }
        take(&mut free, first, count);
        Ok(())
    }

    /// The process reads: pages come into being. `EFAULT` outside, or where they may not.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Errno> {
        self.touch(offset, out.len() as u64)?;
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let (chunk, page, within) = self.chunk_at(at).ok_or(Errno::EFAULT)?;
            let len = (out.len() - done).min(PAGE as usize - within);
            chunk.block.read(page, within, &mut out[done..done + len]);
            done += len;
        }
        Ok(())
    }

    /// The process writes: pages come into being. `EFAULT` outside, or where they may not.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.touch(offset, bytes.len() as u64)?;
        self.fill(offset, bytes)
    }

    /// Fills an arena whose variables are these bytes.
    pub(super) fn initialise(&self, bytes: &[u8]) -> Result<(), BrokenRule> {
        let len = bytes.len() as u64;
        let mut free = self.free();
        for page in 0..len.div_ceil(PAGE) as u32 {
            self.make(page)
                .ok_or(BrokenRule::OutOfMemory { bytes: len })?;
        }
        take(&mut free, 0, len.div_ceil(PAGE) as u32);
        drop(free);
        self.fill(0, bytes)
            .map_err(|_| BrokenRule::OutOfMemory { bytes: len })
    }

    /// Pages that exist.
    pub fn len(&self) -> u32 {
        self.there
            .iter()
            .map(|bits| bits.load(Acquire).count_ones())
            .sum()
    }

    /// True if no page exists.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn fill(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let (chunk, page, within) = self.chunk_at(at).ok_or(Errno::EFAULT)?;
            let len = (bytes.len() - done).min(PAGE as usize - within);
            chunk.block.write(page, within, &bytes[done..done + len]);
            done += len;
        }
        Ok(())
    }

    fn touch(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset.checked_add(len).filter(|end| *end <= self.bytes());
        let end = end.ok_or(Errno::EFAULT)?;
        let mut free = self.free();
        for page in (offset / PAGE) as u32..end.div_ceil(PAGE) as u32 {
            if self.exists(page) {
                continue;
            }
            if self.faults {
                return Err(Errno::EFAULT);
            }
            self.make(page).ok_or(Errno::ENOMEM)?;
            take(&mut free, page, 1);
        }
        Ok(())
    }

    /// The chunk, page in it and offset in that of a byte, whether the page exists or not.
    fn chunk_at(&self, offset: u64) -> Option<(&Chunk, usize, usize)> {
        let page = u32::try_from(offset / PAGE).ok()?;
        let chunk = self.chunks.get((page / CHUNK_PAGES) as usize)?.get()?;
        let page = (page % CHUNK_PAGES) as usize;
        Some((chunk, page, (offset % PAGE) as usize))
    }

    /// The chunk, and the address in its space, that a program's address is.
    #[inline]
    fn place(&self, address: u64) -> Option<(&Chunk, u64)> {
        let low = u32::try_from(address).ok()?;
        let offset = low.wrapping_sub(self.user_start as u32);
        let page = offset >> PAGE_SHIFT;
        if !self.exists(page) {
            return None;
        }
        let chunk = self.chunks[(page / CHUNK_PAGES) as usize].get()?;
        let within = offset as usize % (CHUNK_PAGES as usize * PAGE as usize);
        Some((chunk, Space::address(REGION, 0, 0, within)))
    }

    #[inline]
    fn exists(&self, page: u32) -> bool {
        let word = self.there.get(page as usize / 64);
        word.is_some_and(|bits| bits.load(Acquire) & 1 << (page % 64) != 0)
    }

    /// Makes a zeroed page exist.
    fn make(&self, page: u32) -> Option<()> {
        let chunk = self.chunks.get((page / CHUNK_PAGES) as usize)?;
        if chunk.get().is_none() {
            // Under the lock of `free`: nobody else sets it.
            let _ = chunk.set(Chunk::new()?);
        }
        let block = &chunk.get()?.block;
        block.clear((page % CHUNK_PAGES) as usize);
        self.there[page as usize / 64].fetch_or(1 << (page % 64), Release);
        Some(())
    }

    fn unmake(&self, first: u32, count: u32) {
        for page in first..first + count {
            self.there[page as usize / 64].fetch_and(!(1 << (page % 64)), Release);
        }
    }

    /// The page of an address of the process, of which the lower 32 bits count.
    fn page_of(&self, address: u64) -> u32 {
        (address as u32).wrapping_sub(self.user_start as u32) >> PAGE_SHIFT
    }

    fn user_address(&self, page: u32) -> u64 {
        let low = (self.user_start as u32).wrapping_add(page << PAGE_SHIFT);
        self.user_start >> 32 << 32 | u64::from(low)
    }

    fn free(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far the byte at an offset of an integer in memory is shifted in its value.
fn shift_of<T: Cell>(offset: u64) -> u64 {
    match cfg!(target_endian = "little") {
        true => 8 * offset,
        false => 8 * (T::BYTES - 1 - offset),
    }
}

/// True if nobody has one of these pages.
fn is_free(free: &BTreeMap<u32, u32>, first: u32, count: u32) -> bool {
    let range = free.range(..=first).next_back();
    range.is_some_and(|(start, pages)| first as u64 + count as u64 <= (start + pages) as u64)
}

/// Takes pages, free or not.
fn take(free: &mut BTreeMap<u32, u32>, first: u32, count: u32) {
    let end = first + count;
    let touched: Vec<(u32, u32)> = (free.range(..end))
        .filter(|(start, pages)| *start + *pages > first)
        .map(|(start, pages)| (*start, *pages))
        .collect();
    for (start, pages) in touched {
        free.remove(&start);
        if start < first {
            free.insert(start, first - start);
        }
        if start + pages > end {
            free.insert(end, start + pages - end);
        }
    }
}

/// Gives pages back, taken or not, and joins them with their neighbours.
fn give(free: &mut BTreeMap<u32, u32>, first: u32, count: u32) {
    take(free, first, count);
    let (mut start, mut end) = (first, first + count);
    if let Some((before, pages)) = free.range(..first).next_back()
        && before + pages == first
    {
        start = *before;
    }
    if let Some(pages) = free.remove(&end) {
        end += pages;
    }
    free.insert(start, end - start);
}
