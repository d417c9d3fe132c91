//! Which slots of the stack may still be read, so that states are not told apart by those that will
//! not.
//!
//! Where an instruction reads and writes the stack is known only while it is explored, so the facts
//! are gathered then: for every chain of calls and instruction, the slots of each frame that it may
//! read and those that it writes on every visit. What is live follows backwards from them. The
//! answer for a state is right once every path from it has been explored.

use std::collections::BTreeSet;

use osmia_program::Errno;

use crate::chains::ChainId;
use crate::events::Touched;
use crate::limits;
use crate::reject::{Check, reject};
use crate::state::State;
use crate::transfer::Transfer;

/// The slots of one frame that one instruction touches.
#[derive(Copy, Clone, Debug, Default)]
struct Touch {
    /// It may read these.
    read: u64,
    /// It writes these whenever it runs.
    write: u64,
    /// It has been visited.
    visited: bool,
    /// Live before it.
    live: u64,
}

/// The facts about a function as called by one chain of calls.
#[derive(Debug, Default)]
struct Instance {
    /// By frame, then by instruction of the function; made when first needed.
    frames: Vec<Vec<Touch>>,
    /// Where facts have changed since liveness was worked out: frame and instruction of the function.
    changed: Vec<(usize, usize)>,
}

/// The facts.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// By chain.
    instances: Vec<Instance>,
    /// Those where facts have changed.
    stale: BTreeSet<ChainId>,
    /// How many instructions' facts there is room for.
    touches: usize,
}

impl Liveness {
    /// Notes what an instruction touched; `stores` if it is one that may write.
    pub(crate) fn commit(
        &mut self,
        program: &Transfer<'_>,
        id: ChainId,
        at: usize,
        now: &[Touched],
        stores: bool,
    ) -> Check {
        if now.is_empty() && !stores {
            return Ok(());
        }
        let start = self.make_room(program, id);
        let chain = program.chains.chain(id);
        let function = &program.shape.functions[chain.function];
        let index = at - start;
        let Instance { frames, changed } = &mut self.instances[id];
        for (frame, touches) in frames.iter_mut().enumerate() {
            let (read, write) = (now.iter())
                .find(|touched| touched.frame == frame)
                .map_or((0, 0), |touched| (touched.reads, touched.writes));
            if touches.is_empty() {
                if read | write == 0 {
                    continue;
                }
                touches.resize(function.end - start, Touch::default());
                self.touches += touches.len();
            }
            let touch = &mut touches[index];
            let wrote = if touch.visited {
                touch.write & write
            } else {
                write
            };
            if read & !touch.read != 0 || wrote != touch.write {
                changed.push((frame, index));
                self.stale.insert(id);
            }
            touch.read |= read;
            touch.write = wrote;
            touch.visited = true;
        }
        if self.touches > limits::STACK_FACTS_MAX {
            return reject(
                Some(at),
                format!(
                    "too many states of the stack: {} chains of calls in long functions",
                    self.instances.len()
                ),
                Errno::E2BIG,
            );
        }
        Ok(())
    }

    /// Makes room for a chain's frames; gives where its function starts.
    fn make_room(&mut self, program: &Transfer<'_>, id: ChainId) -> usize {
        let known = program.chains.len().max(self.instances.len());
        self.instances.resize_with(known, Instance::default);
        let chain = program.chains.chain(id);
        let frames = &mut self.instances[id].frames;
        frames.resize_with(chain.calls.len() + 1, Vec::new);
        program.shape.functions[chain.function].start
    }

    /// Brings what is live up to date.
    pub(crate) fn update(&mut self, program: &Transfer<'_>) {
        // Callees first: what they read of a caller's stack, the call reads. They were met later.
        while let Some(id) = self.stale.pop_last() {
            self.flow(program, id);
            self.tell_outer(program, id);
        }
    }

    fn flow(&mut self, program: &Transfer<'_>, id: ChainId) {
        let shape = &program.shape;
        let start = shape.functions[program.chains.chain(id).function].start;
        let Instance { frames, changed } = &mut self.instances[id];
        while let Some((frame, index)) = changed.pop() {
            let touches = &mut frames[frame];
            let (next, count) = shape.next(start + index);
            let after = (next[..count].iter()).fold(0, |live, &to| live | touches[to - start].live);
            let touch = &mut touches[index];
            let live = touch.read | after & !touch.write;
            if live != touch.live {
                touch.live = live;
                let before = shape.before(start + index).iter();
                changed.extend(before.map(|&from| (frame, from as usize - start)));
            }
        }
    }

    /// What a function may read of its callers' stacks, its call may read.
    fn tell_outer(&mut self, program: &Transfer<'_>, id: ChainId) {
        let chain = program.chains.chain(id);
        let (Some(outer_id), Some(&call)) = (chain.outer, chain.calls.last()) else {
            return;
        };
        let start = self.make_room(program, outer_id);
        let function = &program.shape.functions[program.chains.chain(outer_id).function];
        for frame in 0..chain.calls.len() {
            let touches = self.instances[id].frames.get(frame);
            let live = touches
                .and_then(|touches| touches.first())
                .map_or(0, |first| first.live);
            if live == 0 {
                continue;
            }
            let outer = &mut self.instances[outer_id];
            let touches = &mut outer.frames[frame];
            if touches.is_empty() {
                touches.resize(function.end - start, Touch::default());
                self.touches += touches.len();
            }
            let touch = &mut touches[call - start];
            if touch.read | live != touch.read {
                touch.read |= live;
                outer.changed.push((frame, call - start));
                self.stale.insert(outer_id);
            }
        }
    }

    /// The slots of a frame that may be read from a state on, which stands at `at`.
    pub(crate) fn live(
        &self,
        program: &Transfer<'_>,
        state: &State,
        at: usize,
        frame: usize,
    ) -> u64 {
        let before = |id: ChainId, at: usize| {
            let start = program.shape.functions[program.chains.chain(id).function].start;
            (self.instances.get(id))
                .and_then(|instance| instance.frames.get(frame))
                .and_then(|touches| touches.get(at - start))
                .map_or(0, |touch| touch.live)
        };
        let mut live = before(state.frame().chain, at);
        for number in frame..state.top() {
            let call = state.frames[number + 1].callsite.unwrap_or_default();
            // A helper that calls back may do so again.
            let from = if program.shape.marks[call].calls_back {
                call
            } else {
                call + 1
            };
            live |= before(state.frames[number].chain, from);
        }
        live
    }
}
