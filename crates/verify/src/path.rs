//! How an exploration came to a state, and the states it kept on the way.

use crate::state::{Linked, State};

/// Which kept state, by position in the exploration's list.
pub(crate) type StateId = usize;

/// A step of a path: an instruction that was jumped to, or one whose access to the stack matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The instruction.
    pub(crate) at: usize,
    /// The one before it on the path.
    pub(crate) before: usize,
    /// The frame and slot of the stack it accesses.
    pub(crate) stack: Option<(u8, u8)>,
    /// Registers that a comparison refined together: frame and register, or frame and slot.
    pub(crate) linked: Vec<Linked>,
}

/// The stretch of a path since the latest kept state.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Its first instruction.
    pub(crate) first: usize,
    /// The last instruction before the one it stands at.
    pub(crate) last: usize,
    /// The kept state it goes on from.
    pub(crate) parent: Option<StateId>,
    /// Its steps.
    pub(crate) history: Vec<Step>,
}

impl Path {
    /// At the first instruction of a function.
    pub(crate) fn new(start: usize) -> Path {
        Path {
            first: start,
            last: start,
            parent: None,
            history: Vec::new(),
        }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Path>() + self.history_bytes()
    }

    /// Bytes its steps take.
    pub(crate) fn history_bytes(&self) -> usize {
        let linked = self.history.iter().map(|step| step.linked.len());
        self.history.len() * size_of::<Step>() + linked.sum::<usize>() * size_of::<Linked>()
    }
}

/// A kept state.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) state: State,
    /// The instruction it stands at.
    pub(crate) at: usize,
    /// How the exploration came to it.
    pub(crate) path: Path,
    /// The latest kept state on the way to it with fewer frames.
    pub(crate) outer: Option<StateId>,
    /// Paths from here that are not explored to their end.
    pub(crate) branches: u32,
    /// What nobody will read has been forgotten.
    pub(crate) cleaned: bool,
    /// A path ended in it.
    pub(crate) used: bool,
    /// It is compared with no more.
    pub(crate) unlisted: bool,
}
