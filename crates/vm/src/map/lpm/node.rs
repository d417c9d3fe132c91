//! The nodes of a trie.
//!
//! A node looks at four bits. It stands for the prefixes that end before, between or right in front
//! of the last of them (15 places) and leads to what goes on behind them (16 places); only places in
//! use take room. Bits on which nothing forks are skipped: a node tells its position and all bits up
//! to it.

use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed},
};

use super::arena::Arena;
use super::prefix::Prefix;

/// Bits a node looks at.
pub(super) const STRIDE: u32 = 4;
/// Places of prefixes in a node; the places behind them lead on.
pub(super) const ENDS: u32 = 15;
const PLACES: usize = 31;
/// Words of a node before its path: which places are in use, and its position.
const HEADER_WORDS: u32 = 2;

/// The words of a node.
#[derive(Copy, Clone)]
pub(super) struct Node<'a> {
    pub(super) number: u32,
    /// Places in use.
    pub(super) used: u32,
    /// The bit it looks at first, a multiple of [`STRIDE`].
    pub(super) position: u32,
    /// The bits up to there, then the links of the places in use.
    words: &'a [AtomicU32],
}

/// By how many of the four bits count (0 to 3) and what they are: the places of prefixes that match.
const MATCHING: [[u32; 16]; STRIDE as usize] = {
    let mut table = [[0; 16]; STRIDE as usize];
    let mut bits = 0;
    while bits < 16 {
        let mut depth = 0;
        let mut places = 0;
        while depth < STRIDE {
            places |= 1 << end(depth, bits as u32);
            table[depth as usize][bits] = places;
            depth += 1;
        }
        bits += 1;
    }
    table
};

/// The places in the kernel's order of walks: what is behind a prefix comes before it.
const ORDER: [u32; PLACES] = order([0; PLACES], 0, 0, 0).0;

const fn order(
    mut places: [u32; PLACES],
    mut next: usize,
    depth: u32,
    bits: u32,
) -> ([u32; PLACES], usize) {
    if depth == STRIDE {
        places[next] = ENDS + bits;
        return (places, next + 1);
    }
    (places, next) = order(places, next, depth + 1, bits << 1);
    (places, next) = order(places, next, depth + 1, bits << 1 | 1);
    places[next] = (1 << depth) - 1 + bits;
    (places, next + 1)
}

/// The place of a prefix that ends after `depth` (0 to 3) of these four bits.
const fn end(depth: u32, bits: u32) -> u32 {
    (1 << depth) - 1 + (bits >> (STRIDE - depth))
}

/// The place of a prefix of this length in, or behind, a node at a position.
pub(super) fn place(len: u32, position: u32, bits: u32) -> u32 {
    match len - position {
        depth @ 0..STRIDE => end(depth, bits),
        _ => ENDS + bits,
    }
}

/// Words of a node's path.
fn path_words(position: u32) -> u32 {
    position.div_ceil(32)
}

/// Words of a node with so many places in use.
pub(super) fn size_of_node(position: u32, used: u32) -> u32 {
    HEADER_WORDS + path_words(position) + used.count_ones()
}

impl<'a> Node<'a> {
    #[inline]
    pub(super) fn at(arena: &'a Arena, number: u32) -> Option<Self> {
        let [used, position, words @ ..] = arena.words(number)? else {
            return None;
        };
        Some(Self {
            number,
            used: used.load(Relaxed),
            position: position.load(Relaxed),
            words,
        })
    }

    /// Writes a node that nobody can reach yet: the way to it is a key's, its links come in the order
    /// of their places.
    pub(super) fn write(
        words: &[AtomicU32],
        position: u32,
        key: Prefix<'_>,
        used: u32,
        links: impl Iterator<Item = u32>,
    ) {
        let path = (0..path_words(position)).map(|at| key.half(at));
        let content = [used, position].into_iter().chain(path);
        for (word, content) in words.iter().zip(content.chain(links)) {
            word.store(content, Relaxed);
        }
    }

    /// Words it takes.
    pub(super) fn size(&self) -> u32 {
        size_of_node(self.position, self.used)
    }

    #[inline]
    pub(super) fn has(&self, place: u32) -> bool {
        self.used >> place & 1 != 0
    }

    /// How many places in use there are before this one.
    #[inline]
    pub(super) fn rank(&self, place: u32) -> u32 {
        (self.used & ((1 << place) - 1)).count_ones()
    }

    /// The link of a place in use.
    #[inline]
    pub(super) fn link(&self, place: u32) -> Option<&'a AtomicU32> {
        let at = path_words(self.position) + self.rank(place);
        self.words.get(at as usize)
    }

    /// All links, for their writer.
    pub(super) fn links(&self) -> impl Iterator<Item = u32> + Clone + use<'a> {
        let words = self.words.iter().skip(path_words(self.position) as usize);
        let count = self.used.count_ones() as usize;
        words.take(count).map(|word| word.load(Relaxed))
    }

    /// The longest prefix of a key that ends in this node: its slot.
    #[inline]
    pub(super) fn longest_end(&self, key: Prefix<'_>, bits: u32) -> Option<u32> {
        let depth = (key.len - self.position).min(STRIDE - 1);
        let ends = self.used & MATCHING[depth as usize][bits as usize];
        if ends == 0 {
            return None;
        }
        Some(self.link(31 - ends.leading_zeros())?.load(Acquire))
    }

    /// Bits of the path and a prefix that are the same; those before `known` are.
    #[inline]
    pub(super) fn common(&self, prefix: Prefix<'_>, known: u32) -> u32 {
        let most = self.position.min(prefix.len);
        for at in known / 32..most.div_ceil(32) {
            let own = self
                .words
                .get(at as usize)
                .map_or(0, |word| word.load(Relaxed));
            let differing = own ^ prefix.half(at);
            if differing != 0 {
                return most.min(at * 32 + differing.leading_zeros());
            }
        }
        most
    }

    /// The four bits of the path from `at` on.
    pub(super) fn nibble(&self, at: u32) -> u32 {
        let word = self.words[(at / 32) as usize].load(Relaxed);
        word >> (28 - at % 32) & 15
    }

    /// The first place in use, in the order of walks, behind this one.
    pub(super) fn after(&self, place: Option<u32>) -> Option<u32> {
        let mut order = ORDER.iter().copied();
        if place.is_some() {
            order.find(|&known| Some(known) == place);
        }
        order.find(|&place| self.has(place))
    }
}
