//! Classic filters as eBPF programs.
//!
//! The accumulator is r0, the index register r7, the context r6 (where the legacy packet loads
//! expect it), r8 saves the accumulator, and the scratch words are the first 64 bytes of stack.
//! Packet loads outside the packet end the program with 0, as they do in classic BPF. A packet
//! without a device reads interface 0, where the classic filter would return 0: the context of an
//! eBPF program cannot tell these apart.

use osmia_diag::{Diagnostic, Place};

use super::check::{SCRATCH_WORDS, SECCOMP_DATA_BYTES, check};
use super::table::{ClassicAlu, ClassicCond, ClassicOp, ClassicSource};
use super::{Ancillary, ClassicError, ClassicInsn, ClassicUse};
use crate::{
    AluOp, Callee, Cond, EndOp, Insn, Operand, Reg, Size, Slot, Width, codes, encode_onto,
};

/// Why a filter has no translation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// It is not a valid filter.
    #[error(transparent)]
    Invalid(#[from] ClassicError),
    /// It reads something that eBPF programs of its kind cannot reach.
    #[error("instruction {at}: eBPF has no equivalent of ancillary load `{name}`")]
    Ancillary {
        /// The instruction.
        at: usize,
        /// What it reads.
        name: &'static str,
    },
}

impl TranslateError {
    /// For people: with the instruction.
    pub fn to_diagnostic(&self, insns: &[ClassicInsn]) -> Diagnostic {
        match self {
            TranslateError::Invalid(error) => error.to_diagnostic(insns),
            TranslateError::Ancillary { at, .. } => {
                Diagnostic::error(codes::CLASSIC_UNSUPPORTED, self.to_string())
                    .at(Place::none().insn(*at as u64))
                    .note("`struct __sk_buff` has no such field and no helper returns it")
            }
        }
    }
}

const A: Reg = Reg::R0;
const SAVED_A: Reg = match Reg::new(8) {
    Some(reg) => reg,
    None => Reg::R0,
};
const X: Reg = match Reg::new(7) {
    Some(reg) => reg,
    None => Reg::R0,
};
const CTX: Reg = match Reg::new(6) {
    Some(reg) => reg,
    None => Reg::R0,
};

/// Offsets in `struct __sk_buff`.
mod sk_buff {
    pub(super) const LEN: i16 = 0;
    pub(super) const PKT_TYPE: i16 = 4;
    pub(super) const MARK: i16 = 8;
    pub(super) const QUEUE_MAPPING: i16 = 12;
    pub(super) const PROTOCOL: i16 = 16;
    pub(super) const VLAN_PRESENT: i16 = 20;
    pub(super) const VLAN_TCI: i16 = 24;
    pub(super) const VLAN_PROTO: i16 = 28;
    pub(super) const IFINDEX: i16 = 40;
    pub(super) const HASH: i16 = 68;
}

const GET_PRANDOM_U32: i32 = 7;
const GET_SMP_PROCESSOR_ID: i32 = 8;

/// Translates a filter, after checking it.
///
/// ```
/// use osmia_isa::classic::{ClassicUse, assemble, translate};
/// let filter = assemble("ldh [12]\njeq #0x800 jt 2 jf 3\nret #65535\nret #0").unwrap();
/// let slots = translate(&filter, ClassicUse::SocketFilter).unwrap();
/// let text = osmia_isa::listing(&slots, &osmia_isa::NoNames);
/// assert!(text.contains("r0 = *(u16 *)skb[12]"));
/// ```
///
/// # Errors
/// If the filter breaks a rule, or reads what eBPF cannot.
pub fn translate(
    insns: &[ClassicInsn],
    classic_use: ClassicUse,
) -> Result<Vec<Slot>, TranslateError> {
    check(insns, classic_use)?;
    let mut out = Output {
        slots: Vec::new(),
        jumps: Vec::new(),
    };
    out.push(mov(Width::W64, CTX, Operand::Reg(Reg::R1)));
    out.push(mov(Width::W32, A, Operand::Imm(0)));
    out.push(mov(Width::W32, X, Operand::Imm(0)));
    let mut starts = Vec::with_capacity(insns.len());
    for (at, insn) in insns.iter().enumerate() {
        starts.push(out.slots.len());
        let Some(op) = insn.op() else {
            unreachable!("checked above: every instruction has a known code");
        };
        one(&mut out, at, insn, op, classic_use)?;
    }
    for (slot, target) in out.jumps {
        // At most 4096 instructions of at most 6 slots each.
        let distance = starts[target] - slot - 1;
        out.slots[slot].off = i16::try_from(distance).expect("the translation is short");
    }
    Ok(out.slots)
}

struct Output {
    slots: Vec<Slot>,
    /// Jumps whose distance is still 0: their slot, and the classic instruction they go to.
    jumps: Vec<(usize, usize)>,
}

impl Output {
    fn push(&mut self, insn: Insn) {
        encode_onto(&mut self.slots, &insn);
    }

    fn jump(&mut self, insn: Insn, target: usize) {
        self.jumps.push((self.slots.len(), target));
        self.push(insn);
    }
}

fn mov(width: Width, dst: Reg, src: Operand) -> Insn {
    alu(AluOp::Mov, width, dst, src)
}

fn alu(op: AluOp, width: Width, dst: Reg, src: Operand) -> Insn {
    Insn::Alu {
        op,
        width,
        dst,
        src,
    }
}

fn load(dst: Reg, base: Reg, off: i16) -> Insn {
    Insn::Load {
        size: Size::W,
        sign_extend: false,
        dst,
        base,
        off,
    }
}

/// Where a scratch word lies below the frame pointer.
fn scratch(index: u32) -> i16 {
    -4 * (SCRATCH_WORDS - index) as i16
}

fn constant(k: u32) -> Operand {
    Operand::Imm(k as i32)
}

fn one(
    out: &mut Output,
    at: usize,
    insn: &ClassicInsn,
    op: ClassicOp,
    classic_use: ClassicUse,
) -> Result<(), TranslateError> {
    let k = insn.k;
    match op {
        ClassicOp::LoadAbs(_) if classic_use == ClassicUse::Seccomp => {
            // Checked: below 64.
            out.push(load(A, CTX, k as i16));
        }
        ClassicOp::LoadAbs(size) => match Ancillary::at(k) {
            Some(ancillary) => return load_ancillary(out, at, k, ancillary),
            None => out.push(packet(size, None, k)),
        },
        ClassicOp::LoadInd(size) => out.push(packet(size, Some(X), k)),
        ClassicOp::LoadImm => out.push(mov(Width::W32, A, constant(k))),
        ClassicOp::LoadxImm => out.push(mov(Width::W32, X, constant(k))),
        ClassicOp::LoadMem => out.push(load(A, Reg::R10, scratch(k))),
        ClassicOp::LoadxMem => out.push(load(X, Reg::R10, scratch(k))),
        ClassicOp::LoadLen => out.push(length(A, classic_use)),
        ClassicOp::LoadxLen => out.push(length(X, classic_use)),
        ClassicOp::LoadxMsh => {
            out.push(mov(Width::W32, SAVED_A, Operand::Reg(A)));
            out.push(packet(Size::B, None, k));
            out.push(alu(AluOp::And, Width::W32, A, Operand::Imm(0xf)));
            out.push(alu(AluOp::Lsh, Width::W32, A, Operand::Imm(2)));
            out.push(mov(Width::W32, X, Operand::Reg(A)));
            out.push(mov(Width::W32, A, Operand::Reg(SAVED_A)));
        }
        ClassicOp::Store => out.push(store(A, k)),
        ClassicOp::Storex => out.push(store(X, k)),
        ClassicOp::Alu(op, source) => {
            let by_x = source == ClassicSource::X;
            if by_x && matches!(op, ClassicAlu::Div | ClassicAlu::Mod) {
                // Classic BPF returns 0 here; eBPF would go on.
                out.push(Insn::JumpIf {
                    cond: Cond::Ne,
                    width: Width::W32,
                    dst: X,
                    src: Operand::Imm(0),
                    off: 2,
                });
                out.push(mov(Width::W32, A, Operand::Imm(0)));
                out.push(Insn::Exit);
            }
            out.push(alu(alu_op(op), Width::W32, A, second(source, k)));
        }
        ClassicOp::Neg => out.push(Insn::Neg {
            width: Width::W32,
            dst: A,
        }),
        ClassicOp::Jump => jump(out, at, at + 1 + k as usize),
        ClassicOp::JumpIf(cond, source) => {
            let (then, or_else) = (at + 1 + insn.jt as usize, at + 1 + insn.jf as usize);
            conditional(out, at, cond, second(source, k), then, or_else);
        }
        ClassicOp::RetK => {
            out.push(mov(Width::W32, A, constant(k)));
            out.push(Insn::Exit);
        }
        ClassicOp::RetA => out.push(Insn::Exit),
        ClassicOp::Tax => out.push(mov(Width::W32, X, Operand::Reg(A))),
        ClassicOp::Txa => out.push(mov(Width::W32, A, Operand::Reg(X))),
    }
    Ok(())
}

fn packet(size: Size, index: Option<Reg>, k: u32) -> Insn {
    let off = k as i32;
    Insn::LoadPacket { size, index, off }
}

fn length(dst: Reg, classic_use: ClassicUse) -> Insn {
    match classic_use {
        ClassicUse::SocketFilter => load(dst, CTX, sk_buff::LEN),
        ClassicUse::Seccomp => mov(Width::W32, dst, constant(SECCOMP_DATA_BYTES)),
    }
}

fn store(src: Reg, index: u32) -> Insn {
    Insn::Store {
        size: Size::W,
        base: Reg::R10,
        off: scratch(index),
        src: Operand::Reg(src),
    }
}

fn second(source: ClassicSource, k: u32) -> Operand {
    match source {
        ClassicSource::K => constant(k),
        ClassicSource::X => Operand::Reg(X),
    }
}

fn alu_op(op: ClassicAlu) -> AluOp {
    match op {
        ClassicAlu::Add => AluOp::Add,
        ClassicAlu::Sub => AluOp::Sub,
        ClassicAlu::Mul => AluOp::Mul,
        ClassicAlu::Div => AluOp::Div,
        ClassicAlu::Mod => AluOp::Mod,
        ClassicAlu::Or => AluOp::Or,
        ClassicAlu::And => AluOp::And,
        ClassicAlu::Xor => AluOp::Xor,
        ClassicAlu::Lsh => AluOp::Lsh,
        ClassicAlu::Rsh => AluOp::Rsh,
    }
}

fn jump(out: &mut Output, at: usize, target: usize) {
    if target != at + 1 {
        let (off, long) = (0, false);
        out.jump(Insn::Jump { off, long }, target);
    }
}

/// One jump where the other way falls through, two where neither does.
fn conditional(
    out: &mut Output,
    at: usize,
    cond: ClassicCond,
    src: Operand,
    then: usize,
    or_else: usize,
) {
    let (holds, fails) = match cond {
        ClassicCond::Eq => (Cond::Eq, Some(Cond::Ne)),
        ClassicCond::Gt => (Cond::Gt, Some(Cond::Le)),
        ClassicCond::Ge => (Cond::Ge, Some(Cond::Lt)),
        ClassicCond::Set => (Cond::Set, None),
    };
    let test = |cond| Insn::JumpIf {
        cond,
        width: Width::W32,
        dst: A,
        src,
        off: 0,
    };
    match fails {
        _ if then == or_else => jump(out, at, then),
        Some(fails) if then == at + 1 => out.jump(test(fails), or_else),
        _ => {
            out.jump(test(holds), then);
            jump(out, at, or_else);
        }
    }
}

fn load_ancillary(
    out: &mut Output,
    at: usize,
    offset: u32,
    ancillary: Ancillary,
) -> Result<(), TranslateError> {
    let network_order = |out: &mut Output, field| {
        out.push(load(A, CTX, field));
        out.push(Insn::End {
            op: EndOp::ToBe,
            dst: A,
            size: Size::H,
        });
    };
    match ancillary {
        Ancillary::Protocol => network_order(out, sk_buff::PROTOCOL),
        Ancillary::VlanTpid => network_order(out, sk_buff::VLAN_PROTO),
        Ancillary::PacketType => out.push(load(A, CTX, sk_buff::PKT_TYPE)),
        Ancillary::IfIndex => out.push(load(A, CTX, sk_buff::IFINDEX)),
        Ancillary::Mark => out.push(load(A, CTX, sk_buff::MARK)),
        Ancillary::Queue => out.push(load(A, CTX, sk_buff::QUEUE_MAPPING)),
        Ancillary::RxHash => out.push(load(A, CTX, sk_buff::HASH)),
        Ancillary::VlanTag => out.push(load(A, CTX, sk_buff::VLAN_TCI)),
        Ancillary::VlanTagPresent => out.push(load(A, CTX, sk_buff::VLAN_PRESENT)),
        Ancillary::Cpu => out.push(Insn::Call(Callee::Helper(GET_SMP_PROCESSOR_ID))),
        Ancillary::Random => out.push(Insn::Call(Callee::Helper(GET_PRANDOM_U32))),
        Ancillary::AluXorX => out.push(alu(AluOp::Xor, Width::W32, A, Operand::Reg(X))),
        Ancillary::Nlattr
        | Ancillary::NlattrNest
        | Ancillary::HardwareType
        | Ancillary::PayloadOffset => {
            let name = Ancillary::name_at(offset).unwrap_or("unknown");
            return Err(TranslateError::Ancillary { at, name });
        }
    }
    Ok(())
}
