//! How to verify.

use osmia_program::Privilege;

use crate::attach::Replaced;
use crate::limits;

/// Privileges and switches of a verification.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the person who loads the program may do.
    pub privilege: Privilege,
    /// Keep a state at every chance (`BPF_F_TEST_STATE_FREQ`).
    pub keep_every_state: bool,
    /// Instructions that may be visited before the program is too complex, at most Linux's number.
    pub insns_visited_max: usize,
    /// The function that the program replaces, if it is an extension (`freplace`).
    pub replaces: Option<Replaced>,
    /// The function of another program that the program looks at (`fentry`, `fexit`), if it is not the kernel's.
    pub traces: Option<Replaced>,
    /// Hand the certificate to the checker, and reject the program if it refuses.
    /// That takes about a quarter of the whole time.
    pub check_certificate: bool,
}

impl Default for Options {
    /// All privileges.
    fn default() -> Self {
        Self {
            privilege: Privilege::All,
            keep_every_state: false,
            replaces: None,
            traces: None,
            insns_visited_max: limits::INSNS_VISITED_MAX,
            check_certificate: true,
        }
    }
}

impl Options {
    /// Addresses and kernel memory may be seen, also by mispredicted paths (`CAP_PERFMON`).
    pub(crate) fn is_trusted(&self) -> bool {
        self.privilege == Privilege::All
    }

    /// Functions, loops and large programs are allowed (`CAP_BPF`).
    pub(crate) fn is_capable(&self) -> bool {
        self.privilege >= Privilege::Bpf
    }
}
