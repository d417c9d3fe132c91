//! What programs get as their context, as data: UAPI structures by field, and who may do what.
//!
//! Readability and writability are those of Linux's `*_is_valid_access` functions (`net/core/filter.c`
//! and `kernel/trace/bpf_trace.c`, read in 6.12). This module does not know what fields hold.

mod skb;
mod sock;
mod xdp;

use crate::ProgramKind;

/// What the context of a program type is.
#[derive(Copy, Clone, Debug)]
pub enum Context {
    /// A structure whose fields are rewritten: only whole fields, or parts of scalars.
    Fields(&'static ContextLayout),
    /// Eight-byte arguments; the type says how many there are. `bpf_raw_tracepoint_args`.
    Arguments {
        /// Programs may store to them.
        writable: bool,
    },
    /// A record of bytes whose layout the event defines: tracepoints, registers of a probe.
    Bytes {
        /// Programs may store to it.
        writable: bool,
        /// Name of the structure, if it has one.
        name: &'static str,
    },
    /// Not described yet: programs get a null pointer.
    Unknown,
}

/// A context structure.
#[derive(Debug)]
pub struct ContextLayout {
    /// Name of the structure in the UAPI.
    pub name: &'static str,
    /// Its size.
    pub bytes: u32,
    /// Its fields by offset.
    pub fields: &'static [ContextField],
    /// The class of programs whose rights apply.
    pub class: Class,
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
    /// Classes that may read it.
    pub read: Class,
    /// Classes that may write it.
    pub write: Class,
}

/// What a context field holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A number. Parts of it may be read.
    Scalar,
    /// Address of the first byte of the packet.
    PacketStart,
    /// Address behind its last byte.
    PacketEnd,
    /// Address of the metadata in front of it.
    PacketMeta,
    /// Address of a structure of this name, or null.
    PointerOrNull(&'static str),
}

/// A set of classes of programs that share a structure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Class(u8);

impl Class {
    /// No program.
    pub const NONE: Class = Class(0);
    /// Socket filters.
    pub const FILTER: Class = Class(1);
    /// Traffic control classifiers and actions.
    pub const TC: Class = Class(2);
    /// Cgroup socket buffer programs.
    pub const CGROUP: Class = Class(4);
    /// Lightweight tunnels.
    pub const LWT: Class = Class(8);
    /// Stream parsers and verdicts of sockets.
    pub const STREAM: Class = Class(16);
    /// All programs of a structure.
    pub const ALL: Class = Class(0xff);

    /// Both.
    pub const fn or(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }

    /// Those of `self` that are not in `other`.
    pub const fn without(self, other: Class) -> Class {
        Class(self.0 & !other.0)
    }

    /// True if they share a program.
    pub const fn meets(self, other: Class) -> bool {
        self.0 & other.0 != 0
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
    /// The field exists; it is accessed as a whole only.
    Partial {
        /// Its name.
        field: &'static str,
        /// Its size.
        bytes: u32,
    },
}

impl ContextLayout {
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
        let after = self
            .fields
            .partition_point(|field| u64::from(field.offset) <= offset);
        let field = after
            .checked_sub(1)
            .map(|index| &self.fields[index])
            .filter(|field| {
                offset + u64::from(bytes)
                    <= u64::from(field.offset) + u64::from(field.bytes) * u64::from(field.count)
            })
            .ok_or(ContextDenial::NoField)?;
        let class = if write { field.write } else { field.read };
        if !class.meets(self.class) {
            return Err(ContextDenial::Rights { field: field.name });
        }
        let within = (offset - u64::from(field.offset)) % u64::from(field.bytes);
        let whole = within == 0 && bytes == field.bytes;
        let part = within.is_multiple_of(u64::from(bytes.max(1))) && bytes < field.bytes;
        // `cb` is the program's own scratch space: any aligned access inside it.
        let scratch = field.name == "cb" && offset.is_multiple_of(u64::from(bytes.max(1)));
        let scalar = field.value == ContextValue::Scalar;
        if whole || scratch || (part && scalar && !write) {
            Ok(field)
        } else {
            Err(ContextDenial::Partial {
                field: field.name,
                bytes: field.bytes,
            })
        }
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static ContextField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The context of a program type.
pub fn context(kind: ProgramKind) -> Context {
    match kind {
        ProgramKind::Xdp => Context::Fields(&xdp::XDP),
        ProgramKind::SocketFilter => Context::Fields(&skb::FILTER),
        ProgramKind::SchedCls | ProgramKind::SchedAct => Context::Fields(&skb::TC_LAYOUT),
        ProgramKind::CgroupSkb => Context::Fields(&skb::CGROUP_LAYOUT),
        ProgramKind::LwtIn
        | ProgramKind::LwtOut
        | ProgramKind::LwtXmit
        | ProgramKind::LwtSeg6local => Context::Fields(&skb::LWT),
        ProgramKind::SkSkb => Context::Fields(&skb::STREAM_LAYOUT),
        ProgramKind::CgroupSockAddr => Context::Fields(&sock::SOCK_ADDR),
        // What a writable raw tracepoint may write is behind its first argument.
        ProgramKind::RawTracepoint
        | ProgramKind::RawTracepointWritable
        | ProgramKind::Tracing
        | ProgramKind::Lsm => Context::Arguments { writable: false },
        ProgramKind::Tracepoint => Context::Bytes {
            writable: false,
            name: "tracepoint record",
        },
        ProgramKind::Kprobe => Context::Bytes {
            writable: false,
            name: "pt_regs",
        },
        ProgramKind::PerfEvent => Context::Bytes {
            writable: false,
            name: "bpf_perf_event_data",
        },
        ProgramKind::Syscall => Context::Bytes {
            writable: true,
            name: "syscall argument",
        },
        _ => Context::Unknown,
    }
}

/// Declares the fields of a structure: offset, bytes × count, name, value, readers, writers.
macro_rules! fields {
    ($($offset:literal $bytes:literal x $count:literal $name:literal $value:expr, $read:expr, $write:expr;)+) => {
        &[$($crate::context::ContextField {
            name: $name,
            offset: $offset,
            bytes: $bytes,
            count: $count,
            value: $value,
            read: $read,
            write: $write,
        },)+]
    };
}

pub(crate) use fields;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_order_and_inside() {
        for layout in [
            &xdp::XDP,
            &skb::FILTER,
            &skb::TC_LAYOUT,
            &skb::CGROUP_LAYOUT,
            &skb::LWT,
            &skb::STREAM_LAYOUT,
            &sock::SOCK_ADDR,
        ] {
            let mut end = 0;
            for field in layout.fields {
                assert!(field.offset >= end, "{}.{}", layout.name, field.name);
                end = field.offset + field.bytes * field.count;
            }
            assert!(end <= layout.bytes, "{}", layout.name);
        }
    }

    #[test]
    fn rights_follow_the_program_type() {
        let access = |layout: &ContextLayout, offset, bytes, write| {
            layout
                .access(offset, bytes, write)
                .map(|field| field.name)
                .map_err(|denial| format!("{denial:?}"))
        };
        assert_eq!(access(&xdp::XDP, 0, 4, false), Ok("data"));
        assert_eq!(
            access(&xdp::XDP, 0, 2, false),
            Err("Partial { field: \"data\", bytes: 4 }".into())
        );
        assert_eq!(access(&xdp::XDP, 13, 1, false), Ok("ingress_ifindex"));
        assert_eq!(access(&xdp::XDP, 2, 4, false), Err("NoField".into()));
        assert_eq!(access(&skb::TC_LAYOUT, 8, 4, true), Ok("mark"));
        assert_eq!(
            access(&skb::FILTER, 8, 4, true),
            Err("Rights { field: \"mark\" }".into())
        );
        assert_eq!(access(&skb::FILTER, 56, 8, true), Ok("cb"));
        assert_eq!(
            access(&skb::FILTER, 76, 4, false),
            Err("Rights { field: \"data\" }".into())
        );
    }
}
