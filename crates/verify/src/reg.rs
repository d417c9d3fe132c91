//! What is known about one register, or about one spilled register in the stack.

use crate::domain::Scalar;

/// What a value is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Never written: must not be read.
    Unset,
    /// A number.
    Number,
    /// The context.
    Context,
    /// An address in a stack frame, relative to its end.
    Stack {
        /// Which frame, 0 the entry's.
        frame: u8,
    },
    /// A map, by position in the program's list.
    Map(u16),
    /// An address in a value of a map.
    MapValue {
        /// The map.
        map: u16,
        /// Which lookup of an inner map it came from; 0 if the map is known.
        inner: u32,
    },
    /// An address in a key of a map, inside a callback.
    MapKey(u16),
    /// An address in the packet.
    Packet {
        /// How far it is known to reach.
        range: Range,
    },
    /// An address in the metadata in front of the packet.
    PacketMeta {
        /// How far it is known to reach.
        range: Range,
    },
    /// The end of the packet.
    PacketEnd,
    /// The flow keys of a dissector.
    FlowKeys,
    /// A socket.
    Socket(Socket),
    /// Memory of so many bytes that a helper gave.
    Memory {
        /// Its size.
        bytes: u32,
    },
    /// A tracepoint's buffer.
    TracepointBuffer,
    /// Bytes that an iterator shows, as many as its map says.
    Buffer,
    /// A kernel structure, by its type in the target's BTF.
    Kernel {
        /// The type.
        type_id: u32,
    },
    /// An object that the program made, by its type in the program's BTF.
    Object(u32),
    /// An address in an arena.
    Arena,
    /// A dynptr: in a slot of the stack what it holds, in a register the address of one that the
    /// kernel made.
    Dynptr(Dynptr),
    /// An open-coded iterator, in slots of the stack only.
    Iterator(Iterator),
    /// Saved interrupt flags, in a slot of the stack only.
    IrqFlags {
        /// A lock saved them.
        by_lock: bool,
    },
    /// A function of the program.
    Function(u16),
}

/// A dynptr.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dynptr {
    /// What it points into.
    pub(crate) memory: DynptrMemory,
    /// The slot at the lower address, of its two.
    pub(crate) first: bool,
}

/// What a dynptr points into.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum DynptrMemory {
    /// Memory of the program.
    Local,
    /// A reservation in a ring buffer.
    Ringbuf,
    /// A packet.
    Skb,
    /// The metadata of a packet.
    SkbMeta,
    /// A packet not yet in a socket buffer.
    Xdp,
}

impl DynptrMemory {
    /// True if what is read through it goes when the packet is changed.
    pub(crate) fn is_packet(self) -> bool {
        !matches!(self, DynptrMemory::Local | DynptrMemory::Ringbuf)
    }
}

/// An open-coded iterator.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Iterator {
    /// Its structure, as a number of a kernel type.
    pub(crate) type_id: u32,
    /// It may have more items.
    pub(crate) active: bool,
    /// How many items this path took.
    pub(crate) depth: u32,
    /// The slot at the lowest address.
    pub(crate) first: bool,
}

/// How far a packet is known to reach, seen from a pointer's family.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// So many bytes from the family's fixed offset 0.
    Bytes(u16),
    /// Not to this pointer, or just to it.
    EndsHere,
    /// Not to this pointer.
    EndsBefore,
}

impl Range {
    /// Nothing is known.
    pub(crate) const NONE: Range = Range::Bytes(0);

    /// Bytes known to be there.
    pub(crate) const fn bytes(self) -> u64 {
        match self {
            Range::Bytes(bytes) => bytes as u64,
            Range::EndsHere | Range::EndsBefore => 0,
        }
    }
}

/// Which view of a socket.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Socket {
    /// `struct bpf_sock` of any state, request sockets too.
    Common,
    /// `struct bpf_sock` of a full socket.
    Full,
    /// `struct bpf_tcp_sock`.
    Tcp,
    /// `struct bpf_xdp_sock`.
    Xdp,
}

/// Additional facts about a pointer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Flags(pub(crate) u16);

impl Flags {
    /// It may be null.
    pub(crate) const MAYBE_NULL: Flags = Flags(1);
    /// Must not be written through.
    pub(crate) const READ_ONLY: Flags = Flags(2);
    /// From a ring buffer reservation.
    pub(crate) const RINGBUF: Flags = Flags(4);
    /// The kernel vouches for it.
    pub(crate) const TRUSTED: Flags = Flags(8);
    /// Valid while the RCU read lock is held.
    pub(crate) const RCU: Flags = Flags(16);
    /// Nobody vouches for it: loads are guarded, helpers refuse it.
    pub(crate) const UNTRUSTED: Flags = Flags(32);
    /// In a process's own memory.
    pub(crate) const USER: Flags = Flags(64);
    /// One copy for each CPU.
    pub(crate) const PER_CPU: Flags = Flags(128);
    /// Somebody else owns the object; valid while the lock is held that guards its container.
    pub(crate) const NON_OWNING: Flags = Flags(256);
    /// Of a packet: gone when that is changed.
    pub(crate) const OF_PACKET: Flags = Flags(512);

    /// True if all of these are set.
    pub(crate) const fn has(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// With these.
    pub(crate) const fn with(self, flags: Flags) -> Flags {
        Flags(self.0 | flags.0)
    }

    /// Without these.
    pub(crate) const fn without(self, flags: Flags) -> Flags {
        Flags(self.0 & !flags.0)
    }
}

/// How a number came to differ from others of its id.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// Nothing was added.
    None,
    /// The constant was added to all of it.
    Whole,
    /// It was added to the lower half; the upper one is 0.
    Half,
}

/// A register.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reg {
    /// What it is.
    pub(crate) what: What,
    /// More about a pointer.
    pub(crate) flags: Flags,
    /// Fixed offset of a pointer.
    pub(crate) off: i32,
    /// The number, or the variable part of a pointer's offset.
    pub(crate) num: Scalar,
    /// Registers with the same id, not 0, hold the same number or came from the same pointer.
    pub(crate) id: u32,
    /// The constant by which it differs from others of its id, if it is a number.
    pub(crate) delta: i32,
    /// How that constant was added.
    pub(crate) sum: Sum,
    /// The resource the pointer keeps; 0 for none.
    pub(crate) reference: u32,
    /// The dynptr it was made from; 0 for none.
    pub(crate) dynptr: u32,
    /// The number's value decided something: it must match exactly where states are compared.
    pub(crate) precise: bool,
}

impl Reg {
    /// Never written.
    pub(crate) const UNSET: Reg = Reg::with(What::Unset);

    /// Any number.
    pub(crate) const UNKNOWN: Reg = Reg {
        num: Scalar::UNKNOWN,
        ..Reg::with(What::Number)
    };

    const fn with(what: What) -> Reg {
        Reg {
            what,
            flags: Flags(0),
            off: 0,
            num: Scalar::known(0),
            id: 0,
            delta: 0,
            sum: Sum::None,
            reference: 0,
            dynptr: 0,
            precise: false,
        }
    }

    /// A pointer at offset 0.
    pub(crate) const fn pointer(what: What) -> Reg {
        Reg::with(what)
    }

    /// A number of which this is known.
    pub(crate) const fn number(num: Scalar) -> Reg {
        Reg {
            num,
            ..Reg::with(What::Number)
        }
    }

    /// One number.
    pub(crate) const fn constant(value: u64) -> Reg {
        Reg::number(Scalar::known(value))
    }

    /// Takes it out of its family of numbers.
    pub(crate) fn unlink(&mut self) {
        (self.id, self.delta, self.sum) = (0, 0, Sum::None);
    }

    /// True for numbers.
    pub(crate) fn is_number(&self) -> bool {
        self.what == What::Number
    }

    /// True for addresses and other things that are no number.
    pub(crate) fn is_pointer(&self) -> bool {
        !matches!(self.what, What::Unset | What::Number)
    }

    /// The only number it can be.
    pub(crate) fn value(&self) -> Option<u64> {
        self.num.constant().filter(|_| self.is_number())
    }

    /// True for the number 0.
    pub(crate) fn is_null(&self) -> bool {
        self.value() == Some(0)
    }

    /// True if it may be null and has not been compared yet.
    pub(crate) fn may_be_null(&self) -> bool {
        self.flags.has(Flags::MAYBE_NULL)
    }

    /// True for addresses in the packet or its metadata.
    pub(crate) fn is_packet(&self) -> bool {
        matches!(self.what, What::Packet { .. } | What::PacketMeta { .. })
    }

    /// The frame pointer of a frame.
    pub(crate) fn frame_pointer(frame: u8) -> Reg {
        Reg::pointer(What::Stack { frame })
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &'static str {
        let null = self.may_be_null();
        match self.what {
            What::Unset => "?",
            What::Number => "scalar",
            What::Context => "ctx",
            What::Stack { .. } => "fp",
            What::Map(_) => "map_ptr",
            What::MapValue { .. } if null => "map_value_or_null",
            What::MapValue { .. } => "map_value",
            What::MapKey(_) => "map_key",
            What::Packet { .. } => "pkt",
            What::PacketMeta { .. } => "pkt_meta",
            What::PacketEnd => "pkt_end",
            What::FlowKeys => "flow_keys",
            What::Socket(Socket::Common) if null => "sock_common_or_null",
            What::Socket(Socket::Common) => "sock_common",
            What::Socket(Socket::Full) if null => "sock_or_null",
            What::Socket(Socket::Full) => "sock",
            What::Socket(Socket::Tcp) if null => "tcp_sock_or_null",
            What::Socket(Socket::Tcp) => "tcp_sock",
            What::Socket(Socket::Xdp) => "xdp_sock",
            What::Memory { .. } if null => "mem_or_null",
            What::Memory { .. } if self.flags.has(Flags::RINGBUF) => "ringbuf_mem",
            What::Memory { .. } => "mem",
            What::TracepointBuffer => "tp_buffer",
            What::Buffer => match (self.flags.has(Flags::READ_ONLY), null) {
                (true, true) => "rdonly_buf_or_null",
                (true, false) => "rdonly_buf",
                (false, true) => "buf_or_null",
                (false, false) => "buf",
            },
            What::Object(_) if null && self.flags.has(Flags::UNTRUSTED) => "untrusted_ptr_or_null_",
            What::Object(_) if null && self.flags.has(Flags::RCU) => "rcu_ptr_or_null_",
            What::Object(_) if null => "ptr_or_null_",
            What::Object(_) if self.flags.has(Flags::NON_OWNING) => "non_own_ptr_",
            What::Object(_) if self.flags.has(Flags::UNTRUSTED) => "untrusted_ptr_",
            What::Object(_) if self.flags.has(Flags::RCU) => "rcu_ptr_",
            What::Object(_) => "ptr_",
            What::Arena => "arena",
            What::Dynptr(_) => "dynptr_ptr",
            What::Iterator(_) => "iter",
            What::IrqFlags { .. } => "irq_flag",
            What::Kernel { .. } if null && self.flags.has(Flags::TRUSTED) => "trusted_ptr_or_null_",
            What::Kernel { .. } if null && self.flags.has(Flags::UNTRUSTED) => {
                "untrusted_ptr_or_null_"
            }
            What::Kernel { .. } if null && self.flags.has(Flags::RCU) => "rcu_ptr_or_null_",
            What::Kernel { .. } if null => "ptr_or_null_",
            What::Kernel { .. } if self.flags.has(Flags::USER) => "user_ptr_",
            What::Kernel { .. } if self.flags.has(Flags::PER_CPU) => "percpu_ptr_",
            What::Kernel { .. } if self.flags.has(Flags::TRUSTED) => "trusted_ptr_",
            What::Kernel { .. } if self.flags.has(Flags::UNTRUSTED) => "untrusted_ptr_",
            What::Kernel { .. } if self.flags.has(Flags::RCU) => "rcu_ptr_",
            What::Kernel { .. } => "ptr_",
            What::Function(_) => "func",
        }
    }
}
