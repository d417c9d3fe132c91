//! Which instructions are on a cycle of jumps: the strongly connected parts of the flow.

use super::Shape;

/// An instruction that was not numbered yet.
const UNSEEN: u32 = 0;
/// One whose part is complete.
const DONE: u32 = u32::MAX;

impl Shape {
    /// Numbers the cycles, from 1: each instruction on one gets its number, all others keep 0.
    ///
    /// Tarjan's algorithm with its recursion written out, since programs may be a million
    /// instructions deep. A call that calls back is a cycle of its own.
    pub(super) fn find_cycles(&mut self) {
        let count = self.insns.len();
        let (mut low, mut order) = (vec![UNSEEN; count], vec![UNSEEN; count]);
        let (mut open, mut walk): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        let (mut numbered, mut cycles) = (0, 0);
        for root in 0..count {
            if self.insns[root].is_none() || order[root] != UNSEEN {
                continue;
            }
            walk.push((root, 0));
            while let Some((at, edge)) = walk.pop() {
                if edge == 0 {
                    numbered += 1;
                    (order[at], low[at]) = (numbered, numbered);
                    open.push(at);
                }
                let (next, edges) = self.next(at);
                if let Some(&to) = next[..edges].get(edge) {
                    walk.push((at, edge + 1));
                    if order[to] == UNSEEN {
                        walk.push((to, 0));
                    }
                    continue;
                }
                // All edges are walked, so everything reached from here has its final number.
                for &to in &next[..edges] {
                    if low[to] != DONE {
                        low[at] = low[at].min(low[to]);
                    }
                }
                if low[at] != order[at] {
                    continue;
                }
                let alone = open.last() == Some(&at);
                let jumps = !alone || next[..edges].contains(&at);
                let cycle = jumps || self.marks[at].calls_back;
                self.marks[at].only_calls_back = cycle && !jumps;
                cycles += u32::from(cycle);
                while let Some(member) = open.pop() {
                    low[member] = DONE;
                    if cycle {
                        self.marks[member].in_loop = cycles;
                    }
                    if member == at {
                        break;
                    }
                }
            }
        }
    }
}
