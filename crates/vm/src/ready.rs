//! A program that ran is ready to run again: as long as nothing changed around it, the next run is a call
//! through a pointer.
//!
//! Everything that may change what a run begins with says so ([`Direct::unready`]): what the application
//! does to the machine between runs, and helpers that leave something behind ([`Direct::touched`]).

use std::sync::Arc;

use osmia_program::limits::STACK_BYTES;

use crate::code::Code;
use crate::direct::{Direct, FRAMES};
use crate::native::{Native, Running};
use crate::world::World;

/// A program as a function: `r1` to `r5`, then where it finds what the machine keeps of the run
/// ([`Running::head`]). The frame pointer is there, too.
pub type Entry = extern "C" fn(u64, u64, u64, u64, u64, u64) -> u64;

/// The way into a program from outside.
#[derive(Copy, Clone, Debug)]
pub struct Way {
    /// What is called.
    pub entry: Entry,
    /// After so many runs more the program is asked again, which may have a better one by then.
    pub runs: u32,
    /// The run is measured, and the program told how long it took in this tier
    /// ([`Native::took`]).
    pub measured: Option<u8>,
}

/// What a program asks of the machine.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Bytes of the stack, from its top, that must be zero when a run begins.
    pub cleared_bytes: usize,
    /// Bytes it touches of a context that is plain memory: it cannot run with fewer.
    pub context_bytes: usize,
    /// It may look at what others take away meanwhile, which has to wait for its end.
    pub is_counted: bool,
    /// It may look at objects of the heap.
    pub sees_heap: bool,
    /// The machine may have to know its input, not only where that lies.
    pub needs_input: bool,
}

/// What runs again.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The address of the code, which the machine's memory keeps alive; zero for none.
    code: usize,
    runs_left: u32,
    way: Way,
    demands: Demands,
}

extern "C" fn nothing(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    unreachable!("no program is ready")
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            code: 0,
            runs_left: 0,
            way: Way {
                entry: nothing,
                runs: 0,
                measured: None,
            },
            demands: Demands::default(),
        }
    }
}

impl Direct {
    /// The next run is prepared from the beginning.
    #[inline]
    pub(crate) fn unready(&mut self) {
        self.ready.code = 0;
    }

    /// The run may leave something behind that the next one is not to find.
    #[inline]
    pub(crate) fn touched(&mut self) {
        self.head.touched = 1;
    }

    /// Everything is prepared for this program.
    pub(crate) fn prepared(&mut self, code: &Arc<Code>, native: &dyn Native) {
        let way = native.way();
        self.ready = Ready {
            code: Arc::as_ptr(code).addr(),
            runs_left: way.runs,
            way,
            demands: native.demands(),
        };
    }

    /// True if nothing is to be prepared for a run of this program; it is then counted.
    #[inline]
    pub(crate) fn is_ready(&mut self, code: &Arc<Code>) -> bool {
        let ready = &mut self.ready;
        let is = ready.code == Arc::as_ptr(code).addr() && ready.runs_left > 0;
        ready.runs_left = ready.runs_left.saturating_sub(1);
        is
    }

    /// The tier whose code is measured in the run that is ready.
    pub(crate) fn measured(&self) -> Option<u8> {
        self.ready.way.measured
    }

    /// What the program asks for that is ready.
    #[inline]
    pub(crate) fn demands(&self) -> Demands {
        self.ready.demands
    }

    /// What even a run like the one before begins with.
    #[inline]
    pub(crate) fn refresh(&mut self, world: &World) {
        let demands = self.ready.demands;
        if demands.cleared_bytes > 0 {
            let frames = demands.cleared_bytes.div_ceil(STACK_BYTES).min(FRAMES);
            self.stack.zero(FRAMES - frames..FRAMES);
        }
        if demands.sees_heap {
            self.show_heap(world.runs.heap());
        }
    }

    /// Lets the program that is ready find its context at another address; says where it was. There are as
    /// many bytes.
    #[inline]
    pub(crate) fn move_context(&mut self, address: u64) -> u64 {
        std::mem::replace(&mut self.head.context, address)
    }

    /// True if the run left nothing to be done.
    #[inline]
    pub(crate) fn is_clean(&self) -> bool {
        self.head.ended | self.head.touched == 0
    }
}

impl Running<'_> {
    /// Runs the program that is ready on its context.
    #[inline]
    pub(crate) fn go(&mut self, second: u64) -> u64 {
        let (entry, context) = (self.direct.ready.way.entry, self.direct.head.context);
        let head = self.head();
        entry(context, second, 0, 0, 0, head)
    }
}
