//! What happened to a traced thread.

use crate::calls::Number;
use crate::registers::Registers;

/// Something that happened, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The thread.
    pub thread: u32,
    /// The process it belongs to.
    pub process: u32,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A system call begins.
    Enter {
        /// Which.
        call: Number,
        /// The registers it came with.
        registers: Registers,
    },
    /// A system call has returned.
    Exit {
        /// Which.
        call: Number,
        /// What it returned.
        result: i64,
        /// The registers it leaves with.
        registers: Registers,
    },
    /// A process or a thread was started.
    Forked {
        /// Its id.
        child: u32,
        /// It belongs to the same process.
        is_thread: bool,
    },
    /// The process runs another program now.
    Executed {
        /// The thread that asked for it: the process has only this one left, under the process' id.
        old_thread: u32,
    },
    /// A thread is about to end.
    Ending {
        /// Its status, as wait(2) tells it.
        status: i32,
    },
    /// A signal is about to be delivered.
    Signal {
        /// Its number.
        number: i32,
        /// `si_code`
        code: i32,
        /// `si_errno`
        errno: i32,
    },
}

/// How a process ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Killed(i32),
}
