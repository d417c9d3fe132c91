//! Perf events, which bpf(2) does not open but links attach to.

/// What an event counts or waits for: the part of `struct perf_event_attr` that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PerfEventSource {
    /// Something that is counted or sampled.
    Counter {
        /// `type`: `enum perf_type_id`.
        kind: u32,
        config: u64,
    },
    /// A tracepoint, by its name without its system's.
    Tracepoint { name: String },
    /// A function of the kernel's.
    Kprobe {
        function: String,
        offset: u64,
        return_probe: bool,
    },
    /// A place in a file.
    Uprobe {
        file_name: String,
        offset: u64,
        ref_ctr_offset: u64,
        return_probe: bool,
    },
}

/// `perf_event_open`. The answer is a descriptor.
#[derive(Clone, Debug)]
pub struct PerfEventOpen {
    /// What it is.
    pub source: PerfEventSource,
    /// The CPU; `None` for every one that the task runs on.
    pub cpu: Option<u32>,
}
