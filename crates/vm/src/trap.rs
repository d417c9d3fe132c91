//! Why a run ended early: what the program did, where, and to what.

use std::sync::Arc;

use osmia_diag::{Diagnostic, Place};
use osmia_program::{Program, limits::CALL_FRAMES_MAX, listing};

use crate::codes;

/// A violation: the instruction and what was wrong.
#[derive(Clone, Debug)]
pub struct Trap {
    /// The program it happened in; after a tail call not the one that was started.
    pub program: Arc<Program>,
    /// The instruction's slot.
    pub slot: usize,
    /// What was wrong.
    pub cause: Cause,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A load, store or atomic outside of the memory it may touch.
    Access(Access),
    /// An access to the context that its layout does not allow.
    Context {
        /// Name of the structure.
        structure: &'static str,
        /// Offset.
        offset: i64,
        /// Bytes.
        bytes: u32,
        /// Store instead of load.
        write: bool,
        /// Why not.
        why: String,
    },
    /// An atomic at an address that is not a multiple of its size.
    Misaligned {
        /// Where.
        target: Target,
        /// Bytes.
        bytes: u32,
    },
    /// Too many instructions.
    Budget {
        /// The limit.
        insns: u64,
    },
    /// Somebody asked the run to stop, or its time is over.
    Stopped,
    /// Too many nested calls.
    CallDepth,
    /// An instruction a failed relocation made unusable.
    Poisoned {
        /// Which relocation and why.
        reason: String,
    },
    /// An instruction this machine does not run.
    Unsupported {
        /// Which, as a phrase.
        what: String,
    },
    /// Nothing: a helper ended the program.
    Ended {
        /// What the program returns.
        value: u64,
    },
    /// A helper was called where it may not be.
    Misuse {
        /// The helper's name.
        helper: &'static str,
        /// What it does, as a phrase.
        what: String,
    },
    /// The program ended without giving everything back.
    Held {
        /// What it held, as a phrase.
        what: String,
    },
    /// An exception, on its way to the program's end.
    Thrown {
        /// What was thrown.
        cookie: u64,
    },
    /// A helper got an argument it cannot work with.
    Argument {
        /// The helper's name.
        helper: &'static str,
        /// Which argument, from 1.
        number: usize,
        /// What is wrong with it, as a phrase that follows "argument 1".
        what: String,
    },
}

/// A forbidden access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Bytes.
    pub bytes: u64,
    /// Store instead of load.
    pub write: bool,
    /// Where.
    pub target: Target,
    /// For a helper's argument, the helper's name and which argument, from 1.
    pub helper: Option<(&'static str, usize)>,
    /// For null: the helper whose last result was null, and its slot.
    pub null_from: Option<(&'static str, usize)>,
}

/// What an address means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Null, or a small offset from it.
    Null {
        /// The offset.
        offset: u64,
    },
    /// A number that never was an address.
    Number(u64),
    /// The stack.
    Stack {
        /// Offset from the frame pointer of the nearest frame.
        offset: i64,
    },
    /// The packet.
    Packet {
        /// Offset from its first byte.
        offset: i64,
        /// Its length.
        len: u64,
        /// The place is in it; programs of this type may not do that there.
        rights: bool,
    },
    /// The packet as it was before a helper moved it.
    StalePacket,
    /// The context.
    Context {
        /// Offset.
        offset: i64,
        /// The first byte that is the program's.
        start: u32,
        /// Its size.
        bytes: u64,
    },
    /// A map itself, not a value in it.
    MapHandle {
        /// The map's name.
        map: String,
    },
    /// A value of a map.
    MapValue {
        /// The map's name.
        map: String,
        /// Offset in the value, negative before the first one.
        offset: i64,
        /// Bytes of a value.
        bytes: u64,
        /// The map allows the access the other way round only.
        rights: bool,
    },
    /// A reservation in a ring buffer.
    Reservation {
        /// Offset.
        offset: i64,
        /// Bytes reserved.
        bytes: u64,
    },
    /// An object of the kernel or of a program.
    Object {
        /// Its type.
        name: Arc<str>,
        /// Offset.
        offset: i64,
    },
    /// Memory that a helper lent for this run.
    Lent {
        /// Offset.
        offset: i64,
        /// Its bytes.
        bytes: u64,
    },
    /// Something that was given back.
    Released,
    /// A function of the program.
    Function,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Null { offset: 0 } => f.write_str("at the null pointer"),
            Target::Null { offset } => write!(f, "at offset {offset} from the null pointer"),
            Target::Number(value) => write!(f, "at {value:#x}, which is not an address"),
            Target::Stack { offset } => write!(
                f,
                "at stack offset {offset}; a frame reaches from -512 to -1"
            ),
            Target::Packet {
                offset,
                rights: true,
                ..
            } => write!(
                f,
                "at offset {offset} of the packet, which programs of this type cannot do"
            ),
            Target::Packet { offset, len, .. } => write!(
                f,
                "at offset {offset} of the packet, which is {len} bytes long"
            ),
            Target::StalePacket => {
                f.write_str("through a packet pointer from before the packet was moved")
            }
            Target::Context {
                offset,
                start: 0,
                bytes,
            } => write!(
                f,
                "at offset {offset} of the context, which is {bytes} bytes long"
            ),
            Target::Context {
                offset,
                start,
                bytes,
            } => write!(
                f,
                "at offset {offset} of the context, of which programs may touch bytes {start} \
                 to {bytes}"
            ),
            Target::MapHandle { map } => write!(f, "in map {map} itself instead of a value of it"),
            Target::MapValue {
                map, rights: true, ..
            } => write!(
                f,
                "in a value of map {map}, whose flags do not allow that to programs"
            ),
            Target::MapValue {
                map, offset, bytes, ..
            } => write!(
                f,
                "at offset {offset} of a value of map {map}, which is {bytes} bytes long"
            ),
            Target::Reservation { offset, bytes } => write!(
                f,
                "at offset {offset} of a ring buffer reservation of {bytes} bytes"
            ),
            Target::Object { name, offset } => write!(f, "at offset {offset} of a {name}"),
            Target::Lent { offset, bytes } => {
                write!(f, "at offset {offset} of {bytes} bytes that a helper lent")
            }
            Target::Released => f.write_str("in memory that was already given back"),
            Target::Function => f.write_str("at the address of a function"),
        }
    }
}

fn bytes_text(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        _ => format!("{bytes} bytes"),
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Access(access) => {
                if let Some((helper, number)) = access.helper {
                    write!(f, "argument {number} of {helper}: ")?;
                }
                let verb = if access.write { "write" } else { "read" };
                write!(
                    f,
                    "{verb} of {} {}",
                    bytes_text(access.bytes),
                    access.target
                )
            }
            Cause::Context {
                structure,
                offset,
                bytes,
                write,
                why,
            } => {
                let verb = if *write { "write" } else { "read" };
                write!(
                    f,
                    "{verb} of {} at offset {offset} of the context {structure}: {why}",
                    bytes_text(u64::from(*bytes))
                )
            }
            Cause::Misaligned { target, bytes } => write!(
                f,
                "misaligned atomic access of {} {target}",
                bytes_text(u64::from(*bytes))
            ),
            Cause::Budget { insns } => {
                write!(f, "the instruction budget of {insns} is used up")
            }
            Cause::Stopped => f.write_str("the run was stopped"),
            Cause::CallDepth => {
                write!(f, "more than {CALL_FRAMES_MAX} nested function calls")
            }
            Cause::Poisoned { reason } => {
                write!(f, "this instruction could not be relocated: {reason}")
            }
            Cause::Unsupported { what } => write!(f, "{what}"),
            Cause::Ended { value } => write!(f, "a helper ended the program with {value:#x}"),
            Cause::Misuse { helper, what } => write!(f, "{helper} {what}"),
            Cause::Held { what } => write!(f, "the program ended while it {what}"),
            Cause::Thrown { cookie } => write!(f, "exception {cookie:#x}"),
            Cause::Argument {
                helper,
                number,
                what,
            } => write!(f, "argument {number} of {helper} {what}"),
        }
    }
}

impl std::fmt::Display for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "instruction {}: {}", self.slot, self.cause)
    }
}

impl std::error::Error for Trap {}

impl Trap {
    /// What people are told: the listing around the instruction with the caret under it.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let (code, help) = match &self.cause {
            Cause::Access(access) => match &access.target {
                Target::Null { .. } => (
                    codes::NULL,
                    Some("compare the pointer with NULL before using it"),
                ),
                Target::Packet { rights: true, .. } => (
                    codes::ACCESS,
                    Some(
                        "helpers may reach what loads and stores cannot: bpf_skb_load_bytes, bpf_skb_store_bytes",
                    ),
                ),
                Target::Packet { .. } => (
                    codes::ACCESS,
                    Some("compare the end of the access with data_end before it"),
                ),
                Target::StalePacket => (
                    codes::ACCESS,
                    Some("load data and data_end from the context again after the helper"),
                ),
                Target::Number(_) => (
                    codes::ACCESS,
                    Some(
                        "an address was cut to 32 bits or computed from a number; \
                         kernel memory is read with bpf_probe_read_kernel",
                    ),
                ),
                _ => (codes::ACCESS, None),
            },
            Cause::Context { .. } => (codes::CONTEXT, None),
            Cause::Misaligned { .. } => (codes::ACCESS, None),
            Cause::Budget { .. } => (
                codes::BUDGET,
                Some("a loop that does not end, or a larger budget is needed"),
            ),
            Cause::Stopped => (
                codes::STOPPED,
                Some("its time was over, or somebody asked for it"),
            ),
            Cause::CallDepth => (codes::CALL_DEPTH, None),
            Cause::Poisoned { .. } => (
                codes::POISONED,
                Some("guard the access with bpf_core_field_exists or bpf_core_type_exists"),
            ),
            Cause::Unsupported { .. } | Cause::Ended { .. } => (codes::UNSUPPORTED, None),
            Cause::Argument { .. } => (codes::HELPER_ARGUMENT, None),
            Cause::Misuse { .. } => (codes::MISUSE, None),
            Cause::Held { .. } => (
                codes::HELD,
                Some("leave sections and give references back on every path to the end"),
            ),
            // An exception that nobody takes would be a bug of the machine.
            Cause::Thrown { .. } => (codes::UNSUPPORTED, None),
        };
        let mut diagnostic = Diagnostic::error(code, self.cause.to_string())
            .at(self.place())
            .listing(listing(&self.program, self.slot, ""));
        if let Cause::Access(Access {
            null_from: Some((helper, slot)),
            ..
        }) = &self.cause
        {
            diagnostic = diagnostic.note(format!(
                "the last null pointer came from {helper} at instruction {slot}"
            ));
        }
        if let Some(help) = help {
            diagnostic = diagnostic.help(help);
        }
        diagnostic
    }

    fn place(&self) -> Place {
        let place = Place::none()
            .program(self.program.name.clone())
            .insn(self.slot as u64);
        match self.program.line_at(self.slot) {
            Some(line) => place.source(line.file, line.line, line.column),
            None => place,
        }
    }
}
