//! Loops that are being explored: which kept states are not yet to be trusted about what matters.
//!
//! A path that comes back to a state of its own loop ends there before it is known which numbers and
//! stack slots that state needs: they are found by paths explored later. Until the state in which
//! the loop was entered has been explored to its end, the paths that ended so (the back edges) are
//! remembered; then what their covering states need is followed back along each, until nothing
//! changes.

use rustc_hash::FxHashMap;

use crate::chains::ChainId;
use crate::path::{Path, StateId};
use crate::shape::Shape;
use crate::state::State;

/// Most back edges of a loop followed one by one; with more, every number counts.
pub(crate) const BACKEDGES_MAX: usize = 64;
/// Most rounds over the back edges of a loop; after that, every number counts.
pub(crate) const BACKEDGE_ROUNDS_MAX: usize = 64;

/// A loop as run by one chain of calls.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Loop {
    chain: ChainId,
    number: u32,
}

/// A path that ended in a state of the loop it is in.
#[derive(Debug)]
pub(crate) struct BackEdge {
    pub(crate) path: Path,
    /// Where it ended.
    pub(crate) at: usize,
    /// The frame that was running.
    pub(crate) frame: usize,
    /// The state that covers its end.
    pub(crate) covered_by: StateId,
}

#[derive(Debug, Default)]
struct Visit {
    /// The state in which the loop was entered.
    entry: Option<StateId>,
    back_edges: Vec<BackEdge>,
    /// What is called back wrote to the stack of those that called it.
    writes_outside: bool,
}

/// All loops entered.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    visits: FxHashMap<Loop, Visit>,
}

impl Loops {
    /// The outermost loop a state that stands at `at` is in.
    pub(crate) fn around(shape: &Shape, state: &State, at: usize) -> Option<Loop> {
        let mut places = (state.frames.iter().skip(1))
            .filter_map(|frame| frame.callsite)
            .chain([at])
            .zip(&state.frames);
        places.find_map(|(place, frame)| {
            let number = shape.marks[place].in_loop;
            (number != 0).then_some(Loop {
                chain: frame.chain,
                number,
            })
        })
    }

    /// The first frame whose numbers do not go from turn to turn: those of a callback that ends with
    /// each turn, is in no other loop and writes to no stack but its own.
    pub(crate) fn fresh_from(&self, shape: &Shape, state: &State, at: usize) -> usize {
        let none = state.frames.len();
        let called = (state.frames.iter().skip(1)).filter_map(|frame| frame.callsite);
        let mut places = called.chain([at]).enumerate();
        let Some((frame, place)) = places.find(|&(_, place)| shape.marks[place].in_loop != 0)
        else {
            return none;
        };
        let writes = || {
            let around = Self::around(shape, state, at);
            let visit = around.and_then(|around| self.visits.get(&around));
            visit.is_none_or(|visit| visit.writes_outside)
        };
        let other_loop = places.any(|(_, place)| shape.marks[place].in_loop != 0);
        if !shape.marks[place].only_calls_back || other_loop || writes() {
            return none;
        }
        frame + 1
    }

    /// The stack of an outer frame is written to, inside of the loop.
    pub(crate) fn write_outside(&mut self, around: Loop) {
        self.visits.entry(around).or_default().writes_outside = true;
    }

    /// A kept state is in the loop.
    pub(crate) fn enter(&mut self, around: Loop, state: StateId) {
        self.visits
            .entry(around)
            .or_default()
            .entry
            .get_or_insert(state);
    }

    /// A path ended in a state of the loop.
    pub(crate) fn close(&mut self, around: Loop, back_edge: BackEdge) {
        let visit = self.visits.entry(around).or_default();
        visit.back_edges.push(back_edge);
    }

    /// True while what matters in the loop's states may not all be known.
    pub(crate) fn is_open(&self, around: Loop) -> bool {
        (self.visits.get(&around)).is_some_and(|visit| !visit.back_edges.is_empty())
    }

    /// A state has been explored to its end: if the loop was entered in it, the loop's back edges.
    pub(crate) fn leave(&mut self, around: Loop, state: StateId) -> Vec<BackEdge> {
        match self.visits.get_mut(&around) {
            Some(visit) if visit.entry == Some(state) => std::mem::take(visit).back_edges,
            _ => Vec::new(),
        }
    }

    /// States are given up before they are explored to their ends: forgets the back edges that lead through
    /// them, and the loop, if it was entered in one.
    pub(crate) fn give_up(&mut self, around: Loop, leads_through: impl Fn(StateId) -> bool) {
        let Some(visit) = self.visits.get_mut(&around) else {
            return;
        };
        if visit.entry.is_some_and(&leads_through) {
            self.visits.remove(&around);
            return;
        }
        (visit.back_edges).retain(|edge| {
            !leads_through(edge.covered_by) && !edge.path.parent.is_some_and(&leads_through)
        });
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.visits.clear();
    }
}
