//! One program's instructions: its entry function, its subprograms appended, every call and
//! reference filled in.

use std::collections::BTreeMap;

use osmia_btf::{Body, ExtSection, FuncInfo, LineInfo, StrOff, essential_name};
use osmia_isa::Slot;
use osmia_program::{
    DebugInfo, FuncRecord, Function as ProgramFunction, KfuncRef, LineRecord, MapIndex, MapOrigin,
    MapSpec, Poison,
};

use super::core::FunctionCode;
use super::externs::{Resolved, Values};
use crate::image::{Relocation, SectionIndex, SectionKind, Symbol, SymbolKind, SymbolPlace};
use crate::object::FunctionIndex;
use crate::read::{ARENA_SECTION, function_reference, is_load_imm64, is_local_call};
use crate::{Function, LinkProblem, Object, ProgramDecl, limits};

/// Source register of a call of a kernel function.
const PSEUDO_KFUNC_CALL: u8 = 2;
/// Source registers of `ld_imm64`: kernel variable, function, map and value by position.
const PSEUDO_BTF_ID: u8 = 3;
const PSEUDO_FUNC: u8 = 4;
const PSEUDO_MAP_IDX: u8 = 5;
const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// Helper number, plus the extern's position, that calls of missing weak kernel functions get;
/// libbpf's.
const POISON_KFUNC: i32 = 2_002_000_000;

/// What linking one program gives.
#[derive(Debug, Default)]
pub(super) struct Linked {
    pub(super) insns: Vec<Slot>,
    pub(super) maps: Vec<MapIndex>,
    pub(super) functions: Vec<ProgramFunction>,
    pub(super) debug: Option<DebugInfo>,
    pub(super) poisons: Vec<Poison>,
    pub(super) kfuncs: Vec<KfuncRef>,
    /// Where each map of the object is in `maps`.
    positions: BTreeMap<usize, i32>,
}

/// What programs of one object share while they are linked.
pub(super) struct Linker<'a> {
    object: &'a Object,
    values: &'a Values,
    code: &'a [FunctionCode],
    externs: BTreeMap<u32, usize>,
    map_of_section: BTreeMap<SectionIndex, usize>,
    map_at: BTreeMap<(SectionIndex, u64), usize>,
    arena: Option<usize>,
    kconfig: Option<usize>,
    /// Functions with an `exception_callback:` tag, and which function it names.
    exception_callbacks: BTreeMap<&'a str, FunctionIndex>,
    funcs: BTreeMap<SectionIndex, Vec<FuncInfo>>,
    lines: BTreeMap<SectionIndex, Vec<LineInfo>>,
    slots_left: usize,
}

/// A function being copied: where to, and how far.
struct Frame {
    function: FunctionIndex,
    base: usize,
    next: usize,
}

/// Where something a slot refers to is.
enum Reference {
    Function(FunctionIndex),
    /// Already filled in, or nothing to do.
    Done,
}

impl<'a> Linker<'a> {
    pub(super) fn new(
        object: &'a Object,
        values: &'a Values,
        code: &'a [FunctionCode],
        maps: &'a [MapSpec],
    ) -> Self {
        let mut map_of_section = BTreeMap::new();
        let mut map_at = BTreeMap::new();
        for (index, decl) in object.maps.iter().enumerate() {
            let Some(section) = decl.section else {
                continue;
            };
            if decl.spec.origin == MapOrigin::Data {
                map_of_section.insert(section, index);
            } else if decl.spec.origin != MapOrigin::StructOps {
                map_at.insert((section, decl.offset), index);
            }
        }
        let externs = object
            .externs
            .iter()
            .enumerate()
            .map(|(position, each)| (each.symbol.0, position))
            .collect();
        let by_name: BTreeMap<&str, SectionIndex> = object
            .image
            .numbered_sections()
            .map(|(index, section)| (section.name.as_str(), index))
            .collect();
        let mut linker = Linker {
            object,
            values,
            code,
            externs,
            map_of_section,
            map_at,
            arena: maps
                .iter()
                .position(|spec| spec.kind == osmia_program::MapKind::Arena),
            kconfig: maps
                .iter()
                .position(|spec| spec.origin == MapOrigin::Kconfig),
            exception_callbacks: exception_callbacks(object),
            funcs: BTreeMap::new(),
            lines: BTreeMap::new(),
            slots_left: code
                .iter()
                .map(|code| code.slots.len())
                .sum::<usize>()
                .saturating_mul(limits::LINKED_SLOTS_PER_SLOT)
                .saturating_add(limits::LINKED_SLOTS_FREE),
        };
        if let (Some(btf), Some(ext)) = (object.btf(), object.btf_ext()) {
            let index = |name| by_name.get(btf.string(name).unwrap_or("")).copied();
            linker.funcs = by_section(&ext.funcs, index, |record| record.insn_bytes);
            linker.lines = by_section(&ext.lines, index, |record| record.insn_bytes);
        }
        linker
    }

    /// Links one program.
    pub(super) fn link(&mut self, decl: &ProgramDecl) -> Result<Linked, Vec<LinkProblem>> {
        let mut linked = Linked::default();
        let mut problems = Vec::new();
        let mut bases: BTreeMap<FunctionIndex, usize> = BTreeMap::new();
        let mut stack = Vec::new();
        self.enter(
            decl.function,
            &mut linked,
            &mut bases,
            &mut stack,
            &mut problems,
        )?;
        if let Some(callback) = self.exception_callbacks.get(decl.name.as_str()).copied() {
            // Appended last, unless somebody refers to it; libbpf does so too.
            self.run(&mut linked, &mut bases, &mut stack, &mut problems, decl)?;
            if !bases.contains_key(&callback) {
                self.enter(callback, &mut linked, &mut bases, &mut stack, &mut problems)?;
            }
        }
        self.run(&mut linked, &mut bases, &mut stack, &mut problems, decl)?;
        if !problems.is_empty() {
            return Err(problems);
        }
        linked.functions.sort_by_key(|function| function.start);
        linked.poisons.sort_by_key(|poison| poison.insn);
        linked.debug = self.debug(&bases);
        Ok(linked)
    }

    /// Copies functions, depth first in the order of references, until none is left.
    fn run(
        &mut self,
        linked: &mut Linked,
        bases: &mut BTreeMap<FunctionIndex, usize>,
        stack: &mut Vec<Frame>,
        problems: &mut Vec<LinkProblem>,
        decl: &ProgramDecl,
    ) -> Result<(), Vec<LinkProblem>> {
        let object = self.object;
        while let Some(frame) = stack.last_mut() {
            if problems.len() >= limits::PROBLEMS_MAX {
                return Err(std::mem::take(problems));
            }
            let function = &object.functions[frame.function.index()];
            if frame.next >= function.slots as usize {
                stack.pop();
                continue;
            }
            let within = frame.next;
            let at = frame.base + within;
            let wide = linked.insns.get(at).is_some_and(is_load_imm64);
            match self.refer(function, within, at, linked, decl) {
                Ok(Reference::Done) => frame.next += if wide { 2 } else { 1 },
                Err(problem) => {
                    problems.push(problem);
                    frame.next += if wide { 2 } else { 1 };
                }
                Ok(Reference::Function(callee)) => {
                    if let Some(base) = bases.get(&callee) {
                        let distance = *base as i64 - at as i64 - 1;
                        linked.insns[at].imm = distance as i32;
                        if wide {
                            linked.insns[at].src = PSEUDO_FUNC;
                        }
                        frame.next += if wide { 2 } else { 1 };
                    } else {
                        // The reference is looked at again once the function has its place.
                        self.enter(callee, linked, bases, stack, problems)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Appends a function's instructions as they are in the file.
    fn enter(
        &mut self,
        index: FunctionIndex,
        linked: &mut Linked,
        bases: &mut BTreeMap<FunctionIndex, usize>,
        stack: &mut Vec<Frame>,
        problems: &mut Vec<LinkProblem>,
    ) -> Result<(), Vec<LinkProblem>> {
        let function = &self.object.functions[index.index()];
        let code = &self.code[index.index()];
        let base = linked.insns.len();
        match self.slots_left.checked_sub(code.slots.len()) {
            Some(left) if base + code.slots.len() <= osmia_program::limits::INSN_COUNT_MAX => {
                self.slots_left = left;
            }
            _ => return Err(vec![LinkProblem::TooLarge]),
        }
        problems.extend(code.problems.iter().cloned());
        linked.insns.extend_from_slice(&code.slots);
        linked.functions.push(ProgramFunction {
            name: function.display_name(),
            start: base as u32,
            global: function.global,
        });
        linked
            .poisons
            .extend(code.poisons.iter().map(|poison| Poison {
                insn: poison.insn + base as u32,
                reason: poison.reason.clone(),
            }));
        bases.insert(index, base);
        stack.push(Frame {
            function: index,
            base,
            next: 0,
        });
        Ok(())
    }

    fn relocation(&self, function: &Function, within: usize) -> Option<&'a Relocation> {
        let relocations = &self.object.image.section(function.section).relocations;
        let offset = (u64::from(function.start) + within as u64) * 8;
        let at = relocations.partition_point(|relocation| relocation.offset < offset);
        relocations
            .get(at)
            .filter(|relocation| relocation.offset == offset && relocation.kind != 0)
    }

    /// What the slot `within` the function, now at `at` of the program, refers to; anything but a
    /// function is filled in at once.
    fn refer(
        &self,
        function: &Function,
        within: usize,
        at: usize,
        linked: &mut Linked,
        decl: &ProgramDecl,
    ) -> Result<Reference, LinkProblem> {
        let slot = linked.insns[at];
        let fail = |symbol: &str, what: &str| LinkProblem::Reference {
            function: function.name.clone(),
            section: self.object.image.section(function.section).name.clone(),
            offset: (u64::from(function.start) + within as u64) * 8,
            symbol: symbol.to_owned(),
            what: what.to_owned(),
        };
        let Some(relocation) = self.relocation(function, within) else {
            if is_local_call(&slot) {
                // Not changed yet: a reference is filled in last.
                let target = i64::from(function.start) + within as i64 + 1 + i64::from(slot.imm);
                return u32::try_from(target)
                    .ok()
                    .and_then(|target| self.object.function_at(function.section, target))
                    .map(Reference::Function)
                    .ok_or_else(|| fail("", "the call goes to no function's beginning"));
            }
            if is_load_imm64(&slot) && slot.src == PSEUDO_FUNC {
                return Err(fail("", "a function's address has no relocation"));
            }
            return Ok(Reference::Done);
        };
        let symbol = self.object.image.symbol(relocation.symbol);
        if !is_local_call(&slot) && !is_load_imm64(&slot) {
            return Err(fail(&symbol.name, "the instruction cannot hold an address"));
        }
        if is_load_imm64(&slot) && linked.insns.len() <= at + 1 {
            return Err(fail(&symbol.name, "the instruction is cut off"));
        }
        match symbol.place {
            SymbolPlace::Undefined => self.refer_extern(relocation, symbol, at, linked, decl),
            SymbolPlace::Absolute => Err(fail(&symbol.name, "it is a number, not a place")),
            SymbolPlace::Section(section) => {
                if self.object.image.section(section).kind == SectionKind::Code {
                    let target = function_reference(&slot, symbol.value, relocation.addend)
                        .and_then(|byte| u32::try_from(byte).ok())
                        .filter(|byte| byte.is_multiple_of(8))
                        .and_then(|byte| self.object.function_at(section, byte / 8));
                    return target
                        .map(Reference::Function)
                        .ok_or_else(|| fail(&symbol.name, "no function begins there"));
                }
                if is_local_call(&slot) {
                    return Err(fail(&symbol.name, "it is not a function"));
                }
                match self.refer_map(section, symbol, relocation, at, linked) {
                    Some(()) => Ok(Reference::Done),
                    None => {
                        let name = match symbol.kind {
                            SymbolKind::Section => &self.object.image.section(section).name,
                            _ => &symbol.name,
                        };
                        Err(fail(
                            name,
                            "it is neither a map nor in a section of variables",
                        ))
                    }
                }
            }
        }
    }

    fn refer_map(
        &self,
        section: SectionIndex,
        symbol: &Symbol,
        relocation: &Relocation,
        at: usize,
        linked: &mut Linked,
    ) -> Option<()> {
        let stated = i64::from(linked.insns[at].imm);
        let offset = (symbol.value as i64)
            .checked_add(relocation.addend)?
            .checked_add(stated)?;
        if let Some(map) = self.map_of_section.get(&section) {
            point_into(linked, at, *map, i32::try_from(offset).ok()?);
            return Some(());
        }
        if self.object.image.section(section).name == ARENA_SECTION {
            point_into(linked, at, self.arena?, i32::try_from(offset).ok()?);
            return Some(());
        }
        let map = self.map_at.get(&(section, u64::try_from(offset).ok()?))?;
        let position = use_map(linked, *map);
        linked.insns[at].src = PSEUDO_MAP_IDX;
        linked.insns[at].imm = position;
        Some(())
    }

    fn refer_extern(
        &self,
        relocation: &Relocation,
        symbol: &Symbol,
        at: usize,
        linked: &mut Linked,
        decl: &ProgramDecl,
    ) -> Result<Reference, LinkProblem> {
        let fail = |what: &str, help: &str| LinkProblem::Extern {
            name: symbol.name.clone(),
            program: Some(decl.name.clone()),
            what: what.to_owned(),
            help: help.to_owned(),
        };
        let position = self.externs.get(&relocation.symbol.0).copied();
        let Some((position, resolved)) =
            position.and_then(|position| Some((position, self.values.resolved.get(position)?)))
        else {
            return Err(fail("is not declared", "build the object again"));
        };
        let is_call = is_local_call(&linked.insns[at]);
        if let Resolved::Function { .. } = resolved {
            linked.kfuncs.push(KfuncRef {
                insn: at as u32,
                name: essential_name(&symbol.name).to_owned(),
            });
        }
        match (resolved, is_call) {
            (Resolved::Configuration { offset }, false) => {
                let map = self
                    .kconfig
                    .ok_or_else(|| fail("has no map", "build the object again"))?;
                point_into(linked, at, map, *offset as i32);
            }
            (Resolved::Address(address), false) => {
                linked.insns[at].imm = *address as i32;
                linked.insns[at + 1].imm = (*address >> 32) as i32;
            }
            (Resolved::Variable { id, module }, false) => {
                linked.insns[at].src = PSEUDO_BTF_ID;
                linked.insns[at].imm = id.0 as i32;
                linked.insns[at + 1].imm = *module;
            }
            (Resolved::Function { id, module }, true) => {
                linked.insns[at].src = PSEUDO_KFUNC_CALL;
                linked.insns[at].imm = id.0 as i32;
                linked.insns[at].off = *module;
            }
            // `bpf_ksym_exists`: the address of a kernel function, as a kernel symbol.
            (Resolved::Function { id, module }, false) => {
                linked.insns[at].src = PSEUDO_BTF_ID;
                linked.insns[at].imm = id.0 as i32;
                linked.insns[at + 1].imm = i32::from(*module);
            }
            (Resolved::Absent { .. }, false) => {
                linked.insns[at].imm = 0;
                linked.insns[at + 1].imm = 0;
            }
            (Resolved::Absent { reason }, true) => {
                linked.insns[at] = Slot {
                    code: linked.insns[at].code,
                    imm: POISON_KFUNC.saturating_add(position as i32),
                    ..Slot::default()
                };
                linked.poisons.push(Poison {
                    insn: at as u32,
                    reason: reason.clone(),
                });
            }
            // Told once for the object.
            (Resolved::Missing { .. }, _) if self.is_configuration(position) => {}
            (Resolved::Missing { what, help }, _) => return Err(fail(what, help)),
            (_, true) => {
                return Err(fail(
                    "is called, and is not a function",
                    "declare it as one",
                ));
            }
        }
        Ok(Reference::Done)
    }

    fn is_configuration(&self, position: usize) -> bool {
        matches!(
            self.object.externs[position].kind,
            crate::ExternKind::Kconfig { .. }
        )
    }

    /// Records of every function that is part of the program, where it is now.
    fn debug(&self, bases: &BTreeMap<FunctionIndex, usize>) -> Option<DebugInfo> {
        let btf = self.object.btf()?;
        self.object.btf_ext()?;
        let (mut funcs, mut lines) = (Vec::new(), Vec::new());
        for (index, base) in bases {
            let function = &self.object.functions[index.index()];
            let moved = |bytes: u32| bytes / 8 - function.start + *base as u32;
            if let Some(records) = self.funcs.get(&function.section) {
                let records = within(records, function, |record| record.insn_bytes);
                funcs.extend(records.iter().map(|record| FuncRecord {
                    insn: moved(record.insn_bytes),
                    type_id: record.func,
                }));
            }
            if let Some(records) = self.lines.get(&function.section) {
                let records = within(records, function, |record| record.insn_bytes);
                lines.extend(records.iter().map(|record| LineRecord {
                    insn: moved(record.insn_bytes),
                    file: record.file,
                    text: record.text,
                    line: record.line(),
                    column: record.column(),
                }));
            }
        }
        funcs.sort_by_key(|record: &FuncRecord| record.insn);
        lines.sort_by_key(|record: &LineRecord| record.insn);
        Some(DebugInfo {
            btf: btf.clone(),
            funcs,
            lines,
        })
    }
}

/// Records of each section by place. One an instruction, as the kernel has it: records are copied
/// with functions, so their number has to be bounded by the instructions'.
fn by_section<T: Copy>(
    sections: &[ExtSection<T>],
    index: impl Fn(StrOff) -> Option<SectionIndex>,
    bytes: impl Fn(&T) -> u32,
) -> BTreeMap<SectionIndex, Vec<T>> {
    let mut by_section: BTreeMap<SectionIndex, Vec<T>> = BTreeMap::new();
    for section in sections {
        if let Some(index) = index(section.name) {
            let whole = section.records.iter().copied();
            let whole = whole.filter(|record| bytes(record).is_multiple_of(8));
            by_section.entry(index).or_default().extend(whole);
        }
    }
    for records in by_section.values_mut() {
        records.sort_by_key(&bytes);
        records.dedup_by_key(|record| bytes(record));
    }
    by_section
}

/// Reads `exception_callback:NAME` tags of functions.
fn exception_callbacks(object: &Object) -> BTreeMap<&str, FunctionIndex> {
    let mut callbacks = BTreeMap::new();
    let Some(btf) = object.btf() else {
        return callbacks;
    };
    let by_name: BTreeMap<&str, usize> = object
        .functions
        .iter()
        .enumerate()
        .map(|(index, function)| (function.name.as_str(), index))
        .collect();
    for ty in btf.own_types() {
        if let Body::DeclTag(tag) = ty.body()
            && tag.component.is_none()
            && let Some(name) = ty.name().strip_prefix("exception_callback:")
            && let Some(index) = by_name.get(name)
        {
            let tagged = btf.type_at(tag.target).name();
            callbacks.insert(tagged, FunctionIndex(*index as u32));
        }
    }
    callbacks
}

/// The records that lie in a function.
fn within<'r, T>(records: &'r [T], function: &Function, bytes: impl Fn(&T) -> u32) -> &'r [T] {
    let start = u64::from(function.start) * 8;
    let end = start + u64::from(function.slots) * 8;
    let from = records.partition_point(|record| u64::from(bytes(record)) < start);
    let to = records.partition_point(|record| u64::from(bytes(record)) < end);
    &records[from..to]
}

/// Makes `ld_imm64` an address inside a map's value.
fn point_into(linked: &mut Linked, at: usize, map: usize, offset: i32) {
    let position = use_map(linked, map);
    linked.insns[at].src = PSEUDO_MAP_IDX_VALUE;
    linked.insns[at].imm = position;
    linked.insns[at + 1].imm = offset;
}

/// A map's position in the program's own list.
fn use_map(linked: &mut Linked, map: usize) -> i32 {
    let next = linked.maps.len() as i32;
    let position = *linked.positions.entry(map).or_insert(next);
    if position == next {
        linked.maps.push(MapIndex::from_usize(map));
    }
    position
}
