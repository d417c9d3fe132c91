//! What native code and the machine know of each other.
//!
//! Native code is made elsewhere ([`Native`] is what the machine asks of it). It finds what the machine
//! keeps of a run at fixed places ([`layout`]) and calls back into the machine with what it was entered
//! with, a [`Running`].

use std::fmt::Debug;
use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use osmia_program::{TierTimes, kfunc};

use crate::checked::Checked;
use crate::code::Code;
use crate::direct::{Direct, Head, Tail};
use crate::guest::{Call, Fault};
use crate::helper::{self, HelperFn};
use crate::host_helper::HostHelper;
use crate::interp;
use crate::machine::Outcome;
use crate::memory::Real;
use crate::ready::{Demands, Way};
use crate::trap::{Access, Cause, Target, Trap};
use crate::world::World;

/// A program as native code.
pub trait Native: Debug + Send + Sync {
    /// What its helpers may build on.
    fn memory(&self) -> Real;
    /// What it asks of the machine.
    fn demands(&self) -> Demands;
    /// The way into it that the next runs take.
    fn way(&self) -> Way;
    /// Runs a function at an address in it and gives what it returns.
    fn enter(
        &self,
        running: &mut Running<'_>,
        frame_pointer: u64,
        function: u64,
        args: &[u64; 5],
    ) -> u64;
    /// Where the program begins for tail calls.
    fn entry(&self) -> u64;
    /// Which compiler made what the next run runs: 1, or 2 for the one that optimises.
    fn tier(&self) -> u8;
    /// A run that was to be measured took so long, in the code of this tier.
    fn took(&self, _tier: u8, _time: Duration) {}
    /// What runs took in both tiers, if they were compared.
    fn tier_times(&self) -> Option<TierTimes> {
        None
    }
    /// Where the function is that programs know by an address ([`Code::function_address`]).
    fn function(&self, known_by: u64) -> Option<u64>;
    /// Where a tail call jumps to that is already through: what is there returns what the machine keeps
    /// as [`layout::RESULT`].
    fn returned(&self) -> u64;
}

/// A run of native code: what it works on, and what it calls the machine with.
#[derive(Debug)]
pub struct Running<'a> {
    pub(crate) direct: &'a mut Direct,
    pub(crate) world: &'a mut World,
    /// The interpreter's memory, for tail calls to programs without a native form.
    pub(crate) memory: Option<&'a mut Checked>,
}

/// Where native code finds what the machine keeps of a run: distances from [`Running::head`].
pub mod layout {
    use super::{Head, offset_of};

    macro_rules! offsets {
        ($($(#[$doc:meta])* $name:ident = $field:ident;)+) => {
            $($(#[$doc])* pub const $name: i32 = offset_of!(Head, $field) as i32;)+
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
        /// The frame pointer of the program where a helper is called that calls back.
        FRAME = frame;
        /// The [`super::Running`] that native code was entered with.
        RUNNING = running;
        /// What a program returned that a tail call ran.
        RESULT = result;
        /// The address of four bytes that are not zero if the run is to stop.
        STOP = stop;
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

/// A helper or kernel function that native code can call.
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

impl NativeHelper {
    /// The helper with a number.
    pub fn by_id(id: u32) -> Option<Self> {
        Some(Self {
            does: Does::Linux(helper::implementation(id)?),
            name: osmia_program::helper::by_id(id)?.name,
        })
    }

    /// The kernel function with a name.
    pub fn kfunc(name: &str) -> Option<Self> {
        Some(Self {
            does: Does::Linux(crate::kfunc::implementation(name)?),
            name: kfunc::by_name(name)?.name,
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
    let needed = native.demands().context_bytes;
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

impl Running<'_> {
    /// Where native code finds what it looks at; from now on it may call with this.
    pub fn head(&mut self) -> u64 {
        let running = std::ptr::from_mut(self).expose_provenance();
        self.direct.head.running = running as u64;
        std::ptr::from_mut(&mut self.direct.head).expose_provenance() as u64
    }

    /// Calls a helper for native code. If it ends the program, that is noted where native code looks.
    #[inline]
    pub fn call_helper(&mut self, helper: &NativeHelper, args: [u64; 5]) -> u64 {
        let (guest, world) = (&mut *self.direct, &mut *self.world);
        let call = &mut Call { guest, world, args };
        let result = match &helper.does {
            Does::Linux(function) => {
                call.guest.touched();
                function(call)
            }
            // What the application does it does to its own.
            Does::Host(helper) => helper.call(call),
        };
        match result {
            Ok(value) => value,
            Err(fault) => self.end(helper.name, fault),
        }
    }

    /// Where a tail call goes to: zero if it goes on behind the call.
    pub fn tail_target(&mut self, handle: u64, index: u32) -> u64 {
        self.direct.touched();
        match self.direct.tail_target(handle, index) {
            Ok(Tail::Nowhere) => 0,
            Ok(Tail::Native(entry)) => entry,
            Ok(Tail::Interpreted { target, returned }) => match self.interpret(&target) {
                Ok(value) => {
                    self.direct.head.result = value;
                    returned
                }
                Err(fault) => self.end("bpf_tail_call", fault),
            },
            Err(fault) => self.end("bpf_tail_call", fault),
        }
    }

    /// Runs the program that a tail call goes to, which has no native form.
    fn interpret(&mut self, target: &Arc<Code>) -> Result<u64, Fault> {
        let Some(memory) = self.memory.as_deref_mut() else {
            let what = "goes to a program without a native form from inside of a callback";
            return Err(Fault::Misuse { what: what.into() });
        };
        let world = &mut *self.world;
        memory.begin(target, world);
        memory.tail_calls_left = self.direct.tail_calls_left;
        let args = [Checked::context_address(), 0, 0, 0, 0];
        let result = interp::call(memory, world, target, 0, args);
        let result = match result {
            Err(trap) => match trap.cause {
                // It ends the program that called, too.
                Cause::Thrown { cookie } => {
                    world.held.give_back(&world.runs);
                    let value = interp::unwind(memory, world, target, cookie);
                    Err(value.map_or_else(Fault::Trap, |value| Fault::End { value }))
                }
                Cause::Ended { value } => Err(Fault::End { value }),
                _ => Err(Fault::Trap(trap)),
            },
            Ok(value) => Ok(value),
        };
        self.direct.tail_calls_left = memory.tail_calls_left;
        memory.end();
        self.direct.interpreted(world);
        result
    }

    /// Ends a run that left something behind.
    pub(crate) fn finish(&mut self, value: u64) -> Result<Outcome, Box<Trap>> {
        let mut result = self.direct.result(value);
        if let Err(Fault::Trap(trap)) = &result
            && let Cause::Thrown { cookie } = trap.cause
        {
            self.world.held.give_back(&self.world.runs);
            result = self.unwind(cookie);
        }
        self.world.held.give_back(&self.world.runs);
        self.direct.end();
        match result {
            Ok(value) | Err(Fault::End { value }) => Ok(Outcome { value, insns: 0 }),
            Err(Fault::Trap(trap)) => Err(trap),
            Err(_) => unreachable!("what ends a run is a trap or a value"),
        }
    }

    /// Ends a program that threw an exception: its exception callback decides what it returns, or it
    /// returns what was thrown.
    #[cold]
    fn unwind(&mut self, cookie: u64) -> Result<u64, Fault> {
        // A tail call may have gone to another program, whose callback it is then.
        let code = Arc::clone(self.direct.running().expect("a program ran"));
        let native = code.native().expect("machine code ran");
        let callback = code.exception_function();
        let Some(callback) = callback.and_then(|known_by| native.function(known_by)) else {
            return Ok(cookie);
        };
        let frame_pointer = self.direct.frame_pointer();
        let value = native.enter(self, frame_pointer, callback, &[cookie, 0, 0, 0, 0]);
        self.direct.result(value)
    }

    /// The helper that native code asked for by its address.
    pub fn asked_helper(&self) -> u64 {
        self.direct.head.helper
    }

    /// The CPU that native code runs on.
    #[inline]
    pub fn cpu(&self) -> u32 {
        self.direct.head.cpu as u32
    }

    /// Ends the program, at its next look, for a helper that did not come back.
    #[cold]
    pub fn helper_panicked(&mut self, name: &'static str) -> u64 {
        let what = "panicked, which is a bug of this machine's".to_owned();
        self.end(name, Fault::Misuse { what })
    }

    #[cold]
    fn end(&mut self, name: &'static str, fault: Fault) -> u64 {
        self.direct.end_with(name, fault);
        0
    }
}

impl Direct {
    /// What native code came to.
    pub(crate) fn result(&mut self, value: u64) -> Result<u64, Fault> {
        if self.head.ended == 0 {
            return Ok(value);
        }
        self.head.ended = 0;
        Err(match self.take_end() {
            None => self.stopped(),
            Some((_, fault @ (Fault::End { .. } | Fault::Trap(_)))) => fault,
            Some((helper, fault)) => self.trap(cause(helper, fault)),
        })
    }

    /// The run is to stop.
    #[cold]
    pub(crate) fn stopped(&self) -> Fault {
        self.trap(Cause::Stopped)
    }

    fn trap(&self, cause: Cause) -> Fault {
        // A tail call may have gone to another program.
        let running = self.running().expect("a program runs");
        Fault::Trap(Box::new(Trap {
            program: Arc::clone(running.program()),
            slot: self.head.slot as usize,
            cause,
        }))
    }
}

fn cause(helper: &'static str, fault: Fault) -> Cause {
    match fault {
        Fault::End { value } => Cause::Ended { value },
        Fault::Trap(trap) => trap.cause,
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
    }
}
