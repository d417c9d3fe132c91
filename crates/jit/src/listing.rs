//! Machine code as people read it: under each lowered line, with names for addresses.

use std::fmt::Write as _;

use iced_x86::{
    Decoder, DecoderOptions, Formatter, FormatterTextKind, Instruction, NasmFormatter, OpKind,
    Register, SymbolResolver, SymbolResult,
};
use osmia_vm::layout;

#[cfg(feature = "tier2")]
use crate::lower::Line;
use crate::lower::{Lowered, Shown};
use crate::symbols::{Symbol, Symbols};
use crate::tier1::{self, Processor};

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
    let mut shower = Shower::new(lowered, &compiled.bytes);
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
    let mut shower = Shower::new(lowered, &compiled.bytes);
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

/// Where symbols would be if they were anywhere: kind, position and offset as digits.
fn stand_in(symbol: Symbol) -> u64 {
    let (kind, position, offset) = match symbol {
        Symbol::Map(map) => (1, map, 0),
        Symbol::Value(map, offset) => (2, map, offset),
        Symbol::Helper(id) => (3, id, 0),
        Symbol::CallHelper => (4, 0, 0),
        Symbol::TailCall => (5, 0, 0),
        Symbol::MapItself(map) => (6, map, 0),
        Symbol::CallMap(operation, map) => (7, map, operation as u32),
        Symbol::Kfunc(kfunc) => (8, kfunc, 0),
        Symbol::Function(slot) => (9, slot, 0),
        Symbol::Far => (10, 0, 0),
        Symbol::Leaf(helper) => (11, helper, 0),
    };
    0x7000_0000_0000_0000 | kind << 56 | u64::from(position) << 32 | u64::from(offset)
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

struct Shower<'a> {
    bytes: &'a [u8],
    formatter: NasmFormatter,
    text: String,
}

impl<'a> Shower<'a> {
    fn new(lowered: &Lowered, bytes: &'a [u8]) -> Self {
        let names = Names {
            maps: lowered
                .maps
                .iter()
                .map(|map| map.spec().name.clone())
                .collect(),
            kfuncs: lowered.kfuncs.clone(),
        };
        let mut formatter = NasmFormatter::with_options(Some(Box::new(names)), None);
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_small_hex_numbers_in_decimal(true);
        options.set_branch_leading_zeros(false);
        options.set_show_branch_size(false);
        options.set_space_after_operand_separator(true);
        Self {
            bytes,
            formatter,
            text: String::new(),
        }
    }

    fn range(&mut self, start: usize, end: usize) {
        let bytes = &self.bytes[start..end];
        let mut decoder = Decoder::with_ip(64, bytes, start as u64, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            write!(self.text, "  {:5x}    ", instruction.ip()).expect("strings take all");
            self.formatter.format(&instruction, &mut self.text);
            self.text.push('\n');
        }
    }
}

/// Names of what addresses stand for.
struct Names {
    maps: Vec<String>,
    kfuncs: Vec<&'static str>,
}

impl Names {
    fn of(&self, address: u64) -> Option<String> {
        let map = |position: u64| self.maps.get(position as usize);
        let (position, offset) = (address >> 32 & 0xff_ffff, address & 0xffff_ffff);
        Some(match address >> 56 {
            0x71 => format!("map {}", map(position)?),
            0x72 => format!("&{}[0] + {offset}", map(position)?),
            0x73 => osmia_program::helper::by_id(position as u32)?
                .name
                .to_owned(),
            0x74 => "call_helper".to_owned(),
            0x75 => "tail_call".to_owned(),
            0x76 => format!("&{}", map(position)?),
            0x77 => "call_map".to_owned(),
            0x78 => (*self.kfuncs.get(position as usize)?).to_owned(),
            0x79 => format!("function at {position}"),
            0x7a => "far".to_owned(),
            _ => return None,
        })
    }
}

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        operand: Option<u32>,
        address: u64,
        _bytes: u32,
    ) -> Option<SymbolResult<'_>> {
        let is_memory =
            operand.is_some_and(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let name = if is_memory && instruction.memory_base() == Register::R12 {
            let mut names = layout::NAMES.iter();
            let found = names.find(|(offset, _)| *offset as u64 == address)?;
            format!("run.{}", found.1)
        } else {
            self.of(address)?
        };
        Some(SymbolResult::with_string_kind(
            address,
            name,
            FormatterTextKind::Data,
        ))
    }
}
