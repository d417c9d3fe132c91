//! Walking a rejected path once more, and noting what every instruction changes.

use std::sync::Arc;

use osmia_program::Program;

use super::trace::{Change, Place, Source, Step, Trace};
use super::value::{MapName, Value};
use crate::explore::Explorer;
use crate::limits;
use crate::path::Path;
use crate::reg::{Range, Reg, What};
use crate::stack::{Byte, Slot};
use crate::state::State;
use crate::transfer::{Next, Transfer};

impl Explorer<'_> {
    /// The path to where exploration stands, the instruction there included; if there is no path, the
    /// instruction that was refused.
    pub(crate) fn trace(&mut self, refused: Option<usize>) -> Trace {
        if !self.exploring {
            return Trace {
                steps: refused.map(|at| self.bare_step(at)).into_iter().collect(),
                ..Trace::default()
            };
        }
        let failed = self.transfer.at;
        let mut latest = executed(&self.path, &self.transfer, Some(failed));
        latest.push(failed);
        let mut steps = latest.len();
        let mut stretches = vec![(self.path.parent, latest)];
        let mut left_out = 0;
        let mut parent = self.path.parent;
        while let Some(id) = parent {
            let kept = &self.states[id];
            let stretch = executed(&kept.path, &self.transfer, None);
            parent = kept.path.parent;
            if steps + stretch.len() > limits::STEPS_EXPLAINED_MAX {
                left_out += stretch.len();
                continue;
            }
            steps += stretch.len();
            stretches.push((parent, stretch));
        }
        stretches.reverse();
        let mut trace = Trace {
            left_out,
            ..Trace::default()
        };
        for number in 0..stretches.len() {
            let after = stretches
                .get(number + 1)
                .and_then(|(_, next)| next.first())
                .copied();
            let (parent, stretch) = &stretches[number];
            match parent {
                Some(id) => self.transfer.state = self.states[*id].state.clone(),
                None => {
                    let arguments = self.arguments.clone();
                    self.transfer.enter(self.transfer.root, &arguments);
                }
            }
            if number == 0 {
                trace.start = everything(&self.transfer);
            }
            for (position, &at) in stretch.iter().enumerate() {
                let next = stretch.get(position + 1).copied().or(after);
                let step = self.retrace(at, next);
                trace.steps.push(step);
            }
        }
        trace
    }

    /// An instruction of which nothing is known.
    fn bare_step(&self, at: usize) -> Step {
        Step {
            at,
            frame: self.transfer.state.top(),
            insn: self.transfer.shape.insns.get(at).copied().flatten(),
            text: osmia_program::insn_text(self.transfer.program, at),
            source: source(self.transfer.program, at),
            changes: Vec::new(),
        }
    }

    /// One instruction again; the state then is that of the way the path went.
    fn retrace(&mut self, at: usize, next: Option<usize>) -> Step {
        self.transfer.at = at;
        let insn = self.transfer.shape.insn(at);
        let before = self.transfer.state.clone();
        let mut step = self.bare_step(at);
        let went = self.transfer.step();
        self.widen_turn();
        let onward = match went {
            Ok(Next::Through) => Some(at + insn.slots()),
            Ok(Next::To(target)) => Some(target),
            Ok(Next::End) => None,
            Err(_) => {
                // What it did until it was refused says nothing.
                self.transfer.state = before;
                return step;
            }
        };
        if next.is_some() && next != onward {
            let aside = self
                .transfer
                .asides
                .iter()
                .position(|aside| Some(aside.at) == next);
            if let Some(aside) = aside {
                self.transfer.state = self.transfer.asides.swap_remove(aside).state;
            }
        }
        step.changes = changes(&self.transfer, &before, &self.transfer.state);
        step
    }
}

/// Where an instruction came from.
pub(crate) fn source(program: &Program, at: usize) -> Option<Arc<Source>> {
    let line = program.line_at(at)?;
    Some(Arc::new(Source {
        file: line.file.trim_start_matches("./").to_owned(),
        line: line.line,
        column: line.column,
        inside: line.column.saturating_sub(line.indent),
        text: line.text.to_owned(),
    }))
}

/// The instructions of a stretch, in order; `standing` is where the path stands, if it still goes on.
fn executed(path: &Path, transfer: &Transfer<'_>, standing: Option<usize>) -> Vec<usize> {
    let mut history = path.history.as_slice();
    if let (Some(standing), Some((step, rest))) = (standing, history.split_last())
        && step.at == standing
        && step.before == path.last
    {
        // It was noted before it was looked at.
        history = rest;
    }
    // Nothing happened since the last kept state.
    if standing == Some(path.first) && history.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = path.last;
    loop {
        if transfer.shape.insns[at].is_some() {
            found.push(at);
        }
        let done = match history {
            [] => true,
            [only] => only.at == at,
            _ => false,
        };
        if (at == path.first && done) || at == 0 && history.is_empty() {
            break;
        }
        match history.split_last() {
            Some((step, rest)) if step.at == at => {
                at = step.before;
                history = rest;
            }
            _ if at == 0 => break,
            _ => at -= 1,
        }
    }
    found.reverse();
    found
}

/// Everything that holds something.
pub(crate) fn everything(transfer: &Transfer<'_>) -> Vec<(Place, Value)> {
    let frames = 0..transfer.state.frames.len();
    frames
        .flat_map(|frame| everything_of(transfer, frame))
        .collect()
}

/// Everything of one frame that holds something.
pub(crate) fn everything_of(transfer: &Transfer<'_>, frame: usize) -> Vec<(Place, Value)> {
    everything_in(transfer, &transfer.state, frame)
}

/// The same of another state.
pub(crate) fn everything_in(
    transfer: &Transfer<'_>,
    state: &State,
    frame: usize,
) -> Vec<(Place, Value)> {
    let one = &state.frames[frame];
    let mut found = Vec::new();
    for (number, reg) in one.regs.iter().enumerate() {
        if reg.what != What::Unset {
            let place = Place::Reg { frame, number };
            found.push((place, Value::of(transfer, reg, frame)));
        }
    }
    for (index, slot) in one.stack.slots().iter().enumerate() {
        if slot != &Slot::EMPTY {
            found.push((Place::Slot { frame, index }, of_slot(transfer, slot, frame)));
        }
    }
    found
}

/// What differs between two states.
pub(crate) fn changes(transfer: &Transfer<'_>, before: &State, after: &State) -> Vec<Change> {
    let mut found = Vec::new();
    for (frame, now) in after.frames.iter().enumerate() {
        let was = before.frames.get(frame);
        for (number, reg) in now.regs.iter().enumerate() {
            let old = was.map_or(Reg::UNSET, |was| was.regs[number]);
            if alike(&old, reg) || (was.is_none() && number == 10) {
                continue;
            }
            found.push(Change {
                place: Place::Reg { frame, number },
                was: Value::of(transfer, &old, frame),
                now: Value::of(transfer, reg, frame),
            });
        }
        for (index, slot) in now.stack.slots().iter().enumerate() {
            let old = was.map_or(&Slot::EMPTY, |was| was.stack.slot(index));
            if old.bytes == slot.bytes && alike(&old.spilled, &slot.spilled) {
                continue;
            }
            found.push(Change {
                place: Place::Slot { frame, index },
                was: of_slot(transfer, old, frame),
                now: of_slot(transfer, slot, frame),
            });
        }
    }
    found
}

/// True if nothing a person would call a change lies between.
fn alike(a: &Reg, b: &Reg) -> bool {
    let bare = |reg: &Reg| Reg {
        precise: false,
        ..*reg
    };
    bare(a) == bare(b)
}

impl Value {
    /// What a register of a frame holds.
    pub(crate) fn of(transfer: &Transfer<'_>, reg: &Reg, running: usize) -> Value {
        if reg.what == What::Unset {
            return Value::unset();
        }
        let mut value = Value {
            id: reg.id,
            delta: reg.delta,
            reference: reg.reference,
            off: i64::from(reg.off),
            num: reg.num,
            ..Value::named(reg.name())
        };
        match reg.what {
            What::Stack { frame } if usize::from(frame) != running => value.frame = Some(frame),
            What::Map(map) | What::MapKey(map) | What::MapValue { map, .. } => {
                value.map = transfer.maps.get(usize::from(map)).map(|spec| {
                    // As many bytes as the kernel keeps of a name.
                    let name: String = spec.name.chars().take(15).collect();
                    Arc::new(MapName {
                        name,
                        key: u64::from(spec.key_size),
                        value: u64::from(spec.value_size),
                    })
                });
            }
            What::Packet { range } | What::PacketMeta { range } => {
                value.range = Some(match range {
                    Range::EndsHere => -1,
                    Range::EndsBefore => -2,
                    Range::Bytes(bytes) => i64::from(bytes),
                });
            }
            What::Memory { bytes } => value.bytes = Some(u64::from(bytes)),
            What::Kernel { type_id } => {
                let name = transfer.type_names.get(type_id as usize);
                value.name = format!("{}{}", reg.name(), name.map_or("", String::as_str)).into();
            }
            _ => {}
        }
        value
    }
}

/// What eight bytes of a stack hold.
pub(crate) fn of_slot(transfer: &Transfer<'_>, slot: &Slot, frame: usize) -> Value {
    if slot.holds_full_spill() {
        return Value::of(transfer, &slot.spilled, frame);
    }
    if slot == &Slot::EMPTY {
        return Value::unset();
    }
    let letter = |byte: &Byte| match byte {
        Byte::Invalid => '?',
        Byte::Spill => 'r',
        Byte::Misc => 'm',
        Byte::Zero => '0',
        Byte::Dynptr => 'd',
        Byte::Iterator => 'i',
        Byte::IrqFlags => 'f',
    };
    let mut letters = String::new();
    for byte in &slot.bytes {
        if *byte == Byte::Spill && slot.holds_spill() {
            return Value {
                name: format!("{letters}{}", Value::of(transfer, &slot.spilled, frame)).into(),
                ..Value::named("")
            };
        }
        letters.push(letter(byte));
    }
    Value::named(letters)
}
