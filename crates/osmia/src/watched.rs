//! What a verification shows beside its verdict: where the work went, what is known at a line, and a
//! log in the kernel's style.

use osmia_program::Program;
use osmia_verify::explain::{LoggedPaths, Place, Seen, Wish, in_words};
use serde::Serialize;

/// What to show.
#[derive(Clone, Debug, Default)]
pub struct Watching {
    /// Visits of each source line.
    pub heat: bool,
    /// A log in the kernel's style.
    pub kernel_log: bool,
    /// What is known at a source line; at an instruction, if the object has no lines.
    pub state_at: Option<u32>,
}

/// How often the instructions of a line were visited.
#[derive(Clone, Debug, Serialize)]
pub struct LineHeat {
    /// The file; empty if the object has no lines.
    pub file: String,
    /// The line, or the instruction if the object has no lines.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// Visits of its instructions together.
    pub visits: u64,
}

/// What is known at an instruction.
#[derive(Clone, Debug, Serialize)]
pub struct KnownAt {
    /// The instruction.
    pub insn: usize,
    /// States it was reached in, all merged here.
    pub states: usize,
    /// Registers and stack.
    pub values: Vec<KnownValue>,
}

/// What is known of one register or stack slot.
#[derive(Clone, Debug, Serialize)]
pub struct KnownValue {
    /// `R1`, `fp-8`, with the frame if it is not the running one.
    pub place: String,
    /// In the kernel's style; several where the states differ in kind.
    pub values: Vec<String>,
    /// The same in words.
    pub words: Vec<String>,
}

impl Watching {
    /// True if there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        !self.heat && !self.kernel_log && self.state_at.is_none()
    }

    /// What the verifier is asked for.
    pub(crate) fn wish(&self, program: &Program) -> Wish {
        Wish {
            heat: self.heat,
            kernel_log: self.kernel_log.then_some(LoggedPaths::Every),
            states_at: self
                .state_at
                .map_or_else(Vec::new, |line| starts(program, line)),
        }
    }
}

/// The instructions a line begins with.
fn starts(program: &Program, line: u32) -> Vec<usize> {
    match &program.debug {
        Some(debug) => {
            let records = debug.lines.iter().filter(|record| record.line == line);
            records.map(|record| record.insn as usize).collect()
        }
        None => vec![line as usize],
    }
}

/// Lines by visits, the most visited first.
pub(crate) fn heat(program: &Program, seen: &Seen) -> Vec<LineHeat> {
    let mut lines: Vec<LineHeat> = Vec::new();
    for (at, &visits) in seen
        .visits
        .iter()
        .enumerate()
        .filter(|(_, visits)| **visits > 0)
    {
        let (file, line, text) = match program.line_at(at) {
            Some(line) => (
                line.file.trim_start_matches("./"),
                line.line,
                line.text.to_owned(),
            ),
            None => ("", at as u32, osmia_program::insn_text(program, at)),
        };
        match lines
            .iter_mut()
            .find(|one| one.line == line && one.file == file)
        {
            Some(one) => one.visits += visits,
            None => lines.push(LineHeat {
                file: file.to_owned(),
                line,
                text,
                visits,
            }),
        }
    }
    lines.sort_by(|a, b| b.visits.cmp(&a.visits).then(a.line.cmp(&b.line)));
    lines
}

/// What is known, by instruction.
pub(crate) fn known(seen: &Seen) -> Vec<KnownAt> {
    let mut found: Vec<KnownAt> = Vec::new();
    let deepest = |insn: usize| {
        let here = seen.states.keys().filter(|(at, _)| *at == insn);
        here.map(|(_, place)| frame(place))
            .max()
            .unwrap_or_default()
    };
    for ((insn, place), values) in &seen.states {
        if found.last().is_none_or(|last| last.insn != *insn) {
            found.push(KnownAt {
                insn: *insn,
                states: seen.merged.get(insn).copied().unwrap_or_default(),
                values: Vec::new(),
            });
        }
        let name = match place {
            Place::Reg { number, .. } => format!("R{number}"),
            Place::Slot { index, .. } => format!("fp-{}", 8 * (index + 1)),
        };
        let outer = frame(place) < deepest(*insn);
        let prefix = if outer {
            format!("frame{} ", frame(place))
        } else {
            String::new()
        };
        let last = found.last_mut().expect("just pushed");
        last.values.push(KnownValue {
            place: prefix + &name,
            values: values.iter().map(ToString::to_string).collect(),
            words: values.iter().map(in_words).collect(),
        });
    }
    found
}

fn frame(place: &Place) -> usize {
    match place {
        Place::Reg { frame, .. } | Place::Slot { frame, .. } => *frame,
    }
}
