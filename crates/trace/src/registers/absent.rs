//! Machines whose registers nobody named yet: no thread there is ever stopped.

/// What a thread had in its registers: on this machine there is no such value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Registers {}

impl Registers {
    /// The number of the system call.
    pub fn call(&self) -> u32 {
        match *self {}
    }

    /// The six arguments of a system call.
    pub fn arguments(&self) -> [u64; 6] {
        match *self {}
    }

    /// What a system call returned.
    pub fn result(&self) -> i64 {
        match *self {}
    }

    /// The instruction that comes next.
    pub fn instruction(&self) -> u64 {
        match *self {}
    }

    /// Where the stack ends.
    pub fn stack(&self) -> u64 {
        match *self {}
    }

    /// Where the frame begins, of code built with frame pointers.
    pub fn frame(&self) -> u64 {
        match *self {}
    }

    /// All of them, by the names of the kernel's structure.
    pub fn named(&self) -> [(&'static str, u64); 21] {
        match *self {}
    }
}
