//! Machine code as people read it: under each lowered line, with names for addresses.

mod arm64;
mod names;
mod x64;

use std::fmt::Write as _;

#[cfg(feature = "tier2")]
use crate::lower::Line;
use crate::lower::{Lowered, Shown};
use crate::symbols::Symbols;
use crate::tier1::{self, Isa, Processor};
use names::{Names, stand_in};

/// The lines of a lowered program.
pub(crate) fn lowered(lowered: &Lowered) -> String {
    let mut text = String::new();
    let mut source = Source::new(lowered);
    for line in &lowered.lines {
        source.before(&mut text, line.slot);
        let shown = Shown {
            op: &line.op,
            lowered,
        };
        writeln!(text, "{:5}: {shown}", line.slot).expect("strings take all");
    }
    text
}

/// The machine code of a lowered program. Nothing is run: addresses stand for what they are of.
pub(crate) fn native(lowered: &Lowered, processor: Processor) -> String {
    let symbols = Symbols {
        maps: &lowered.maps,
        addresses: &stand_in,
    };
    let compiled = tier1::compile(lowered, &symbols, processor);
    let mut shower = Shower::new(lowered, &compiled.bytes, processor.isa());
    let mut source = Source::new(lowered);
    let ends = compiled.lines[1..].iter().copied();
    let cold = compiled.ends as u32;
    for ((line, start), end) in lowered
        .lines
        .iter()
        .zip(&compiled.lines)
        .zip(ends.chain([cold]))
    {
        source.before(&mut shower.text, line.slot);
        let shown = Shown {
            op: &line.op,
            lowered,
        };
        writeln!(shower.text, "{:5}: {shown}", line.slot).expect("strings take all");
        shower.range(*start as usize, end as usize);
    }
    if compiled.ends < compiled.stubs {
        shower.text.push_str("ends:\n");
        shower.range(compiled.ends, compiled.stubs);
    }
    let enter = compiled.places.enter;
    if compiled.stubs < enter {
        shower.text.push_str("first:\n");
        shower.range(compiled.stubs, enter);
    }
    shower.text.push_str("enter:\n");
    shower.range(enter, compiled.bytes.len());
    shower.text
}

/// What tier 2 makes of a lowered program: Cranelift's form and the machine code.
#[cfg(feature = "tier2")]
pub(crate) fn optimised(lowered: &Lowered) -> Result<(String, String), String> {
    let symbols = Symbols {
        maps: &lowered.maps,
        addresses: &stand_in,
    };
    let mut functions = String::new();
    let made = |function: &cranelift_codegen::ir::Function| {
        write!(functions, "{}", function.display()).expect("strings take all");
    };
    let compiled = crate::tier2::compile_and(lowered, &symbols, made);
    let compiled = compiled.map_err(|why| why.to_string())?;
    let isa = Isa::HERE.expect("the optimising tier compiled it");
    let mut shower = Shower::new(lowered, &compiled.bytes, isa);
    let mut start = compiled.places.entry;
    for (at, slot) in &compiled.lines {
        shower.range(start, *at);
        start = *at;
        let line = lowered.lines.iter().find(|line| line.slot == *slot);
        if let Some(Line { op, .. }) = line {
            writeln!(shower.text, "{slot:5}: {}", Shown { op, lowered }).expect("strings take all");
        }
    }
    shower.range(start, compiled.bytes.len());
    Ok((functions, shower.text))
}

/// What is said about source lines, once a line.
struct Source<'a> {
    lowered: &'a Lowered,
    last: Option<(u32, String)>,
}

impl<'a> Source<'a> {
    fn new(lowered: &'a Lowered) -> Self {
        Self {
            lowered,
            last: None,
        }
    }

    fn before(&mut self, text: &mut String, slot: u32) {
        let program = &self.lowered.program;
        let start = self.lowered.functions.binary_search(&slot).is_ok();
        if let Some(function) = program.function_at(slot as usize).filter(|_| start) {
            writeln!(text, "{}:", function.name).expect("strings take all");
        }
        let Some(line) = program.line_at(slot as usize) else {
            return;
        };
        let now = (line.line, line.text.trim().to_owned());
        if self.last.as_ref() != Some(&now) {
            writeln!(text, "; {}: {}", now.0, now.1).expect("strings take all");
            self.last = Some(now);
        }
    }
}

/// Machine code, as lines of text.
trait Disassembler {
    /// Appends the instructions that stand at a distance from the start of the code.
    fn show(&mut self, text: &mut String, bytes: &[u8], start: usize);
}

struct Shower<'a> {
    bytes: &'a [u8],
    disassembler: Box<dyn Disassembler>,
    text: String,
}

impl<'a> Shower<'a> {
    fn new(lowered: &Lowered, bytes: &'a [u8], isa: Isa) -> Self {
        let names = Names::of(lowered);
        Self {
            bytes,
            disassembler: match isa {
                Isa::X64 => Box::new(x64::Nasm::new(names)),
                Isa::Arm64 => Box::new(arm64::Arm::new(names)),
            },
            text: String::new(),
        }
    }

    fn range(&mut self, start: usize, end: usize) {
        let bytes = &self.bytes[start..end];
        self.disassembler.show(&mut self.text, bytes, start);
    }
}
