//! The trie: which slot holds the longest prefix of a key.
//!
//! It begins with a row for the first bits ([`root`](super::root)); behind them it goes on in nodes
//! ([`node`](super::node)). A prefix without neighbours is no node but a link to its slot.
//!
//! A node never changes but for the slots it links to: to add or remove a place a writer makes a new
//! one and replaces the link to the old. So every change is one store, readers take no lock, and
//! what they may still be in is kept until their run has ended.

use std::iter::once;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use osmia_program::Errno;

use super::arena::{Arena, Room};
use super::node::{ENDS, Node, STRIDE, place, size_of_node};
use super::prefix::{Prefix, Prefixes};
use super::root::Root;
use crate::map::error::BrokenRule;
use crate::map::runs::Runs;

/// What a link leads to; 0 leads nowhere.
const NOWHERE: u32 = 0;
/// In a link: to a slot, not to a node.
const SLOT: u32 = 1 << 31;

/// The trie without its prefixes.
#[derive(Debug)]
pub(super) struct Trie {
    root: Root,
    arena: Arena,
}

/// A writer's view: there is one at a time.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) prefixes: &'a Prefixes,
    pub(super) room: &'a mut Room,
    pub(super) runs: &'a Runs,
}

/// Where a link is, for the writer.
#[derive(Copy, Clone)]
enum At<'a> {
    Root(&'a Root, usize),
    Node(&'a AtomicU32),
}

impl At<'_> {
    fn load(self) -> u32 {
        match self {
            At::Root(root, index) => root.entry(index).link(),
            At::Node(link) => link.load(Relaxed),
        }
    }

    fn store(self, link: u32) {
        match self {
            At::Root(root, index) => root.set_link(index, link),
            At::Node(at) => at.store(link, Release),
        }
    }
}

/// The link of a slot in such a place.
fn link_in(place: u32, slot: u32) -> u32 {
    if place < ENDS { slot } else { slot | SLOT }
}

impl Trie {
    /// For keys with so many bytes of bits, and so many prefixes.
    pub(super) fn new(bytes: usize, prefixes: u32) -> Result<Self, BrokenRule> {
        Ok(Self {
            root: Root::new(bytes, prefixes)?,
            arena: Arena::default(),
        })
    }

    #[inline]
    fn node(&self, link: u32) -> Option<Node<'_>> {
        Node::at(&self.arena, link)
    }

    /// The slot of the longest prefix this one begins with.
    #[inline]
    pub(super) fn longest(&self, prefixes: &Prefixes, key: Prefix<'_>) -> Option<u32> {
        let index = self.root.index(key);
        let entry = self.root.entry(index);
        if entry.link() != NOWHERE
            && let Some(slot) = self.longest_behind(entry.link(), prefixes, key)
        {
            return Some(slot);
        }
        self.root.longest_end(entry, index, key.len)
    }

    /// The same among those that go on behind the row.
    #[inline]
    fn longest_behind(&self, link: u32, prefixes: &Prefixes, key: Prefix<'_>) -> Option<u32> {
        let (mut link, mut known, mut best) = (link, self.root.bits(), None);
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
            best = node.longest_end(key, bits).or(best);
            known = node.position + STRIDE;
            if known > key.len || !node.has(ENDS + bits) {
                break;
            }
            link = node.link(ENDS + bits)?.load(Acquire);
        }
        best
    }

    /// True if a prefix ends in the row.
    #[inline]
    fn is_short(&self, key: Prefix<'_>) -> bool {
        key.len <= self.root.bits()
    }

    /// The slot of exactly this prefix, one that does not end in the row. Says which nodes and places
    /// are on the way to it.
    #[inline]
    fn way<'t>(
        &'t self,
        prefixes: &Prefixes,
        key: Prefix<'_>,
        mut visit: impl FnMut(Node<'t>, u32),
    ) -> Option<u32> {
        let mut link = self.root.entry(self.root.index(key)).link();
        loop {
            if link == NOWHERE {
                return None;
            }
            if link & SLOT != 0 {
                let slot = link & !SLOT;
                let same = prefixes.len(slot) == key.len && prefixes.is_begun_with(slot, key);
                return same.then_some(slot);
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
            visit(node, place);
            if place < ENDS {
                return Some(link);
            }
        }
    }

    /// The slot of exactly this prefix.
    pub(super) fn exact(&self, prefixes: &Prefixes, key: Prefix<'_>) -> Option<u32> {
        if self.is_short(key) {
            return self.root.end(key.len, self.root.index(key));
        }
        self.way(prefixes, key, |_, _| ())
    }

    /// The slot that comes after this prefix in the order of walks; the first for none or an unknown
    /// one.
    pub(super) fn next(&self, prefixes: &Prefixes, key: Option<Prefix<'_>>) -> Option<u32> {
        let Some(key) = key.filter(|key| self.exact(prefixes, *key).is_some()) else {
            return self.first_from(0);
        };
        let (index, bits) = (self.root.index(key), self.root.bits());
        if self.is_short(key) {
            // It came after everything that begins with it.
            let last = index | ((1 << (bits - key.len)) - 1);
            let shorter = self.root.last_ends(key.len, last);
            return shorter.or_else(|| self.first_from(last + 1));
        }
        let mut way = Vec::new();
        self.way(prefixes, key, |node, place| way.push((node, place)));
        let mut above = way.into_iter().rev();
        let behind = above.find_map(|(node, place)| self.first_in(node, node.after(Some(place))?));
        (behind.or_else(|| self.root.last_ends(bits + 1, index)))
            .or_else(|| self.first_from(index + 1))
    }

    /// The first slot from an entry of the row on.
    fn first_from(&self, index: usize) -> Option<u32> {
        let first_of = |index| {
            (self.first(self.root.entry(index).link()))
                .or_else(|| self.root.last_ends(self.root.bits() + 1, index))
        };
        (index..self.root.count()).find_map(first_of)
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
        let index = self.root.index(key);
        if self.is_short(key) {
            return Ok(self.root.set_end(key.len, index, slot));
        }
        let mut at = At::Root(&self.root, index);
        loop {
            let link = at.load();
            if link == NOWHERE {
                at.store(slot | SLOT);
                return Ok(None);
            }
            if link & SLOT != 0 {
                let (other, prefixes) = (link & !SLOT, writing.prefixes);
                let (common, len) = (prefixes.common(other, key), prefixes.len(other));
                if common == len && common == key.len {
                    at.store(slot | SLOT);
                    return Ok(Some(other));
                }
                let position = common / STRIDE * STRIDE;
                let place = place(len, position, prefixes.nibble(other, position));
                let beside = (place, link_in(place, other));
                at.store(self.fork(writing, position, key, slot, beside)?);
                return Ok(None);
            }
            let node = self.node(link).ok_or(Errno::ENOMEM)?;
            let common = node.common(key, 0);
            if common < node.position {
                let position = common / STRIDE * STRIDE;
                let beside = (ENDS + node.nibble(position), link);
                at.store(self.fork(writing, position, key, slot, beside)?);
                return Ok(None);
            }
            let place = place(key.len, node.position, key.nibble(node.position));
            if !node.has(place) {
                at.store(self.grown(writing, node, key, place, slot)?);
                self.retire(writing, node);
                return Ok(None);
            }
            let known = node.link(place).ok_or(Errno::ENOMEM)?;
            if place < ENDS {
                let old = known.load(Relaxed);
                known.store(slot, Release);
                return Ok(Some(old));
            }
            at = At::Node(known);
        }
    }

    /// A new node with the slot of a key and one other place.
    fn fork(
        &self,
        writing: &mut Writing<'_>,
        position: u32,
        key: Prefix<'_>,
        slot: u32,
        beside: (u32, u32),
    ) -> Result<u32, Errno> {
        let place = place(key.len, position, key.nibble(position));
        let mut both = [(place, link_in(place, slot)), beside];
        both.sort_unstable();
        let used = 1 << both[0].0 | 1 << both[1].0;
        let links = both.into_iter().map(|(_, link)| link);
        self.make(writing, position, key, used, links)
    }

    /// A node like this one with one place more.
    fn grown(
        &self,
        writing: &mut Writing<'_>,
        node: Node<'_>,
        key: Prefix<'_>,
        place: u32,
        slot: u32,
    ) -> Result<u32, Errno> {
        let before = node.rank(place) as usize;
        let links = (node.links().take(before))
            .chain(once(link_in(place, slot)))
            .chain(node.links().skip(before));
        self.make(writing, node.position, key, node.used | 1 << place, links)
    }

    /// A node like this one without a place.
    fn shrunk(
        &self,
        writing: &mut Writing<'_>,
        node: Node<'_>,
        key: Prefix<'_>,
        place: u32,
    ) -> Result<u32, Errno> {
        let used = node.used & !(1 << place);
        let before = node.rank(place) as usize;
        let mut links = (node.links().take(before)).chain(node.links().skip(before + 1));
        let last = used.trailing_zeros();
        if !used.is_power_of_two() {
            return self.make(writing, node.position, key, used, links);
        }
        let link = links.next().ok_or(Errno::ENOMEM)?;
        Ok(if last < ENDS { link | SLOT } else { link })
    }

    /// Takes a prefix out and returns its slot.
    pub(super) fn remove(
        &self,
        writing: &mut Writing<'_>,
        key: Prefix<'_>,
    ) -> Result<Option<u32>, Errno> {
        let index = self.root.index(key);
        if self.is_short(key) {
            return Ok(self.root.remove_end(key.len, index));
        }
        let (mut parent, mut last) = (None, None);
        let visit = |node, place| (parent, last) = (last, Some((node, place)));
        let Some(slot) = self.way(writing.prefixes, key, visit) else {
            return Ok(None);
        };
        let Some((node, place)) = last else {
            self.root.set_link(index, NOWHERE);
            return Ok(Some(slot));
        };
        let at = match parent {
            Some((parent, place)) => At::Node(parent.link(place).ok_or(Errno::ENOMEM)?),
            None => At::Root(&self.root, index),
        };
        at.store(self.shrunk(writing, node, key, place)?);
        self.retire(writing, node);
        Ok(Some(slot))
    }

    /// Writes a node that nobody can reach yet.
    fn make(
        &self,
        writing: &mut Writing<'_>,
        position: u32,
        key: Prefix<'_>,
        used: u32,
        links: impl Iterator<Item = u32>,
    ) -> Result<u32, Errno> {
        let size = size_of_node(position, used);
        let number = self.arena.allocate(writing.room, size, writing.runs);
        let number = number.ok_or(Errno::ENOMEM)?;
        let words = self.arena.words(number).ok_or(Errno::ENOMEM)?;
        Node::write(words, position, key, used, links);
        Ok(number)
    }

    /// Gives up a node that was replaced.
    fn retire(&self, writing: &mut Writing<'_>, node: Node<'_>) {
        let size = node.size();
        self.arena
            .retire(writing.room, node.number, size, writing.runs);
    }
}
