//! Why an instruction was poisoned: kept as data with the relocation, printed when the program
//! meets it.

use osmia_diag::Diagnostic;

use crate::core::{Mismatch, ReloKind};
use crate::{TypeId, codes};

/// A relocation without an answer in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// What was asked.
    pub kind: ReloKind,
    /// The root type in the object's BTF.
    pub local: TypeId,
    /// The same as C.
    pub local_name: String,
    /// The access as C would write it: `.mm.pgd`, empty for the whole type.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The target has no type of this name and kind.
    NoCandidate,
    /// It has, but none matches.
    NoMatch(Vec<Candidate>),
    /// The field's size changed and the load or store cannot follow: only pointers and unsigned
    /// integers can be loaded at another size.
    AccessSize {
        /// Bytes the object loads or stores.
        local_bytes: u64,
        /// Bytes the field has in the target.
        target_bytes: u64,
    },
}

/// A type of the target with the right name that did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which of the target's BTFs: 0 is the kernel's own, then modules in the given order.
    pub btf: usize,
    /// Its id.
    pub ty: TypeId,
    /// The type as C.
    pub name: String,
    /// Why it did not match.
    pub mismatch: Mismatch,
}

impl std::fmt::Display for Poison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Poison {
            kind,
            local_name,
            path,
            ..
        } = self;
        match &self.reason {
            Reason::NoCandidate => write!(f, "the target has no {local_name}"),
            Reason::NoMatch(candidates) => {
                write!(f, "the target has no {local_name} with `{path}`")?;
                for (position, candidate) in candidates.iter().enumerate() {
                    let lead = if position == 0 { ": " } else { "; " };
                    write!(
                        f,
                        "{lead}{} {}: {}",
                        candidate.ty, candidate.name, candidate.mismatch
                    )?;
                }
                Ok(())
            }
            Reason::AccessSize {
                local_bytes,
                target_bytes,
            } => {
                if !path.is_empty() {
                    write!(f, "`{path}` of ")?;
                }
                write!(f, "{local_name} is no unsigned integer or pointer and ")?;
                match (local_bytes, target_bytes) {
                    (0, _) => f.write_str("only in the object a bitfield"),
                    (_, 0) => f.write_str("a bitfield in the target"),
                    _ => write!(
                        f,
                        "has {target_bytes} bytes in the target, not {local_bytes}"
                    ),
                }
            }
        }?;
        write!(f, " ({kind})")
    }
}

impl Poison {
    /// The reason for a person. The caller adds file, program and instruction.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error(codes::CORE_POISONED, self.to_string())
            .note("the instruction was replaced by a call that no verifier accepts");
        match self.reason {
            Reason::AccessSize { .. } => diagnostic.help(
                "read it with BPF_CORE_READ_BITFIELD or bpf_core_read into a variable of its size",
            ),
            _ => diagnostic.help(
                "guard the access with bpf_core_field_exists() or bpf_core_enum_value_exists(), or add a ___flavour for this target",
            ),
        }
    }
}
