//! The edges of the flow, backwards: what is live follows along them, and only where something changed.

use super::{Shape, registers};

/// By slot, the slots from which execution comes to it within its function.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// Where a slot's begin in `from`; one more than there are slots.
    starts: Vec<u32>,
    from: Vec<u32>,
}

impl Shape {
    /// The slots from which execution comes to one within its function.
    pub(crate) fn before(&self, at: usize) -> &[u32] {
        let (start, end) = (self.edges.starts[at], self.edges.starts[at + 1]);
        &self.edges.from[start as usize..end as usize]
    }

    pub(super) fn find_edges(&mut self) {
        let count = self.insns.len();
        let mut starts = vec![0_u32; count + 1];
        let mut edges = Vec::new();
        for at in (0..count).filter(|&at| self.insns[at].is_some()) {
            let (next, ways) = self.next(at);
            for &to in &next[..ways] {
                edges.push((at as u32, to));
                starts[to + 1] += 1;
            }
        }
        for slot in 0..count {
            starts[slot + 1] += starts[slot];
        }
        let mut free = starts.clone();
        let mut from = vec![0; edges.len()];
        for (at, to) in edges {
            from[free[to] as usize] = at;
            free[to] += 1;
        }
        self.edges = Edges { starts, from };
    }

    /// Live registers by the usual backward iteration.
    pub(super) fn find_live_registers(&mut self) {
        let mut waits: Vec<bool> = self.insns.iter().map(Option::is_some).collect();
        let mut waiting: Vec<usize> = (0..waits.len()).filter(|&at| waits[at]).collect();
        while let Some(at) = waiting.pop() {
            waits[at] = false;
            let insn = self.insn(at);
            let (next, ways) = self.next(at);
            let after = (next[..ways].iter()).fold(0, |live, &to| live | self.marks[to].live);
            let (mut reads, writes) = registers(&insn);
            if let Some(call) = self.kfuncs.get(&at) {
                reads &= (1 << (call.params + 1)) - 1;
            }
            let live = after & !writes | reads;
            if live == self.marks[at].live {
                continue;
            }
            self.marks[at].live = live;
            for &from in self.before(at) {
                let from = from as usize;
                if !std::mem::replace(&mut waits[from], true) {
                    waiting.push(from);
                }
            }
        }
    }
}
