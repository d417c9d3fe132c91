//! Linked programs as values: what they consist of, and their instructions with source lines.

use std::borrow::Cow;

use osmia_isa::{Insn, MapRef, Names, decode};
use osmia_program::{Program, ProgramSet, helper};
use serde::Serialize;

use crate::{Error, Linked};

/// A linked program: what it consists of.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramStage {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its expected attach type, if the type has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<&'static str>,
    /// What its section names to attach to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The section it came from.
    pub section: String,
    /// False if it is loaded on request only.
    pub autoload: bool,
    /// Instruction slots, subprograms included.
    pub insns: usize,
    /// Entry first, then subprograms.
    pub functions: Vec<FunctionStage>,
    /// Maps it uses, by name.
    pub maps: Vec<String>,
    /// Instructions that may never run because a relocation found no answer.
    pub poisons: Vec<PoisonStage>,
}

/// A function of a linked program.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionStage {
    /// Its name.
    pub name: String,
    /// Its first slot.
    pub start: u32,
    /// Its slots.
    pub insns: u32,
    /// True if the verifier checks it on its own.
    pub global: bool,
}

/// An instruction without an answer.
#[derive(Clone, Debug, Serialize)]
pub struct PoisonStage {
    /// Its slot.
    pub insn: u32,
    /// What was asked and why there is no answer.
    pub reason: String,
}

/// The instructions of a program.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// The program's name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Instructions in order.
    pub insns: Vec<ListedInsn>,
}

/// An instruction with everything known about it.
#[derive(Clone, Debug, Serialize)]
pub struct ListedInsn {
    /// Its slot.
    pub slot: usize,
    /// Its bytes, in hexadecimal.
    pub bytes: String,
    /// In the kernel's notation.
    pub text: String,
    /// The function that starts here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The source line that starts here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<SourceLine>,
    /// The slot a jump goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump_to: Option<usize>,
    /// True if a jump comes here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_target: bool,
    /// Why it may never run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<String>,
}

/// Where an instruction came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// The file as the compiler recorded it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

impl Linked {
    /// What programs consist of: all, or the one of this name.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn program_stage(&self, name: Option<&str>) -> Result<Vec<ProgramStage>, Error> {
        let stage = |program: &Program| ProgramStage {
            name: program.name.clone(),
            kind: program.hook.kind.name(),
            attach: program.hook.attach.map(|attach| attach.name()),
            target: program.hook.target.clone(),
            section: program.section.clone(),
            autoload: program.autoload,
            insns: program.insns.len(),
            functions: functions(program),
            maps: program
                .maps
                .iter()
                .map(|map| self.set().maps[map.index()].name.clone())
                .collect(),
            poisons: program
                .poisons
                .iter()
                .map(|poison| PoisonStage {
                    insn: poison.insn,
                    reason: poison.reason.clone(),
                })
                .collect(),
        };
        Ok(self.chosen(name)?.into_iter().map(stage).collect())
    }

    /// The instructions of programs: all, or the one of this name.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn listings(&self, name: Option<&str>) -> Result<Vec<Listing>, Error> {
        let programs = self.chosen(name)?;
        Ok(programs
            .into_iter()
            .map(|program| Listing::new(program, self.set()))
            .collect())
    }

    fn chosen(&self, name: Option<&str>) -> Result<Vec<&Program>, Error> {
        match name {
            Some(name) => {
                let name = self.choose(Some(name))?;
                Ok(self.set().program(name).into_iter().collect())
            }
            None => Ok(self.set().programs.iter().collect()),
        }
    }
}

fn functions(program: &Program) -> Vec<FunctionStage> {
    let ends = program
        .functions
        .iter()
        .skip(1)
        .map(|function| function.start)
        .chain([program.insns.len() as u32]);
    program
        .functions
        .iter()
        .zip(ends)
        .map(|(function, end)| FunctionStage {
            name: function.name.clone(),
            start: function.start,
            insns: end.saturating_sub(function.start),
            global: function.global,
        })
        .collect()
}

impl Listing {
    fn new(program: &Program, set: &ProgramSet) -> Self {
        let names = ProgramNames { program, set };
        let mut insns: Vec<ListedInsn> = Vec::new();
        let mut targets = Vec::new();
        let mut last_line = None;
        let mut at = 0;
        while let Ok(insn) = decode(&program.insns, at) {
            let slots = insn.slots();
            let line = program.line_at(at).map(|line| SourceLine {
                file: line.file.strip_prefix("./").unwrap_or(line.file).to_owned(),
                line: line.line,
                text: line.text.to_owned(),
            });
            let jump_to = jump_distance(&insn)
                .and_then(|distance| usize::try_from(at as i64 + 1 + distance).ok());
            targets.extend(jump_to);
            let function = program
                .functions
                .iter()
                .find(|function| function.start as usize == at)
                .map(|function| function.name.clone());
            let is_new_line = line != last_line || function.is_some();
            insns.push(ListedInsn {
                slot: at,
                bytes: program.insns[at..at + slots]
                    .iter()
                    .flat_map(|slot| slot.to_bytes(osmia_isa::Endian::NATIVE))
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
                text: insn.show(at, &names).to_string(),
                function,
                line: line.clone().filter(|_| is_new_line),
                jump_to,
                is_target: false,
                poison: program.poison_at(at).map(|poison| poison.reason.clone()),
            });
            last_line = line;
            at += slots;
        }
        targets.sort_unstable();
        for insn in &mut insns {
            insn.is_target = targets.binary_search(&insn.slot).is_ok();
        }
        Self {
            name: program.name.clone(),
            kind: program.hook.kind.name(),
            insns,
        }
    }
}

/// How far an instruction may jump inside its function, counted from the next slot.
fn jump_distance(insn: &Insn) -> Option<i64> {
    match insn {
        Insn::Jump { off, .. } => Some(i64::from(*off)),
        Insn::JumpIf { off, .. } | Insn::MayGoto { off } => Some(i64::from(*off)),
        _ => None,
    }
}

/// The names a program's numbers stand for.
struct ProgramNames<'a> {
    program: &'a Program,
    set: &'a ProgramSet,
}

impl Names for ProgramNames<'_> {
    fn helper(&self, id: i32) -> Option<Cow<'_, str>> {
        let helper = helper::by_id(u32::try_from(id).ok()?)?;
        Some(helper.name.into())
    }

    fn map(&self, map: MapRef) -> Option<Cow<'_, str>> {
        let MapRef::Idx(position) = map else {
            return None;
        };
        let index = self.program.maps.get(usize::try_from(position).ok()?)?;
        Some(self.set.maps.get(index.index())?.name.as_str().into())
    }

    fn function(&self, slot: i64) -> Option<Cow<'_, str>> {
        let slot = u32::try_from(slot).ok()?;
        let functions = &self.program.functions;
        let function = functions.iter().find(|function| function.start == slot)?;
        Some(function.name.as_str().into())
    }
}
