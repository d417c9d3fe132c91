//! Where the nodes of a trie lie: words in chunks that never move, so that readers need no lock.
//!
//! A node is written before anybody can reach it and not changed in size afterwards. One that is
//! given up keeps its words until every run that may still be in it has ended ([`Aging`]).

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

use crate::map::pool::Aging;
use crate::map::runs::Runs;

/// log2 of the words of the first chunk; each further one is twice as large.
const FIRST_BITS: u32 = 10;
const FIRST: u32 = 1 << FIRST_BITS;
/// Numbers of words stay below this: links need a bit.
const WORDS_MAX: u32 = (1 << 31) - FIRST;
const CHUNKS: usize = (31 - FIRST_BITS) as usize;

/// The words.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: [OnceLock<Box<[AtomicU32]>>; CHUNKS],
}

/// Which words are in use, by size of node. Writers only.
#[derive(Debug)]
pub(super) struct Room {
    next: u32,
    /// Nodes nobody is in, by their number of words.
    free: Vec<Vec<u32>>,
    aging: Aging<(u32, u32)>,
    /// True when it is worth asking whether runs have ended.
    ask: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            // No node has the number 0.
            next: 1,
            free: Vec::new(),
            aging: Aging::default(),
            ask: false,
        }
    }
}

/// The chunk of a word and its place there.
#[inline]
fn place(number: u32) -> (usize, usize) {
    let number = number + FIRST;
    let bits = number.ilog2();
    (
        (bits - FIRST_BITS) as usize,
        (number - (1 << bits)) as usize,
    )
}

impl Arena {
    /// The words from this number to the end of its chunk.
    #[inline]
    pub(super) fn words(&self, number: u32) -> Option<&[AtomicU32]> {
        let (chunk, offset) = place(number);
        self.chunks.get(chunk)?.get()?.get(offset..)
    }

    /// Words in a row for a new node; `None` if memory is short.
    pub(super) fn allocate(&self, room: &mut Room, words: u32, runs: &Runs) -> Option<u32> {
        let size = words as usize;
        if room.free.len() <= size {
            room.free.resize_with(size + 1, Vec::new);
        }
        if room.free[size].is_empty() && std::mem::take(&mut room.ask) {
            let free = &mut room.free;
            room.aging
                .reclaim(runs, |(number, words)| free[words as usize].push(number));
        }
        if let Some(number) = room.free[size].pop() {
            return Some(number);
        }
        let (chunk, offset) = place(room.next);
        let end = 1_u32 << (chunk as u32 + FIRST_BITS);
        if offset as u32 + words > end {
            // A node lies in one chunk.
            room.next += end - offset as u32;
        }
        let number = room.next;
        if number > WORDS_MAX - words {
            return None;
        }
        self.chunk(place(number).0)?;
        room.next += words;
        Some(number)
    }

    /// Gives up a node that runs may still be in.
    pub(super) fn retire(&self, room: &mut Room, number: u32, words: u32, runs: &Runs) {
        room.ask |= room.aging.retire((number, words), runs);
    }

    fn chunk(&self, chunk: usize) -> Option<&[AtomicU32]> {
        let place = self.chunks.get(chunk)?;
        if let Some(words) = place.get() {
            return Some(words);
        }
        let count = 1_usize << (chunk as u32 + FIRST_BITS);
        let mut words = Vec::new();
        words.try_reserve_exact(count).ok()?;
        words.resize_with(count, AtomicU32::default);
        Some(place.get_or_init(|| words.into_boxed_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Arena, FIRST, Room};
    use crate::map::Runs;

    #[test]
    fn nodes_lie_in_one_chunk_and_come_back_once_nobody_is_in_them() {
        let (arena, mut room, runs) = (Arena::default(), Room::default(), Runs::new(1));
        let run = runs.enter(0);
        let mut seen = Vec::new();
        for step in 0..1_000 {
            let words = 3 + step % 40;
            let number = arena.allocate(&mut room, words, &runs).unwrap();
            assert!(arena.words(number).unwrap().len() >= words as usize);
            seen.push((number, words));
        }
        seen.sort_unstable();
        assert!(
            seen.windows(2)
                .all(|pair| pair[0].0 + pair[0].1 <= pair[1].0)
        );
        assert!(seen.last().unwrap().0 > 4 * FIRST);
        for &(number, words) in &seen {
            arena.retire(&mut room, number, words, &runs);
        }
        let held = arena.allocate(&mut room, 5, &runs).unwrap();
        assert!(held > seen.last().unwrap().0, "a run may be in any of them");
        drop(run);
        room.ask = true;
        let number = arena.allocate(&mut room, 5, &runs).unwrap();
        assert!(seen.contains(&(number, 5)));
    }
}
