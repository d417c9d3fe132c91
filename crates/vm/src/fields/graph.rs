//! Lists and trees: sequences of nodes, by number. The number is in the memory of the head or root; a
//! node knows whose it is.
//!
//! A tree is a sorted sequence that is looked at as a balanced tree: its root is in the middle, a
//! child in the middle of each half. Who looks at it and who adds to it see the same tree.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

/// All lists and trees of a host.
#[derive(Debug, Default)]
pub(crate) struct Graphs(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    last: u64,
    nodes: FxHashMap<u64, VecDeque<u64>>,
    owners: FxHashMap<u64, u64>,
}

/// An end of a list.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Front,
    Back,
}

/// A side of a tree's node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Graphs {
    /// Puts a node into the sequence of a head, before the node that is at `position` now; false if
    /// it is in one already.
    pub(crate) fn insert(&self, head: &AtomicU64, node: u64, position: usize) -> bool {
        let mut all = self.lock();
        let mut graph = head.load(SeqCst);
        if all.owners.contains_key(&node) {
            return false;
        }
        if !all.nodes.contains_key(&graph) {
            all.last += 1;
            graph = all.last;
            head.store(graph, SeqCst);
        }
        all.owners.insert(node, graph);
        let nodes = all.nodes.entry(graph).or_default();
        nodes.insert(position.min(nodes.len()), node);
        true
    }

    /// The node at an end.
    pub(crate) fn end(&self, head: &AtomicU64, end: End) -> Option<u64> {
        let all = self.lock();
        let nodes = all.nodes.get(&head.load(SeqCst))?;
        match end {
            End::Front => nodes.front().copied(),
            End::Back => nodes.back().copied(),
        }
    }

    /// Takes a node out; false if it is not in there.
    pub(crate) fn remove(&self, head: &AtomicU64, node: u64) -> bool {
        let mut all = self.lock();
        let graph = head.load(SeqCst);
        if all.owners.get(&node) != Some(&graph) {
            return false;
        }
        all.owners.remove(&node);
        if let Some(nodes) = all.nodes.get_mut(&graph)
            && let Some(position) = position(nodes, node)
        {
            nodes.remove(position);
        }
        true
    }

    /// How many nodes there are.
    pub(crate) fn len(&self, head: &AtomicU64) -> usize {
        (self.lock().nodes.get(&head.load(SeqCst))).map_or(0, VecDeque::len)
    }

    /// The node at a position.
    pub(crate) fn at(&self, head: &AtomicU64, position: usize) -> Option<u64> {
        let all = self.lock();
        let nodes = all.nodes.get(&head.load(SeqCst))?;
        nodes.get(position).copied()
    }

    /// The node on one side of a node that is in some tree.
    pub(crate) fn child(&self, node: u64, side: Side) -> Option<u64> {
        let all = self.lock();
        let nodes = all.nodes.get(all.owners.get(&node)?)?;
        let wanted = position(nodes, node)?;
        let (mut low, mut high) = (0, nodes.len());
        loop {
            let middle = middle(low, high)?;
            match wanted.cmp(&middle) {
                std::cmp::Ordering::Less => high = middle,
                std::cmp::Ordering::Greater => low = middle + 1,
                std::cmp::Ordering::Equal => {
                    let child = match side {
                        Side::Left => self::middle(low, middle),
                        Side::Right => self::middle(middle + 1, high),
                    };
                    return nodes.get(child?).copied();
                }
            }
        }
    }

    /// Forgets a sequence and returns its nodes, which belong to nobody then.
    pub(crate) fn dissolve(&self, graph: u64) -> impl Iterator<Item = u64> + use<> {
        let mut all = self.lock();
        let nodes = all.nodes.remove(&graph).unwrap_or_default();
        for node in &nodes {
            all.owners.remove(node);
        }
        nodes.into_iter()
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The position of the root of what is between two positions.
pub(crate) fn middle(low: usize, high: usize) -> Option<usize> {
    (low < high).then(|| low + (high - low) / 2)
}

/// Where a node is: lists are mostly asked for what is at their ends.
fn position(nodes: &VecDeque<u64>, node: u64) -> Option<usize> {
    nodes.iter().position(|known| *known == node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_in_one_sequence_only() {
        let graphs = Graphs::default();
        let (one, other) = (AtomicU64::new(0), AtomicU64::new(0));
        assert!(graphs.insert(&one, 7, 0));
        assert!(!graphs.insert(&one, 7, 0));
        assert!(!graphs.insert(&other, 7, 0));
        assert!(!graphs.remove(&other, 7));
        assert!(graphs.remove(&one, 7));
        assert!(graphs.insert(&other, 7, 0));
        assert_eq!(graphs.dissolve(other.load(SeqCst)).collect::<Vec<_>>(), [7]);
        assert_eq!(graphs.end(&other, End::Front), None);
    }

    #[test]
    fn every_node_of_a_tree_is_below_its_root_once() {
        let graphs = Graphs::default();
        let root = AtomicU64::new(0);
        for node in 1..=20 {
            graphs.insert(&root, node, usize::MAX);
        }
        let mut seen = Vec::new();
        let mut open = vec![graphs.at(&root, middle(0, 20).unwrap()).unwrap()];
        while let Some(node) = open.pop() {
            seen.push(node);
            let sides = [Side::Left, Side::Right];
            open.extend(sides.iter().filter_map(|side| graphs.child(node, *side)));
            assert!(
                graphs
                    .child(node, Side::Left)
                    .is_none_or(|left| left < node)
            );
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=20).collect::<Vec<_>>());
    }
}
