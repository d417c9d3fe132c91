//! Text to instructions: everything the disassembler prints, the kernel's and LLVM's spellings of
//! the same, labels and comments.
//!
//! One instruction a line. A line may start with labels (`loop:`), with its slot number (`3:`) and
//! its opcode byte (`(b7)`), as in the kernel's log; the last two are checked. `;`, `//` and `#`
//! start comments. All errors of a text are reported together.

mod error;
mod lexer;
mod line;
mod parser;
mod value;

use std::collections::HashMap;
use std::ops::Range;

use crate::limits::{ASM_ERRORS_MAX, TEXT_BYTES_MAX};
use crate::{Callee, Imm64, Insn, Resolve, Slot, encode_onto};

pub use error::{AsmError, AsmErrorKind};
use line::{Fail, Line, Reference};

/// An assembled text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// The program.
    pub slots: Vec<Slot>,
    /// For each slot, the line it came from.
    pub lines: Vec<u32>,
    /// Labels in order of definition, with the slot they stand before.
    pub labels: Vec<(String, usize)>,
}

/// Assembles a text. `names` is asked for the names it uses without a number.
///
/// ```
/// let text = "r0 = 0\nloop: if r0 s> 9 goto done ; a comment\nr0 += 1\ngoto loop\ndone: exit";
/// let assembly = osmia_isa::assemble(text, &osmia_isa::NoNames).unwrap();
/// assert_eq!(assembly.slots.len(), 5);
/// ```
///
/// # Errors
/// Every error of the text in order of place, at most [`ASM_ERRORS_MAX`].
pub fn assemble(text: &str, names: &dyn Resolve) -> Result<Assembly, Vec<AsmError>> {
    if text.len() > TEXT_BYTES_MAX {
        let (len, max) = (text.len(), TEXT_BYTES_MAX);
        return Err(vec![AsmError {
            line: 1,
            column: 1,
            range: 0..0,
            kind: AsmErrorKind::TooLong { len, max },
        }]);
    }
    let mut assembler = Assembler {
        text,
        names,
        slots_count: 0,
        insns: Vec::new(),
        labels: HashMap::new(),
        label_order: Vec::new(),
        errors: Vec::new(),
    };
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        assembler.line(line, start, number);
        start += line.len() + 1;
        if assembler.errors.len() >= ASM_ERRORS_MAX {
            let max = ASM_ERRORS_MAX;
            assembler.error(start - 1..start - 1, number, AsmErrorKind::TooMany { max });
            return Err(assembler.errors);
        }
    }
    assembler.finish()
}

/// A parsed instruction, its place, and the name it still has to look up.
struct Pending<'t> {
    insn: Insn,
    at: usize,
    line: u32,
    reference: Option<Reference<'t>>,
    range: Range<usize>,
}

struct Assembler<'t, 'n> {
    text: &'t str,
    names: &'n dyn Resolve,
    slots_count: usize,
    insns: Vec<Pending<'t>>,
    labels: HashMap<&'t str, (usize, u32)>,
    label_order: Vec<&'t str>,
    errors: Vec<AsmError>,
}

impl<'t> Assembler<'t, '_> {
    fn error(&mut self, range: Range<usize>, line: u32, kind: AsmErrorKind) {
        let line_start = self.text[..range.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let column = self.text[line_start..range.start].chars().count() + 1;
        self.errors.push(AsmError {
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            range,
            kind,
        });
    }

    fn line(&mut self, line: &'t str, start: usize, number: u32) {
        let mut parser = Line::new(line);
        while let Some((label, range)) = parser.label() {
            if let Some(&(_, first)) = self.labels.get(label) {
                let name = label.to_owned();
                let kind = AsmErrorKind::DuplicateLabel { name, first };
                self.error(start + range.start..start + range.end, number, kind);
            } else {
                self.labels.insert(label, (self.slots_count, number));
                self.label_order.push(label);
            }
        }
        let at = self.slots_count;
        let claimed = match parser.claims() {
            Ok(claimed) => claimed,
            Err(fail) => return self.fail(fail, start, number),
        };
        // After an error the count is a guess, and a wrong number only its consequence.
        if let Some((says, range)) = claimed.slot
            && says != at as u64
            && self.errors.is_empty()
        {
            let kind = AsmErrorKind::Slot { says, is: at };
            self.error(start + range.start..start + range.end, number, kind);
        }
        if parser.is_done() {
            return;
        }
        let begin = start + parser.position();
        let end = start + parser.end();
        match parser.statement() {
            Ok((insn, reference)) => {
                let is = insn.opcode().map_or(0, |row| row.code);
                if let Some((says, range)) = claimed.opcode
                    && says != is
                {
                    let kind = AsmErrorKind::Opcode { says, is };
                    self.error(start + range.start..start + range.end, number, kind);
                }
                self.slots_count += insn.slots();
                self.insns.push(Pending {
                    insn,
                    at,
                    line: number,
                    range: reference.as_ref().map_or(begin..end, |reference| {
                        start + reference.range.start..start + reference.range.end
                    }),
                    reference,
                });
            }
            Err(fail) => {
                self.slots_count += 1;
                self.fail(fail, start, number);
            }
        }
    }

    fn fail(&mut self, fail: Fail, start: usize, number: u32) {
        let range = start + fail.range.start..start + fail.range.end;
        self.error(range, number, fail.kind);
    }

    fn finish(mut self) -> Result<Assembly, Vec<AsmError>> {
        let mut assembly = Assembly::default();
        for pending in std::mem::take(&mut self.insns) {
            match self.resolve(&pending) {
                Ok(insn) => {
                    encode_onto(&mut assembly.slots, &insn);
                    assembly.lines.resize(assembly.slots.len(), pending.line);
                }
                Err(kind) => self.error(pending.range.clone(), pending.line, kind),
            }
        }
        if !self.errors.is_empty() {
            self.errors.sort_by_key(|error| (error.line, error.column));
            self.errors.truncate(ASM_ERRORS_MAX);
            return Err(self.errors);
        }
        let labels = self.label_order.iter();
        assembly.labels = labels
            .map(|&label| (label.to_owned(), self.labels[label].0))
            .collect();
        Ok(assembly)
    }

    /// Looks up the name an instruction refers to, now that all labels are known.
    fn resolve(&self, pending: &Pending<'_>) -> Result<Insn, AsmErrorKind> {
        let Some(reference) = &pending.reference else {
            return Ok(pending.insn);
        };
        let name = reference.name;
        let unknown = |what| AsmErrorKind::UnknownName {
            what,
            name: name.to_owned(),
        };
        let label = self.labels.get(name).map(|&(slot, _)| {
            let distance = slot as i64 - pending.at as i64 - 1;
            i32::try_from(distance).expect("a text of limited size has fewer than 2^31 slots")
        });
        match pending.insn {
            Insn::Call(_) => {
                let callee = if let Some(distance) = label {
                    Callee::Local(distance)
                } else if let Some(id) = self.names.helper(name) {
                    Callee::Helper(id)
                } else if let Some((id, module)) = self.names.kfunc(name) {
                    Callee::Kfunc { id, module }
                } else {
                    return Err(unknown(error::HELPER));
                };
                Ok(Insn::Call(callee))
            }
            Insn::LoadImm64 { dst, value } => {
                let map = self.names.map(name);
                let value = match (map, value) {
                    (Some(map), Imm64::MapValue { off, .. }) => value::map_value(map, off),
                    (Some(map), Imm64::MapFd(_)) => value::map(map),
                    (_, Imm64::Func(_)) => match (label, map) {
                        (Some(distance), _) => Imm64::Func(distance),
                        (None, Some(map)) => value::map(map),
                        (None, None) => return Err(unknown("label or map")),
                    },
                    _ => return Err(unknown("map")),
                };
                Ok(Insn::LoadImm64 { dst, value })
            }
            insn => {
                let distance = label.ok_or_else(|| unknown("label"))?;
                parser::with_distance(insn, distance.into())
            }
        }
    }
}
