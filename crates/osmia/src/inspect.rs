//! What an object file declares, as one value that text and JSON render.

use std::collections::{BTreeMap, BTreeSet};

use osmia_btf::core::Relo;
use osmia_btf::{Body, Kind};
use osmia_diag::{Diagnostic, Place};
use osmia_isa::{Callee, Endian, Insn, decode, read_slots};
use osmia_object::ExternKind;
use osmia_object::image::{SectionKind, SymbolPlace};
use osmia_object::section_name::Certainty;
use osmia_program::{Fault, MapOrigin, helper};
use serde::Serialize;

use crate::{Error, Object, codes};

/// An object file at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The file.
    pub file: String,
    /// `little` or `big`.
    pub endian: &'static str,
    /// Its licence, if it states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Its types, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub btf: Option<BtfOverview>,
    /// Sections that mean something here.
    pub sections: Vec<SectionOverview>,
    /// Programs, in the order of the file.
    pub programs: Vec<ProgramOverview>,
    /// Functions that are not programs.
    pub functions: Vec<FunctionOverview>,
    /// Maps the author defined.
    pub maps: Vec<MapOverview>,
    /// Global variables.
    pub globals: Vec<GlobalOverview>,
    /// What others have to define.
    pub externs: Vec<ExternOverview>,
    /// Helpers its code calls, by name.
    pub helpers: Vec<String>,
    /// Relocations by what they refer to.
    pub relocations: BTreeMap<&'static str, u64>,
    /// CO-RE relocations by what they ask about the kernel's types.
    pub core: Vec<CoreOverview>,
}

/// Types and debug information.
#[derive(Clone, Debug, Serialize)]
pub struct BtfOverview {
    /// Types, `void` not counted.
    pub types: u32,
    /// Bytes of names.
    pub string_bytes: u32,
    /// Source lines known.
    pub lines: u64,
}

/// A section.
#[derive(Clone, Debug, Serialize)]
pub struct SectionOverview {
    /// Its name.
    pub name: String,
    /// `code`, `data`, `zero`, `map definitions`, `types` or `source lines`.
    pub kind: &'static str,
    /// Bytes it occupies once loaded.
    pub bytes: u64,
    /// Its relocations.
    pub relocations: usize,
}

/// A program.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramOverview {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// True if the type is a guess from an unusual section name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub type_is_guess: bool,
    /// Its expected attach type, if the type has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<&'static str>,
    /// What the section names to attach to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// False if it is loaded on request only.
    pub autoload: bool,
    /// Instruction slots, subprograms not counted.
    pub insns: u32,
}

/// A function that is called from programs.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionOverview {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
    /// Instruction slots.
    pub insns: u32,
    /// True if the verifier checks it on its own.
    pub global: bool,
}

/// A map.
#[derive(Clone, Debug, Serialize)]
pub struct MapOverview {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Type of a key, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// Type of a value, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
    /// Most entries; 0 where the host chooses.
    pub max_entries: u32,
    /// Creation flags, if any.
    #[serde(skip_serializing_if = "is_zero")]
    pub flags: u32,
}

fn is_zero(flags: &u32) -> bool {
    *flags == 0
}

/// A global variable.
#[derive(Clone, Debug, Serialize)]
pub struct GlobalOverview {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
    /// Its type, if known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its bytes.
    pub size: u32,
}

/// Something the object refers to and does not define.
#[derive(Clone, Debug, Serialize)]
pub struct ExternOverview {
    /// Its name.
    pub name: String,
    /// `kconfig`, `variable`, `function` or `object`.
    pub kind: &'static str,
    /// True if it may be missing.
    pub weak: bool,
}

/// CO-RE relocations that ask the same.
#[derive(Clone, Debug, Serialize)]
pub struct CoreOverview {
    /// What is asked: `byte_off`, `type_exists`, …
    pub kind: &'static str,
    /// Of which type or field: `struct task_struct.pid`.
    pub of: String,
    /// How many relocations ask it.
    pub count: u64,
}

impl Overview {
    /// Of this object.
    pub fn new(object: &Object) -> Self {
        let declared = object.declared();
        let image = declared.image();
        let section_name = |index| image.section(index).name.clone();
        let describe = |type_id| {
            let btf = declared.btf()?;
            Some(osmia_btf::describe(btf, type_id))
        };
        let variable_type = |type_id| match declared.btf()?.ty(type_id)?.body() {
            Body::Var(var) => describe(var.ty),
            _ => describe(type_id),
        };
        let entries: BTreeSet<_> = declared.programs().iter().map(|p| p.function).collect();
        Self {
            file: declared.name().to_owned(),
            endian: match declared.endian() {
                Endian::Little => "little",
                Endian::Big => "big",
            },
            license: Some(declared.license().to_owned()).filter(|license| !license.is_empty()),
            btf: declared.btf().map(|btf| BtfOverview {
                types: btf.type_count().saturating_sub(1),
                string_bytes: btf.strings_len(),
                lines: declared.btf_ext().map_or(0, |ext| {
                    ext.lines.iter().map(|part| part.records.len() as u64).sum()
                }),
            }),
            sections: sections(object),
            programs: declared
                .programs()
                .iter()
                .map(|program| ProgramOverview {
                    name: program.name.clone(),
                    section: program.section.clone(),
                    kind: program.hook.kind.name(),
                    type_is_guess: program.certainty == Certainty::Guessed,
                    attach: program.hook.attach.map(|attach| attach.name()),
                    target: program.hook.target.clone(),
                    autoload: program.autoload,
                    insns: declared.functions()[program.function.index()].slots,
                })
                .collect(),
            functions: declared
                .functions()
                .iter()
                .enumerate()
                .filter(|(index, _)| !entries.iter().any(|entry| entry.index() == *index))
                .map(|(_, function)| FunctionOverview {
                    name: function.display_name(),
                    section: section_name(function.section),
                    insns: function.slots,
                    global: function.global,
                })
                .collect(),
            maps: declared
                .maps()
                .iter()
                .filter(|map| matches!(map.spec.origin, MapOrigin::Btf | MapOrigin::Legacy))
                .map(|map| {
                    let types = map.spec.btf.as_ref();
                    MapOverview {
                        name: map.spec.name.clone(),
                        kind: map.spec.kind.name(),
                        key_size: map.spec.key_size,
                        value_size: map.spec.value_size,
                        key_type: types.and_then(|types| types.key).and_then(describe),
                        value_type: types.and_then(|types| types.value).and_then(describe),
                        max_entries: map.spec.max_entries,
                        flags: map.spec.flags.0,
                    }
                })
                .collect(),
            globals: declared
                .variables()
                .iter()
                .map(|variable| GlobalOverview {
                    name: variable.name.clone(),
                    section: declared.maps()[variable.map].section_name.clone(),
                    kind: variable.type_id.and_then(variable_type),
                    size: variable.size,
                })
                .collect(),
            externs: declared
                .externs()
                .iter()
                .map(|external| ExternOverview {
                    name: external.name.clone(),
                    kind: match external.kind {
                        ExternKind::Kconfig { .. } => "kconfig",
                        ExternKind::Variable { .. } => "variable",
                        ExternKind::Function { .. } => "function",
                        ExternKind::Object => "object",
                    },
                    weak: external.weak,
                })
                .collect(),
            helpers: helpers(object),
            relocations: relocations(object),
            core: core(object),
        }
    }
}

impl Overview {
    /// Leaves only this program.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn keep_program(&mut self, name: &str) -> Result<(), Error> {
        if !self.programs.iter().any(|program| program.name == name) {
            let known: Vec<&str> = self.programs.iter().map(|p| p.name.as_str()).collect();
            let diagnostic =
                Diagnostic::error(codes::RUN_PROGRAM, format!("there is no program `{name}`"))
                    .at(Place::file(self.file.clone()))
                    .note(format!("its programs: {}", known.join(", ")));
            return Err(Error::new(Fault::Usage, diagnostic));
        }
        self.programs.retain(|program| program.name == name);
        Ok(())
    }
}

fn sections(object: &Object) -> Vec<SectionOverview> {
    let image = object.declared().image();
    image
        .numbered_sections()
        .filter_map(|(_, section)| {
            let kind = match section.kind {
                SectionKind::Code => "code",
                SectionKind::Bits => match section.name.as_str() {
                    ".BTF" => "types",
                    ".BTF.ext" => "source lines",
                    ".maps" | "maps" => "map definitions",
                    _ => "data",
                },
                SectionKind::Zero => "zero",
                SectionKind::Other => return None,
            };
            (section.size > 0).then(|| SectionOverview {
                name: section.name.clone(),
                kind,
                bytes: section.size,
                relocations: section.relocations.len(),
            })
        })
        .collect()
}

/// Names of the helpers that code calls, in the order of their numbers.
fn helpers(object: &Object) -> Vec<String> {
    let declared = object.declared();
    let mut ids = BTreeSet::new();
    for (_, section) in declared.image().numbered_sections() {
        if section.kind != SectionKind::Code {
            continue;
        }
        let Ok(slots) = read_slots(&section.data, declared.endian()) else {
            continue;
        };
        let mut at = 0;
        while at < slots.len() {
            let Ok(insn) = decode(&slots, at) else {
                at += 1;
                continue;
            };
            if let Insn::Call(Callee::Helper(id)) = insn {
                ids.insert(id);
            }
            at += insn.slots();
        }
    }
    ids.into_iter()
        .map(|id| {
            let known = u32::try_from(id).ok().and_then(helper::by_id);
            known.map_or_else(|| format!("#{id}"), |helper| helper.name.to_owned())
        })
        .collect()
}

/// Relocations of code and data, by what they refer to.
fn relocations(object: &Object) -> BTreeMap<&'static str, u64> {
    let declared = object.declared();
    let image = declared.image();
    let mut counts = BTreeMap::new();
    for (_, section) in image.numbered_sections() {
        if section.kind == SectionKind::Other {
            continue;
        }
        for relocation in &section.relocations {
            let symbol = image.symbol(relocation.symbol);
            let what = match symbol.place {
                SymbolPlace::Undefined => "extern",
                SymbolPlace::Section(index) => {
                    let target = image.section(index);
                    match (target.kind, target.name.as_str()) {
                        (SectionKind::Code, _) => "function",
                        (_, ".maps" | "maps") => "map",
                        _ => "variable",
                    }
                }
                SymbolPlace::Absolute => "other",
            };
            *counts.entry(what).or_insert(0) += 1;
        }
    }
    counts
}

/// CO-RE relocations, equal ones counted together, in the order they first occur.
fn core(object: &Object) -> Vec<CoreOverview> {
    let declared = object.declared();
    let (Some(btf), Some(ext)) = (declared.btf(), declared.btf_ext()) else {
        return Vec::new();
    };
    let mut rows: Vec<CoreOverview> = Vec::new();
    let mut positions = BTreeMap::new();
    for record in ext.relos.iter().flat_map(|part| &part.records) {
        let (kind, of) = match Relo::from_record(record, btf) {
            Ok(relo) => {
                let path = relo
                    .path(btf)
                    .unwrap_or_else(|_| format!(" {}", relo.access));
                let known = btf.ty(relo.ty).is_some_and(|ty| ty.kind() != Kind::Void);
                let root = if known {
                    osmia_btf::describe(btf, relo.ty)
                } else {
                    format!("type {}", relo.ty.0)
                };
                (relo.kind.name(), format!("{root}{path}"))
            }
            Err(_) => ("unknown", format!("kind {}", record.kind)),
        };
        match positions.get(&(kind, of.clone())) {
            Some(at) => {
                let row: &mut CoreOverview = &mut rows[*at];
                row.count += 1;
            }
            None => {
                positions.insert((kind, of.clone()), rows.len());
                rows.push(CoreOverview { kind, of, count: 1 });
            }
        }
    }
    rows
}
