//! A path through a program with what every instruction changed.

use std::sync::Arc;

use osmia_isa::Insn;

use super::value::Value;

/// Where a value is kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A register of a frame; frame 0 is the entry's.
    Reg {
        /// The frame.
        frame: usize,
        /// The register's number.
        number: usize,
    },
    /// Eight bytes of a frame's stack; number 0 is next to the frame pointer.
    Slot {
        /// The frame.
        frame: usize,
        /// Which.
        index: usize,
    },
}

/// What an instruction changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where.
    pub place: Place,
    /// What was known before.
    pub was: Value,
    /// What is known now.
    pub now: Value,
}

/// A source line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// The file as the compiler recorded it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in the file, from 1; 0 if unknown.
    pub column: u32,
    /// The column in `text`, from 1; 0 if unknown.
    #[serde(skip)]
    pub inside: u32,
    /// Its text, without leading white space.
    pub text: String,
}

impl Source {
    /// True if it is the same line, whatever the column.
    pub fn same_line(&self, other: &Source) -> bool {
        self.line == other.line && self.file == other.file
    }
}

/// One instruction on the path.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its slot.
    pub at: usize,
    /// The frame it runs in.
    pub frame: usize,
    /// The instruction, if it could be read.
    pub insn: Option<Insn>,
    /// The instruction in the kernel's notation.
    pub text: String,
    /// Where it came from.
    pub source: Option<Arc<Source>>,
    /// What it changed; of the last, nothing.
    pub changes: Vec<Change>,
}

/// A path.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Its instructions, the rejected one last.
    pub steps: Vec<Step>,
    /// How many more came before these.
    pub left_out: usize,
    /// What was known before the first of these.
    pub start: Vec<(Place, Value)>,
}

impl Trace {
    /// What was known about a place before a step.
    pub fn value(&self, place: Place, before: usize) -> Option<&Value> {
        let steps = &self.steps[..before.min(self.steps.len())];
        let change = steps
            .iter()
            .rev()
            .flat_map(|step| step.changes.iter().rev())
            .find(|change| change.place == place);
        match change {
            Some(change) => Some(&change.now),
            None => {
                let start = self.start.iter().find(|(at, _)| *at == place);
                start.map(|(_, value)| value)
            }
        }
    }

    /// The last step.
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// The number of the last step.
    pub fn end(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// Whether the jump of a step was taken, if a step follows.
    pub fn taken(&self, step: usize) -> Option<bool> {
        let at = self.steps.get(step)?.at;
        let next = self.steps.get(step + 1)?.at;
        Some(next != at + 1)
    }
}
