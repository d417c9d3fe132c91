//! Which slots of the stack may still be read, so that states are not told apart by those that will
//! not.
//!
//! Where an instruction reads and writes the stack is known only while it is explored, so the facts
//! are gathered then: for every chain of calls and instruction, the slots of each frame that it may
//! read and those that it writes on every visit. What is live follows backwards from them. The
//! answer for a state is right once every path from it has been explored.

use std::collections::HashMap;

use crate::shape::Shape;
use crate::state::State;

/// A function in one chain of calls.
pub(crate) type InstanceId = usize;

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

/// A function as called by one chain of calls.
#[derive(Debug)]
struct Instance {
    /// The calls that led here.
    chain: Vec<usize>,
    /// The caller's instance.
    outer: Option<InstanceId>,
    function: usize,
    /// By frame, then by instruction of the function; made when first needed.
    frames: Vec<Vec<Touch>>,
    /// Facts have changed since liveness was worked out.
    stale: bool,
}

/// The facts.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    instances: Vec<Instance>,
    known: HashMap<(Vec<usize>, usize), InstanceId>,
    /// What the current instruction touches.
    now: Vec<(usize, u64, u64)>,
}

impl Liveness {
    /// The instance of a function that these calls lead to.
    pub(crate) fn instance(
        &mut self,
        outer: Option<InstanceId>,
        call: Option<usize>,
        function: usize,
    ) -> InstanceId {
        let mut chain = outer.map_or(Vec::new(), |outer| self.instances[outer].chain.clone());
        chain.extend(call);
        let key = (chain, function);
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        let id = self.instances.len();
        self.instances.push(Instance {
            chain: key.0.clone(),
            outer,
            function,
            frames: vec![Vec::new(); key.0.len() + 1],
            stale: false,
        });
        self.known.insert(key, id);
        id
    }

    /// The current instruction may read slots of a frame.
    pub(crate) fn reads(&mut self, frame: usize, slots: u64) {
        self.now.push((frame, slots, 0));
    }

    /// The current instruction writes slots of a frame.
    pub(crate) fn writes(&mut self, frame: usize, slots: u64) {
        self.now.push((frame, 0, slots));
    }

    /// Notes what an instruction touched; `stores` if it is one that may write.
    pub(crate) fn commit(&mut self, shape: &Shape, id: InstanceId, at: usize, stores: bool) {
        if self.now.is_empty() && !stores {
            return;
        }
        let now = std::mem::take(&mut self.now);
        let instance = &mut self.instances[id];
        let function = &shape.functions[instance.function];
        let index = at - function.start;
        for (frame, touches) in instance.frames.iter_mut().enumerate() {
            let (mut read, mut write) = (0, 0);
            for &(of, reads, writes) in &now {
                if of == frame {
                    read |= reads;
                    write |= writes;
                }
            }
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
        self.now = now;
        self.now.clear();
    }

    /// Brings what is live up to date.
    pub(crate) fn update(&mut self, shape: &Shape) {
        // Callees first: what they read of a caller's stack, the call reads. They were met later.
        loop {
            let Some(id) = (0..self.instances.len())
                .rev()
                .find(|&id| self.instances[id].stale)
            else {
                return;
            };
            self.flow(shape, id);
            self.tell_outer(shape, id);
        }
    }

    fn flow(&mut self, shape: &Shape, id: InstanceId) {
        let instance = &mut self.instances[id];
        instance.stale = false;
        let (start, end) = {
            let function = &shape.functions[instance.function];
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
    fn tell_outer(&mut self, shape: &Shape, id: InstanceId) {
        let instance = &self.instances[id];
        let (Some(outer), Some(&call)) = (instance.outer, instance.chain.last()) else {
            return;
        };
        let frames = instance.frames.len() - 1;
        let entry: Vec<u64> = (instance.frames[..frames].iter())
            .map(|touches| touches.first().map_or(0, |touch| touch.live))
            .collect();
        let outer = &mut self.instances[outer];
        let function = &shape.functions[outer.function];
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
    pub(crate) fn live(&self, shape: &Shape, state: &State, at: usize, frame: usize) -> u64 {
        let before = |id: InstanceId, at: usize| {
            let instance = &self.instances[id];
            let start = shape.functions[instance.function].start;
            (instance.frames.get(frame))
                .and_then(|touches| touches.get(at - start))
                .map_or(0, |touch| touch.live)
        };
        let mut live = before(state.frame().instance, at);
        for number in frame..state.top() {
            let call = state.frames[number + 1].callsite.unwrap_or_default();
            // A helper that calls back may do so again.
            let from = if shape.marks[call].calls_back {
                call
            } else {
                call + 1
            };
            live |= before(state.frames[number].instance, from);
        }
        live
    }
}
