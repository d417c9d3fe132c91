//! Exploration: every path through a program, one instruction at a time.
//!
//! Depth first, the branch that falls through before the one that jumps, in Linux's order, since how
//! many instructions are visited decides verdicts. States are kept at the marks of the program's
//! shape; a path ends where a kept state already covers it. What instructions do to a state is in
//! [`Transfer`]; this file holds the walk, those beside it what is kept of it.

mod backwards;
mod claiming;
mod keeping;
mod merging;

use osmia_isa::{Insn, Reg as RegName};
use osmia_program::Errno;
use rustc_hash::FxHashMap;

use crate::branch::widen;
use crate::certificate::{Certificate, Claim, LookedAt};
use crate::events::{NumberPlace, Turn};
use crate::explain::Watch;
use crate::limits;
use crate::liveness::Liveness;
use crate::loops::Loops;
use crate::path::{Kept, Path, StateId, Step};
use crate::precision::Wanted;
use crate::reg::{Reg, What};
use crate::reject::{Check, reject};
use crate::state::{Linked, State};
use crate::transfer::{Next, Transfer};
use crate::turns::Turns;
use merging::Merging;

/// Where states are compared with each other: an instruction, and the call its function returns behind; where
/// states are merged, also the turns of the loops it is in.
type Place = (usize, Option<usize>, u64);

/// A kept state and how useful it has been.
#[derive(Debug)]
struct Listed {
    state: StateId,
    hits: u32,
    misses: u32,
    /// Merges that led to it, one into the next.
    merges: u32,
}

/// A branch that waits to be explored.
#[derive(Debug)]
struct Waiting {
    state: State,
    path: Path,
    at: usize,
    before: usize,
    turns: Turns,
}

/// What exploration counted.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Instructions visited, again and again.
    pub insns: usize,
    /// States kept.
    pub states: usize,
    /// Most states kept at one time.
    pub states_peak: usize,
    /// Most states kept for one instruction.
    pub states_at_one: usize,
    /// Most bytes of states and of the paths to them at one time, those that wait included.
    pub bytes_peak: usize,
}

impl Stats {
    /// Together with another exploration.
    pub(crate) fn add(&mut self, other: Stats) {
        self.insns += other.insns;
        self.states += other.states;
        self.states_peak = self.states_peak.max(other.states_peak);
        self.states_at_one = self.states_at_one.max(other.states_at_one);
        self.bytes_peak = self.bytes_peak.max(other.bytes_peak);
    }

    /// The line that the kernel's log ends with, which tools read; how far liveness was followed is not
    /// counted here.
    pub fn in_the_log(&self) -> String {
        let limit = limits::INSNS_VISITED_MAX;
        let Self {
            insns,
            states,
            states_peak,
            states_at_one,
            bytes_peak: _,
        } = self;
        format!(
            "processed {insns} insns (limit {limit}) max_states_per_insn {states_at_one} \
             total_states {states} peak_states {states_peak} mark_read 0\n"
        )
    }
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
    /// Positions of states that are kept no longer.
    vacant: Vec<StateId>,
    /// States to be given up once their loop is explored.
    lingering: Vec<StateId>,
    /// What calls that call back looked at, of this function.
    looked_at: LookedAt,
    listed: FxHashMap<Place, Vec<Listed>>,
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
    /// Bytes of states and paths held now.
    bytes: usize,
    /// What merging states needs, if they are merged.
    merging: Option<Box<Merging>>,
    /// The turns of loops the current path is in, if states are merged.
    turns: Turns,
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
            vacant: Vec::new(),
            lingering: Vec::new(),
            looked_at: LookedAt::default(),
            listed: FxHashMap::default(),
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
            bytes: 0,
            merging: None,
            turns: Turns::default(),
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
        self.vacant.clear();
        self.lingering.clear();
        self.loops.clear();
        self.waiting.clear();
        self.bytes = 0;
        self.turns = Turns::default();
        loop {
            match self.step() {
                Ok(true) => continue,
                Ok(false) => self.finish_path(),
                // Perhaps because states were merged.
                Err(why) if self.take_back(&why) => continue,
                Err(why) => return Err(why),
            }
            let Some(next) = self.waiting.pop() else {
                let claim = self.claim(function);
                self.claims.push(claim);
                self.exploring = false;
                return Ok(());
            };
            self.bytes -= next.state.bytes() + next.path.bytes();
            (self.transfer.state, self.transfer.at) = (next.state, next.at);
            (self.path, self.before) = (next.path, next.before);
            self.turns = next.turns;
            if let Some(watch) = &mut self.watch {
                watch.branches(&self.transfer, self.before);
            }
        }
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
        self.see_write_outside(&insn);
        let frames = self.transfer.state.frames.len();
        let next = self.transfer.step()?;
        self.hear()?;
        let after = match next {
            Next::Through => Some(at + insn.slots()),
            Next::To(target) => Some(target),
            Next::End => None,
        };
        if let (Some(watch), Some(after)) = (&mut self.watch, after) {
            watch.passed(&self.transfer, at, after);
        }
        let stores = matches!(insn, Insn::Store { .. } | Insn::StoreRelease { .. });
        let touched = &self.transfer.events.touched;
        self.liveness
            .commit(&self.transfer, chain, at, touched, stores)?;
        self.before = at;
        match after {
            Some(after) => {
                self.count_turns(at, after, frames);
                self.transfer.at = after;
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Tells the loop around if an instruction writes to the stack of an outer frame.
    fn see_write_outside(&mut self, insn: &Insn) {
        let base = match *insn {
            Insn::Store { base, .. }
            | Insn::StoreRelease { base, .. }
            | Insn::Atomic { base, .. } => base,
            _ => return,
        };
        let (state, at) = (&self.transfer.state, self.transfer.at);
        let outside = |frame: u8| usize::from(frame) < state.top();
        if matches!(state.reg(base).what, What::Stack { frame } if outside(frame))
            && let Some(around) = Loops::around(&self.transfer.shape, state, at)
        {
            self.loops.write_outside(around);
        }
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
        if self.waiting.len() >= self.waiting_max() {
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
        let start = aside.at;
        let (path, before, turns) = if aside.anew {
            (Path::new(start), start, Turns::default())
        } else {
            if let Some(parent) = self.path.parent {
                self.states[parent].branches += 1;
            }
            (self.path.clone(), at, self.turns_aside(&state, start))
        };
        self.hold(state.bytes() + path.bytes());
        self.waiting.push(Waiting {
            state,
            path,
            at: start,
            before,
            turns,
        });
        Ok(())
    }

    /// So many bytes more are held.
    fn hold(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.stats.bytes_peak = self.stats.bytes_peak.max(self.bytes);
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
            self.confirm(id);
            let kept = &self.states[id];
            if let Some(around) = Loops::around(&self.transfer.shape, &kept.state, kept.at) {
                let back_edges = self.loops.leave(around, id);
                if !back_edges.is_empty() {
                    self.settle(&back_edges);
                    let lingering = std::mem::take(&mut self.lingering);
                    self.lingering = (lingering.into_iter())
                        .filter(|&lingering| !self.free(lingering))
                        .collect();
                }
            }
            self.free(id);
        }
    }
}
