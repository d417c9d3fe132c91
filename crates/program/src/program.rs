//! A program ready for a host: linked, relocated, laid out.

use std::ops::Deref;
use std::sync::Arc;

use osmia_btf::{Btf, StrOff, TypeId};
use osmia_isa::Slot;

use crate::{Hook, MapIndex, ProgramKind, limits};

/// Load flags (`BPF_F_…` of `prog_flags`), the kernel's bits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramFlags(pub u32);

#[allow(missing_docs)]
impl ProgramFlags {
    pub const STRICT_ALIGNMENT: u32 = 1 << 0;
    pub const ANY_ALIGNMENT: u32 = 1 << 1;
    pub const TEST_RND_HI32: u32 = 1 << 2;
    pub const TEST_STATE_FREQ: u32 = 1 << 3;
    pub const SLEEPABLE: u32 = 1 << 4;
    pub const XDP_HAS_FRAGS: u32 = 1 << 5;
    pub const XDP_DEV_BOUND_ONLY: u32 = 1 << 6;
    pub const TEST_REG_INVARIANTS: u32 = 1 << 7;

    /// True if every bit of `bits` is set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// A function of the program: the entry or a subprogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name in the source.
    pub name: String,
    /// First slot.
    pub start: u32,
    /// True for functions the verifier checks on their own from their BTF prototype.
    pub global: bool,
}

/// A `func_info` record, instruction offsets in slots of the program.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FuncRecord {
    /// First slot of the function.
    pub insn: u32,
    /// Its FUNC in the BTF.
    pub type_id: TypeId,
}

/// A `line_info` record, instruction offsets in slots of the program.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LineRecord {
    /// First slot the line covers.
    pub insn: u32,
    /// File name, as an offset in the BTF's strings.
    pub file: StrOff,
    /// Text of the line, as an offset in the BTF's strings.
    pub text: StrOff,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
}

/// What the program's debug information says, in the kernel's terms.
#[derive(Clone, Debug)]
pub struct DebugInfo {
    /// The BTF the records count in.
    pub btf: Arc<Btf>,
    /// Functions by first slot.
    pub funcs: Vec<FuncRecord>,
    /// Lines by first slot.
    pub lines: Vec<LineRecord>,
}

/// A source line as people read it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SourceLine<'a> {
    /// File name as the compiler recorded it.
    pub file: &'a str,
    /// Text of the line, leading white space removed.
    pub text: &'a str,
    /// Bytes of white space removed.
    pub indent: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
}

/// An instruction that calls a kernel function or takes its address. Its number differs from kernel
/// to kernel, and a host without a kernel has none: what it is called is what counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KfuncRef {
    /// The instruction's slot.
    pub insn: u32,
    /// The function's name.
    pub name: String,
}

/// An instruction that a failed relocation made unusable, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// Its slot.
    pub insn: u32,
    /// What was asked and why it failed, as one sentence.
    pub reason: String,
}

/// Everything a program is made of, before its layout is checked.
#[derive(Clone, Debug)]
pub struct ProgramParts {
    /// Name of the entry function.
    pub name: String,
    /// The section it came from, for people.
    pub section: String,
    /// Type, expected attach type and target.
    pub hook: Hook,
    /// Load flags.
    pub flags: ProgramFlags,
    /// The object's licence string.
    pub license: String,
    /// The object's `version` section, for ancient kprobe programs.
    pub kernel_version: u32,
    /// False if the author or the user asked for it not to be loaded (`SEC("?…")`).
    pub autoload: bool,
    /// The instructions. Maps are named by position in `maps` (`BPF_PSEUDO_MAP_IDX`, `_IDX_VALUE`).
    pub insns: Vec<Slot>,
    /// The maps it uses, as positions in the set.
    pub maps: Vec<MapIndex>,
    /// Entry first, then subprograms by first slot.
    pub functions: Vec<Function>,
    /// Source lines and function types, if the object has them.
    pub debug: Option<DebugInfo>,
    /// Instructions that failed relocations made unusable, by slot.
    pub poisons: Vec<Poison>,
    /// Instructions that refer to kernel functions, by slot.
    pub kfuncs: Vec<KfuncRef>,
}

impl ProgramParts {
    /// A GPL program of one function: no maps, no debug information.
    pub fn bare(name: &str, kind: ProgramKind, insns: Vec<Slot>) -> Self {
        Self {
            name: name.to_owned(),
            section: String::new(),
            hook: Hook {
                kind,
                attach: None,
                target: None,
            },
            flags: ProgramFlags::default(),
            license: "GPL".to_owned(),
            kernel_version: 0,
            autoload: true,
            insns,
            maps: Vec::new(),
            functions: vec![Function {
                name: name.to_owned(),
                start: 0,
                global: true,
            }],
            debug: None,
            poisons: Vec::new(),
            kfuncs: Vec::new(),
        }
    }
}

/// Why parts are not a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// Too many instructions.
    #[error("{insns} instructions, the limit is {}", limits::INSN_COUNT_MAX)]
    TooLong {
        /// How many there are.
        insns: usize,
    },
    /// A jump or an instruction is out of place.
    #[error(transparent)]
    Layout(#[from] osmia_isa::LayoutError),
}

/// A linked program. Every jump lands on an instruction.
#[derive(Clone, Debug)]
pub struct Program {
    parts: ProgramParts,
}

impl Program {
    /// Checks the layout.
    pub fn new(mut parts: ProgramParts) -> Result<Self, ProgramError> {
        if parts.insns.len() > limits::INSN_COUNT_MAX {
            return Err(ProgramError::TooLong {
                insns: parts.insns.len(),
            });
        }
        osmia_isa::check_layout(&parts.insns)?;
        // Looked up for every slot of a listing.
        parts.poisons.sort_by_key(|poison| poison.insn);
        parts.kfuncs.sort_by_key(|kfunc| kfunc.insn);
        Ok(Self { parts })
    }

    /// Back to parts, to change something and check again.
    pub fn into_parts(self) -> ProgramParts {
        self.parts
    }

    /// The function this slot lies in.
    pub fn function_at(&self, slot: usize) -> Option<&Function> {
        let after = self
            .functions
            .partition_point(|function| function.start as usize <= slot);
        self.functions.get(after.checked_sub(1)?)
    }

    /// The source line this slot came from.
    pub fn line_at(&self, slot: usize) -> Option<SourceLine<'_>> {
        let debug = self.debug.as_ref()?;
        let after = debug
            .lines
            .partition_point(|record| record.insn as usize <= slot);
        let record = debug.lines.get(after.checked_sub(1)?)?;
        let whole = debug.btf.string(record.text)?;
        let text = whole.trim_start();
        Some(SourceLine {
            file: debug.btf.string(record.file)?,
            text,
            indent: (whole.len() - text.len()) as u32,
            line: record.line,
            column: record.column,
        })
    }

    /// The name of the kernel function this slot refers to, if it does.
    pub fn kfunc_at(&self, slot: usize) -> Option<&str> {
        let at = self
            .kfuncs
            .partition_point(|kfunc| (kfunc.insn as usize) < slot);
        let kfunc = self.kfuncs.get(at)?;
        (kfunc.insn as usize == slot).then_some(kfunc.name.as_str())
    }

    /// Why this slot is unusable, if it is.
    pub fn poison_at(&self, slot: usize) -> Option<&Poison> {
        let at = self
            .poisons
            .partition_point(|poison| (poison.insn as usize) < slot);
        self.poisons
            .get(at)
            .filter(|poison| poison.insn as usize == slot)
    }
}

impl Deref for Program {
    type Target = ProgramParts;

    fn deref(&self) -> &ProgramParts {
        &self.parts
    }
}
