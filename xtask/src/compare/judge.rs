//! Equal or not, and where the first difference is.

use std::path::Path;

use osmia_isa::{NoNames, Slot, decode};
use osmia_program::{Initial, MapKind, MapSpec, Program, ProgramKind, SlotContent};

use super::libbpf::{Loaded, LoadedMap, LoadedProgram, Shape};
use super::ours::Linked;

/// What comparing one object, or all, came to.
#[derive(Default)]
pub(super) struct Judgement {
    /// Programs that are equal.
    pub(super) programs: usize,
    /// Their instructions.
    pub(super) insns: usize,
    /// Maps that are equal.
    pub(super) maps: usize,
    pub(super) differences: Vec<String>,
    /// What was not compared, and why.
    pub(super) skipped: Vec<String>,
    /// Programs that libbpf refuses and we take.
    pub(super) ours_only: usize,
    /// Programs that both refuse.
    pub(super) neither: usize,
}

impl Judgement {
    pub(super) fn add(&mut self, other: &Judgement) {
        self.programs += other.programs;
        self.insns += other.insns;
        self.maps += other.maps;
        self.differences.extend(other.differences.iter().cloned());
        self.ours_only += other.ours_only;
        self.neither += other.neither;
    }
}

/// We do not read the object at all.
pub(super) fn refused(refusal: &str, theirs: &Loaded) -> Judgement {
    let mut judged = Judgement::default();
    if theirs.programs.is_empty() && theirs.maps.is_empty() {
        judged.neither = 1;
        judged
            .skipped
            .push(format!("the object: neither takes it ({refusal})"));
    } else {
        judged
            .differences
            .push(format!("libbpf loads it, we do not: {refusal}"));
    }
    judged
}

pub(super) fn judge(ours: &Linked, theirs: &Loaded) -> Judgement {
    let mut judged = Judgement::default();
    for program in &theirs.programs {
        let name = &program.name;
        let refusal = ours.refused.iter().find(|(refused, _)| refused == name);
        match (ours.programs.iter().find(|own| own.name == *name), refusal) {
            (Some(own), _) => match compare_programs(own, program, ours) {
                Ok(()) => {
                    judged.programs += 1;
                    judged.insns += program.insns.len();
                }
                Err(difference) => judged.differences.push(format!("{name}: {difference}")),
            },
            (None, Some((_, why))) => {
                judged
                    .differences
                    .push(format!("{name}: libbpf loads it, we do not: {why}"));
            }
            (None, None) => judged
                .differences
                .push(format!("{name}: not a program here")),
        }
    }
    for (name, why) in &theirs.refused {
        let own = |name: &str| ours.programs.iter().any(|own| own.name == name);
        match name {
            Some(name) if own(name) => judged.ours_only += 1,
            None if !ours.programs.is_empty() => judged.ours_only += ours.programs.len(),
            _ => judged.neither += 1,
        }
        let what = name.as_deref().unwrap_or("the object");
        judged
            .skipped
            .push(format!("{what}: libbpf refuses it ({why})"));
    }
    for map in &theirs.maps {
        let own = ours
            .maps
            .iter()
            .find(|own| own.name == kernel_name(&map.name));
        match own.map(|own| compare_maps(own, map, &ours.maps)) {
            Some(Ok(())) => judged.maps += 1,
            Some(Err(_)) if map.name.ends_with(".kconfig") && !has_kprobes() => {
                let why = "libbpf asks the kernel about kprobes, which this one does not have";
                judged.skipped.push(format!("map {}: {why}", map.name));
            }
            Some(Err(difference)) => {
                judged
                    .differences
                    .push(format!("map {}: {difference}", map.name));
            }
            None if ours.refused.is_empty() => {
                judged
                    .differences
                    .push(format!("map {}: not a map here", map.name));
            }
            None => judged
                .skipped
                .push(format!("map {}: its programs do not link", map.name)),
        }
    }
    judged
}

/// libbpf gives the full name of a section of variables, the kernel keeps fifteen bytes of it.
fn kernel_name(name: &str) -> &str {
    let cut = name.len() > 15 && name.starts_with('.');
    if cut {
        name.get(..15).unwrap_or(name)
    } else {
        name
    }
}

/// Without them libbpf concludes that system calls have no wrappers (`LINUX_HAS_SYSCALL_WRAPPER`).
fn has_kprobes() -> bool {
    Path::new("/sys/bus/event_source/devices/kprobe/type").exists()
}

fn compare_programs(own: &Program, other: &LoadedProgram, ours: &Linked) -> Result<(), String> {
    let attach = own.hook.attach.map_or(0, |attach| attach.number());
    let same = |what: &str, own: u64, other: u64| match own == other {
        true => Ok(()),
        false => Err(format!("{what} {own}, libbpf's is {other}")),
    };
    if other.known_section && !ours.guessed.contains(&other.name) {
        same(
            "program type",
            own.hook.kind.number().into(),
            other.kind.into(),
        )?;
        // For struct_ops libbpf passes the member's number in the kernel's structure: the business
        // of a host that is a kernel.
        if own.hook.kind != ProgramKind::StructOps {
            same("attach type", attach.into(), other.attach.into())?;
        }
        same("load flags", own.flags.0.into(), other.flags.into())?;
    }
    if own.license != other.license {
        return Err(format!(
            "licence {:?}, libbpf's is {:?}",
            own.license, other.license
        ));
    }
    compare_insns(own, other, &ours.maps)?;
    if other.func_infos + other.line_infos > 0 {
        let debug = own.debug.as_ref();
        let funcs = debug.map_or(0, |debug| debug.funcs.len());
        let lines = debug.map_or(0, |debug| debug.lines.len());
        same("number of function records", funcs as u64, other.func_infos)?;
        same("number of line records", lines as u64, other.line_infos)?;
    }
    Ok(())
}

/// What the first slot of a `ld_imm64` refers to.
#[derive(PartialEq)]
enum Reference {
    /// The slot as it stands.
    Plain(Slot),
    /// A map by name, and an offset if its value is meant.
    Map(u8, String, Option<i32>),
}

const LOAD_IMM64: u8 = 0x18;
const MAP_FD: u8 = 1;
const MAP_VALUE: u8 = 2;
const MAP_IDX: u8 = 5;
const MAP_IDX_VALUE: u8 = 6;

fn references(slots: &[Slot], name_of: impl Fn(u8, i32) -> Option<String>) -> Vec<Reference> {
    let mut references = Vec::with_capacity(slots.len());
    let mut at = 0;
    while let Some(slot) = slots.get(at) {
        let wide = slot.code == LOAD_IMM64;
        let map = matches!(slot.src, MAP_FD | MAP_VALUE | MAP_IDX | MAP_IDX_VALUE) && wide;
        let next = slots.get(at + 1).copied().unwrap_or_default();
        match name_of(slot.src, slot.imm).filter(|_| map) {
            Some(name) => {
                let offset = matches!(slot.src, MAP_VALUE | MAP_IDX_VALUE).then_some(next.imm);
                references.push(Reference::Map(slot.dst, name, offset));
            }
            None => references.push(Reference::Plain(*slot)),
        }
        if wide && at + 1 < slots.len() {
            let second = if map { Slot { imm: 0, ..next } } else { next };
            references.push(Reference::Plain(second));
        }
        at += if wide { 2 } else { 1 };
    }
    references
}

fn compare_insns(own: &Program, other: &LoadedProgram, maps: &[MapSpec]) -> Result<(), String> {
    let our_name = |_, position: i32| {
        let index = own.maps.get(usize::try_from(position).ok()?)?;
        Some(maps.get(index.index())?.name.clone())
    };
    let their_name = |_, fd: i32| {
        let named = other
            .map_fds
            .iter()
            .find(|(known, _)| *known == i64::from(fd));
        // Without a list of maps only the kind of reference can be compared.
        Some(named.map_or_else(
            || format!("descriptor {fd}"),
            |(_, name)| kernel_name(name).to_owned(),
        ))
    };
    let mine = references(&own.insns, our_name);
    let theirs = references(&other.insns, their_name);
    let differs = mine
        .iter()
        .zip(&theirs)
        .position(|(mine, theirs)| !equal(mine, theirs));
    let show = |slots: &[Slot], at: usize| match decode(slots, at) {
        Ok(insn) => insn.show(at, &NoNames).to_string(),
        Err(error) => format!("{error} ({:?})", slots.get(at)),
    };
    if let Some(at) = differs {
        return Err(format!(
            "instruction {at} of {}: `{}`, libbpf's is `{}`",
            other.insns.len(),
            show(&own.insns, at),
            show(&other.insns, at)
        ));
    }
    if mine.len() != theirs.len() {
        return Err(format!(
            "{} instructions, libbpf has {}",
            own.insns.len(),
            other.insns.len()
        ));
    }
    Ok(())
}

fn equal(mine: &Reference, theirs: &Reference) -> bool {
    match (mine, theirs) {
        (Reference::Map(dst, name, offset), Reference::Map(other, named, at)) => {
            dst == other && offset == at && (name == named || named.starts_with("descriptor "))
        }
        _ => mine == theirs,
    }
}

fn compare_maps(own: &MapSpec, other: &LoadedMap, maps: &[MapSpec]) -> Result<(), String> {
    let mut mine = shape(own);
    if own.kind == MapKind::PerfEventArray && own.max_entries == 0 {
        // One for each CPU, and the host knows how many it has.
        mine.max_entries = other.shape.max_entries;
    }
    if own.kind == MapKind::StructOps {
        // The size of the kernel's own structure, which only it has to know.
        mine.value_size = other.shape.value_size;
    }
    compare_shapes(&mine, &other.shape)?;
    match (&own.inner, &other.inner) {
        (Some(own), Some(other)) => {
            compare_shapes(&shape(own), other).map_err(|what| format!("inner map: {what}"))?;
        }
        (None, None) => {}
        (own, _) => {
            return Err(format!(
                "an inner map {} here only",
                if own.is_some() { "is" } else { "is not" }
            ));
        }
    }
    if own.frozen != other.frozen {
        return Err(format!(
            "frozen: {}, libbpf's: {}",
            own.frozen, other.frozen
        ));
    }
    if let (Initial::Value(value), Some(theirs)) = (&own.initial, &other.value)
        && value != theirs
    {
        let at = value.iter().zip(theirs).position(|(a, b)| a != b);
        let at = at.unwrap_or(value.len().min(theirs.len()));
        let byte = |bytes: &[u8]| bytes.get(at).copied();
        let (mine, theirs) = (byte(value), byte(theirs));
        return Err(format!(
            "first contents at byte {at}: {mine:x?}, libbpf's {theirs:x?}"
        ));
    }
    if let Initial::Slots(slots) = &own.initial {
        let mine: Vec<_> = slots
            .iter()
            .map(|(index, content)| {
                let name = match content {
                    SlotContent::Map(index) => maps.get(index.index()).map(|map| map.name.clone()),
                    SlotContent::Program(name) => Some(name.clone()),
                };
                (u64::from(*index), name)
            })
            .collect();
        // Where libbpf had to load programs alone, the others are missing from the array.
        if !other.slots.is_empty() && mine != other.slots {
            return Err(format!("slots {mine:?}, libbpf's are {:?}", other.slots));
        }
    }
    Ok(())
}

fn shape(spec: &MapSpec) -> Shape {
    Shape {
        kind: spec.kind.number().into(),
        key_size: spec.key_size.into(),
        value_size: spec.value_size.into(),
        max_entries: spec.max_entries.into(),
        flags: spec.flags.0.into(),
        extra: spec.extra,
    }
}

fn compare_shapes(own: &Shape, other: &Shape) -> Result<(), String> {
    if own == other {
        return Ok(());
    }
    Err(format!("{own:?}, libbpf's is {other:?}"))
}
