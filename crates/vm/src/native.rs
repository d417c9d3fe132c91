//! What native code and the machine know of each other.
//!
//! Native code is made elsewhere ([`Native`] is what the machine asks of it). It finds what the machine
//! keeps of a run at fixed places ([`layout`]) and calls [`Machine::call_helper`] and
//! [`Machine::tail_target`].

use std::fmt::Debug;
use std::mem::offset_of;
use std::sync::Arc;

use crate::Machine;
use crate::code::Code;
use crate::direct::{Direct, Head};
use crate::guest::{Call, Fault};
use crate::helper::{self, HelperFn};
use crate::host_helper::HostHelper;
use crate::memory::Real;
use crate::trap::{Access, Cause, Target, Trap};

/// A program as native code.
pub trait Native: Debug + Send + Sync {
    /// What its helpers may build on.
    fn memory(&self) -> Real;
    /// Bytes of the stack, from its top, that a run may find something in.
    fn stack_bytes(&self) -> usize;
    /// Bytes it touches of a context that is plain memory: it cannot run with fewer.
    fn context_bytes(&self) -> usize;
    /// Runs the program and gives what it returns.
    fn enter(&self, machine: &mut Machine, frame_pointer: u64, args: &[u64; 5]) -> u64;
    /// Where tail calls jump to.
    fn entry(&self) -> u64;
    /// Which compiler made what the next run runs: 1, or 2 for the one that optimises.
    fn tier(&self) -> u8;
}

/// Where native code finds what the machine keeps of a run: distances from the machine's address.
pub mod layout {
    use super::{Direct, Head, Machine, offset_of};

    macro_rules! offsets {
        ($($(#[$doc:meta])* $name:ident = $field:ident;)+) => {
            $($(#[$doc])* pub const $name: i32 =
                (Machine::DIRECT + offset_of!(Direct, head) + offset_of!(Head, $field)) as i32;)+
            /// Their names, for listings.
            pub const NAMES: &[(i32, &str)] = &[$(($name, stringify!($field))),+];
        };
    }

    offsets! {
        /// Not zero if a helper ended the program.
        ENDED = ended;
        /// Four bytes: the slot of the call that ended it.
        SLOT = slot;
        /// The helper that is called: the address of its [`super::NativeHelper`].
        HELPER = helper;
        /// Native stack pointer at the entry.
        STACK_POINTER = stack_pointer;
        /// The program's frame pointer, on its way to code that takes it in no register.
        FRAME_POINTER = frame_pointer;
        /// Address of the context.
        CONTEXT = context;
        /// The CPU's number.
        CPU = cpu;
        /// Address of the packet's first byte that programs see.
        PACKET_START = packet_start;
        /// Address behind the last one.
        PACKET_END = packet_end;
        /// Address of the metadata.
        PACKET_META = packet_meta;
    }
}

/// A helper that native code can call.
#[derive(Clone)]
pub struct NativeHelper {
    does: Does,
    name: &'static str,
}

#[derive(Clone)]
enum Does {
    /// A helper of this machine.
    Linux(HelperFn<Direct>),
    /// One of the application's.
    Host(HostHelper),
}

impl Debug for NativeHelper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Helpers whose pointers verification knows everything about, and that neither call back nor deal in
/// objects of the heap, whose addresses are the interpreter's.
#[rustfmt::skip]
const NATIVE: &[u32] = &[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19, 23, 25, 26, 28, 30, 31, 32, 33, 34, 38,
    39, 40, 41, 42, 43, 44, 45, 48, 50, 51, 54, 65, 68, 69, 80, 87, 88, 89, 93, 94, 105, 106, 112,
    113, 114, 115, 118, 123, 125, 130, 131, 132, 133, 134, 135, 155, 160, 163, 165, 177, 182, 195, 208,
];

impl NativeHelper {
    /// The helper with a number, if native code can call it.
    pub fn by_id(id: u32) -> Option<Self> {
        NATIVE.binary_search(&id).ok()?;
        Some(Self {
            does: Does::Linux(helper::implementation(id)?),
            name: osmia_program::helper::by_id(id)?.name,
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl Code {
    /// The helper with a number that it calls, if native code can.
    pub fn native_helper(&self, id: u32) -> Option<NativeHelper> {
        let own = self.host_helper(id).map(|helper| NativeHelper {
            name: helper.helper().name,
            does: Does::Host(helper.clone()),
        });
        own.or_else(|| NativeHelper::by_id(id))
    }
}

/// Whether a context of so many bytes is long enough for native code, which does not look.
#[inline]
pub(crate) fn check_context(
    code: &Arc<Code>,
    native: &dyn Native,
    bytes: usize,
) -> Result<(), Box<Trap>> {
    let needed = native.context_bytes();
    if needed <= bytes {
        return Ok(());
    }
    let (missing, bytes) = ((needed - bytes) as u64, bytes as u64);
    let target = Target::Context {
        offset: bytes as i64,
        start: 0,
        bytes,
    };
    Err(Box::new(Trap {
        program: Arc::clone(code.program()),
        slot: 0,
        cause: Cause::Access(Access {
            bytes: missing,
            write: false,
            target,
            helper: None,
            null_from: None,
        }),
    }))
}

impl Machine {
    /// Calls a helper for native code. If it ends the program, that is noted where native code looks.
    #[inline]
    pub fn call_helper(&mut self, helper: &NativeHelper, args: [u64; 5]) -> u64 {
        let (guest, world) = self.direct();
        let call = &mut Call { guest, world, args };
        let result = match &helper.does {
            Does::Linux(function) => function(call),
            Does::Host(helper) => helper.call(call),
        };
        match result {
            Ok(value) => value,
            Err(fault) => self.end_native(helper.name, fault),
        }
    }

    /// Where a tail call goes to: zero if it goes on behind the call.
    pub fn tail_target(&mut self, handle: u64, index: u32) -> u64 {
        match self.direct().0.tail_target(handle, index) {
            Ok(entry) => entry,
            Err(fault) => self.end_native("bpf_tail_call", fault),
        }
    }

    /// The helper that native code asked for by its address.
    pub fn asked_helper(&mut self) -> u64 {
        self.direct().0.head.helper
    }

    /// The CPU that native code runs on.
    #[inline]
    pub fn native_cpu(&mut self) -> u32 {
        self.direct().0.head.cpu as u32
    }

    /// Ends the program, at its next look, for a helper that did not come back.
    #[cold]
    pub fn helper_panicked(&mut self, name: &'static str) -> u64 {
        let what = "panicked, which is a bug of this machine's".to_owned();
        self.end_native(name, Fault::Misuse { what })
    }

    #[cold]
    fn end_native(&mut self, name: &'static str, fault: Fault) -> u64 {
        self.direct().0.end_with(name, fault);
        0
    }

    /// What a native run came to.
    pub(crate) fn native_result(&mut self, value: u64, code: &Arc<Code>) -> Result<u64, Box<Trap>> {
        let (direct, _) = self.direct();
        let Some((helper, fault)) = direct.take_end() else {
            return Ok(value);
        };
        let cause = match fault {
            Fault::End { value } => return Ok(value),
            Fault::Trap(trap) => return Err(trap),
            Fault::Misuse { what } => Cause::Misuse { helper, what },
            Fault::Thrown { cookie } => Cause::Thrown { cookie },
            Fault::Argument { argument, what } => Cause::Argument {
                helper,
                number: argument,
                what,
            },
            Fault::Access {
                argument,
                address,
                bytes,
                write,
            } => Cause::Access(Access {
                bytes,
                write,
                target: Target::Number(address),
                helper: Some((helper, argument)),
                null_from: None,
            }),
        };
        Err(Box::new(Trap {
            // A tail call may have gone to another program.
            program: Arc::clone(direct.running().unwrap_or(code).program()),
            slot: direct.head.slot as usize,
            cause,
        }))
    }
}
