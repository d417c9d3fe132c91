//! A thread's registers, under the names that `struct pt_regs` gives them.

/// What a thread had in its registers.
#[derive(Copy, Clone)]
pub struct Registers(pub(crate) libc::user_regs_struct);

impl PartialEq for Registers {
    fn eq(&self, other: &Self) -> bool {
        self.named() == other.named()
    }
}

impl Eq for Registers {}

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.named()).finish()
    }
}

impl Registers {
    /// The number of the system call.
    pub fn call(&self) -> u32 {
        self.0.orig_rax as u32
    }

    /// The six arguments of a system call.
    pub fn arguments(&self) -> [u64; 6] {
        let regs = &self.0;
        [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9]
    }

    /// What a system call returned.
    pub fn result(&self) -> i64 {
        self.0.rax as i64
    }

    /// Those of a system call that is not made, and returns this.
    pub(crate) fn with_result(mut self, result: i64) -> Self {
        self.0.orig_rax = u64::MAX;
        self.0.rax = result as u64;
        self
    }

    /// The instruction that comes next.
    pub fn instruction(&self) -> u64 {
        self.0.rip
    }

    /// Where the stack ends.
    pub fn stack(&self) -> u64 {
        self.0.rsp
    }

    /// Where the frame begins, of code built with frame pointers.
    pub fn frame(&self) -> u64 {
        self.0.rbp
    }

    /// All of them, by the names of the kernel's structure.
    pub fn named(&self) -> [(&'static str, u64); 21] {
        let regs = &self.0;
        [
            ("r15", regs.r15),
            ("r14", regs.r14),
            ("r13", regs.r13),
            ("r12", regs.r12),
            ("bp", regs.rbp),
            ("bx", regs.rbx),
            ("r11", regs.r11),
            ("r10", regs.r10),
            ("r9", regs.r9),
            ("r8", regs.r8),
            ("ax", regs.rax),
            ("cx", regs.rcx),
            ("dx", regs.rdx),
            ("si", regs.rsi),
            ("di", regs.rdi),
            ("orig_ax", regs.orig_rax),
            ("ip", regs.rip),
            ("cs", regs.cs),
            ("flags", regs.eflags),
            ("sp", regs.rsp),
            ("ss", regs.ss),
        ]
    }
}
