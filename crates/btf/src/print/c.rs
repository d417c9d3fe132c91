//! A C header that a compiler accepts: every type after those it needs, forward declarations where
//! pointers go in circles, layouts as the BTF says.
//!
//! Text and order are those of `bpftool btf dump … format c`, so that headers can be compared. The
//! rules are libbpf's; each file here is one of them: order, definitions, declarators, padding.
//! One difference from bpftool 7.1 is meant: enumerations of one or eight bytes get the attribute
//! that makes them so, as later versions do.

mod declare;
mod define;
mod order;
mod padding;

use osmia_diag::{Code, Diagnostic};
use rustc_hash::FxHashMap;

use crate::{Btf, Kind, Type, TypeId, codes, limits};

/// Why types cannot be written as C.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// A type without a name refers to itself, which C cannot say.
    #[error("{kind} {id} has no name and refers to itself")]
    Cycle {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// Types are nested too deeply.
    #[error(
        "{kind} {id} is nested more than DUMP_DEPTH_MAX = {} types deep",
        limits::DUMP_DEPTH_MAX
    )]
    TooDeep {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// The header grows out of proportion.
    #[error(
        "the header needs more than {} bytes for each byte of BTF (DUMP_BYTES_PER_BYTE)",
        limits::DUMP_BYTES_PER_BYTE
    )]
    TooLarge,
}

impl DumpError {
    /// The error for a person.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let code: Code = match self {
            DumpError::Cycle { .. } => codes::CYCLE,
            _ => codes::LIMIT,
        };
        Diagnostic::error(code, self.to_string()).help("format raw prints any BTF")
    }
}

const HEAD: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

";

const TAIL: &str = "\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

/// All types of `btf`, its base's included, as a C header; or only `roots` and what they need.
pub fn dump_c(btf: &Btf, roots: Option<&[TypeId]>) -> Result<String, DumpError> {
    let mut dump = Dump::new(btf);
    dump.out.push_str(HEAD);
    match roots {
        Some(roots) => {
            for root in roots {
                dump.top_level(*root)?;
            }
        }
        None => {
            for id in 1..btf.type_count() {
                dump.top_level(TypeId(id))?;
            }
        }
    }
    dump.out.push_str(TAIL);
    Ok(dump.out)
}

/// How far something has come.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    No,
    Begun,
    Done,
}

/// What is known of one type.
#[derive(Clone, Debug, Default)]
struct State {
    ordered: Progress,
    emitted: Progress,
    /// `struct x;` is out, or for a typedef its definition, early.
    declared: bool,
    /// Some other type refers to it.
    referenced: bool,
    /// How many types had this name before, once it has been used.
    repeats: Option<u32>,
}

struct Dump<'a> {
    btf: &'a Btf,
    out: String,
    states: Vec<State>,
    queue: Vec<TypeId>,
    /// Names of structures, unions and enumerations: in C a space of their own.
    tags: FxHashMap<&'a str, u32>,
    /// Names of typedefs and enumerators.
    idents: FxHashMap<&'a str, u32>,
    aligns: FxHashMap<TypeId, Option<u32>>,
    depth: u32,
    steps_left: usize,
    out_max: usize,
}

impl<'a> Dump<'a> {
    fn new(btf: &'a Btf) -> Self {
        let mut bytes = btf.bytes.len();
        let mut base = btf.base();
        while let Some(btf) = base {
            bytes += btf.bytes.len();
            base = btf.base();
        }
        let allowed = limits::DUMP_BYTES_PER_BYTE
            .saturating_mul(bytes)
            .saturating_add(limits::DUMP_BYTES_FREE);
        let mut dump = Dump {
            btf,
            out: String::new(),
            states: vec![State::default(); btf.type_count() as usize],
            queue: Vec::new(),
            tags: FxHashMap::default(),
            idents: FxHashMap::default(),
            aligns: FxHashMap::default(),
            depth: 0,
            steps_left: allowed,
            out_max: allowed,
        };
        dump.mark_referenced();
        dump
    }

    fn state(&mut self, id: TypeId) -> &mut State {
        // Ids in a checked BTF are in range.
        &mut self.states[id.0 as usize]
    }

    /// Emits a type and before it what it needs.
    fn top_level(&mut self, id: TypeId) -> Result<(), DumpError> {
        self.queue.clear();
        self.order(id, false)?;
        for id in std::mem::take(&mut self.queue) {
            self.emit(id, TypeId::VOID)?;
        }
        Ok(())
    }

    /// One step down: counts depth and work.
    fn enter(&mut self, ty: Type<'a>) -> Result<(), DumpError> {
        if self.depth >= limits::DUMP_DEPTH_MAX {
            return Err(DumpError::TooDeep {
                id: ty.id(),
                kind: ty.kind(),
            });
        }
        self.depth += 1;
        self.steps_left = self.steps_left.checked_sub(1).ok_or(DumpError::TooLarge)?;
        if self.out.len() > self.out_max {
            return Err(DumpError::TooLarge);
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn align(&mut self, id: TypeId) -> u64 {
        u64::from(self.btf.align_with(id, &mut self.aligns).unwrap_or(0))
    }

    /// Name of a structure, union or enumeration; the second of a name gets `___2`.
    fn tag(&mut self, ty: Type<'a>) -> String {
        let name = ty.name();
        if name.is_empty() {
            return String::new();
        }
        let repeats = match self.states[ty.id().0 as usize].repeats {
            Some(repeats) => repeats,
            None => count(&mut self.tags, name),
        };
        self.state(ty.id()).repeats = Some(repeats);
        numbered(name, repeats)
    }

    /// Name of a typedef, likewise.
    fn ident(&mut self, ty: Type<'a>) -> String {
        let name = ty.name();
        let repeats = match self.states[ty.id().0 as usize].repeats {
            Some(repeats) => repeats,
            None => count(&mut self.idents, name),
        };
        self.state(ty.id()).repeats = Some(repeats);
        numbered(name, repeats)
    }

    fn margin(&mut self, level: usize) {
        self.out.push('\n');
        for _ in 0..level {
            self.out.push('\t');
        }
    }
}

fn count<'a>(names: &mut FxHashMap<&'a str, u32>, name: &'a str) -> u32 {
    let count = names.entry(name).or_insert(0);
    *count += 1;
    *count
}

fn numbered(name: &str, repeats: u32) -> String {
    if repeats > 1 {
        format!("{name}___{repeats}")
    } else {
        name.to_owned()
    }
}
