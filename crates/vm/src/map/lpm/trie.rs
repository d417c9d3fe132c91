//! The trie: which slot holds the longest prefix of a key.
//!
//! A node looks at four bits. It stands for the prefixes that end before, between or right in front
//! of the last of them (15 places) and leads to what goes on behind them (16 places); only places in
//! use take room. Bits on which nothing forks are skipped: a node tells its position and all bits up
//! to it. A prefix without neighbours is no node but a link to its slot.
//!
//! A node never changes but for the slots it links to: to add or remove a place a writer makes a new
//! one and replaces the link to the old. So every change is one store, readers take no lock, and
//! what they may still be in is kept until their run has ended.

use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use osmia_program::Errno;

use super::arena::{Arena, Room};
use super::prefix::{Prefix, Prefixes};
use crate::map::runs::Runs;

/// Bits a node looks at.
const STRIDE: u32 = 4;
/// Places of prefixes in a node; the places behind them lead on.
const ENDS: u32 = 15;
const PLACES: usize = 31;
/// Words of a node before its path: which places are in use, and its position.
const HEADER_WORDS: u32 = 2;

/// What a link leads to; 0 leads nowhere.
const NOWHERE: u32 = 0;
/// In a link: to a slot, not to a node.
const SLOT: u32 = 1 << 31;

/// The trie without its prefixes.
#[derive(Debug, Default)]
pub(super) struct Trie {
    root: AtomicU32,
    arena: Arena,
}

/// A writer's view: there is one at a time.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) prefixes: &'a Prefixes,
    pub(super) room: &'a mut Room,
    pub(super) runs: &'a Runs,
}

/// The words of a node.
#[derive(Copy, Clone)]
struct Node<'a> {
    number: u32,
    /// Places in use.
    used: u32,
    /// The bit it looks at first, a multiple of [`STRIDE`].
    position: u32,
    /// The bits up to there, then the links of the places in use.
    words: &'a [AtomicU32],
}

/// The places of a node while it is made.
#[derive(Copy, Clone, Default)]
struct Places {
    used: u32,
    links: [u32; PLACES],
}

impl Places {
    fn put(&mut self, place: u32, link: u32) {
        self.used |= 1 << place;
        self.links[place as usize] = link;
    }
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
fn place(len: u32, position: u32, bits: u32) -> u32 {
    match len - position {
        depth @ 0..STRIDE => end(depth, bits),
        _ => ENDS + bits,
    }
}

/// The link of a slot in such a place.
fn link_in(place: u32, slot: u32) -> u32 {
    if place < ENDS { slot } else { slot | SLOT }
}

impl<'a> Node<'a> {
    #[inline]
    fn at(arena: &'a Arena, number: u32) -> Option<Self> {
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

    #[inline]
    fn path_words(&self) -> u32 {
        self.position.div_ceil(32)
    }

    fn size(&self) -> u32 {
        HEADER_WORDS + self.path_words() + self.used.count_ones()
    }

    #[inline]
    fn has(&self, place: u32) -> bool {
        self.used >> place & 1 != 0
    }

    /// The link of a place in use.
    #[inline]
    fn link(&self, place: u32) -> Option<&'a AtomicU32> {
        let before = (self.used & ((1 << place) - 1)).count_ones();
        self.words.get((self.path_words() + before) as usize)
    }

    /// Bits of the path and a prefix that are the same; those before `known` are.
    #[inline]
    fn common(&self, prefix: Prefix<'_>, known: u32) -> u32 {
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
    fn nibble(&self, at: u32) -> u32 {
        let word = self.words[(at / 32) as usize].load(Relaxed);
        word >> (28 - at % 32) & 15
    }

    fn places(&self) -> Places {
        let mut places = Places::default();
        for place in (0..PLACES as u32).filter(|&place| self.has(place)) {
            let link = self.link(place).map_or(NOWHERE, |link| link.load(Relaxed));
            places.put(place, link);
        }
        places
    }

    /// The first place in use, in the order of walks, behind this one.
    fn after(&self, place: Option<u32>) -> Option<u32> {
        let mut order = ORDER.iter().copied();
        if place.is_some() {
            order.find(|&known| Some(known) == place);
        }
        order.find(|&place| self.has(place))
    }
}

impl Trie {
    #[inline]
    fn node(&self, link: u32) -> Option<Node<'_>> {
        Node::at(&self.arena, link)
    }

    /// The slot of the longest prefix this one begins with.
    #[inline]
    pub(super) fn longest(&self, prefixes: &Prefixes, key: Prefix<'_>) -> Option<u32> {
        let (mut link, mut known, mut best) = (self.root.load(Acquire), 0, None);
        while link != NOWHERE {
            if link & SLOT != 0 {
                let slot = link & !SLOT;
                return (prefixes.is_begun_with(slot, key)).then_some(slot).or(best);
            }
            let node = self.node(link)?;
            if node.position > key.len || node.common(key, known) < node.position {
                break;
            }
            let bits = key.nibble(node.position);
            let depth = (key.len - node.position).min(STRIDE - 1);
            let ends = node.used & MATCHING[depth as usize][bits as usize];
            if ends != 0 {
                let slot = node.link(31 - ends.leading_zeros())?;
                best = Some(slot.load(Acquire));
            }
            known = node.position + STRIDE;
            if known > key.len || !node.has(ENDS + bits) {
                break;
            }
            link = node.link(ENDS + bits)?.load(Acquire);
        }
        best
    }

    /// The slot of exactly this prefix, and the nodes and places on the way to it.
    fn way(&self, prefixes: &Prefixes, key: Prefix<'_>) -> Option<(Vec<(Node<'_>, u32)>, u32)> {
        let (mut link, mut way) = (self.root.load(Acquire), Vec::new());
        loop {
            if link == NOWHERE {
                return None;
            }
            if link & SLOT != 0 {
                let slot = link & !SLOT;
                let same = prefixes.len(slot) == key.len && prefixes.is_begun_with(slot, key);
                return same.then_some((way, slot));
            }
            let node = self.node(link)?;
            if node.common(key, 0) < node.position {
                return None;
            }
            let place = place(key.len, node.position, key.nibble(node.position));
            if !node.has(place) {
                return None;
            }
            link = node.link(place)?.load(Acquire);
            way.push((node, place));
            if place < ENDS {
                return Some((way, link));
            }
        }
    }

    /// The slot of exactly this prefix.
    pub(super) fn exact(&self, prefixes: &Prefixes, key: Prefix<'_>) -> Option<u32> {
        self.way(prefixes, key).map(|(_, slot)| slot)
    }

    /// The slot that comes after this prefix in the order of walks; the first for none or an unknown
    /// one.
    pub(super) fn next(&self, prefixes: &Prefixes, key: Option<Prefix<'_>>) -> Option<u32> {
        match key.and_then(|key| self.way(prefixes, key)) {
            None => self.first(self.root.load(Acquire)),
            Some((way, _)) => way
                .into_iter()
                .rev()
                .find_map(|(node, place)| self.first_in(node, node.after(Some(place))?)),
        }
    }

    fn first(&self, link: u32) -> Option<u32> {
        match link {
            NOWHERE => None,
            link if link & SLOT != 0 => Some(link & !SLOT),
            link => {
                let node = self.node(link)?;
                self.first_in(node, node.after(None)?)
            }
        }
    }

    fn first_in(&self, node: Node<'_>, place: u32) -> Option<u32> {
        let link = node.link(place)?.load(Acquire);
        if place < ENDS {
            Some(link)
        } else {
            self.first(link)
        }
    }

    /// Makes a slot the one of its prefix, and returns the one it was before.
    pub(super) fn insert(
        &self,
        writing: &mut Writing<'_>,
        key: Prefix<'_>,
        slot: u32,
    ) -> Result<Option<u32>, Errno> {
        let mut at = &self.root;
        loop {
            let link = at.load(Relaxed);
            if link == NOWHERE {
                at.store(slot | SLOT, Release);
                return Ok(None);
            }
            let (position, mut places) = if link & SLOT != 0 {
                let (other, prefixes) = (link & !SLOT, writing.prefixes);
                let (common, len) = (prefixes.common(other, key), prefixes.len(other));
                if common == len && common == key.len {
                    at.store(slot | SLOT, Release);
                    return Ok(Some(other));
                }
                let position = common / STRIDE * STRIDE;
                let mut places = Places::default();
                let place = place(len, position, nibble_of(prefixes, other, position));
                places.put(place, link_in(place, other));
                (position, places)
            } else {
                let node = self.node(link).ok_or(Errno::ENOMEM)?;
                let common = node.common(key, 0);
                if common < node.position {
                    let position = common / STRIDE * STRIDE;
                    let mut places = Places::default();
                    places.put(ENDS + node.nibble(position), link);
                    (position, places)
                } else {
                    let place = place(key.len, node.position, key.nibble(node.position));
                    let known = if node.has(place) {
                        node.link(place)
                    } else {
                        None
                    };
                    match known {
                        Some(known) if place < ENDS => {
                            let old = known.load(Relaxed);
                            known.store(slot, Release);
                            return Ok(Some(old));
                        }
                        Some(known) => {
                            at = known;
                            continue;
                        }
                        None => (node.position, node.places()),
                    }
                }
            };
            let place = place(key.len, position, key.nibble(position));
            places.put(place, link_in(place, slot));
            let new = self.make(writing, position, |at| key.half(at), &places)?;
            at.store(new, Release);
            self.retire_if_replaced(writing, link, position);
            return Ok(None);
        }
    }

    /// Takes a prefix out and returns its slot.
    pub(super) fn remove(
        &self,
        writing: &mut Writing<'_>,
        key: Prefix<'_>,
    ) -> Result<Option<u32>, Errno> {
        let Some((way, slot)) = self.way(writing.prefixes, key) else {
            return Ok(None);
        };
        let Some((&(node, place), above)) = way.split_last() else {
            self.root.store(NOWHERE, Release);
            return Ok(Some(slot));
        };
        let at = match above.last() {
            Some((parent, place)) => parent.link(*place).ok_or(Errno::ENOMEM)?,
            None => &self.root,
        };
        let mut places = node.places();
        places.used &= !(1 << place);
        let left = places.used.trailing_zeros();
        let new = if places.used.count_ones() > 1 {
            let path = |at: u32| node.words[at as usize].load(Relaxed);
            self.make(writing, node.position, path, &places)?
        } else if left < ENDS {
            places.links[left as usize] | SLOT
        } else {
            places.links[left as usize]
        };
        at.store(new, Release);
        self.arena
            .retire(writing.room, node.number, node.size(), writing.runs);
        Ok(Some(slot))
    }

    /// Writes a node that nobody can reach yet.
    fn make(
        &self,
        writing: &mut Writing<'_>,
        position: u32,
        path: impl Fn(u32) -> u32,
        places: &Places,
    ) -> Result<u32, Errno> {
        let path_words = position.div_ceil(32);
        let size = HEADER_WORDS + path_words + places.used.count_ones();
        let number = self
            .arena
            .allocate(writing.room, size, writing.runs)
            .ok_or(Errno::ENOMEM)?;
        let words = self.arena.words(number).ok_or(Errno::ENOMEM)?;
        let used = (0..PLACES).filter(|place| places.used >> place & 1 != 0);
        let content = [places.used, position]
            .into_iter()
            .chain((0..path_words).map(path))
            .chain(used.map(|place| places.links[place]));
        for (word, content) in words.iter().zip(content) {
            word.store(content, Relaxed);
        }
        Ok(number)
    }

    /// Gives up the node a link led to, if the new node took its position and not one above it.
    fn retire_if_replaced(&self, writing: &mut Writing<'_>, link: u32, position: u32) {
        if link & SLOT != 0 {
            return;
        }
        if let Some(node) = self.node(link).filter(|node| node.position == position) {
            self.arena
                .retire(writing.room, node.number, node.size(), writing.runs);
        }
    }
}

/// Four bits of a slot's prefix; behind the last there are none.
fn nibble_of(prefixes: &Prefixes, slot: u32, at: u32) -> u32 {
    if at < prefixes.len(slot) {
        prefixes.nibble(slot, at)
    } else {
        0
    }
}
