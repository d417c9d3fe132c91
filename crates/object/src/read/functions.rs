//! Functions, and which of them can be loaded.

use std::collections::BTreeSet;

use osmia_diag::{Diagnostic, Place};
use osmia_isa::Slot;

use crate::error::clip;
use crate::image::{Binding, Image, Section, SectionIndex, SectionKind, Symbol, SymbolKind};
use crate::object::{FunctionIndex, Notes};
use crate::section_name::{self, Certainty};
use crate::{Function, ObjectError, ProgramDecl, codes, limits};

/// Every function, by section and place, none overlapping another.
pub(super) fn functions(image: &Image, notes: &mut Notes) -> Result<Vec<Function>, ObjectError> {
    let mut by_section: Vec<Vec<&Symbol>> = vec![Vec::new(); image.sections.len()];
    for symbol in &image.symbols {
        if let Some(section) = symbol.section() {
            by_section[section.index()].push(symbol);
        }
    }
    let mut functions = Vec::new();
    for (index, section) in image.numbered_sections() {
        if section.kind == SectionKind::Code && !section.data.is_empty() {
            let symbols = &by_section[index.index()];
            functions.extend(functions_of(image, index, section, symbols, notes)?);
        }
    }
    Ok(functions)
}

fn functions_of(
    image: &Image,
    index: SectionIndex,
    section: &Section,
    all: &[&Symbol],
    notes: &mut Notes,
) -> Result<Vec<Function>, ObjectError> {
    let chosen = |is_function: fn(&Symbol) -> bool| -> Vec<&Symbol> {
        all.iter()
            .copied()
            .filter(|symbol| is_function(symbol))
            .collect()
    };
    let mut symbols = chosen(|symbol| symbol.kind == SymbolKind::Function);
    if symbols.is_empty() {
        // Compilers before LLVM 7 did not mark functions; their local labels are not functions.
        symbols =
            chosen(|symbol| symbol.kind == SymbolKind::Untyped && symbol.binding != Binding::Local);
    }
    let section_slots = (section.data.len() / Slot::BYTES) as u32;
    if symbols.is_empty() {
        let note = Diagnostic::note_only(
            codes::OBJECT_NOTE,
            format!(
                "section {} names no function and is taken as one",
                clip(&section.name)
            ),
        )
        .at(Place::none().section(clip(&section.name)));
        notes.add(&image.name, note);
        return Ok(vec![Function {
            name: section.name.clone(),
            section: index,
            start: 0,
            slots: section_slots,
            global: true,
            weak: false,
            local: false,
        }]);
    }
    // Of several names for one place the most visible one counts.
    symbols.sort_by_key(|symbol| {
        let rank = match symbol.binding {
            Binding::Global => 0,
            Binding::Weak => 1,
            Binding::Local => 2,
        };
        (symbol.value, rank)
    });
    symbols.dedup_by_key(|symbol| symbol.value);
    let mut functions: Vec<Function> = Vec::with_capacity(symbols.len());
    for (position, symbol) in symbols.iter().enumerate() {
        let fail = |what: String| ObjectError::Function {
            function: clip(&symbol.name),
            section: clip(&section.name),
            offset: symbol.value,
            what,
        };
        let next = symbols
            .get(position + 1)
            .map_or(section.size, |next| next.value);
        let end = match symbol.size {
            0 => next,
            size => symbol.value + size,
        };
        if !symbol.value.is_multiple_of(8) || !end.is_multiple_of(8) {
            return Err(fail("it does not consist of whole instructions".into()));
        }
        if end > next {
            return Err(fail(format!(
                "its {} bytes reach into the next function",
                symbol.size
            )));
        }
        if end == symbol.value {
            return Err(fail("it has no instructions".into()));
        }
        functions.push(Function {
            name: symbol.name.clone(),
            section: index,
            // Both fit: SLOTS_MAX bounds the section.
            start: (symbol.value / 8) as u32,
            slots: ((end - symbol.value) / 8) as u32,
            global: symbol.binding != Binding::Local && !symbol.hidden,
            weak: symbol.binding == Binding::Weak,
            local: symbol.binding == Binding::Local,
        });
    }
    Ok(functions)
}

/// Sections of functions that are only called: C's, and one each from Rust compilers.
fn is_library(section: &str) -> bool {
    section == ".text" || section.starts_with(".text.")
}

/// The functions that can be loaded.
///
/// Those in named sections, except static ones that somebody calls; and if there are none, the
/// global ones in `.text`, whose type has to be given.
pub(super) fn programs(
    image: &Image,
    functions: &[Function],
    notes: &mut Notes,
) -> Result<Vec<ProgramDecl>, ObjectError> {
    let called = called_places(image);
    let mut programs: Vec<ProgramDecl> = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        let section = image.section(function.section);
        if is_library(&section.name) {
            continue;
        }
        let is_called = called.contains(&(function.section, function.start));
        if is_called && function.local {
            continue;
        }
        programs.push(declare(index, function, section));
    }
    if programs.is_empty() {
        for (index, function) in functions.iter().enumerate() {
            if function.global {
                programs.push(declare(index, function, image.section(function.section)));
            }
        }
    }
    if programs.len() > limits::PROGRAMS_MAX {
        return Err(ObjectError::Limit {
            what: "entry functions",
            limit: "PROGRAMS_MAX",
            max: limits::PROGRAMS_MAX as u64,
        });
    }
    let section_bytes: usize = programs.iter().map(|program| program.section.len()).sum();
    if section_bytes > limits::PROGRAM_SECTION_BYTES_MAX {
        return Err(ObjectError::Limit {
            what: "bytes of section names of its programs",
            limit: "PROGRAM_SECTION_BYTES_MAX",
            max: limits::PROGRAM_SECTION_BYTES_MAX as u64,
        });
    }
    let mut guessed = BTreeSet::new();
    for program in &programs {
        if program.certainty == Certainty::Guessed && guessed.insert(&program.section) {
            let note = Diagnostic::note_only(
                codes::OBJECT_GUESS,
                format!(
                    "section name {} is not a defined one; its programs are taken as {}",
                    clip(&program.section),
                    program.hook.kind
                ),
            )
            .at(Place::none().section(clip(&program.section)))
            .help("give another type with --type if that is wrong");
            notes.add(&image.name, note);
        }
    }
    Ok(programs)
}

fn declare(index: usize, function: &Function, section: &Section) -> ProgramDecl {
    let meaning = section_name::meaning(&section.name);
    ProgramDecl {
        name: function.name.clone(),
        section: section.name.clone(),
        function: FunctionIndex(index as u32),
        hook: meaning.hook,
        flags: meaning.flags,
        autoload: meaning.autoload,
        certainty: meaning.certainty,
    }
}

/// Every place that a call or a function address of the object refers to.
fn called_places(image: &Image) -> BTreeSet<(SectionIndex, u32)> {
    let mut places = BTreeSet::new();
    for (index, section) in image.numbered_sections() {
        if section.kind != SectionKind::Code {
            continue;
        }
        let mut relocations = section.relocations.iter().peekable();
        for (at, bytes) in section.data.chunks_exact(8).enumerate() {
            let Ok(bytes) = <[u8; 8]>::try_from(bytes) else {
                continue;
            };
            let slot = Slot::from_bytes(bytes, image.endian);
            let mut relocation = None;
            while let Some(next) = relocations.next_if(|next| next.offset <= at as u64 * 8) {
                relocation = Some(next);
            }
            let symbol = relocation.map(|relocation| image.symbol(relocation.symbol));
            let target = match symbol {
                Some(symbol) => symbol.section().and_then(|section| {
                    let byte = function_reference(&slot, symbol.value, relocation?.addend)?;
                    Some((section, byte))
                }),
                None if is_local_call(&slot) => {
                    Some((index, (at as i64 + 1 + i64::from(slot.imm)) * 8))
                }
                None => None,
            };
            if let Some((section, byte)) = target
                && let Ok(byte) = u32::try_from(byte)
            {
                places.insert((section, byte / 8));
            }
        }
    }
    places
}

/// `call` of a function of the object.
pub(crate) fn is_local_call(slot: &Slot) -> bool {
    slot.code == 0x85 && slot.src == 1
}

/// `ld_imm64`, first half.
pub(crate) fn is_load_imm64(slot: &Slot) -> bool {
    slot.code == 0x18
}

/// The byte of a section that a relocated call or address refers to.
///
/// A call through a global symbol has −1 as its immediate, through a section symbol the
/// distance in slots less one; an address has the distance in bytes.
pub(crate) fn function_reference(slot: &Slot, symbol: u64, addend: i64) -> Option<i64> {
    let base = i64::try_from(symbol).ok()?.checked_add(addend)?;
    if is_local_call(slot) {
        base.checked_add((i64::from(slot.imm) + 1) * 8)
    } else if is_load_imm64(slot) {
        base.checked_add(i64::from(slot.imm))
    } else {
        None
    }
}
