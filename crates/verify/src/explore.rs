//! Exploration: every path through a program, one instruction at a time.
//!
//! Depth first, the branch that falls through before the one that jumps, in Linux's order, since how
//! many instructions are visited decides verdicts. States are kept at the marks of the program's
//! shape; a path ends where a kept state already covers it. What instructions do to a state is in
//! [`Transfer`]; this file holds the walk and what is kept of it.

use std::collections::HashMap;

use osmia_isa::{Insn, Reg as RegName};
use osmia_program::Errno;

use rustc_hash::FxHashMap;

use crate::branch::widen;
use crate::certificate::{Certificate, Claim, Claimed, LookedAt, generalise, precise_registers};
use crate::events::{NumberPlace, Turn};
use crate::explain::Watch;
use crate::limits;
use crate::liveness::Liveness;
use crate::loops::{BACKEDGE_ROUNDS_MAX, BACKEDGES_MAX, BackEdge, Loops};
use crate::path::{Kept, Path, StateId, Step};
use crate::precision::{self, Wanted};
use crate::prune::{self, Alike};
use crate::reg::Reg;
use crate::reject::{Check, invalid, reject};
use crate::stack::Slot;
use crate::state::{Frame, Linked, State};
use crate::transfer::{Next, Transfer};

/// A kept state and how useful it has been.
#[derive(Debug)]
struct Listed {
    state: StateId,
    hits: u32,
    misses: u32,
}

/// A branch that waits to be explored.
#[derive(Debug)]
struct Waiting {
    state: State,
    path: Path,
    at: usize,
    before: usize,
}

/// What exploration counted.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Instructions visited, again and again.
    pub insns: usize,
    /// States kept.
    pub states: usize,
    /// Most states kept for one instruction.
    pub states_at_one: usize,
}

/// The exploration of one program.
pub(crate) struct Explorer<'a> {
    /// The program, and the state the current path is in.
    pub(crate) transfer: Transfer<'a>,
    /// How the current path came there.
    pub(crate) path: Path,
    /// The instruction before the current one on this path.
    before: usize,
    liveness: Liveness,
    loops: Loops,
    pub(crate) states: Vec<Kept>,
    listed: HashMap<usize, Vec<Listed>>,
    waiting: Vec<Waiting>,
    /// What was found of the functions explored so far.
    claims: Vec<Claim>,
    pub(crate) stats: Stats,
    /// What the function that is explored began with.
    pub(crate) arguments: Vec<(RegName, Reg)>,
    /// True while there is a path.
    pub(crate) exploring: bool,
    /// Somebody who watches.
    pub(crate) watch: Option<Watch>,
    jumps: usize,
    jumps_at_last_state: usize,
    insns_at_last_state: usize,
    /// True once a step of history was noted for this instruction.
    noted: bool,
}

impl<'a> Explorer<'a> {
    pub(crate) fn new(transfer: Transfer<'a>) -> Self {
        Self {
            transfer,
            path: Path::new(0),
            before: 0,
            liveness: Liveness::default(),
            loops: Loops::default(),
            states: Vec::new(),
            listed: HashMap::new(),
            waiting: Vec::new(),
            claims: Vec::new(),
            stats: Stats::default(),
            arguments: Vec::new(),
            exploring: false,
            watch: None,
            jumps: 0,
            jumps_at_last_state: 0,
            insns_at_last_state: 0,
            noted: false,
        }
    }

    /// Explores a function from its start with these arguments.
    pub(crate) fn explore(&mut self, function: usize, arguments: &[(RegName, Reg)]) -> Check {
        self.transfer.enter(function, arguments);
        self.arguments = arguments.to_vec();
        self.exploring = true;
        let start = self.transfer.at;
        self.path = Path::new(start);
        self.before = start;
        // What was kept for another function began with other arguments.
        self.listed.clear();
        self.states.clear();
        self.loops.clear();
        (self.jumps, self.jumps_at_last_state) = (0, 0);
        (self.insns_at_last_state, self.waiting) = (self.stats.insns, Vec::new());
        loop {
            if self.step()? {
                continue;
            }
            self.finish_path();
            let Some(next) = self.waiting.pop() else {
                let claim = self.claim(function);
                self.claims.push(claim);
                self.exploring = false;
                return Ok(());
            };
            (self.transfer.state, self.transfer.at) = (next.state, next.at);
            (self.path, self.before) = (next.path, next.before);
            if let Some(watch) = &mut self.watch {
                watch.branches(&self.transfer, self.before);
            }
        }
    }

    /// What the exploration of a function found: the states in which paths ended, of each as much as
    /// mattered.
    fn claim(&mut self, function: usize) -> Claim {
        let mut states: FxHashMap<usize, Vec<State>> = FxHashMap::default();
        let mut looked_at = LookedAt::default();
        for kept in &self.states {
            if self.transfer.shape.marks[kept.at].calls_back {
                *looked_at.entry(kept.at).or_default() |= precise_registers(kept.state.frame());
            }
        }
        for id in 0..self.states.len() {
            if !self.states[id].used || self.states[id].state.speculative {
                continue;
            }
            self.clean(id);
            let kept = &mut self.states[id];
            let mut state = std::mem::replace(&mut kept.state, State::empty());
            generalise(&mut state, &looked_at);
            states.entry(kept.at).or_default().push(state);
        }
        let options = self.transfer.options;
        let states = (states.into_iter())
            .map(|(at, states)| (at, Claimed::new(states, options)))
            .collect();
        Claim { function, states }
    }

    /// What was found.
    pub(crate) fn into_certificate(self) -> Certificate {
        self.transfer.certify(self.claims)
    }

    /// Looks at one instruction; false if the path ends.
    fn step(&mut self) -> Check<bool> {
        let at = self.transfer.at;
        self.stats.insns += 1;
        if self.stats.insns > self.transfer.options.insns_visited_max {
            return reject(
                Some(at),
                format!(
                    "BPF program is too large. Processed {} insn",
                    self.stats.insns
                ),
                Errno::E2BIG,
            );
        }
        self.noted = false;
        self.path.last = self.before;
        if let Some(watch) = &mut self.watch {
            watch.arrives(&self.transfer);
        }
        let mark = self.transfer.shape.marks[at];
        if mark.prune && self.is_covered()? {
            if let Some(watch) = &mut self.watch {
                watch.covered(at, self.before);
            }
            return Ok(false);
        }
        if let Some(watch) = &mut self.watch {
            watch.looks(&self.transfer);
        }
        if mark.jump {
            self.note(None, Vec::new());
        }
        let insn = self.transfer.shape.insn(at);
        let chain = self.transfer.state.frame().chain;
        let next = self.transfer.step()?;
        if let Some(watch) = &mut self.watch {
            watch.passed(&self.transfer, at);
        }
        self.hear()?;
        let stores = matches!(insn, Insn::Store { .. } | Insn::StoreRelease { .. });
        let touched = &self.transfer.events.touched;
        self.liveness
            .commit(&self.transfer, chain, at, touched, stores);
        self.before = at;
        match next {
            Next::Through => self.transfer.at = at + insn.slots(),
            Next::To(target) => self.transfer.at = target,
            Next::End => return Ok(false),
        }
        Ok(true)
    }

    /// Takes in what the instruction told beside the state it left.
    fn hear(&mut self) -> Check {
        self.jumps += usize::from(self.transfer.events.jumps);
        if let Some(note) = self.transfer.events.note.take() {
            self.note(note.stack, note.linked);
        }
        for index in 0..self.transfer.events.wanted.len() {
            let number = self.transfer.events.wanted[index];
            let mut wanted = Wanted::from_frame(number.running);
            match number.place {
                NumberPlace::Reg(reg) => wanted.want_reg(number.frame, reg),
                NumberPlace::Slot(slot) => wanted.want_slot(number.frame, slot),
            }
            self.follow(wanted);
        }
        self.widen_turn();
        for index in 0..self.transfer.asides.len() {
            self.put_aside(index)?;
        }
        self.transfer.asides.clear();
        Ok(())
    }

    /// Makes the state after a turn of a loop more general, if this instruction ends one.
    pub(crate) fn widen_turn(&mut self) {
        let at = self.transfer.at;
        match self.transfer.events.turn {
            Some(Turn::Onward(place)) => {
                let frames = self.transfer.state.frames.len();
                if let Some(earlier) = self.earlier_state(self.path.parent, place, frames) {
                    widen(&self.states[earlier].state, &mut self.transfer.state);
                }
            }
            Some(Turn::Aside) => {
                let frames = self.transfer.state.frames.len();
                // The one that was kept for this very visit says nothing about turns.
                let now = self.path.parent.filter(|&id| self.states[id].at == at);
                let from = now.map_or(self.path.parent, |id| self.states[id].path.parent);
                let earlier = self.earlier_state(from, at, frames);
                if let (Some(earlier), Some(aside)) = (earlier, self.transfer.asides.last_mut()) {
                    widen(&self.states[earlier].state, &mut aside.state);
                }
            }
            None => {}
        }
    }

    /// Adds a step to the path's history, or to the step of this instruction.
    fn note(&mut self, stack: Option<(u8, u8)>, linked: Vec<Linked>) {
        if self.noted {
            let step = self.path.history.last_mut().expect("it was noted");
            step.stack = step.stack.or(stack);
            if step.linked.is_empty() {
                step.linked = linked;
            }
            return;
        }
        self.noted = true;
        self.path.history.push(Step {
            at: self.transfer.at,
            before: self.before,
            stack,
            linked,
        });
    }

    /// A branch that this instruction put aside waits for its turn.
    fn put_aside(&mut self, index: usize) -> Check {
        let at = self.transfer.at;
        if self.waiting.len() >= limits::BRANCHES_WAITING_MAX {
            return reject(
                Some(at),
                format!(
                    "The sequence of {} jumps is too complex.",
                    self.waiting.len()
                ),
                Errno::E2BIG,
            );
        }
        let aside = &mut self.transfer.asides[index];
        let nothing = State::empty();
        let state = std::mem::replace(&mut aside.state, nothing);
        let (path, before) = if aside.anew {
            (Path::new(aside.at), aside.at)
        } else {
            if let Some(parent) = self.path.parent {
                self.states[parent].branches += 1;
            }
            (self.path.clone(), at)
        };
        self.waiting.push(Waiting {
            state,
            path,
            at: aside.at,
            before,
        });
        Ok(())
    }

    /// The kept state of an instruction on this path, the latest, with so many frames; `id` is the
    /// latest of all.
    fn earlier_state(&self, mut id: Option<StateId>, at: usize, frames: usize) -> Option<StateId> {
        while let Some(parent) = id {
            let kept = &self.states[parent];
            let depth = kept.state.frames.len();
            if kept.at == at && depth == frames {
                return Some(parent);
            }
            // What a function did that has returned may be many states.
            id = if depth > frames {
                kept.outer
            } else {
                kept.path.parent
            };
        }
        None
    }

    /// The latest kept state on this path with fewer frames than it has now.
    fn outer_state(&self) -> Option<StateId> {
        let frames = self.transfer.state.frames.len();
        let mut id = self.path.parent;
        while let Some(parent) = id {
            let kept = &self.states[parent];
            if kept.state.frames.len() < frames {
                return Some(parent);
            }
            id = kept.outer;
        }
        None
    }

    /// One path less from each state it came from.
    fn finish_path(&mut self) {
        let mut parent = self.path.parent;
        while let Some(id) = parent {
            let kept = &mut self.states[id];
            kept.branches -= 1;
            if kept.branches > 0 {
                break;
            }
            parent = kept.path.parent;
            let kept = &self.states[id];
            if let Some(around) = Loops::around(&self.transfer.shape, &kept.state, kept.at) {
                let back_edges = self.loops.leave(around, id);
                self.settle(&back_edges);
            }
        }
    }

    /// Follows what the states at the start of a loop need back along its back edges, until nothing
    /// changes.
    fn settle(&mut self, back_edges: &[BackEdge]) {
        if back_edges.len() <= BACKEDGES_MAX {
            for _ in 0..BACKEDGE_ROUNDS_MAX {
                let mut changed = false;
                for edge in back_edges {
                    let wanted = self.precise_in(edge.covered_by, edge.frame);
                    let shape = &self.transfer.shape;
                    changed |=
                        precision::follow(shape, &mut self.states, &edge.path, edge.at, wanted);
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

    /// True while it is not known yet what matters in a kept state.
    fn is_open(&self, kept: &Kept) -> bool {
        Loops::around(&self.transfer.shape, &kept.state, kept.at)
            .is_some_and(|around| self.loops.is_open(around))
    }

    /// Forgets of a state that was explored to its end what nobody will read.
    fn clean(&mut self, id: StateId) {
        let kept = &self.states[id];
        if kept.cleaned || kept.branches > 0 || self.is_open(kept) {
            return;
        }
        self.liveness.update(&self.transfer);
        let state = &kept.state;
        let live: Vec<(u16, u64)> = (0..state.frames.len())
            .map(|number| {
                let regs = self.live_registers(state, number, kept.at);
                let slots = self.liveness.live(&self.transfer, state, kept.at, number);
                (regs, slots)
            })
            .collect();
        let kept = &mut self.states[id];
        kept.cleaned = true;
        for (frame, (regs, slots)) in kept.state.frames.iter_mut().zip(live) {
            for (number, reg) in frame.regs.iter_mut().enumerate().take(10) {
                if regs & 1 << number == 0 {
                    *reg = Reg::UNSET;
                }
            }
            for (number, slot) in frame.stack.slots_mut().iter_mut().enumerate() {
                if slots & 1 << number == 0 {
                    *slot = Slot::EMPTY;
                }
            }
        }
    }

    /// Registers of a frame that may still be read, the state being at `at`.
    fn live_registers(&self, state: &State, number: usize, at: usize) -> u16 {
        if number == state.top() {
            return self.transfer.shape.marks[at].live;
        }
        let call = state.frames[number + 1].callsite.unwrap_or_default();
        self.transfer.shape.marks[call].live
    }

    /// True if a kept state covers this one; else keeps this one, if it is time to.
    fn is_covered(&mut self) -> Check<bool> {
        let at = self.transfer.at;
        let mark = self.transfer.shape.marks[at];
        let forced = mark.checkpoint || self.path.history.len() > 40;
        let mut keep = forced
            || (self.jumps - self.jumps_at_last_state >= 2
                && self.stats.insns - self.insns_at_last_state >= 8)
            || self.transfer.options.keep_every_state;
        let insn = self.transfer.shape.insn(at);
        let mut position = 0;
        let mut list = self.listed.remove(&at).unwrap_or_default();
        let mut hit = None;
        while position < list.len() {
            let id = list[position].state;
            self.clean(id);
            let unfinished = self.states[id].branches > 0;
            let (old, new) = (&self.states[id].state, &self.transfer.state);
            let live = |number: usize, _: &Frame| self.live_registers(new, number, at);
            if unfinished {
                // An ancestor: this path came by here before.
                let alike = match insn {
                    Insn::MayGoto { .. } if old.may_goto_depth != new.may_goto_depth => {
                        Some(Alike::InRange)
                    }
                    Insn::Call(_) if mark.calls_back || mark.steps => Some(Alike::InRange),
                    _ => None,
                };
                let same = |alike| prune::covers(old, new, alike, live);
                // An iterator that has no more items leaves the loop.
                let goes_on = !mark.steps || prune::steps_on(new);
                if goes_on && alike.is_some_and(same) {
                    hit = Some((position, true));
                    break;
                }
                let unlike_depth = old.may_goto_depth != new.may_goto_depth
                    || old.callback_unroll_depth != new.callback_unroll_depth
                    || prune::iterators_differ(old, new);
                if alike.is_none() && !unlike_depth && same(Alike::Exactly) {
                    self.listed.insert(at, list);
                    return invalid(at, format!("infinite loop detected at insn {at}"));
                }
                // In a loop, states that differ from turn to turn are not worth keeping often.
                if !forced
                    && !self.transfer.options.keep_every_state
                    && self.jumps - self.jumps_at_last_state < 20
                    && self.stats.insns - self.insns_at_last_state < 100
                {
                    keep = false;
                }
            } else {
                let open = self.is_open(&self.states[id]);
                let deep = (self.transfer.speculation.as_ref()).is_some_and(|found| found.deep);
                let alike = match (open, deep) {
                    (true, _) => Alike::InRange,
                    (false, true) => Alike::Deeply,
                    (false, false) => Alike::WhereItMatters,
                };
                if prune::covers(old, new, alike, live) {
                    hit = Some((position, open));
                    break;
                }
            }
            // Not this one.
            if keep {
                list[position].misses += 1;
            }
            let patience = if mark.checkpoint && unfinished { 64 } else { 3 };
            let kept = &list[position];
            if kept.misses > kept.hits * patience + patience {
                list.remove(position);
                continue;
            }
            position += 1;
        }
        if let Some((position, open)) = hit {
            list[position].hits += 1;
            let id = list[position].state;
            self.states[id].used = true;
            self.listed.insert(at, list);
            self.take_over_precision(id, mark.jump);
            let old = &self.states[id];
            let around = Loops::around(&self.transfer.shape, &old.state, old.at);
            if let Some(around) = around.filter(|_| open) {
                let back_edge = BackEdge {
                    path: self.path.clone(),
                    at,
                    frame: self.transfer.state.top(),
                    covered_by: id,
                };
                self.loops.close(around, back_edge);
            }
            return Ok(true);
        }
        if keep {
            let id = self.keep_state();
            list.insert(
                0,
                Listed {
                    state: id,
                    hits: 0,
                    misses: 0,
                },
            );
            self.stats.states_at_one = self.stats.states_at_one.max(list.len());
        }
        self.listed.insert(at, list);
        Ok(false)
    }

    /// Keeps the state and goes on from it.
    fn keep_state(&mut self) -> StateId {
        prune::drop_single_ids(&mut self.transfer.state);
        self.transfer.look_at_everything();
        let at = self.transfer.at;
        let id = self.states.len();
        let outer = self.outer_state();
        let onward = Path {
            first: at,
            last: self.path.last,
            parent: Some(id),
            history: Vec::new(),
        };
        self.states.push(Kept {
            state: self.transfer.state.clone(),
            at,
            path: std::mem::replace(&mut self.path, onward),
            outer,
            branches: 1,
            cleaned: false,
            used: false,
        });
        let kept = &self.states[id];
        if let Some(around) = Loops::around(&self.transfer.shape, &kept.state, at) {
            self.loops.enter(around, id);
        }
        self.stats.states += 1;
        self.noted = false;
        self.jumps_at_last_state = self.jumps;
        self.insns_at_last_state = self.stats.insns;
        id
    }

    /// What mattered from the kept state on matters for the path that led here, too.
    fn take_over_precision(&mut self, id: StateId, jump: bool) {
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
    fn follow(&mut self, wanted: Wanted) {
        let shape = &self.transfer.shape;
        precision::follow(
            shape,
            &mut self.states,
            &self.path,
            self.transfer.at,
            wanted,
        );
    }
}
