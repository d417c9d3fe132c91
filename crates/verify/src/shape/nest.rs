//! Loops and how they lie in each other: for counting the turns a path has made.
//!
//! Nothing depends on it being right, only on how well states are told apart; so it is given up for programs
//! in which finding out would take long.

use super::Shape;

/// Most instructions looked at to find the loops of a program, over all loops.
const STEPS_MAX: usize = 1 << 22;
/// No loop.
const NONE: u32 = u32::MAX;

/// A loop, by position.
pub(crate) type LoopId = u32;

#[derive(Clone, Copy, Debug)]
struct NestedLoop {
    head: usize,
    /// The loop around it.
    around: LoopId,
    /// Its turns are worth counting: it ends because of what it counts, not because something ends it.
    counts: bool,
}

/// The loops of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nests {
    loops: Vec<NestedLoop>,
    /// The innermost loop of each slot.
    innermost: Vec<LoopId>,
    /// The loop that begins at each slot.
    headed: Vec<LoopId>,
}

impl Nests {
    /// The loops of a program; none if it takes too long to find them.
    pub(crate) fn of(shape: &Shape) -> Nests {
        let slots = shape.insns.len();
        let mut nests = Nests {
            loops: Vec::new(),
            innermost: vec![NONE; slots],
            headed: vec![NONE; slots],
        };
        let mut bodies = Vec::new();
        let mut steps = 0;
        for (head, backs) in back_edges(shape) {
            let body = body(shape, head, backs);
            steps += body.len();
            if steps > STEPS_MAX {
                return Nests {
                    loops: Vec::new(),
                    innermost: vec![NONE; slots],
                    headed: vec![NONE; slots],
                };
            }
            bodies.push((head, body));
        }
        // Larger ones first: what lies in several is left with the smallest.
        bodies.sort_by_key(|(head, body)| (std::cmp::Reverse(body.len()), *head));
        for (head, body) in &bodies {
            let id = nests.loops.len() as LoopId;
            nests.loops.push(NestedLoop {
                head: *head,
                around: nests.innermost[*head],
                counts: true,
            });
            nests.headed[*head] = id;
            for &at in body {
                nests.innermost[at] = id;
            }
        }
        for at in 0..slots {
            let mark = &shape.marks[at];
            // Something else ends these: turns need not be told apart.
            if mark.checkpoint && !mark.calls_back && nests.innermost[at] != NONE {
                nests.loops[nests.innermost[at] as usize].counts = false;
            }
        }
        nests
    }

    /// The loop that an edge makes another turn of.
    pub(crate) fn turned(&self, from: usize, to: usize) -> Option<LoopId> {
        let id = self.headed[to];
        (id != NONE && self.around(from).any(|around| around == id)).then_some(id)
    }

    /// The loops around an instruction, the innermost first.
    pub(crate) fn around(&self, at: usize) -> impl Iterator<Item = LoopId> + '_ {
        let known = |id: LoopId| (id != NONE).then_some(id);
        std::iter::successors(known(self.innermost[at]), move |&id| {
            known(self.loops[id as usize].around)
        })
    }

    /// True if turns of the loop are worth counting.
    pub(crate) fn counts(&self, id: LoopId) -> bool {
        self.loops[id as usize].counts
    }

    /// The loop that begins at an instruction, if its turns are counted.
    pub(crate) fn begins(&self, at: usize) -> bool {
        self.headed[at] != NONE && self.counts(self.headed[at])
    }

    /// True if the instruction is in the loop.
    pub(crate) fn is_in(&self, at: usize, id: LoopId) -> bool {
        debug_assert_eq!(self.headed[self.loops[id as usize].head], id);
        self.around(at).any(|around| around == id)
    }
}

/// Where loops begin, and from where they are gone through again: edges to what the walk is still in.
fn back_edges(shape: &Shape) -> std::collections::BTreeMap<usize, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Colour {
        New,
        Open,
        Done,
    }
    let mut found: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
    let mut colour = vec![Colour::New; shape.insns.len()];
    let mut walk: Vec<(usize, usize)> = Vec::new();
    for function in &shape.functions {
        if colour[function.start] != Colour::New {
            continue;
        }
        colour[function.start] = Colour::Open;
        walk.push((function.start, 0));
        while let Some((at, edge)) = walk.pop() {
            let (next, edges) = shape.next(at);
            let Some(&to) = next[..edges].get(edge) else {
                colour[at] = Colour::Done;
                continue;
            };
            walk.push((at, edge + 1));
            match colour[to] {
                Colour::New => {
                    colour[to] = Colour::Open;
                    walk.push((to, 0));
                }
                Colour::Open => found.entry(to).or_default().push(at),
                Colour::Done => {}
            }
        }
    }
    found
}

/// The slots from which execution comes back to the head without having gone through it.
fn body(shape: &Shape, head: usize, backs: Vec<usize>) -> Vec<usize> {
    let mut seen = rustc_hash::FxHashSet::from_iter([head]);
    let mut body = vec![head];
    let mut waiting = backs;
    while let Some(at) = waiting.pop() {
        if seen.insert(at) {
            body.push(at);
            waiting.extend(shape.before(at).iter().map(|&from| from as usize));
        }
    }
    body
}
