//! The instruction set as data: one row per opcode byte and, where one byte means several things,
//! per value of the field that tells them apart.
//!
//! Decoder, encoder, assembler, disassembler, `docs/isa.md` and the test generators all read this
//! table; nothing else in the workspace spells out an opcode byte. The families below are the
//! source; [`table`] is their expansion, sorted by opcode byte.

use crate::{AluOp, AtomicOp, Cond, EndOp, Size, Width};

/// Conformance groups of RFC 9669; `None` in a row means Linux only.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// 32-bit arithmetic, jumps, loads and stores.
    Base32,
    /// The 64-bit ones, besides base32.
    Base64,
    /// 32-bit atomics.
    Atomic32,
    /// 64-bit atomics, besides atomic32.
    Atomic64,
    /// 32-bit multiplication, division and remainder.
    Divmul32,
    /// The 64-bit ones, besides divmul32.
    Divmul64,
    /// Legacy packet loads.
    Packet,
}

impl Group {
    /// Every group.
    pub const ALL: [Group; 7] = [
        Group::Base32,
        Group::Base64,
        Group::Atomic32,
        Group::Atomic64,
        Group::Divmul32,
        Group::Divmul64,
        Group::Packet,
    ];

    /// The RFC's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Base32 => "base32",
            Group::Base64 => "base64",
            Group::Atomic32 => "atomic32",
            Group::Atomic64 => "atomic64",
            Group::Divmul32 => "divmul32",
            Group::Divmul64 => "divmul64",
            Group::Packet => "packet",
        }
    }
}

/// The `-mcpu` of clang that first emits an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cpu {
    /// The original set.
    V1,
    /// Adds the `<` and `<=` jumps.
    V2,
    /// Adds 32-bit jumps and subregisters, and atomics that fetch.
    V3,
    /// Adds sign extension, signed division, `bswap`, `gotol`, acquire and release.
    V4,
}

impl Cpu {
    /// `v1` to `v4`.
    pub const fn name(self) -> &'static str {
        match self {
            Cpu::V1 => "v1",
            Cpu::V2 => "v2",
            Cpu::V3 => "v3",
            Cpu::V4 => "v4",
        }
    }
}

/// The first Linux release that runs an instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Since {
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
}

/// Where the second operand comes from: the source bit of the opcode.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `BPF_K`
    Imm,
    /// `BPF_X`
    Reg,
}

/// What the source register field of `ld_imm64` says about the number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pseudo {
    /// 0: a number.
    Value,
    /// 1: map descriptor.
    MapFd,
    /// 2: inside the value of a map, by descriptor.
    MapValue,
    /// 3: BTF id of a variable.
    BtfId,
    /// 4: function of this program.
    Func,
    /// 5: map by position.
    MapIdx,
    /// 6: inside the value of a map, by position.
    MapIdxValue,
}

/// What the source register field of `call` says about the number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum CalleeKind {
    /// 0: helper.
    Helper,
    /// 1: function of this program.
    Local,
    /// 2: kernel function.
    Kfunc,
}

/// The shape of an instruction: an [`crate::Insn`] without its registers and numbers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are those of Insn")]
pub enum Form {
    Alu {
        op: AluOp,
        width: Width,
        source: Source,
    },
    Neg {
        width: Width,
    },
    MovSx {
        width: Width,
        from: Size,
    },
    End {
        op: EndOp,
        size: Size,
    },
    LoadImm64(Pseudo),
    Load {
        size: Size,
        sign_extend: bool,
    },
    Store {
        size: Size,
        source: Source,
    },
    Atomic {
        op: AtomicOp,
        size: Size,
    },
    LoadAcquire {
        size: Size,
    },
    StoreRelease {
        size: Size,
    },
    LoadPacket {
        size: Size,
        indexed: bool,
    },
    Jump {
        long: bool,
    },
    JumpIf {
        cond: Cond,
        width: Width,
        source: Source,
    },
    MayGoto,
    Call(CalleeKind),
    CallReg,
    Exit,
    AddrSpaceCast,
}

/// The field, besides the opcode byte, whose value selects this row.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The byte says it all.
    None,
    /// The offset has this value.
    Off(i16),
    /// The immediate has this value.
    Imm(i32),
    /// The source register field has this value.
    Src(u8),
}

/// One row of the table.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opcode {
    /// The opcode byte.
    pub code: u8,
    /// What else must hold for this row to apply.
    pub selector: Selector,
    /// What it is.
    pub form: Form,
    /// Conformance group, `None` for what only Linux has.
    pub group: Option<Group>,
    /// The first `-mcpu` of clang that emits it, `None` if none does.
    pub cpu: Option<Cpu>,
    /// The first Linux that accepts it, `None` if none does.
    pub linux: Option<Since>,
}

const fn linux(major: u8, minor: u8) -> Option<Since> {
    Some(Since { major, minor })
}

// Instruction classes, and the bits of a load or store's mode and size.
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const ALU32: u8 = 0x04;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALU64: u8 = 0x07;
const X: u8 = 0x08;
const MODE_ABS: u8 = 0x20;
const MODE_IND: u8 = 0x40;
const MODE_MEM: u8 = 0x60;
const MODE_MEMSX: u8 = 0x80;
const MODE_ATOMIC: u8 = 0xc0;
const NEG: u8 = 0x80;
const MOV: u8 = 0xb0;
const END: u8 = 0xd0;

const fn size_bits(size: Size) -> u8 {
    match size {
        Size::W => 0x00,
        Size::H => 0x08,
        Size::B => 0x10,
        Size::DW => 0x18,
    }
}

/// Operation bits, operation, offset that selects it where the byte alone does not.
const ALU: [(u8, AluOp, Selector); 14] = [
    (0x00, AluOp::Add, Selector::None),
    (0x10, AluOp::Sub, Selector::None),
    (0x20, AluOp::Mul, Selector::None),
    (0x30, AluOp::Div, Selector::Off(0)),
    (0x30, AluOp::Sdiv, Selector::Off(1)),
    (0x40, AluOp::Or, Selector::None),
    (0x50, AluOp::And, Selector::None),
    (0x60, AluOp::Lsh, Selector::None),
    (0x70, AluOp::Rsh, Selector::None),
    (0x90, AluOp::Mod, Selector::Off(0)),
    (0x90, AluOp::Smod, Selector::Off(1)),
    (0xa0, AluOp::Xor, Selector::None),
    (MOV, AluOp::Mov, Selector::None),
    (0xc0, AluOp::Arsh, Selector::None),
];

/// Operation bits, condition, whether it is one of the four that came with v2.
const CONDITIONS: [(u8, Cond, bool); 11] = [
    (0x10, Cond::Eq, false),
    (0x20, Cond::Gt, false),
    (0x30, Cond::Ge, false),
    (0x40, Cond::Set, false),
    (0x50, Cond::Ne, false),
    (0x60, Cond::Sgt, false),
    (0x70, Cond::Sge, false),
    (0xa0, Cond::Lt, true),
    (0xb0, Cond::Le, true),
    (0xc0, Cond::Slt, true),
    (0xd0, Cond::Sle, true),
];

/// Immediate, operation, whether it came with v3.
const ATOMICS: [(i32, AtomicOp, bool); 10] = [
    (0x00, AtomicOp::Add { fetch: false }, false),
    (0x40, AtomicOp::Or { fetch: false }, true),
    (0x50, AtomicOp::And { fetch: false }, true),
    (0xa0, AtomicOp::Xor { fetch: false }, true),
    (0x01, AtomicOp::Add { fetch: true }, true),
    (0x41, AtomicOp::Or { fetch: true }, true),
    (0x51, AtomicOp::And { fetch: true }, true),
    (0xa1, AtomicOp::Xor { fetch: true }, true),
    (0xe1, AtomicOp::Xchg, true),
    (0xf1, AtomicOp::Cmpxchg, true),
];

/// Immediates that make an "atomic" store an ordered load or store.
const LOAD_ACQUIRE: i32 = 0x100;
const STORE_RELEASE: i32 = 0x110;

/// Source register field of `ld_imm64`, meaning, the first Linux.
const PSEUDOS: [(u8, Pseudo, Option<Since>); 7] = [
    (0, Pseudo::Value, linux(3, 18)),
    (1, Pseudo::MapFd, linux(3, 18)),
    (2, Pseudo::MapValue, linux(5, 2)),
    (3, Pseudo::BtfId, linux(5, 10)),
    (4, Pseudo::Func, linux(5, 13)),
    (5, Pseudo::MapIdx, linux(5, 14)),
    (6, Pseudo::MapIdxValue, linux(5, 14)),
];

/// Source register field of `call`, meaning, the first Linux.
const CALLEES: [(u8, CalleeKind, Option<Since>); 3] = [
    (0, CalleeKind::Helper, linux(3, 18)),
    (1, CalleeKind::Local, linux(4, 16)),
    (2, CalleeKind::Kfunc, linux(5, 13)),
];

const ROWS_MAX: usize = 256;

struct Rows {
    rows: [Opcode; ROWS_MAX],
    len: usize,
}

impl Rows {
    const fn push(&mut self, row: Opcode) {
        self.rows[self.len] = row;
        self.len += 1;
    }

    /// A row that clang's first version and Linux's first eBPF already had.
    const fn old(&mut self, code: u8, form: Form, group: Group) {
        self.push(Opcode {
            code,
            selector: Selector::None,
            form,
            group: Some(group),
            cpu: Some(Cpu::V1),
            linux: linux(3, 18),
        });
    }

    /// A row that came with v4.
    const fn v4(&mut self, code: u8, selector: Selector, form: Form, group: Group) {
        self.push(Opcode {
            code,
            selector,
            form,
            group: Some(group),
            cpu: Some(Cpu::V4),
            linux: linux(6, 6),
        });
    }

    const fn alu(&mut self, class: u8, width: Width) {
        let mut i = 0;
        while i < ALU.len() {
            let (bits, op, selector) = ALU[i];
            let wide = matches!(width, Width::W64);
            let group = match op {
                AluOp::Mul | AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => {
                    if wide {
                        Group::Divmul64
                    } else {
                        Group::Divmul32
                    }
                }
                _ if wide => Group::Base64,
                _ => Group::Base32,
            };
            let mut register = 0;
            while register < 2 {
                let (bit, source) = if register == 0 {
                    (0, Source::Imm)
                } else {
                    (X, Source::Reg)
                };
                let form = Form::Alu { op, width, source };
                // `mov` by register shares its byte with the sign-extending moves.
                let selector = if matches!((op, source), (AluOp::Mov, Source::Reg)) {
                    Selector::Off(0)
                } else {
                    selector
                };
                if matches!(op, AluOp::Sdiv | AluOp::Smod) {
                    self.v4(class | bits | bit, selector, form, group);
                } else {
                    self.push(Opcode {
                        code: class | bits | bit,
                        selector,
                        form,
                        group: Some(group),
                        cpu: Some(Cpu::V1),
                        linux: linux(3, 18),
                    });
                }
                register += 1;
            }
            i += 1;
        }
        let group = if matches!(width, Width::W64) {
            Group::Base64
        } else {
            Group::Base32
        };
        self.old(class | NEG, Form::Neg { width }, group);
        let code = class | MOV | X;
        let byte = Form::MovSx {
            width,
            from: Size::B,
        };
        let half = Form::MovSx {
            width,
            from: Size::H,
        };
        self.v4(code, Selector::Off(8), byte, group);
        self.v4(code, Selector::Off(16), half, group);
        if matches!(width, Width::W64) {
            let word = Form::MovSx {
                width,
                from: Size::W,
            };
            self.v4(code, Selector::Off(32), word, group);
            self.push(Opcode {
                code,
                selector: Selector::Off(1),
                form: Form::AddrSpaceCast,
                group: None,
                cpu: Some(Cpu::V1),
                linux: linux(6, 9),
            });
        }
    }

    const fn byte_orders(&mut self) {
        let sizes = [(16, Size::H), (32, Size::W), (64, Size::DW)];
        let mut i = 0;
        while i < sizes.len() {
            let (bits, size) = sizes[i];
            let group = if matches!(size, Size::DW) {
                Group::Base64
            } else {
                Group::Base32
            };
            let selector = Selector::Imm(bits);
            let orders = [(ALU32 | END, EndOp::ToLe), (ALU32 | END | X, EndOp::ToBe)];
            let mut j = 0;
            while j < orders.len() {
                let (code, op) = orders[j];
                self.push(Opcode {
                    code,
                    selector,
                    form: Form::End { op, size },
                    group: Some(group),
                    cpu: Some(Cpu::V1),
                    linux: linux(3, 18),
                });
                j += 1;
            }
            let op = EndOp::Swap;
            self.v4(ALU64 | END, selector, Form::End { op, size }, group);
            i += 1;
        }
    }

    const fn memory(&mut self) {
        let sizes = [Size::B, Size::H, Size::W, Size::DW];
        let mut i = 0;
        while i < sizes.len() {
            let size = sizes[i];
            let wide = matches!(size, Size::DW);
            let group = if wide { Group::Base64 } else { Group::Base32 };
            let mode = MODE_MEM | size_bits(size);
            let load = Form::Load {
                size,
                sign_extend: false,
            };
            self.old(LDX | mode, load, group);
            let source = Source::Imm;
            self.old(ST | mode, Form::Store { size, source }, group);
            let source = Source::Reg;
            self.old(STX | mode, Form::Store { size, source }, group);
            if !wide {
                let load = Form::Load {
                    size,
                    sign_extend: true,
                };
                let code = LDX | MODE_MEMSX | size_bits(size);
                self.v4(code, Selector::None, load, Group::Base64);
                let indexed = false;
                let code = LD | MODE_ABS | size_bits(size);
                self.old(code, Form::LoadPacket { size, indexed }, Group::Packet);
                let indexed = true;
                let code = LD | MODE_IND | size_bits(size);
                self.old(code, Form::LoadPacket { size, indexed }, Group::Packet);
            }
            let code = STX | MODE_ATOMIC | size_bits(size);
            if matches!(size, Size::W | Size::DW) {
                self.atomics(code, size);
            }
            let ordered = [
                (LOAD_ACQUIRE, Form::LoadAcquire { size }),
                (STORE_RELEASE, Form::StoreRelease { size }),
            ];
            let mut j = 0;
            while j < ordered.len() {
                self.push(Opcode {
                    code,
                    selector: Selector::Imm(ordered[j].0),
                    form: ordered[j].1,
                    group: None,
                    cpu: Some(Cpu::V4),
                    linux: linux(6, 15),
                });
                j += 1;
            }
            i += 1;
        }
        let mut i = 0;
        while i < PSEUDOS.len() {
            let (src, pseudo, linux) = PSEUDOS[i];
            self.push(Opcode {
                code: LD | size_bits(Size::DW),
                selector: Selector::Src(src),
                form: Form::LoadImm64(pseudo),
                group: Some(Group::Base64),
                cpu: Some(Cpu::V1),
                linux,
            });
            i += 1;
        }
    }

    const fn atomics(&mut self, code: u8, size: Size) {
        let mut i = 0;
        while i < ATOMICS.len() {
            let (imm, op, v3) = ATOMICS[i];
            self.push(Opcode {
                code,
                selector: Selector::Imm(imm),
                form: Form::Atomic { op, size },
                group: Some(if matches!(size, Size::DW) {
                    Group::Atomic64
                } else {
                    Group::Atomic32
                }),
                cpu: Some(if v3 { Cpu::V3 } else { Cpu::V1 }),
                linux: if v3 { linux(5, 12) } else { linux(3, 18) },
            });
            i += 1;
        }
    }

    const fn jumps(&mut self) {
        self.old(JMP, Form::Jump { long: false }, Group::Base32);
        let long = Form::Jump { long: true };
        self.v4(JMP32, Selector::None, long, Group::Base32);
        let mut i = 0;
        while i < CONDITIONS.len() * 4 {
            let (bits, cond, v2) = CONDITIONS[i / 4];
            let (bit, source) = if i % 2 == 0 {
                (0, Source::Imm)
            } else {
                (X, Source::Reg)
            };
            let wide = i % 4 < 2;
            let width = if wide { Width::W64 } else { Width::W32 };
            self.push(Opcode {
                code: bits | bit | if wide { JMP } else { JMP32 },
                selector: Selector::None,
                form: Form::JumpIf {
                    cond,
                    width,
                    source,
                },
                group: Some(if wide { Group::Base64 } else { Group::Base32 }),
                cpu: Some(match (wide, v2) {
                    (false, _) => Cpu::V3,
                    (true, true) => Cpu::V2,
                    (true, false) => Cpu::V1,
                }),
                linux: match (wide, v2) {
                    (false, _) => linux(5, 1),
                    (true, true) => linux(4, 14),
                    (true, false) => linux(3, 18),
                },
            });
            i += 1;
        }
        self.push(Opcode {
            code: JMP | 0xe0,
            selector: Selector::Src(0),
            form: Form::MayGoto,
            group: None,
            cpu: Some(Cpu::V1),
            linux: linux(6, 9),
        });
        let mut i = 0;
        while i < CALLEES.len() {
            let (src, kind, linux) = CALLEES[i];
            self.push(Opcode {
                code: JMP | 0x80,
                selector: Selector::Src(src),
                form: Form::Call(kind),
                group: Some(Group::Base32),
                cpu: Some(Cpu::V1),
                linux,
            });
            i += 1;
        }
        self.push(Opcode {
            code: JMP | 0x80 | X,
            selector: Selector::None,
            form: Form::CallReg,
            group: None,
            cpu: Some(Cpu::V1),
            linux: None,
        });
        self.old(JMP | 0x90, Form::Exit, Group::Base32);
    }

    /// Stable insertion sort by opcode byte, so that the rows of one byte lie together.
    const fn sort(&mut self) {
        let mut i = 1;
        while i < self.len {
            let mut j = i;
            while j > 0 && self.rows[j - 1].code > self.rows[j].code {
                let row = self.rows[j];
                self.rows[j] = self.rows[j - 1];
                self.rows[j - 1] = row;
                j -= 1;
            }
            i += 1;
        }
    }
}

const fn build() -> Rows {
    let filler = Opcode {
        code: 0,
        selector: Selector::None,
        form: Form::Exit,
        group: None,
        cpu: None,
        linux: None,
    };
    let mut rows = Rows {
        rows: [filler; ROWS_MAX],
        len: 0,
    };
    rows.alu(ALU32, Width::W32);
    rows.alu(ALU64, Width::W64);
    rows.byte_orders();
    rows.memory();
    rows.jumps();
    rows.sort();
    rows
}

static ROWS: Rows = build();

/// For each opcode byte, the range of its rows.
static BY_CODE: [(u8, u8); 256] = {
    let rows = build();
    let mut ranges = [(0, 0); 256];
    let mut i = 0;
    while i < rows.len {
        let code = rows.rows[i].code as usize;
        if ranges[code].1 == 0 {
            ranges[code].0 = i as u8;
        }
        ranges[code].1 += 1;
        i += 1;
    }
    ranges
};

/// Every row, in order of the opcode byte.
pub fn table() -> &'static [Opcode] {
    &ROWS.rows[..ROWS.len]
}

/// The rows of one opcode byte; empty if no instruction has it.
pub fn rows(code: u8) -> &'static [Opcode] {
    let (first, count) = BY_CODE[code as usize];
    &ROWS.rows[first as usize..first as usize + count as usize]
}
