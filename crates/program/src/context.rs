//! What programs get as their context, as data: UAPI structures by field, and who may do what.
//!
//! Readability and writability are those of Linux's `*_is_valid_access` functions; `cargo xtask
//! compare-contexts` asks the running kernel about every field, and a test compares the layouts with
//! its BTF. This module does not know what fields hold.

mod arguments;
mod cgroup;
mod class;
mod lookup;
mod packet;
mod registers;
mod skb;
mod sock;
mod sock_ops;
mod xdp;

use crate::{ProgramKind, Role};

pub use arguments::{Arguments, RAW_ARGUMENTS_MAX};
pub use class::Class;
pub use packet::{PacketAccess, packet_access};

/// What the context of a program is.
#[derive(Copy, Clone, Debug)]
pub enum Context {
    /// A structure with named fields.
    Fields(Fields),
    /// Eight-byte arguments of a function or an event.
    Arguments(Arguments),
    /// A record of bytes whose layout somebody else defines.
    Bytes(Bytes),
    /// That of the program this one replaces a function of.
    OfTarget,
    /// There is none.
    Nothing,
}

/// A context without named fields. Accesses of any size are aligned to it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// What it is, for people.
    pub name: &'static str,
    /// Programs may store to it.
    pub writable: bool,
    /// The first byte they may touch.
    pub start: u32,
    /// Where it ends at the latest.
    pub end: u32,
}

/// A structure, seen with the rights of one class of programs.
#[derive(Copy, Clone, Debug)]
pub struct Fields {
    layout: &'static ContextLayout,
    class: Class,
}

/// A context structure.
#[derive(Debug)]
pub struct ContextLayout {
    /// Name of the structure in the UAPI.
    pub name: &'static str,
    /// Its size.
    pub bytes: u32,
    /// It lies in memory as it is, and helpers may read it; accesses to others are rewritten field
    /// by field.
    pub in_place: bool,
    /// Its fields by offset.
    pub fields: &'static [ContextField],
}

/// One field.
#[derive(Copy, Clone, Debug)]
pub struct ContextField {
    /// Name in the UAPI.
    pub name: &'static str,
    /// Offset in bytes.
    pub offset: u32,
    /// Bytes of one element.
    pub bytes: u32,
    /// Elements; 1 if it is no array.
    pub count: u32,
    /// What it holds.
    pub value: ContextValue,
    /// Who reads it, and how.
    pub read: Right,
    /// Who writes it, and how.
    pub write: Right,
}

/// What a context field holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A number.
    Scalar,
    /// Address of the first byte of the packet (or of the value of a socket option).
    PacketStart,
    /// Address behind its last byte.
    PacketEnd,
    /// Address of the metadata in front of it.
    PacketMeta,
    /// Address of something else.
    Pointer {
        /// Of what.
        to: Pointee,
        /// It may be null, which programs must check for.
        or_null: bool,
    },
}

/// What a field points to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Pointee {
    /// A full `bpf_sock`.
    Socket,
    /// The part of a `bpf_sock` that every kind of socket has.
    SockCommon,
    /// A `bpf_flow_keys`, readable and writable.
    FlowKeys,
    /// A buffer that the tracepoint offers for writing; its size is the event's.
    TracepointBuffer,
    /// A structure of the kernel by its BTF name.
    Kernel(&'static str),
}

/// Who may access a field, and how.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Classes that may.
    pub class: Class,
    /// Which accesses.
    pub sizes: Sizes,
}

/// Which accesses to a field are allowed. All are aligned, and no access leaves its field.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// A whole element.
    Whole,
    /// An element or a part of it.
    Parts,
    /// An element, or a part of it that starts where it starts.
    Heads,
    /// An element or a part of at least two bytes.
    Halves,
    /// A whole element or two.
    Pairs,
    /// Anything: parts, or several elements at once.
    Any,
    /// Parts, and four bytes at the start, which the field once had.
    PartsOrWord,
}

impl Right {
    const NONE: Right = Class::NONE.whole();
}

impl Sizes {
    /// True if an access of `bytes` bytes at `within` of an element of `element` bytes is one.
    const fn allow(self, element: u32, within: u32, bytes: u32) -> bool {
        let whole = within == 0 && bytes == element;
        let part = within + bytes <= element;
        match self {
            Sizes::Whole => whole,
            Sizes::Parts => part,
            Sizes::Heads => part && within == 0,
            Sizes::Halves => part && bytes >= 2,
            Sizes::Pairs => within == 0 && (bytes == element || bytes == 2 * element),
            Sizes::Any => true,
            Sizes::PartsOrWord => part || (within == 0 && bytes == 4),
        }
    }
}

/// Why an access to a context is not allowed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ContextDenial {
    /// No field there, or the access covers more than one.
    NoField,
    /// The field exists; this program may not read it, or not write it.
    Rights {
        /// Its name.
        field: &'static str,
    },
    /// The field exists; it is accessed in other sizes only.
    Partial {
        /// Its name.
        field: &'static str,
        /// Its size.
        bytes: u32,
    },
}

impl ContextField {
    /// The first byte behind it.
    pub const fn end(&self) -> u32 {
        self.offset + self.bytes * self.count
    }
}

impl ContextLayout {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static ContextField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field that holds this byte.
    pub fn field_at(&self, offset: u64) -> Option<&'static ContextField> {
        let after = self
            .fields
            .partition_point(|field| u64::from(field.offset) <= offset);
        self.fields.get(after.checked_sub(1)?)
    }
}

impl Fields {
    /// The structure itself.
    pub const fn layout(&self) -> &'static ContextLayout {
        self.layout
    }

    /// Whose rights apply.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The field that an access touches, if this program may do that.
    ///
    /// # Errors
    /// Says why it may not.
    pub fn access(
        &self,
        offset: u64,
        bytes: u32,
        write: bool,
    ) -> Result<&'static ContextField, ContextDenial> {
        let field = self.field_at(offset).ok_or(ContextDenial::NoField)?;
        let right = if write { field.write } else { field.read };
        // An old size may be larger than the field is today.
        let end = match right.sizes {
            Sizes::PartsOrWord => field.end().max(field.offset + 4),
            _ => field.end(),
        };
        if offset >= u64::from(field.end()) || offset + u64::from(bytes) > u64::from(end) {
            return Err(ContextDenial::NoField);
        }
        if !right.class.meets(self.class) {
            return Err(ContextDenial::Rights { field: field.name });
        }
        let within = (offset as u32 - field.offset) % field.bytes;
        let aligned = offset.is_multiple_of(u64::from(bytes.max(1)));
        if aligned && right.sizes.allow(field.bytes, within, bytes) {
            Ok(field)
        } else {
            Err(ContextDenial::Partial {
                field: field.name,
                bytes: field.bytes,
            })
        }
    }
}

impl std::ops::Deref for Fields {
    type Target = ContextLayout;

    fn deref(&self) -> &ContextLayout {
        self.layout
    }
}

/// Longest record of a tracepoint (`PERF_MAX_TRACE_SIZE`).
const TRACE_BYTES_MAX: u32 = 8192;
/// Longest argument of a syscall program (`U16_MAX`).
const SYSCALL_BYTES_MAX: u32 = u16::MAX as u32;

/// The context of programs of this role.
pub fn context(role: impl Into<Role>) -> Context {
    let role = role.into();
    let layout = match role.kind {
        ProgramKind::Xdp => &xdp::XDP,
        ProgramKind::SocketFilter
        | ProgramKind::SchedCls
        | ProgramKind::SchedAct
        | ProgramKind::CgroupSkb
        | ProgramKind::LwtIn
        | ProgramKind::LwtOut
        | ProgramKind::LwtXmit
        | ProgramKind::LwtSeg6local
        | ProgramKind::SkSkb
        | ProgramKind::FlowDissector => &skb::SKB,
        ProgramKind::CgroupSock => &sock::SOCK_STRUCT,
        ProgramKind::CgroupSockAddr => &sock::SOCK_ADDR,
        ProgramKind::SockOps => &sock_ops::SOCK_OPS,
        ProgramKind::SkMsg => &sock::SK_MSG,
        ProgramKind::CgroupDevice => &cgroup::DEVICE,
        ProgramKind::CgroupSysctl => &cgroup::SYSCTL,
        ProgramKind::CgroupSockopt => &cgroup::SOCKOPT,
        ProgramKind::SkReuseport => &lookup::REUSEPORT,
        ProgramKind::SkLookup => &lookup::SK_LOOKUP,
        ProgramKind::Netfilter => &packet::NETFILTER,
        ProgramKind::LircMode2 => &packet::LIRC,
        ProgramKind::Kprobe => &registers::REGISTERS,
        ProgramKind::PerfEvent => &registers::PERF_EVENT,
        ProgramKind::RawTracepoint => return Context::Arguments(Arguments::Raw { buffer: false }),
        ProgramKind::RawTracepointWritable => {
            return Context::Arguments(Arguments::Raw { buffer: true });
        }
        ProgramKind::Tracing | ProgramKind::Lsm | ProgramKind::StructOps => {
            return Context::Arguments(Arguments::Typed);
        }
        ProgramKind::Tracepoint => {
            return Context::Bytes(Bytes {
                name: "tracepoint record",
                writable: false,
                // Before it lies what the kernel uses itself.
                start: 8,
                end: TRACE_BYTES_MAX,
            });
        }
        ProgramKind::Syscall => {
            return Context::Bytes(Bytes {
                name: "syscall argument",
                writable: true,
                start: 0,
                end: SYSCALL_BYTES_MAX,
            });
        }
        ProgramKind::Ext => return Context::OfTarget,
        ProgramKind::Unspec => return Context::Nothing,
    };
    Context::Fields(Fields {
        layout,
        class: class::of(role),
    })
}

/// Every structure that is the context of some programs.
pub const LAYOUTS: &[&ContextLayout] = &[
    &skb::SKB,
    &xdp::XDP,
    &sock::SOCK_STRUCT,
    &sock::SOCK_ADDR,
    &sock::SK_MSG,
    &sock_ops::SOCK_OPS,
    &lookup::SK_LOOKUP,
    &lookup::REUSEPORT,
    &cgroup::DEVICE,
    &cgroup::SYSCTL,
    &cgroup::SOCKOPT,
    &packet::NETFILTER,
    &packet::LIRC,
    &registers::REGISTERS,
    &registers::PERF_EVENT,
];

/// Declares the fields of a structure: offset, bytes × count, name, value, right to read and, where
/// there is one, right to write.
macro_rules! fields {
    (@write) => { $crate::context::Right::NONE };
    (@write $write:expr) => { $write };
    ($($offset:literal $bytes:literal x $count:literal $name:literal $value:expr, $read:expr $(, $write:expr)?;)+) => {
        &[$($crate::context::ContextField {
            name: $name,
            offset: $offset,
            bytes: $bytes,
            count: $count,
            value: $value,
            read: $read,
            write: fields!(@write $($write)?),
        },)+]
    };
}

use fields;

#[cfg(test)]
mod tests;
