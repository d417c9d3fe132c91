//! Instructions as people read them: with the names of helpers and kernel functions, and in the
//! listings of diagnostics.

use std::borrow::Cow;

use crate::{Program, helper};
use osmia_diag::{Label, Listing};
use osmia_isa::{Names, decode};

/// Names at one slot of a program.
struct NamesAt<'p> {
    program: &'p Program,
    slot: usize,
}

impl Names for NamesAt<'_> {
    fn helper(&self, id: i32) -> Option<Cow<'_, str>> {
        let id = u32::try_from(id).ok()?;
        helper::by_id(id).map(|helper| Cow::Borrowed(helper.name))
    }

    fn kfunc(&self, _id: i32, _module: i16) -> Option<Cow<'_, str>> {
        self.program.kfunc_at(self.slot).map(Cow::Borrowed)
    }
}

/// The instruction at a slot, in the kernel's notation with names.
pub fn insn_text(program: &Program, slot: usize) -> String {
    match decode(&program.insns, slot) {
        Ok(insn) => insn.show(slot, &NamesAt { program, slot }).to_string(),
        Err(error) => error.to_string(),
    }
}

/// Instructions shown before and after the one a diagnostic is about.
const LISTING_CONTEXT_INSNS: usize = 4;

/// The disassembly around a slot, source lines in between, with a label under it.
pub fn listing(program: &Program, slot: usize, message: &str) -> Listing {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < program.insns.len() {
        starts.push(at);
        at += decode(&program.insns, at).map_or(1, |insn| insn.slots());
    }
    let here = starts
        .partition_point(|&start| start <= slot)
        .saturating_sub(1);
    let first = here.saturating_sub(LISTING_CONTEXT_INSNS);
    let last = (here + LISTING_CONTEXT_INSNS + 1).min(starts.len());
    let mut text = String::new();
    let mut labels = Vec::new();
    let mut line_before = None;
    for (number, &at) in starts.iter().enumerate().take(last).skip(first) {
        let line = program.line_at(at);
        if let Some(line) = line.filter(|_| line != line_before) {
            text.push_str(&format!("; {}\n", line.text));
        }
        line_before = line;
        text.push_str(&format!("{at:>5}: "));
        let start = text.len();
        text.push_str(&insn_text(program, at));
        if number == here {
            labels.push(Label {
                range: start..text.len(),
                message: message.to_owned(),
                primary: true,
            });
        }
        text.push('\n');
    }
    text.pop();
    Listing {
        name: format!("program {}", program.name),
        first_line: 1,
        text,
        labels,
    }
}
