//! Loads and stores: which memory an address means, and whether the access stays inside.

mod arena;
mod context;
mod kptr;
mod object;
mod stack;

use osmia_isa::{AtomicOp, Operand, Reg as RegName, Size};
use osmia_program::context::{PacketAccess, packet_access};
use osmia_program::{Initial, MapFlags, MapKind, ProgramFlags, ProgramKind};

use crate::domain::{Scalar, Tnum};
use crate::limits;
use crate::reg::{Flags, Reg, Socket, What};
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
                    (loaded.id, loaded.delta) = (0, 0);
                }
                loaded.num.sign_extend_from(bits);
            } else if !matches!(pointer.what, What::Stack { .. }) || loaded.id == 0 {
                loaded.num.truncate_to(bits);
            } else {
                let whole = loaded.num.u.max < 1 << bits;
                loaded.num.truncate_to(bits);
                if !whole {
                    (loaded.id, loaded.delta) = (0, 0);
                }
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

    pub(crate) fn check_alignment(&self, access: &Access, pointer: &Reg) -> Check {
        let flags = self.program.flags;
        let asked = flags.has(ProgramFlags::STRICT_ALIGNMENT) || access.aligned;
        let (what, strict, shift) = match pointer.what {
            // Spilled registers are followed by whole slots.
            What::Stack { .. } => ("stack ", true, 0),
            // An Ethernet header in front leaves what follows two bytes off.
            What::Packet { .. } | What::PacketMeta { .. } => ("packet ", asked, 2),
            What::FlowKeys => ("flow keys ", asked, 0),
            What::MapValue { .. } => ("value ", asked, 0),
            What::Context => ("context ", asked, 0),
            What::Socket(Socket::Tcp) => ("tcp_sock ", asked, 0),
            What::Socket(_) => ("sock ", asked, 0),
            _ => ("", asked, 0),
        };
        if !strict || access.bytes == 1 {
            return Ok(());
        }
        let offset = pointer
            .num
            .bits
            .add(Tnum::known((access.off + shift) as u64));
        if offset.is_aligned(access.bytes) {
            return Ok(());
        }
        denied(
            self.at,
            format!(
                "misaligned {what}access off {:?}+{}+{} size {}",
                pointer.num.bits,
                pointer.off,
                access.off - i64::from(pointer.off),
                access.bytes
            ),
        )
    }

    /// An access relative to memory of a known size.
    pub(crate) fn check_region(&self, access: &Access, pointer: &Reg, size: u64) -> Check {
        let (at, register) = (self.at, access.base.number());
        let num = &pointer.num;
        let min = num.s.min;
        if min < 0 && (min == i64::MIN || min + access.off < 0) {
            return denied(
                at,
                format!(
                    "R{register} min value is negative, either use unsigned index or do a if (index >=0) check."
                ),
            );
        }
        if self
            .check_inside(access, pointer, min + access.off, size)
            .is_err()
        {
            let inside = self.check_inside(access, pointer, min + access.off, size);
            return inside.map_err(|mut why| {
                let more = format!("R{register} min value is outside of the allowed memory range");
                why.message = format!("{}\n{more}", why.message);
                why
            });
        }
        if num.u.max >= limits::OFFSET_MAX as u64 {
            return denied(
                at,
                format!(
                    "R{register} unbounded memory access, make sure to bounds check any such access"
                ),
            );
        }
        self.check_inside(access, pointer, num.u.max as i64 + access.off, size)
            .map_err(|mut why| {
                let more = format!("R{register} max value is outside of the allowed memory range");
                why.message = format!("{}\n{more}", why.message);
                why
            })
    }

    fn check_inside(&self, access: &Access, pointer: &Reg, off: i64, size: u64) -> Check {
        if off >= 0 && off as u64 + access.bytes <= size {
            return Ok(());
        }
        let (bytes, register) = (access.bytes, access.base.number());
        let message = match pointer.what {
            What::MapKey(_) => {
                format!("invalid access to map key, key_size={size} off={off} size={bytes}")
            }
            What::MapValue { .. } => {
                format!("invalid access to map value, value_size={size} off={off} size={bytes}")
            }
            What::Packet { .. } | What::PacketMeta { .. } => format!(
                "invalid access to packet, off={off} size={bytes}, R{register}(id={},off={},r={size})",
                pointer.id, pointer.off
            ),
            _ => format!("invalid access to memory, mem_size={size} off={off} size={bytes}"),
        };
        denied(self.at, message)
    }

    pub(crate) fn check_packet_right(&self, write: bool) -> Check {
        match packet_access(self.program.hook.kind) {
            PacketAccess::Read if write => denied(self.at, "cannot write into packet"),
            PacketAccess::None => denied(self.at, "no direct packet access here"),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_packet(&self, access: &Access, pointer: &Reg, range: u64) -> Check {
        let register = access.base.number();
        if pointer.num.s.min < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} min value is negative, either use unsigned index or do a if (index >=0) check."
                ),
            );
        }
        self.check_inside(access, pointer, access.off, range)
            .map_err(|mut why| {
                let more = format!("R{register} offset is outside of the packet");
                why.message = format!("{}\n{more}", why.message);
                why
            })
    }

    fn access_map_value(
        &mut self,
        access: &Access,
        pointer: &Reg,
        map: u16,
        stored: Option<Stored>,
    ) -> Check<Reg> {
        let spec = &self.maps[usize::from(map)];
        let (flag, verb) = if access.write {
            (MapFlags::RDONLY_PROG, "write into")
        } else {
            (MapFlags::WRONLY_PROG, "read from")
        };
        if spec.flags.has(flag) {
            return denied(
                self.at,
                format!(
                    "{verb} map forbidden, value_size={} off={} size={}",
                    spec.value_size, access.off, access.bytes
                ),
            );
        }
        self.check_region(access, pointer, u64::from(spec.value_size))?;
        if let Some(loaded) = self.access_field(access, pointer, map, stored)? {
            return Ok(loaded);
        }
        if access.write {
            return Ok(Reg::UNKNOWN);
        }
        Ok(self
            .read_constant(access, pointer, map)
            .unwrap_or(Reg::UNKNOWN))
    }

    /// What a load from a map that nobody can change finds.
    fn read_constant(&self, access: &Access, pointer: &Reg, map: u16) -> Option<Reg> {
        let spec = &self.maps[usize::from(map)];
        let Initial::Value(bytes) = &spec.initial else {
            return None;
        };
        let constant =
            spec.frozen && spec.flags.has(MapFlags::RDONLY_PROG) && spec.kind == MapKind::Array;
        if !constant {
            return None;
        }
        let start = usize::try_from(access.off + pointer.num.constant()? as i64).ok()?;
        let mut value = [0; 8];
        for (index, byte) in value.iter_mut().enumerate().take(access.bytes as usize) {
            // Behind what was given the section is zero.
            *byte = bytes.get(start + index).copied().unwrap_or(0);
        }
        Some(Reg::constant(u64::from_le_bytes(value)))
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

    /// A map's own structure: readable through BTF, not writable.
    fn access_map_struct(&mut self, access: &Access, pointer: &Reg, map: u16) -> Check<Reg> {
        let register = access.base.number();
        self.check_may_see("bpf_array")?;
        let kind = self.maps[usize::from(map)].kind;
        if access.write {
            return denied(
                self.at,
                format!("only read from bpf_array is supported ({kind})"),
            );
        }
        if access.off < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} is bpf_array invalid negative access: off={}",
                    access.off
                ),
            );
        }
        if !fixed(pointer) {
            return self.no_memory(access, pointer);
        }
        Ok(Reg::UNKNOWN)
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
