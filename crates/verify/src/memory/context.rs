//! Loads and stores of context fields and of socket fields.

use osmia_isa::Reg as RegName;
use osmia_program::ProgramKind;
use osmia_program::context::{
    Arguments, Context, ContextDenial, ContextValue, Pointee, RAW_ARGUMENTS_MAX, context,
};

use super::{Access, Stored, fixed};
use crate::reg::{Flags, Range, Reg, Socket, What};
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// The context as a helper wants it: nothing added to it.
    pub(crate) fn check_plain_context(&self, reg: &Reg, name: RegName) -> Check {
        let register = name.number();
        if reg.off < 0 {
            return denied(
                self.at,
                format!(
                    "negative offset {} ptr R{register} off={} disallowed",
                    reg.name(),
                    reg.off
                ),
            );
        }
        if reg.off != 0 {
            return denied(
                self.at,
                format!(
                    "dereference of modified {} ptr R{register} off={} disallowed",
                    reg.name(),
                    reg.off
                ),
            );
        }
        self.check_no_variable(reg)
    }

    /// A context that is plain memory, of as many bytes as the caller brings: how many the program
    /// asks for is noted.
    pub(crate) fn check_plain_memory(&mut self, access: &Access, pointer: &Reg) -> Check {
        self.check_region(access, pointer, u64::from(u16::MAX))?;
        let last = access.off + pointer.num.u.max as i64;
        self.context_bytes = self
            .context_bytes
            .max(last as usize + access.bytes as usize);
        Ok(())
    }

    fn check_no_variable(&self, reg: &Reg) -> Check {
        if fixed(reg) {
            return Ok(());
        }
        denied(
            self.at,
            format!(
                "variable {} access var_off={:?} disallowed",
                reg.name(),
                reg.num.bits
            ),
        )
    }

    pub(super) fn access_context(
        &mut self,
        access: &Access,
        pointer: &Reg,
        stored: Option<Stored>,
    ) -> Check<Reg> {
        let at = self.at;
        if let Some(Stored::Register(src)) = stored
            && self.state.reg(src).is_pointer()
            && !self.options.is_trusted()
        {
            return denied(at, format!("R{} leaks addr into ctx", src.number()));
        }
        let whole_allowed = self.program.hook.kind == ProgramKind::Syscall;
        if whole_allowed {
            self.check_plain_memory(access, pointer)?;
            return Ok(Reg::UNKNOWN);
        }
        self.check_plain_context(pointer, access.base)?;
        let refused = || {
            denied(
                at,
                format!(
                    "invalid bpf_context access off={} size={}",
                    access.off, access.bytes
                ),
            )
        };
        let Ok(offset) = u64::try_from(access.off) else {
            return refused();
        };
        match context(&self.program.hook) {
            Context::Fields(_) if self.is_for_the_capable(offset, access.write) => refused(),
            Context::Fields(fields) => {
                let bytes = access.bytes as u32;
                match fields.access(offset, bytes, access.write) {
                    Ok(field) => {
                        self.check_field_release(fields.name, field.name)?;
                        if access.write {
                            return Ok(Reg::UNKNOWN);
                        }
                        let loaded = self.loaded(field.value);
                        // Part of an address is a number.
                        Ok(if bytes < field.bytes {
                            Reg::UNKNOWN
                        } else {
                            loaded
                        })
                    }
                    Err(
                        ContextDenial::NoField
                        | ContextDenial::Rights { .. }
                        | ContextDenial::Partial { .. },
                    ) => refused(),
                }
            }
            Context::Bytes(bytes) => {
                let end = offset + access.bytes;
                let inside = offset >= u64::from(bytes.start) && end <= u64::from(bytes.end);
                let aligned = offset.is_multiple_of(access.bytes);
                if !inside || !aligned || (access.write && !bytes.writable) {
                    return refused();
                }
                Ok(Reg::UNKNOWN)
            }
            Context::Arguments(Arguments::Raw { buffer }) => {
                let inside = offset + access.bytes <= 8 * RAW_ARGUMENTS_MAX as u64;
                if !inside || access.write || !offset.is_multiple_of(access.bytes) {
                    return refused();
                }
                if buffer && offset == 0 {
                    if access.bytes != 8 {
                        return refused();
                    }
                    return Ok(Reg::pointer(What::TracepointBuffer));
                }
                Ok(Reg::UNKNOWN)
            }
            Context::Arguments(Arguments::Typed) => {
                if access.write || !offset.is_multiple_of(8) {
                    return refused();
                }
                let index = (offset / 8) as usize;
                if let Some(traced) = &self.options.traces {
                    return self
                        .traced_argument(traced, index, access.bytes)
                        .map_or_else(refused, Ok);
                }
                match self.typed_argument(index, access.bytes) {
                    Some(argument) => Ok(argument),
                    None if self.target.btf.is_none() => Ok(Reg::UNKNOWN),
                    None if self.has_no_prototype() => {
                        self.unsupported("arguments of what the target's partial BTF does not name")
                    }
                    None => refused(),
                }
            }
            Context::OfTarget | Context::Nothing => refused(),
        }
    }

    /// What a field of the context gives.
    fn loaded(&mut self, value: ContextValue) -> Reg {
        let what = match value {
            ContextValue::Scalar => return Reg::UNKNOWN,
            ContextValue::PacketStart => What::Packet { range: Range::NONE },
            ContextValue::PacketEnd => What::PacketEnd,
            ContextValue::PacketMeta => What::PacketMeta { range: Range::NONE },
            ContextValue::Pointer { to, .. } => match to {
                Pointee::Socket => What::Socket(Socket::Full),
                Pointee::SockCommon => What::Socket(Socket::Common),
                Pointee::FlowKeys => What::FlowKeys,
                Pointee::TracepointBuffer => What::TracepointBuffer,
                Pointee::Kernel(name) => What::Kernel {
                    type_id: self.type_number(name),
                },
            },
        };
        let mut reg = Reg::pointer(what);
        if let ContextValue::Pointer { to, or_null } = value {
            if or_null {
                reg.flags = reg.flags.with(Flags::MAYBE_NULL);
                reg.id = self.fresh_id();
            }
            if let Pointee::Kernel(_) = to {
                reg.flags = reg.flags.with(Flags::TRUSTED);
            }
        }
        reg
    }

    pub(super) fn access_socket(
        &mut self,
        access: &Access,
        pointer: &Reg,
        socket: Socket,
    ) -> Check<Reg> {
        let register = access.base.number();
        let name = pointer.name();
        if access.write {
            return denied(self.at, format!("R{register} cannot write into {name}"));
        }
        if pointer.num.s.min < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} min value is negative, either use unsigned index or do a if (index >=0) check."
                ),
            );
        }
        let fits = u64::try_from(access.off)
            .is_ok_and(|off| fixed(pointer) && field_of(socket, off, access.bytes));
        if !fits {
            return denied(
                self.at,
                format!(
                    "R{register} invalid {name} access off={} size={}",
                    access.off, access.bytes
                ),
            );
        }
        Ok(Reg::UNKNOWN)
    }
}

/// True if this is a field of the socket structure that programs may read.
fn field_of(socket: Socket, off: u64, bytes: u64) -> bool {
    /// Behind `type protocol mark priority`, which request sockets do not have.
    const COMMON_BYTES: u64 = 24;
    let word = bytes == 4 && off.is_multiple_of(4);
    match socket {
        Socket::Common => {
            let typed = (8..COMMON_BYTES).contains(&off);
            !typed && full_field(off, bytes)
        }
        Socket::Full => full_field(off, bytes),
        Socket::Tcp => {
            /// `bytes_received` and `bytes_acked` come first and have eight bytes each.
            const LONG_END: u64 = 96;
            const TCP_BYTES: u64 = 112;
            (word && off + 4 <= TCP_BYTES)
                || (bytes == 8 && off.is_multiple_of(8) && off < LONG_END)
        }
        Socket::Xdp => word && off < 4,
    }
}

fn full_field(off: u64, bytes: u64) -> bool {
    /// `bpf_sock`: words, of which the ports, addresses and most others may be read in parts.
    const SOCK_BYTES: u64 = 80;
    if off + bytes > SOCK_BYTES || !off.is_multiple_of(bytes) || bytes == 8 {
        return false;
    }
    match off {
        // `dst_port` has two bytes of its own, and two of padding.
        48..50 => bytes <= 2 || off == 48,
        50..52 => false,
        // `bound_dev_if`, `mark`, `priority`, `state`, `rx_queue_mapping`
        _ => bytes == 4 || !matches!(off, 0..4),
    }
}
