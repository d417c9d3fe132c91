//! The kernel's own style of log: every instruction with what is known of the registers it touches,
//! the way back from numbers that decided something, and the whole state where a branch is taken up (log
//! level 2). What the kernel says about liveness is left out.

use osmia_isa::{Callee, Insn, Operand};

use super::replay::{everything_in, everything_of};
use super::trace::Place;
use crate::explore::Stats;
use crate::limits;
use crate::precision::Step;
use crate::reg::What;
use crate::state::State;
use crate::transfer::Transfer;

/// The column that states stand at, and what it is rounded to.
const COLUMN: usize = 40;
const COLUMN_STEP: usize = 8;

/// Which paths a log shows: the kernel's log levels 1 and 2.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LoggedPaths {
    /// The one that is being looked at: in the end the rejected one, or none.
    Current,
    /// All of them, and how numbers that decided something were followed back.
    Every,
}

/// A log being written.
#[derive(Clone, Debug)]
pub(crate) struct KernelLog {
    paths: LoggedPaths,
    text: String,
    /// Bytes of the text at its longest, before paths were taken out again.
    bytes_most: usize,
    /// The instructions of the current path and where their text begins.
    path: Vec<(usize, usize)>,
    /// The source line printed last.
    line: Option<(u32, String)>,
    started: bool,
    /// Where the text of the instruction ends that was printed last.
    insn_end: usize,
}

impl KernelLog {
    pub(crate) fn new(paths: LoggedPaths) -> KernelLog {
        KernelLog {
            paths,
            text: String::new(),
            bytes_most: 0,
            path: Vec::new(),
            line: None,
            started: false,
            insn_end: 0,
        }
    }

    /// True if it shows how numbers were followed.
    pub(crate) fn shows_following(&self) -> bool {
        self.paths == LoggedPaths::Every
    }

    pub(crate) fn looks(&mut self, transfer: &Transfer<'_>) {
        let at = transfer.at;
        if self.text.len() > limits::LOG_BYTES_MAX {
            return;
        }
        if !std::mem::replace(&mut self.started, true) {
            self.text += &format!("{at}: {}\n", state(transfer, |_| true));
        }
        if self.paths == LoggedPaths::Current {
            self.path.push((at, self.text.len()));
        }
        if let Some(line) = transfer.program.line_at(at) {
            let now = (line.line, line.text.to_owned());
            if self.line.as_ref() != Some(&now) {
                self.text += &format!("; {} @ {}:{}\n", line.text, base(line.file), line.line);
                self.line = Some(now);
            }
        }
        let opcode = transfer.program.insns[at].code;
        self.text += &format!("{at}: ({opcode:02x}) {}\n", notation(transfer, at));
        self.insn_end = self.text.len();
    }

    /// How numbers that decided something were followed back.
    pub(crate) fn followed(&mut self, transfer: &Transfer<'_>, steps: &[Step]) {
        if self.text.len() > limits::LOG_BYTES_MAX {
            return;
        }
        for step in steps {
            let text = match step {
                Step::Stretch {
                    frame,
                    last,
                    first,
                    after,
                } => {
                    let after = after.map_or("-1".to_owned(), |after| after.to_string());
                    format!("frame{frame}: last_idx {last} first_idx {first} subseq_idx {after} ")
                }
                Step::Before {
                    frame,
                    regs,
                    slots,
                    at,
                } => {
                    let opcode = transfer.program.insns[*at].code;
                    format!(
                        "frame{frame}: {} before {at}: ({opcode:02x}) {}",
                        wanted(*regs, *slots),
                        notation(transfer, *at)
                    )
                }
                Step::Kept {
                    frame,
                    regs,
                    slots,
                    state,
                } => format!(
                    "frame{frame}: parent state {}: {}",
                    wanted(*regs, *slots),
                    kept(transfer, state, *frame)
                ),
                Step::Lost { frame } => {
                    format!("frame{frame}: falling back to forcing all scalars precise")
                }
            };
            self.text += &format!("mark_precise: {text}\n");
        }
    }

    pub(crate) fn covered(&mut self, at: usize, before: usize) {
        if before + 1 == at {
            self.text += &format!("{at}: safe\n");
        } else {
            self.text += &format!("from {before} to {at}: safe\n");
        }
    }

    pub(crate) fn passed(&mut self, transfer: &Transfer<'_>, at: usize, after: usize) {
        if self.text.len() > limits::LOG_BYTES_MAX {
            return;
        }
        let insn = transfer.shape.insn(at);
        if matches!(
            insn,
            Insn::Exit | Insn::Jump { .. } | Insn::Call(Callee::Local(_))
        ) {
            return;
        }
        let places = touched(transfer, &insn);
        let shown = state(transfer, |place| places.contains(place));
        if shown.is_empty() {
            return;
        }
        if self.text.len() != self.insn_end {
            self.text += &format!("{after}: {shown}\n");
            return;
        }
        let start = self.text[..self.text.len() - 1]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let length = self.text.len() - 1 - start;
        let column = (length + COLUMN_STEP / 2)
            .max(COLUMN)
            .next_multiple_of(COLUMN_STEP)
            - 2;
        self.text.pop();
        self.text += &format!("{:1$}; {shown}\n", "", column - length);
    }

    pub(crate) fn branches(&mut self, transfer: &Transfer<'_>, before: usize) {
        let at = transfer.at;
        self.goes_back_to(before);
        let shown = state(transfer, |_| true);
        self.text += &format!("\nfrom {before} to {at}: {shown}\n{at}: {shown}\n");
        self.line = None;
    }

    /// The log, and how many bytes it had at its longest.
    pub(crate) fn ends(mut self, message: Option<&str>, stats: Stats) -> (String, usize) {
        match message {
            Some(message) => {
                self.text += message;
                self.text.push('\n');
            }
            None => self.goes_back_to_begin(),
        }
        self.text += &stats.in_the_log();
        let bytes_most = self.bytes_most.max(self.text.len());
        (self.text, bytes_most)
    }

    /// Another branch of an instruction is taken up: what was found behind it is of no more interest, if
    /// it is only the current path that is.
    fn goes_back_to(&mut self, before: usize) {
        let Some(at) = self.path.iter().rposition(|&(insn, _)| insn == before) else {
            return;
        };
        self.bytes_most = self.bytes_most.max(self.text.len());
        self.text.truncate(self.path[at].1);
        self.path.truncate(at);
    }

    /// No path is rejected.
    fn goes_back_to_begin(&mut self) {
        if self.paths == LoggedPaths::Current {
            self.bytes_most = self.bytes_most.max(self.text.len());
            self.text.clear();
        }
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What is known of the running frame's registers and stack, of those that are asked for.
fn state(transfer: &Transfer<'_>, wanted: impl Fn(&Place) -> bool) -> String {
    let frame = transfer.state.top();
    let mut parts = Vec::new();
    if frame > 0 {
        parts.push(format!("frame{frame}:"));
    }
    let named = parts.len();
    for (place, value) in everything_of(transfer, frame) {
        if !wanted(&place) || value.is_unset() {
            continue;
        }
        parts.push(match place {
            Place::Reg { number, .. } => format!("R{number}={value}"),
            Place::Slot { index, .. } => format!("fp-{}={value}", 8 * (index + 1)),
        });
    }
    if parts.len() == named {
        return String::new();
    }
    parts.join(" ")
}

/// Registers and slots that are wanted, as the kernel lists them.
fn wanted(regs: u16, slots: u64) -> String {
    let list = |names: Vec<String>| names.join(",");
    let regs = (0..11).filter(|reg| regs & 1 << reg != 0);
    let slots = (0..64).filter(|slot| slots & 1 << slot != 0);
    format!(
        "regs={} stack={}",
        list(regs.map(|reg| format!("r{reg}")).collect()),
        list(slots.map(|slot| format!("-{}", 8 * (slot + 1))).collect())
    )
}

/// A frame of a kept state; `P` marks numbers that matter.
fn kept(transfer: &Transfer<'_>, state: &State, frame: usize) -> String {
    let mut text = match frame {
        0 => String::new(),
        _ => format!("frame{frame}:"),
    };
    let one = &state.frames[frame];
    for (place, value) in everything_in(transfer, state, frame) {
        let (name, precise) = match place {
            Place::Reg { number, .. } => (format!("R{number}"), one.regs[number].precise),
            Place::Slot { index, .. } => {
                let spilled = one.stack.slots()[index].spilled;
                (format!("fp-{}", 8 * (index + 1)), spilled.precise)
            }
        };
        if !value.is_unset() {
            let precise = if precise { "P" } else { "" };
            text += &format!(" {name}={precise}{value}");
        }
    }
    text
}

/// Registers and slots that an instruction reads or writes.
fn touched(transfer: &Transfer<'_>, insn: &Insn) -> Vec<Place> {
    let frame = transfer.state.top();
    let reg = |name: osmia_isa::Reg| Place::Reg {
        frame,
        number: name.index(),
    };
    let operand = |operand: Operand| match operand {
        Operand::Reg(name) => Some(reg(name)),
        Operand::Imm(_) => None,
    };
    let mut places: Vec<Place> = match *insn {
        Insn::Alu { dst, src, .. } | Insn::JumpIf { dst, src, .. } => {
            operand(src).into_iter().chain([reg(dst)]).collect()
        }
        Insn::Neg { dst, .. } | Insn::End { dst, .. } | Insn::LoadImm64 { dst, .. } => {
            vec![reg(dst)]
        }
        Insn::MovSx { dst, src, .. } => vec![reg(dst), reg(src)],
        Insn::Load { dst, base, .. } | Insn::LoadAcquire { dst, base, .. } => {
            vec![reg(dst), reg(base)]
        }
        Insn::Store { base, src, .. } => operand(src).into_iter().chain([reg(base)]).collect(),
        Insn::StoreRelease { base, src, .. } | Insn::Atomic { base, src, .. } => {
            vec![reg(base), reg(src)]
        }
        Insn::Call(_) | Insn::LoadPacket { .. } => vec![reg(osmia_isa::Reg::R0)],
        _ => Vec::new(),
    };
    let (base, off) = match *insn {
        Insn::Load { base, off, .. } | Insn::Store { base, off, .. } => (base, off),
        _ => return places,
    };
    let reg = transfer.state.reg(base);
    if let (What::Stack { frame }, Some(by)) = (reg.what, reg.num.constant()) {
        let place = i64::from(off) + i64::from(reg.off) + by as i64;
        if let Ok(index) = usize::try_from((-1 - place) / 8) {
            let frame = usize::from(frame);
            places.push(Place::Slot { frame, index });
        }
    }
    places
}

/// An instruction as the kernel prints it.
fn notation(transfer: &Transfer<'_>, at: usize) -> String {
    let text = osmia_program::insn_text(transfer.program, at);
    let insn = transfer.shape.insn(at);
    let mut text = text
        .replace("goto +", "goto pc+")
        .replace("goto -", "goto pc-");
    if let Insn::JumpIf {
        src: Operand::Imm(imm),
        ..
    } = insn
    {
        text = text.replacen(
            &format!(" {imm} goto"),
            &format!(" {:#x} goto", imm as u32),
            1,
        );
    }
    if let Insn::LoadImm64 { .. } = insn
        && let Some(value) = text.strip_suffix(" ll")
    {
        text = value.to_owned();
    }
    // `(r1 + 8)` is `(r1 +8)` there.
    for sign in ['+', '-'] {
        text = text.replace(&format!(" {sign} "), &format!(" {sign}"));
    }
    text
}
