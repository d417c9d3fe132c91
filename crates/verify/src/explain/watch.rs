//! Watching an exploration: how often each instruction is visited, what is known at some of them, and
//! a log in the kernel's style.

use std::collections::{BTreeMap, BTreeSet};

use super::kernel_log::{KernelLog, LoggedPaths};
use super::replay::everything;
use super::trace::Place;
use super::value::Value;
use crate::domain::{Scalar, Tnum};
use crate::explore::Stats;
use crate::limits;
use crate::precision::Step;
use crate::transfer::Transfer;

/// What to watch.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Count visits.
    pub heat: bool,
    /// Write a log in the kernel's style, of these paths.
    pub kernel_log: Option<LoggedPaths>,
    /// Note what is known before these instructions.
    pub states_at: Vec<usize>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Visits by slot, if they were counted.
    pub visits: Vec<u64>,
    /// The log.
    pub kernel_log: String,
    /// Bytes of the log at its longest.
    pub kernel_log_bytes_most: usize,
    /// What is known, by instruction and place; several values where they cannot be merged.
    pub states: BTreeMap<(usize, Place), Vec<Value>>,
    /// How many states were merged, by instruction.
    pub merged: BTreeMap<usize, usize>,
}

/// Watches while a program is explored.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    states_at: BTreeSet<usize>,
    counts: bool,
    seen: Seen,
    log: Option<KernelLog>,
}

impl Watch {
    pub(crate) fn new(wish: &Wish, slots: usize) -> Watch {
        Watch {
            states_at: wish.states_at.iter().copied().collect(),
            counts: wish.heat,
            seen: Seen {
                visits: vec![0; if wish.heat { slots } else { 0 }],
                ..Seen::default()
            },
            log: wish.kernel_log.map(KernelLog::new),
        }
    }

    /// The path comes to an instruction, which may be covered.
    pub(crate) fn arrives(&mut self, transfer: &Transfer<'_>) {
        let at = transfer.at;
        if self.counts {
            self.seen.visits[at] += 1;
        }
        if self.states_at.contains(&at) {
            self.note(at, everything(transfer));
        }
    }

    /// Before an instruction is looked at.
    pub(crate) fn looks(&mut self, transfer: &Transfer<'_>) {
        if let Some(log) = &mut self.log {
            log.looks(transfer);
        }
    }

    /// The state is covered by an earlier one.
    pub(crate) fn covered(&mut self, at: usize, before: usize) {
        if let Some(log) = &mut self.log {
            log.covered(at, before);
        }
    }

    /// After an instruction; `at` is where it was, and what comes next stands at `after`.
    pub(crate) fn passed(&mut self, transfer: &Transfer<'_>, at: usize, after: usize) {
        if let Some(log) = &mut self.log {
            log.passed(transfer, at, after);
        }
    }

    /// True if a log is written that wants to know how numbers were followed.
    pub(crate) fn writes(&self) -> bool {
        (self.log.as_ref()).is_some_and(KernelLog::shows_following)
    }

    /// Numbers that decided something were followed back.
    pub(crate) fn followed(&mut self, transfer: &Transfer<'_>, steps: &[Step]) {
        if let Some(log) = &mut self.log {
            log.followed(transfer, steps);
        }
    }

    /// Another branch is taken up.
    pub(crate) fn branches(&mut self, transfer: &Transfer<'_>, before: usize) {
        if let Some(log) = &mut self.log {
            log.branches(transfer, before);
        }
    }

    /// The end, and what the verifier found.
    pub(crate) fn ends(mut self, message: Option<&str>, stats: Stats) -> Seen {
        if let Some(log) = self.log {
            let (text, bytes_most) = log.ends(message, stats);
            (self.seen.kernel_log, self.seen.kernel_log_bytes_most) = (text, bytes_most);
        }
        self.seen
    }

    fn note(&mut self, at: usize, values: Vec<(Place, Value)>) {
        let merged = self.seen.merged.entry(at).or_default();
        *merged += 1;
        let first = *merged == 1;
        let here: BTreeSet<Place> = values.iter().map(|(place, _)| *place).collect();
        // What one state does not have nobody can rely on.
        if !first {
            self.seen
                .states
                .retain(|(slot, place), _| *slot != at || here.contains(place));
        }
        for (place, value) in values {
            match self.seen.states.get_mut(&(at, place)) {
                Some(known) => merge(known, value),
                None if first => {
                    self.seen.states.insert((at, place), vec![value]);
                }
                None => {}
            }
        }
    }
}

/// Adds a value to those of other states: numbers of the same kind become one range.
fn merge(known: &mut Vec<Value>, mut value: Value) {
    (value.id, value.delta, value.reference) = (0, 0, 0);
    for old in known.iter_mut() {
        (old.id, old.delta, old.reference) = (0, 0, 0);
        let bare = |value: &Value| Value {
            num: Scalar::UNKNOWN,
            range: None,
            ..value.clone()
        };
        if bare(old) == bare(&value) {
            old.num = either(&old.num, &value.num);
            old.range = old.range.min(value.range);
            return;
        }
    }
    if known.len() < limits::SHOWN_VALUES_MAX {
        known.push(value);
    }
}

/// What holds for both.
fn either(a: &Scalar, b: &Scalar) -> Scalar {
    let mut num: Scalar = Scalar::UNKNOWN;
    let unlike = a.bits.mask | b.bits.mask | (a.bits.value ^ b.bits.value);
    num.bits = Tnum::new(a.bits.value & b.bits.value, unlike);
    num.u.keep(a.u.min.min(b.u.min), a.u.max.max(b.u.max));
    num.s.keep(a.s.min.min(b.s.min), a.s.max.max(b.s.max));
    num.u32
        .keep(a.u32.min.min(b.u32.min), a.u32.max.max(b.u32.max));
    num.s32
        .keep(a.s32.min.min(b.s32.min), a.s32.max.max(b.s32.max));
    num
}
