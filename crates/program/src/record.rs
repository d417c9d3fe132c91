//! What programs say while they run: trace lines and events.

use std::sync::Arc;

/// Where a record came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordSource {
    /// `bpf_trace_printk` and relatives; the bytes are the formatted text.
    Trace,
    /// `bpf_stream_vprintk`; the bytes are the formatted text.
    Stream {
        /// To the stream of errors.
        error: bool,
    },
    /// A ring buffer map, by name.
    Ringbuf(Arc<str>),
    /// A perf event array map, by name.
    PerfEvent(Arc<str>),
}

/// One record, or the news that some were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it came from.
    pub source: RecordSource,
    /// The CPU the program ran on.
    pub cpu: u32,
    /// Nanoseconds on the host's clock when it was said; known of trace lines only.
    pub time_ns: u64,
    /// The payload.
    pub bytes: Vec<u8>,
    /// Records of this source lost before this one.
    pub lost: u64,
}
