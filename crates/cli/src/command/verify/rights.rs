//! `--caps`: the rights of the person who loads programs.

use osmia::Privilege;

/// The rights, as people name them.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Rights {
    /// All of them.
    #[default]
    All,
    /// CAP_BPF and CAP_NET_ADMIN, but not CAP_PERFMON: kernel memory and addresses stay secret.
    Bpf,
    /// None, on kernels that let such people load programs (kernel.unprivileged_bpf_disabled=0).
    None,
}

impl Rights {
    pub(crate) fn privilege(self) -> Privilege {
        match self {
            Rights::All => Privilege::All,
            Rights::Bpf => Privilege::Bpf,
            Rights::None => Privilege::None,
        }
    }
}
