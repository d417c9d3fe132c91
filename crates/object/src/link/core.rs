//! CO-RE: every function's instructions with the target's numbers in them.
//!
//! Records are taken in the order of the file whatever function they belong to: candidates that
//! failed one relocation are out for the next, in libbpf as here, so the order is part of the
//! result. What goes wrong stays with its function and only matters to programs that include it.

use std::collections::{BTreeMap, BTreeSet};

use osmia_btf::CoreRelo;
use osmia_btf::core::{Patched, Relo, Resolver, patch};
use osmia_diag::Diagnostic;
use osmia_isa::{Slot, read_slots};
use osmia_program::{Poison, Target};

use crate::image::SectionIndex;
use crate::{Function, LinkProblem, Object, limits};

/// The instructions of one function.
#[derive(Clone, Debug, Default)]
pub(super) struct FunctionCode {
    /// Patched, calls and references not yet resolved.
    pub(super) slots: Vec<Slot>,
    /// Slots of the function that may not run.
    pub(super) poisons: Vec<Poison>,
    /// Relocations without a result.
    pub(super) problems: Vec<LinkProblem>,
}

/// Every function of the object, in its order.
pub(super) fn patch_all(
    object: &Object,
    target: &Target,
    notes: &mut Vec<Diagnostic>,
) -> Vec<FunctionCode> {
    let mut codes: Vec<FunctionCode> = object
        .functions
        .iter()
        .map(|function| FunctionCode {
            slots: slots_of(object, function),
            ..FunctionCode::default()
        })
        .collect();
    let (Some(btf), Some(ext)) = (object.btf(), object.btf_ext()) else {
        return codes;
    };
    if ext.relos.is_empty() {
        return codes;
    }
    let mut targets = Vec::new();
    if let Some(kernel) = &target.btf {
        targets.push(kernel.as_ref());
        targets.extend(target.module_btfs.iter().map(|(_, btf)| btf.as_ref()));
    } else {
        let count: usize = ext.relos.iter().map(|section| section.records.len()).sum();
        notes.push(
            Diagnostic::warning(
                crate::codes::OBJECT_NOTE,
                format!(
                    "target {} has no BTF: {count} CO-RE relocations have no answer",
                    target.name
                ),
            )
            .help("give the BTF of a kernel"),
        );
    }
    let sections: BTreeMap<&str, SectionIndex> = object
        .image
        .numbered_sections()
        .map(|(index, section)| (section.name.as_str(), index))
        .collect();
    let mut resolver = Resolver::new(btf, &targets);
    // Several records may be about one instruction; the first tells why it may not run.
    let mut poisoned = BTreeSet::new();
    for section in &ext.relos {
        let name = btf.string(section.name).unwrap_or("");
        let Some(index) = sections.get(name) else {
            continue;
        };
        for record in &section.records {
            let Some((owner, slot)) = owner(object, *index, record) else {
                continue;
            };
            let function = &object.functions[owner];
            let code = &mut codes[owner];
            let offset = u64::from(record.insn_bytes);
            let resolution = match Relo::from_record(record, btf) {
                Ok(relo) => resolver.resolve(&relo),
                Err(error) => Err(error),
            };
            match resolution {
                Err(_) if code.problems.len() >= limits::PROBLEMS_PER_FUNCTION => {}
                Err(error) => code.problems.push(LinkProblem::Core {
                    function: function.name.clone(),
                    section: name.to_owned(),
                    offset,
                    error: Box::new(error),
                }),
                Ok(resolution) => match patch(&mut code.slots, slot, &resolution) {
                    Ok(Patched::Value) => {}
                    Ok(Patched::Poisoned(_)) if !poisoned.insert((owner, slot)) => {}
                    Ok(Patched::Poisoned(poison)) => {
                        let reason = if target.btf.is_some() {
                            poison.to_string()
                        } else {
                            format!(
                                "the target has no BTF to look up {}{} in ({})",
                                poison.local_name, poison.path, poison.kind
                            )
                        };
                        code.poisons.push(Poison {
                            insn: slot as u32,
                            reason,
                        });
                    }
                    Err(_) if code.problems.len() >= limits::PROBLEMS_PER_FUNCTION => {}
                    Err(error) => code.problems.push(LinkProblem::Patch {
                        function: function.name.clone(),
                        section: name.to_owned(),
                        offset,
                        error,
                    }),
                },
            }
        }
    }
    for code in &mut codes {
        code.poisons.sort_by_key(|poison| poison.insn);
    }
    codes
}

/// The instructions as they are in the file.
fn slots_of(object: &Object, function: &Function) -> Vec<Slot> {
    let start = function.start as usize * Slot::BYTES;
    let end = start + function.slots as usize * Slot::BYTES;
    let data = &object.image.section(function.section).data;
    let bytes = data.get(start..end).unwrap_or(&[]);
    read_slots(bytes, object.endian()).unwrap_or_default()
}

/// The function a record is for, and the slot in it.
fn owner(object: &Object, section: SectionIndex, record: &CoreRelo) -> Option<(usize, usize)> {
    if !record.insn_bytes.is_multiple_of(8) {
        return None;
    }
    let slot = record.insn_bytes / 8;
    let after = object
        .functions
        .partition_point(|function| (function.section, function.start) <= (section, slot));
    let index = after.checked_sub(1)?;
    let function = &object.functions[index];
    let within = slot.checked_sub(function.start)?;
    (function.section == section && within < function.slots).then_some((index, within as usize))
}
