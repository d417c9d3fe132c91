//! Loads and stores: which memory an address means, and whether the access stays inside.

mod arena;
mod context;
mod kptr;
mod map;
mod object;
mod region;
mod stack;

use osmia_isa::{AtomicOp, Operand, Reg as RegName, Size};
use osmia_program::ProgramKind;

use crate::domain::Scalar;
use crate::limits;
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, denied, invalid};
use crate::transfer::Transfer;

/// One access.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Access {
    /// The register that holds the address.
    pub(crate) base: RegName,
    /// Fixed offset, the register's included.
    pub(crate) off: i64,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Store instead of load.
    pub(crate) write: bool,
    /// Must be aligned, whatever the program asked for.
    pub(crate) aligned: bool,
}

/// What is stored.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Stored {
    /// The value of a register.
    Register(RegName),
    /// A constant.
    Constant(i32),
    /// Something.
    Unknown,
}

impl Transfer<'_> {
    pub(crate) fn load(
        &mut self,
        dst: RegName,
        base: RegName,
        off: i16,
        size: Size,
        sign_extend: bool,
    ) -> Check {
        let pointer = self.read(base)?;
        if dst == RegName::R10 {
            return denied(self.at, "frame pointer is read only");
        }
        let access = Access {
            base,
            off: i64::from(off) + i64::from(pointer.off),
            bytes: size.bytes(),
            write: false,
            aligned: false,
        };
        let mut loaded = self.access(&access, &pointer, None)?;
        if loaded.is_number() && access.bytes < 8 {
            let bits = access.bytes as u32 * 8;
            if sign_extend {
                // A negative number is not the one that was stored. Linux 6.18 holds both for the same.
                if loaded.num.u.max >= 1 << (bits - 1) {
                    loaded.unlink();
                }
                loaded.num.sign_extend_from(bits);
            } else {
                loaded.num.truncate_to(bits);
            }
        }
        self.note_context_access(&pointer)?;
        self.write(dst, loaded)
    }

    pub(crate) fn store(&mut self, base: RegName, off: i16, size: Size, src: Operand) -> Check {
        let stored = match src {
            Operand::Reg(src) => {
                self.read(src)?;
                Stored::Register(src)
            }
            Operand::Imm(imm) => Stored::Constant(imm),
        };
        let pointer = self.read(base)?;
        let access = Access {
            base,
            off: i64::from(off) + i64::from(pointer.off),
            bytes: size.bytes(),
            write: true,
            aligned: false,
        };
        self.access(&access, &pointer, Some(stored))?;
        self.note_context_access(&pointer)
    }

    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        size: Size,
        base: RegName,
        off: i16,
        src: RegName,
    ) -> Check {
        let operand = self.read(src)?;
        let pointer = self.read(base)?;
        if op == AtomicOp::Cmpxchg {
            let expected = self.read(RegName::R0)?;
            if self.would_leak(&expected) {
                return denied(self.at, "R0 leaks addr into mem");
            }
        }
        if self.would_leak(&operand) {
            return denied(self.at, format!("R{} leaks addr into mem", src.number()));
        }
        self.check_atomic_place(base, off, size)?;
        let mut access = Access {
            base,
            off: i64::from(off) + i64::from(pointer.off),
            bytes: size.bytes(),
            write: false,
            aligned: true,
        };
        let old = self.access(&access, &pointer, None)?;
        if let What::Stack { .. } = pointer.what
            && self.would_leak(&old)
        {
            return denied(
                self.at,
                format!("leaking pointer from stack off {}", access.off),
            );
        }
        access.write = true;
        self.access(&access, &pointer, Some(Stored::Unknown))?;
        let fetched = match op {
            AtomicOp::Cmpxchg => RegName::R0,
            AtomicOp::Xchg
            | AtomicOp::Add { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::And { fetch: true }
            | AtomicOp::Xor { fetch: true } => src,
            _ => return Ok(()),
        };
        let mut old = old;
        if access.bytes < 8 {
            old = if old.is_number() { old } else { Reg::UNKNOWN };
            old.num.truncate_to(32);
        }
        self.write(fetched, old)
    }

    /// Which memory atomic instructions may not touch.
    pub(crate) fn check_atomic_place(&mut self, base: RegName, _off: i16, _size: Size) -> Check {
        let pointer = self.read(base)?;
        let refused = matches!(
            pointer.what,
            What::Context | What::FlowKeys | What::Socket(_)
        ) || pointer.is_packet();
        if refused {
            return denied(
                self.at,
                format!(
                    "BPF_ATOMIC stores into R{} {} is not allowed",
                    base.number(),
                    pointer.name()
                ),
            );
        }
        Ok(())
    }

    /// An instruction that accesses the context is rewritten, so it must do nothing else on other
    /// paths.
    fn note_context_access(&mut self, pointer: &Reg) -> Check {
        let rewritten = matches!(
            pointer.what,
            What::Context | What::Socket(_) | What::Kernel { .. }
        );
        let at = self.at;
        match self.context_access.insert(at, rewritten) {
            Some(before) if before != rewritten => {
                invalid(at, "same insn cannot be used with different pointers")
            }
            _ => Ok(()),
        }
    }

    /// Checks an access and gives what a load finds.
    pub(crate) fn access(
        &mut self,
        access: &Access,
        pointer: &Reg,
        stored: Option<Stored>,
    ) -> Check<Reg> {
        self.check_alignment(access, pointer)?;
        if let What::Stack { frame } = pointer.what {
            return self.access_stack(access, pointer, usize::from(frame), stored);
        }
        if pointer.may_be_null() {
            return self.no_memory(access, pointer);
        }
        if let Some(Stored::Register(src)) = stored
            && let Some(place) = readable_by_others(pointer.what)
            && self.would_leak(self.state.reg(src))
        {
            let register = src.number();
            return denied(self.at, format!("R{register} leaks addr into {place}"));
        }
        match pointer.what {
            What::MapValue { map, .. } => self.access_map_value(access, pointer, map, stored),
            What::MapKey(map) => {
                if access.write {
                    return denied(
                        self.at,
                        format!("write to change key R{} not allowed", access.base.number()),
                    );
                }
                let bytes = u64::from(self.maps[usize::from(map)].key_size);
                self.check_region(access, pointer, bytes)?;
                Ok(Reg::UNKNOWN)
            }
            What::Memory { bytes } => {
                if access.write && pointer.flags.has(Flags::READ_ONLY) {
                    return denied(
                        self.at,
                        format!("R{} cannot write into rdonly_mem", access.base.number()),
                    );
                }
                // Loads from what nobody vouches for are guarded, wherever they go.
                if !pointer.flags.has(Flags::UNTRUSTED) {
                    self.check_region(access, pointer, u64::from(bytes))?;
                }
                Ok(Reg::UNKNOWN)
            }
            What::Context => {
                self.reach.context(access);
                self.access_context(access, pointer, stored)
            }
            What::Packet { range } | What::PacketMeta { range } => {
                self.check_packet_right(access.write)?;
                self.check_packet(access, pointer, range.bytes())?;
                Ok(Reg::UNKNOWN)
            }
            What::FlowKeys => {
                const FLOW_KEYS_BYTES: i64 = 56;
                let end = access.off + access.bytes as i64;
                if access.off < 0 || end > FLOW_KEYS_BYTES || !fixed(pointer) {
                    return denied(
                        self.at,
                        format!(
                            "invalid access to flow keys off={} size={}",
                            access.off, access.bytes
                        ),
                    );
                }
                Ok(Reg::UNKNOWN)
            }
            What::Socket(socket) => self.access_socket(access, pointer, socket),
            What::TracepointBuffer | What::Buffer => self.access_buffer(access, pointer),
            What::Map(map) => self.access_map_struct(access, pointer, map),
            What::Kernel { type_id } => self.access_kernel(access, pointer, type_id),
            What::Object(ty) => self.access_object(access, pointer, ty),
            What::Arena => Ok(Reg::UNKNOWN),
            _ => self.no_memory(access, pointer),
        }
    }

    fn no_memory<T>(&self, access: &Access, pointer: &Reg) -> Check<T> {
        denied(
            self.at,
            format!(
                "R{} invalid mem access '{}'",
                access.base.number(),
                pointer.name()
            ),
        )
    }

    fn access_buffer(&mut self, access: &Access, pointer: &Reg) -> Check<Reg> {
        let register = access.base.number();
        let name = match pointer.what {
            What::TracepointBuffer => "tracepoint",
            _ if pointer.flags.has(Flags::READ_ONLY) => "rdonly",
            _ => "rdwr",
        };
        if access.write && pointer.flags.has(Flags::READ_ONLY) {
            return denied(
                self.at,
                format!("R{register} cannot write into {}", pointer.name()),
            );
        }
        if access.off < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} invalid {name} buffer access: off={}, size={}",
                    access.off, access.bytes
                ),
            );
        }
        if !fixed(pointer) {
            return denied(
                self.at,
                format!(
                    "R{register} invalid variable buffer offset: off={}",
                    access.off
                ),
            );
        }
        let end = access.off + access.bytes as i64;
        if pointer.what == What::Buffer {
            self.reach.buffer(access, pointer);
        }
        if pointer.what == What::TracepointBuffer && end > limits::TRACEPOINT_BUFFER_BYTES_MAX {
            return denied(self.at, format!("R{register} is beyond the buffer"));
        }
        Ok(Reg::UNKNOWN)
    }

    /// Kernel memory is not for everybody.
    pub(crate) fn check_may_see(&self, structure: &str) -> Check {
        if self.options.is_trusted() {
            return Ok(());
        }
        denied(
            self.at,
            format!("'struct {structure}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN"),
        )
    }

    /// Legacy packet loads: the context in r6, the rest lost.
    pub(crate) fn load_packet(&mut self, index: Option<RegName>) -> Check {
        let at = self.at;
        let kind = self.program.hook.kind;
        let may = matches!(
            kind,
            ProgramKind::SocketFilter | ProgramKind::SchedCls | ProgramKind::SchedAct
        );
        if !may {
            return invalid(
                at,
                "BPF_LD_[ABS|IND] instructions not allowed for this program type",
            );
        }
        let r6 = RegName::new(6).expect("a register");
        let context = self.read(r6)?;
        self.check_nothing_held("BPF_LD_[ABS|IND]", true)?;
        if context.what != What::Context {
            return invalid(at, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
        }
        if let Some(index) = index {
            self.read(index)?;
        }
        self.check_plain_context(&context, r6)?;
        self.forget_arguments();
        self.write(RegName::R0, Reg::UNKNOWN)
    }

    /// r0 to r5 hold nothing after a call.
    pub(crate) fn forget_arguments(&mut self) {
        for reg in &mut self.state.frame_mut().regs[..6] {
            *reg = Reg::UNSET;
        }
    }
}

/// What to call memory that others than the program can read.
fn readable_by_others(what: What) -> Option<&'static str> {
    match what {
        What::MapValue { .. } => Some("map"),
        What::Memory { .. } => Some("mem"),
        What::Packet { .. } | What::PacketMeta { .. } => Some("packet"),
        What::FlowKeys => Some("flow keys"),
        _ => None,
    }
}

/// True if the pointer has no variable part.
pub(crate) fn fixed(pointer: &Reg) -> bool {
    pointer.num == Scalar::known(0)
}
