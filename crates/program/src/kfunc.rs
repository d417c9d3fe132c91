//! Kernel functions that programs may call by name: one table, with what calling each means.
//!
//! Names and flags are those of Linux 6.18 (`BTF_ID_FLAGS` of the sets in `kernel/bpf`, `net`, `fs`), and
//! who may call one is what its verifier says. Unlike helpers they have no stable numbers: a program
//! names them, and the BTF of the kernel says their prototypes. What one does is not known here.

mod table;

use crate::helper::Callers;

/// Every kernel function known here.
pub static ALL: &[Kfunc] = table::ALL;

/// A kernel function.
#[derive(Debug, PartialEq, Eq)]
pub struct Kfunc {
    /// Its name as programs write it: `bpf_obj_new_impl`.
    pub name: &'static str,
    /// Which programs may call it on Linux.
    pub callers: Callers,
    /// What calling it means.
    pub flags: u16,
}

impl Kfunc {
    /// The result is a reference that has to be given back.
    pub const ACQUIRES: u16 = 1 << 0;
    /// An argument is a reference that it takes.
    pub const RELEASES: u16 = 1 << 1;
    /// The result is an address that may be null.
    pub const MAY_BE_NULL: u16 = 1 << 2;
    /// Only for programs that may sleep.
    pub const SLEEPS: u16 = 1 << 3;
    /// Pointers must be trusted.
    pub const TRUSTED: u16 = 1 << 4;
    /// Pointers must be trusted or protected by RCU.
    pub const RCU: u16 = 1 << 5;
    /// May be called while a lock is held.
    pub const UNDER_LOCK: u16 = 1 << 6;
    /// Begins an open-coded iterator, its first argument.
    pub const BEGINS: u16 = 1 << 7;
    /// Gives the iterator's next item.
    pub const STEPS: u16 = 1 << 8;
    /// Ends the iterator.
    pub const ENDS: u16 = 1 << 9;
    /// Only inside of an RCU read section, which the iterator must not outlive.
    pub const IN_RCU: u16 = 1 << 10;

    /// True if it has all these flags.
    pub const fn has(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }
}

/// The kernel function of this name.
pub fn by_name(name: &str) -> Option<&'static Kfunc> {
    ALL.iter().find(|kfunc| kfunc.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_twice() {
        let mut names: Vec<_> = ALL.iter().map(|kfunc| kfunc.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_acquired_may_be_missing() {
        let certain: Vec<_> = (ALL.iter())
            .filter(|kfunc| kfunc.has(Kfunc::ACQUIRES) && !kfunc.has(Kfunc::MAY_BE_NULL))
            .map(|kfunc| kfunc.name)
            .collect();
        assert_eq!(certain, ["bpf_cpumask_acquire"]);
    }
}
