//! `lpm_trie`: values by prefix, found by the longest one that matches.
//!
//! A path-compressed binary trie: a node stands for a prefix and has up to two children, numbers of
//! other nodes in one row; inner nodes without a value always have two children, leaves always a
//! value. Prefixes lie beside the nodes in one row of bytes, so that a walk touches two places a
//! step. Updates write a fresh slot, so that a program which holds the old value keeps it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use osmia_program::{Errno, MapSpec, UpdateMode};

use super::error::BrokenRule;
use super::lanes::{Element, Lanes, Write};
use super::pool::{Pool, Unused, spare_slots};
use super::runs::Runs;
use crate::memory::Block;

/// Bytes of the prefix length a key begins with.
const LENGTH_BYTES: usize = 4;
/// No node, no slot.
const NONE: u32 = u32::MAX;

/// The live part of an LPM trie.
#[derive(Debug)]
pub(super) struct Lpm {
    lanes: Lanes,
    entries_max: u32,
    runs: Arc<Runs>,
    trie: RwLock<Trie>,
}

#[derive(Debug)]
struct Trie {
    /// Bytes of a prefix.
    bytes: usize,
    nodes: Vec<Node>,
    prefixes: Vec<u8>,
    root: u32,
    free: Vec<u32>,
    live: u32,
    unused: Unused,
    pool: Pool,
}

#[derive(Copy, Clone, Debug)]
struct Node {
    /// Bits of its prefix.
    len: u32,
    slot: u32,
    children: [u32; 2],
}

/// A key: the length of the prefix, and its bits.
#[derive(Copy, Clone, Debug)]
struct Prefix<'a> {
    len: u32,
    bits: &'a [u8],
}

impl Prefix<'_> {
    fn bit(&self, at: u32) -> usize {
        usize::from(self.bits[at as usize / 8] >> (7 - at % 8) & 1)
    }
}

impl Lpm {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let slots = u64::from(spec.max_entries) + spare_slots(spec, runs.cpus());
        let lanes = Lanes::new(spec, slots, runs.cpus())?;
        let unused = Unused::new(lanes.slots());
        Ok(Self {
            lanes,
            entries_max: spec.max_entries,
            runs: Arc::clone(runs),
            trie: RwLock::new(Trie {
                bytes: spec.key_size as usize - LENGTH_BYTES,
                nodes: Vec::new(),
                prefixes: Vec::new(),
                root: NONE,
                free: Vec::new(),
                live: 0,
                unused,
                pool: Pool::default(),
            }),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        self.lanes.block()
    }

    pub(super) fn len(&self) -> u32 {
        self.reading().live
    }

    /// The element of the longest prefix that this one begins with.
    pub(super) fn lookup(&self, key: &[u8]) -> Option<Element> {
        let trie = self.reading();
        let slot = trie.longest(trie.prefix(key).ok()?)?;
        self.lanes.element(slot, 0)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        // Under the lock no slot is reused, so the bytes are of one value.
        let trie = self.reading();
        if key.len() != LENGTH_BYTES + trie.bytes {
            return Err(Errno::EINVAL);
        }
        let slot = trie.prefix(key).ok().and_then(|key| trie.longest(key));
        Ok(self.lanes.read(slot.ok_or(Errno::ENOENT)?))
    }

    pub(super) fn update(
        &self,
        key: &[u8],
        write: Write<'_>,
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        self.lanes.check(write)?;
        let mut trie = self.writing();
        let key = trie.prefix(key)?;
        let known = trie.exact(key);
        match known {
            Some(_) if mode == UpdateMode::NoExist => return Err(Errno::EEXIST),
            None if mode == UpdateMode::Exist => return Err(Errno::ENOENT),
            None if trie.live >= self.entries_max => return Err(Errno::ENOSPC),
            _ => {}
        }
        let Trie { pool, unused, .. } = &mut *trie;
        let slot = pool.take(unused, &self.runs).ok_or(Errno::ENOMEM)?;
        self.lanes.write(slot, write, true);
        let node = match known {
            Some(node) => node,
            None => {
                trie.live += 1;
                trie.insert(key)
            }
        };
        let old = std::mem::replace(&mut trie.nodes[node as usize].slot, slot);
        if old != NONE {
            trie.pool.retire(old, &self.runs);
        }
        Ok(())
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let mut trie = self.writing();
        let key = trie.prefix(key)?;
        let slot = trie.remove(key).ok_or(Errno::ENOENT)?;
        trie.pool.retire(slot, &self.runs);
        Ok(())
    }

    /// The key after this one in the kernel's order: longer prefixes before those they begin with.
    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let trie = self.reading();
        if key.is_some_and(|key| key.len() != LENGTH_BYTES + trie.bytes) {
            return Err(Errno::EINVAL);
        }
        if trie.root == NONE {
            return Err(Errno::ENOENT);
        }
        let known = key.and_then(|key| trie.prefix(key).ok());
        let path = known.and_then(|key| trie.path(key).map(|path| (key, path)));
        let next = match path {
            None => Some(trie.first(trie.root)),
            Some((key, path)) => trie.after(key, &path),
        };
        let node = next.ok_or(Errno::ENOENT)?;
        let mut next = trie.nodes[node as usize].len.to_ne_bytes().to_vec();
        next.extend_from_slice(trie.bits(node));
        Ok(next)
    }

    fn reading(&self) -> RwLockReadGuard<'_, Trie> {
        self.trie.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Trie> {
        self.trie.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trie {
    fn prefix<'k>(&self, key: &'k [u8]) -> Result<Prefix<'k>, Errno> {
        let (len, bits) = key
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(Errno::EINVAL)?;
        let len = u32::from_ne_bytes(*len);
        if bits.len() != self.bytes || len as usize > self.bytes * 8 {
            return Err(Errno::EINVAL);
        }
        Ok(Prefix { len, bits })
    }

    fn bits(&self, node: u32) -> &[u8] {
        let at = node as usize * self.bytes;
        &self.prefixes[at..at + self.bytes]
    }

    /// Bits a node's prefix and a key have in common.
    fn common(&self, node: u32, key: Prefix<'_>) -> u32 {
        let most = self.nodes[node as usize].len.min(key.len);
        let mut same = 0;
        for (a, b) in self.bits(node).iter().zip(key.bits) {
            let zeros = (a ^ b).leading_zeros();
            same += zeros;
            if zeros < 8 || same >= most {
                break;
            }
        }
        same.min(most)
    }

    fn longest(&self, key: Prefix<'_>) -> Option<u32> {
        let (mut at, mut best) = (self.root, NONE);
        while at != NONE {
            let node = self.nodes[at as usize];
            if self.common(at, key) < node.len {
                break;
            }
            if node.slot != NONE {
                best = node.slot;
            }
            if node.len == key.len {
                break;
            }
            at = node.children[key.bit(node.len)];
        }
        (best != NONE).then_some(best)
    }

    /// The nodes from the root to the one with exactly this prefix and a value.
    fn path(&self, key: Prefix<'_>) -> Option<Vec<u32>> {
        let (mut at, mut path) = (self.root, Vec::new());
        while at != NONE {
            let node = self.nodes[at as usize];
            if self.common(at, key) < node.len {
                return None;
            }
            path.push(at);
            if node.len == key.len {
                return (node.slot != NONE).then_some(path);
            }
            at = node.children[key.bit(node.len)];
        }
        None
    }

    fn exact(&self, key: Prefix<'_>) -> Option<u32> {
        self.path(key)?.pop()
    }

    fn node(&mut self, len: u32, bits: &[u8], children: [u32; 2]) -> u32 {
        let node = Node {
            len,
            slot: NONE,
            children,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = node;
                at
            }
            None => {
                self.nodes.push(node);
                self.prefixes.resize(self.nodes.len() * self.bytes, 0);
                self.nodes.len() as u32 - 1
            }
        };
        let start = at as usize * self.bytes;
        self.prefixes[start..start + self.bytes].copy_from_slice(bits);
        at
    }

    /// Makes `to` what the link from this parent (none: the root) along this bit leads to.
    fn link(&mut self, parent: Option<(u32, usize)>, to: u32) {
        match parent {
            Some((parent, bit)) => self.nodes[parent as usize].children[bit] = to,
            None => self.root = to,
        }
    }

    /// The node of a prefix that has no value yet.
    fn insert(&mut self, key: Prefix<'_>) -> u32 {
        let (mut at, mut parent) = (self.root, None);
        while at != NONE {
            let node = self.nodes[at as usize];
            let common = self.common(at, key);
            if common < node.len {
                return self.split(parent, at, common, key);
            }
            if node.len == key.len {
                return at;
            }
            let bit = key.bit(node.len);
            parent = Some((at, bit));
            at = node.children[bit];
        }
        let new = self.node(key.len, key.bits, [NONE; 2]);
        self.link(parent, new);
        new
    }

    /// Puts the key beside or above a node it has only `common` bits in common with.
    fn split(
        &mut self,
        parent: Option<(u32, usize)>,
        below: u32,
        common: u32,
        key: Prefix<'_>,
    ) -> u32 {
        let down = Prefix {
            len: self.nodes[below as usize].len,
            bits: self.bits(below),
        };
        let side = down.bit(common);
        let new = self.node(key.len, key.bits, [NONE; 2]);
        let top = if common == key.len {
            new
        } else {
            let inner = self.node(common, key.bits, [NONE; 2]);
            self.nodes[inner as usize].children[1 - side] = new;
            inner
        };
        self.nodes[top as usize].children[side] = below;
        self.link(parent, top);
        new
    }

    /// Removes a prefix and returns its slot.
    fn remove(&mut self, key: Prefix<'_>) -> Option<u32> {
        let mut path = self.path(key)?;
        let slot = std::mem::replace(&mut self.nodes[key_node(&path)].slot, NONE);
        self.live -= 1;
        // Without a value, a node with fewer than two children is none; nor is its parent then.
        while let Some(at) = path.pop() {
            let node = self.nodes[at as usize];
            let [left, right] = node.children;
            if node.slot != NONE || (left != NONE && right != NONE) {
                break;
            }
            let parent = path.last().map(|&parent| {
                let side = self.nodes[parent as usize].children[1] == at;
                (parent, usize::from(side))
            });
            self.link(parent, if left == NONE { right } else { left });
            self.free.push(at);
        }
        Some(slot)
    }

    /// The first node of a subtree: a leaf.
    fn first(&self, mut at: u32) -> u32 {
        loop {
            match self.nodes[at as usize].children {
                [NONE, NONE] => return at,
                [NONE, right] => at = right,
                [left, _] => at = left,
            }
        }
    }

    /// The node with a value that comes after the one this path leads to.
    fn after(&self, key: Prefix<'_>, path: &[u32]) -> Option<u32> {
        let mut path = path.to_vec();
        let mut at = path.pop()?;
        while let Some(parent) = path.pop() {
            let node = self.nodes[parent as usize];
            let [left, right] = node.children;
            if left == at && right != NONE && key.bit(node.len) == 0 {
                return Some(self.first(right));
            }
            if node.slot != NONE {
                return Some(parent);
            }
            at = parent;
        }
        None
    }
}

fn key_node(path: &[u32]) -> usize {
    *path.last().expect("a path has its end") as usize
}
