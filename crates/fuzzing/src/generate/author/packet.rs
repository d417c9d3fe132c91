//! The packet: comparing its ends, reading and writing it, moving them.

use osmia_isa::{AluOp, Cond, Insn, Operand, Size, Width};
use osmia_program::ProgramKind;

use super::{Author, Kind, SIZES, reg};

const LOAD_BYTES: i32 = 26;
/// Helpers that move an end of the packet by a number, or make it so long.
const MOVE_XDP: [i32; 3] = [44, 54, 65];
const MOVE_SKB: [i32; 3] = [38, 39, 43];

impl Author<'_> {
    /// Loads the packet's ends, compares them, and reads or writes.
    pub(super) fn packet(&mut self) {
        let packets = self.has(|kind| matches!(kind, Kind::Packet(_)));
        if let Some(&base) = packets.first()
            && let Kind::Packet(bytes) = self.regs[base]
            && bytes >= 8
            && self.chance.percent(60)
        {
            let size = self.chance.one_of(&SIZES);
            let off = self.chance.between(0, bytes - size.bytes() as i64);
            return self.access(base, off, size);
        }
        let contexts = self.has(|kind| kind == Kind::Context);
        let Some(&context) = contexts.first() else {
            return self.arithmetic();
        };
        let (data, data_end, meta) = match self.kind {
            ProgramKind::Xdp => (0, 4, 8),
            ProgramKind::SchedCls => (76, 80, 140),
            _ => return self.load_bytes_if_any(),
        };
        let (start, end, beyond) = (self.target(), self.target(), self.target());
        let names = [start, end, beyond, context];
        if (1..4).any(|one| names[..one].contains(&names[one])) {
            return self.arithmetic();
        }
        // What lies in front of the packet ends where it begins.
        let ends = if self.chance.percent(15) {
            [(start, meta), (end, data)]
        } else {
            [(start, data), (end, data_end)]
        };
        for (dst, off) in ends {
            self.code.push(Insn::Load {
                size: Size::W,
                sign_extend: false,
                dst: reg(dst),
                base: reg(context),
                off,
            });
        }
        let bytes = self.chance.between(1, 40);
        self.regs[start] = Kind::Packet(bytes);
        (self.regs[end], self.regs[beyond]) = (Kind::Nothing, Kind::Nothing);
        self.alu(AluOp::Mov, Width::W64, beyond, Operand::Reg(reg(start)));
        let by_number = self.chance.percent(30);
        if by_number {
            let index = self.number();
            if [start, end, beyond].contains(&index) {
                self.regs[start] = Kind::Nothing;
                return;
            }
            let mask = self.chance.one_of(&[7, 15, 63, 255]);
            self.alu(AluOp::And, Width::W64, index, Operand::Imm(mask));
            self.alu(AluOp::Add, Width::W64, beyond, Operand::Reg(reg(index)));
            if self.chance.percent(50) {
                self.alu(AluOp::Mov, Width::W64, start, Operand::Reg(reg(beyond)));
            } else {
                self.regs[start] = Kind::Nothing;
            }
        }
        self.alu(AluOp::Add, Width::W64, beyond, Operand::Imm(bytes as i32));
        let fine = self.code.label();
        let (cond, swapped) = self.chance.one_of(&[
            (Cond::Le, false),
            (Cond::Lt, false),
            (Cond::Ge, true),
            (Cond::Gt, true),
        ]);
        let (left, right) = if swapped {
            (end, beyond)
        } else {
            (beyond, end)
        };
        self.jump_if(cond, Width::W64, left, Operand::Reg(reg(right)), fine);
        let regs = self.regs;
        self.leave();
        self.code.place(fine);
        self.regs = regs;
        if self.chance.percent(20) {
            // How long it is, as a number.
            self.alu(AluOp::Sub, Width::W64, end, Operand::Reg(reg(start)));
            self.regs[end] = Kind::Number;
        }
    }

    /// What programs without direct access do: so many bytes into the stack.
    pub(super) fn load_bytes_if_any(&mut self) {
        let context = (self.context()).filter(|_| self.kind != ProgramKind::Xdp);
        let Some(context) = context else {
            return self.arithmetic();
        };
        self.fill_slots(2);
        if self.chance.percent(50) {
            self.set(4, 16);
            return self.load_bytes(context);
        }
        let length = self.number();
        self.bound(length, 15, |author| {
            author.copy(4, length);
            author.alu(AluOp::Add, Width::W64, 4, Operand::Imm(1));
            author.load_bytes(context);
        });
    }

    /// As many bytes as r4 says.
    fn load_bytes(&mut self, context: usize) {
        self.copy(1, context);
        let offset = self.chance.between(0, 30) as i32;
        self.set(2, offset);
        self.stack_address(3, -16);
        self.helper(LOAD_BYTES);
    }

    /// Moves an end of the packet: what pointed into it does no more.
    pub(super) fn change_packet(&mut self) {
        let helpers: &[i32] = match self.kind {
            ProgramKind::Xdp => &MOVE_XDP,
            ProgramKind::SchedCls => &MOVE_SKB,
            _ => return self.number_helper(),
        };
        let Some(context) = self.context() else {
            return self.number_helper();
        };
        let helper = self.chance.one_of(helpers);
        self.copy(1, context);
        let by = if self.kind == ProgramKind::Xdp {
            self.chance.between(-16, 8)
        } else {
            self.chance.between(0, 60)
        };
        self.set(2, by as i32);
        self.set(3, 0);
        self.helper(helper);
        // Careful authors know that; few think of what a callback or a callee does.
        if self.chance.percent(97) {
            self.forget(|kind| matches!(kind, Kind::Packet(_)));
        }
    }
}
