//! The context's fields.

use osmia_isa::{Insn, Operand, Size};
use osmia_program::ProgramKind;

use super::{Author, Kind, reg};

/// A field of four bytes that every program of a type may read: where it lies, and whether it may be
/// written.
type Field = (i16, bool);

/// Of `struct xdp_md`.
const XDP: [Field; 2] = [(12, false), (16, false)];
/// Of `struct __sk_buff`, for traffic control.
const TRAFFIC: [Field; 9] = [
    (0, false),
    (8, true),
    (16, false),
    (32, true),
    (36, false),
    (48, true),
    (52, true),
    (64, true),
    (68, false),
];
/// Of `struct __sk_buff`, for filters of sockets.
const FILTER: [Field; 5] = [(0, false), (8, false), (16, false), (48, true), (60, true)];

impl Author<'_> {
    /// Reads a field, or part of one, or writes one.
    pub(super) fn context_access(&mut self) {
        let contexts = self.has(|kind| kind == Kind::Context);
        let Some(&base) = contexts.first() else {
            return self.arithmetic();
        };
        let fields: &[Field] = match self.kind {
            ProgramKind::Xdp => &XDP,
            ProgramKind::SchedCls => &TRAFFIC,
            _ => &FILTER,
        };
        let (off, writable) = self.chance.one_of(fields);
        if writable && self.chance.percent(50) {
            let src = self.number();
            return self.code.push(Insn::Store {
                size: Size::W,
                base: reg(base),
                off,
                src: Operand::Reg(reg(src)),
            });
        }
        let size = self.chance.one_of(&[Size::B, Size::H, Size::W, Size::W]);
        let dst = self.target();
        self.code.push(Insn::Load {
            size,
            sign_extend: false,
            dst: reg(dst),
            base: reg(base),
            off,
        });
        self.regs[dst] = Kind::Number;
    }
}
