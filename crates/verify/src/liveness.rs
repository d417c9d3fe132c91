//! Which slots of the stack may still be read, so that states are not told apart by those that will
//! not.
//!
//! Where an instruction reads and writes the stack is known only while it is explored, so the facts
//! are gathered then: for every chain of calls and instruction, the slots of each frame that it may
//! read and those that it writes on every visit. What is live follows backwards from them. The
//! answer for a state is right once every path from it has been explored.

use crate::chains::ChainId;
use crate::events::Touched;
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
    /// Facts have changed since liveness was worked out.
    stale: bool,
}

/// The facts.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// By chain.
    instances: Vec<Instance>,
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
    ) {
        if now.is_empty() && !stores {
            return;
        }
        self.instances
            .resize_with(program.chains.len(), Instance::default);
        let chain = program.chains.chain(id);
        let instance = &mut self.instances[id];
        instance.frames.resize_with(chain.calls.len() + 1, Vec::new);
        let function = &program.shape.functions[chain.function];
        let index = at - function.start;
        for (frame, touches) in instance.frames.iter_mut().enumerate() {
            let (read, write) = (now.iter())
                .find(|touched| touched.frame == frame)
                .map_or((0, 0), |touched| (touched.reads, touched.writes));
            if touches.is_empty() {
                if read | write == 0 {
                    continue;
                }
                touches.resize(function.end - function.start, Touch::default());
            }
            let touch = &mut touches[index];
            let wrote = if touch.visited {
                touch.write & write
            } else {
                write
            };
            if touch.read | read != touch.read || wrote != touch.write || !touch.visited {
                instance.stale |= read & !touch.read != 0 || wrote != touch.write;
                touch.read |= read;
                touch.write = wrote;
                touch.visited = true;
            }
        }
    }

    /// Brings what is live up to date.
    pub(crate) fn update(&mut self, program: &Transfer<'_>) {
        // Callees first: what they read of a caller's stack, the call reads. They were met later.
        loop {
            let Some(id) = (0..self.instances.len())
                .rev()
                .find(|&id| self.instances[id].stale)
            else {
                return;
            };
            self.flow(program, id);
            self.tell_outer(program, id);
        }
    }

    fn flow(&mut self, program: &Transfer<'_>, id: ChainId) {
        let shape = &program.shape;
        let instance = &mut self.instances[id];
        instance.stale = false;
        let (start, end) = {
            let function = &shape.functions[program.chains.chain(id).function];
            (function.start, function.end)
        };
        for touches in &mut instance.frames {
            if touches.is_empty() {
                continue;
            }
            let mut changed = true;
            while changed {
                changed = false;
                for at in (start..end).rev() {
                    if shape.insns[at].is_none() {
                        continue;
                    }
                    let (next, count) = shape.next(at);
                    let after =
                        (next[..count].iter()).fold(0, |live, &to| live | touches[to - start].live);
                    let touch = &mut touches[at - start];
                    let live = touch.read | after & !touch.write;
                    if live != touch.live {
                        touch.live = live;
                        changed = true;
                    }
                }
            }
        }
    }

    /// What a function may read of its callers' stacks, its call may read.
    fn tell_outer(&mut self, program: &Transfer<'_>, id: ChainId) {
        let instance = &self.instances[id];
        let chain = program.chains.chain(id);
        let (Some(outer), Some(&call)) = (chain.outer, chain.calls.last()) else {
            return;
        };
        let frames = instance.frames.len() - 1;
        let entry: Vec<u64> = (instance.frames[..frames].iter())
            .map(|touches| touches.first().map_or(0, |touch| touch.live))
            .collect();
        let outer_chain = program.chains.chain(outer);
        let outer = &mut self.instances[outer];
        outer
            .frames
            .resize_with(outer_chain.calls.len() + 1, Vec::new);
        let function = &program.shape.functions[outer_chain.function];
        for (touches, live) in outer.frames.iter_mut().zip(entry) {
            if live == 0 {
                continue;
            }
            if touches.is_empty() {
                touches.resize(function.end - function.start, Touch::default());
            }
            let touch = &mut touches[call - function.start];
            if touch.read | live != touch.read {
                touch.read |= live;
                outer.stale = true;
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
