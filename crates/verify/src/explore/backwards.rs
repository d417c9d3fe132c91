//! Following numbers that matter back along paths.

use super::Explorer;
use crate::loops::{BACKEDGE_ROUNDS_MAX, BACKEDGES_MAX, BackEdge};
use crate::path::StateId;
use crate::precision::{self, Wanted};

impl Explorer<'_> {
    /// Follows what the states at the start of a loop need back along its back edges, until nothing
    /// changes.
    pub(super) fn settle(&mut self, back_edges: &[BackEdge]) {
        if back_edges.len() <= BACKEDGES_MAX {
            for _ in 0..BACKEDGE_ROUNDS_MAX {
                let mut changed = false;
                for edge in back_edges {
                    let wanted = self.precise_in(edge.covered_by, edge.frame);
                    let shape = &self.transfer.shape;
                    changed |= precision::follow(
                        shape,
                        &mut self.states,
                        &edge.path,
                        edge.at,
                        wanted,
                        None,
                    );
                }
                if !changed {
                    return;
                }
            }
        }
        for edge in back_edges {
            precision::mark_all(&mut self.states, &edge.path);
        }
    }

    /// What mattered from the kept state on matters for the path that led here, too.
    pub(super) fn take_over_precision(&mut self, id: StateId, jump: bool) {
        if jump {
            self.note(None, Vec::new());
        }
        let wanted = self.precise_in(id, self.transfer.state.top());
        self.follow(wanted);
    }

    /// The numbers that matter in a kept state, to be followed from a frame on.
    fn precise_in(&self, id: StateId, frame: usize) -> Wanted {
        let old = &self.states[id].state;
        let mut wanted = Wanted::from_frame(frame);
        for (number, frame) in old.frames.iter().enumerate() {
            for (reg, value) in frame.regs.iter().enumerate() {
                if value.is_number() && value.precise {
                    wanted.want_reg(number, reg);
                }
            }
            for (index, slot) in frame.stack.slots().iter().enumerate() {
                if slot.holds_number() && slot.spilled.precise {
                    wanted.want_slot(number, index);
                }
            }
        }
        wanted
    }

    /// Marks where wanted numbers came from.
    pub(super) fn follow(&mut self, wanted: Wanted) {
        let shape = &self.transfer.shape;
        let mut told = (self.watch.as_ref())
            .filter(|watch| watch.writes())
            .map(|_| Vec::new());
        precision::follow(
            shape,
            &mut self.states,
            &self.path,
            self.transfer.at,
            wanted,
            told.as_mut(),
        );
        if let (Some(watch), Some(told)) = (&mut self.watch, told) {
            watch.followed(&self.transfer, &told);
        }
    }
}
