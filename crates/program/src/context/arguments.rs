//! Contexts that are the arguments of a function or an event, eight bytes each.

/// Where arguments come from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Up to [`RAW_ARGUMENTS_MAX`] numbers of a raw tracepoint, read in any size
    /// (`bpf_raw_tracepoint_args`).
    Raw {
        /// The first one is the address of a buffer for the program, read as a whole.
        buffer: bool,
    },
    /// Those of the function, tracepoint, iterator or member that the program is attached to, by its
    /// BTF; behind them what it returned, where that is known.
    Typed,
}

/// Most arguments (`MAX_BPF_FUNC_ARGS`).
pub const RAW_ARGUMENTS_MAX: usize = 12;
