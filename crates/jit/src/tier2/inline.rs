//! Which functions become part of their callers.

use super::signature::Function;
use crate::limits::{COPIED_TOTAL_MAX, INLINED_LINES_MAX, INLINED_TOTAL_MAX};
use crate::lower::{Lowered, Op};

/// What one function may still take in.
#[derive(Debug)]
pub(super) struct Room {
    lines: usize,
    /// Lines of loops.
    copied: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            lines: INLINED_TOTAL_MAX,
            copied: COPIED_TOTAL_MAX,
        }
    }

    /// True if a loop's turns are copied; its lines then count.
    pub(super) fn copy(&mut self, lines: usize) -> bool {
        let fits = lines <= self.copied;
        if fits {
            self.copied -= lines;
        }
        fits
    }

    /// True if a function is taken in; its lines then count. Functions do not call themselves, not even by
    /// way of others: verification showed it.
    pub(super) fn take(&mut self, lowered: &Lowered, function: &Function) -> bool {
        let lines = function.lines.len();
        let body = &lowered.lines[function.lines.clone()];
        // A tail call leaves the function it is in.
        let leaves = body.iter().any(|line| line.op == Op::TailCall);
        let fits = !leaves && lines <= INLINED_LINES_MAX && lines <= self.lines;
        if fits {
            self.lines -= lines;
        }
        fits
    }
}
