//! The rules that Linux applies to a filter before it takes it (read in `net/core/filter.c` and
//! `kernel/seccomp.c`, 6.1).

use osmia_diag::{Diagnostic, Label, Listing, Place};

use super::table::{ClassicAlu, ClassicOp, ClassicSource};
use super::{Ancillary, ClassicInsn, listing};
use crate::codes;
use crate::limits::CLASSIC_INSNS_MAX;

/// What a filter is for; seccomp allows less.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassicUse {
    /// Filters packets of a socket.
    SocketFilter,
    /// Filters system calls: sees `struct seccomp_data` instead of a packet.
    Seccomp,
}

/// Words of scratch memory.
pub(super) const SCRATCH_WORDS: u32 = 16;
/// Bytes of `struct seccomp_data`.
pub(super) const SECCOMP_DATA_BYTES: u32 = 64;

/// A rule that a filter breaks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instruction {at}: {kind}")]
pub struct ClassicError {
    /// The instruction.
    pub at: usize,
    /// The rule.
    pub kind: ClassicErrorKind,
}

/// The rules.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassicErrorKind {
    /// There is nothing.
    #[error("the filter is empty")]
    Empty,
    /// There is too much.
    #[error("the filter has {count} instructions, more than {max} (CLASSIC_INSNS_MAX)")]
    TooLong {
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// Not an instruction.
    #[error("unknown instruction code {code:#x}")]
    UnknownCode {
        /// The code.
        code: u16,
    },
    /// Divides by the number 0.
    #[error("division by the constant 0")]
    DivisionByZero,
    /// Shifts by more than there is.
    #[error("shift by {by} of a 32-bit value")]
    Shift {
        /// How far.
        by: u32,
    },
    /// There are 16 words of scratch memory.
    #[error("scratch memory has 16 words, there is no M[{index}]")]
    ScratchIndex {
        /// The index.
        index: u32,
    },
    /// Reads scratch memory that some way here has not written.
    #[error("M[{index}] may be read before it is written")]
    ScratchUninitialised {
        /// The index.
        index: u32,
    },
    /// A jump leaves the filter.
    #[error("jump to instruction {target}, but the last one is {last}")]
    JumpOut {
        /// Where to.
        target: u64,
        /// The last instruction.
        last: usize,
    },
    /// The last instruction must return.
    #[error("the last instruction must be a return")]
    NoReturn,
    /// An offset in the ancillary area without meaning.
    #[error("no ancillary data at offset {offset:#x}")]
    UnknownAncillary {
        /// The offset.
        offset: u32,
    },
    /// Seccomp loads aligned words of `struct seccomp_data` only.
    #[error("seccomp filters load aligned words below offset 64, not {offset}")]
    SeccompOffset {
        /// The offset.
        offset: u32,
    },
    /// An instruction that seccomp does not allow.
    #[error("seccomp does not allow this instruction (code {code:#x})")]
    SeccompCode {
        /// The code.
        code: u16,
    },
}

impl ClassicError {
    /// For people: with the instruction.
    pub fn to_diagnostic(&self, insns: &[ClassicInsn]) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(codes::CLASSIC, self.kind.to_string())
            .at(Place::none().insn(self.at as u64));
        let text = listing(insns.get(..=self.at).unwrap_or_default());
        if let Some(line) = text.lines().last() {
            diagnostic = diagnostic.listing(Listing {
                name: "filter".to_owned(),
                first_line: self.at + 1,
                text: line.to_owned(),
                labels: vec![Label {
                    range: 0..line.len(),
                    message: "here".to_owned(),
                    primary: true,
                }],
            });
        }
        match self.kind {
            ClassicErrorKind::JumpOut { .. } => {
                diagnostic.note("jumps go forward only, at most to the last instruction")
            }
            ClassicErrorKind::NoReturn => diagnostic.help("end the filter with `ret #0`"),
            _ => diagnostic,
        }
    }
}

/// Checks a filter as Linux does when it is attached.
///
/// # Errors
/// The first rule broken, in order of the instructions; scratch memory is judged last, as Linux
/// does.
pub fn check(insns: &[ClassicInsn], classic_use: ClassicUse) -> Result<(), ClassicError> {
    let count = insns.len();
    let fail = |at, kind| Err(ClassicError { at, kind });
    if count == 0 {
        return fail(0, ClassicErrorKind::Empty);
    }
    if count > CLASSIC_INSNS_MAX {
        let max = CLASSIC_INSNS_MAX;
        return fail(max, ClassicErrorKind::TooLong { count, max });
    }
    for (at, insn) in insns.iter().enumerate() {
        let kind = match check_one(insn, at, count) {
            Ok(op) if classic_use == ClassicUse::Seccomp => check_seccomp(insn, op).err(),
            Ok(_) => None,
            Err(kind) => Some(kind),
        };
        if let Some(kind) = kind {
            return fail(at, kind);
        }
    }
    if !matches!(
        insns[count - 1].op(),
        Some(ClassicOp::RetK | ClassicOp::RetA)
    ) {
        return fail(count - 1, ClassicErrorKind::NoReturn);
    }
    check_scratch(insns)
}

/// What can be said of an instruction alone.
fn check_one(insn: &ClassicInsn, at: usize, count: usize) -> Result<ClassicOp, ClassicErrorKind> {
    let k = insn.k;
    let Some(op) = insn.op() else {
        return Err(ClassicErrorKind::UnknownCode { code: insn.code });
    };
    let jump = |distance: u32| {
        let target = at as u64 + 1 + u64::from(distance);
        if target < count as u64 {
            return Ok(());
        }
        let last = count - 1;
        Err(ClassicErrorKind::JumpOut { target, last })
    };
    match op {
        ClassicOp::Alu(ClassicAlu::Div | ClassicAlu::Mod, ClassicSource::K) if k == 0 => {
            Err(ClassicErrorKind::DivisionByZero)
        }
        ClassicOp::Alu(ClassicAlu::Lsh | ClassicAlu::Rsh, ClassicSource::K) if k >= 32 => {
            Err(ClassicErrorKind::Shift { by: k })
        }
        ClassicOp::LoadMem | ClassicOp::LoadxMem | ClassicOp::Store | ClassicOp::Storex
            if k >= SCRATCH_WORDS =>
        {
            Err(ClassicErrorKind::ScratchIndex { index: k })
        }
        ClassicOp::LoadAbs(_) if k >= Ancillary::BASE && Ancillary::at(k).is_none() => {
            Err(ClassicErrorKind::UnknownAncillary { offset: k })
        }
        ClassicOp::Jump => jump(k).map(|()| op),
        ClassicOp::JumpIf(..) => {
            jump(insn.jt.into())?;
            jump(insn.jf.into())?;
            Ok(op)
        }
        _ => Ok(op),
    }
}

fn check_seccomp(insn: &ClassicInsn, op: ClassicOp) -> Result<(), ClassicErrorKind> {
    let offset = insn.k;
    match op {
        ClassicOp::LoadAbs(crate::Size::W) => {
            if offset >= SECCOMP_DATA_BYTES || !offset.is_multiple_of(4) {
                return Err(ClassicErrorKind::SeccompOffset { offset });
            }
            Ok(())
        }
        ClassicOp::LoadAbs(_)
        | ClassicOp::LoadInd(_)
        | ClassicOp::LoadxMsh
        | ClassicOp::Alu(ClassicAlu::Mod, _) => {
            Err(ClassicErrorKind::SeccompCode { code: insn.code })
        }
        _ => Ok(()),
    }
}

/// No way to a read of scratch memory may go past its write. Jumps only go forward, so one pass
/// that carries the words written on every way to each instruction is exact.
fn check_scratch(insns: &[ClassicInsn]) -> Result<(), ClassicError> {
    // For each instruction, the words written on every jump to it seen so far.
    let mut arriving = vec![u16::MAX; insns.len()];
    let mut written = 0_u16;
    for (at, insn) in insns.iter().enumerate() {
        written &= arriving[at];
        let jump = |arriving: &mut [u16], distance: usize| {
            if let Some(words) = arriving.get_mut(at.saturating_add(1).saturating_add(distance)) {
                *words &= written;
            }
        };
        match insn.op() {
            Some(ClassicOp::Store | ClassicOp::Storex) => written |= 1 << insn.k,
            Some(ClassicOp::LoadMem | ClassicOp::LoadxMem) if written & 1 << insn.k == 0 => {
                let kind = ClassicErrorKind::ScratchUninitialised { index: insn.k };
                return Err(ClassicError { at, kind });
            }
            Some(ClassicOp::Jump) => {
                jump(&mut arriving, insn.k as usize);
                written = u16::MAX;
            }
            Some(ClassicOp::JumpIf(..)) => {
                jump(&mut arriving, insn.jt.into());
                jump(&mut arriving, insn.jf.into());
                written = u16::MAX;
            }
            _ => {}
        }
    }
    Ok(())
}
