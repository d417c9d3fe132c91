//! The logs of loads: what they say, and what of it fits the caller's buffer.

use osmia_program::Errno;

use crate::bpf::{Fd, LogAnswer, LogRequest, ProgLoadAnswer};
use crate::verdict::JudgementLog;

/// `BPF_LOG_LEVEL1`, `BPF_LOG_LEVEL2`, `BPF_LOG_STATS`, `BPF_LOG_FIXED`.
const LEVELS: u32 = 0xf;
/// `BPF_LOG_FIXED`: the beginning is kept, not the end.
const FIXED: u32 = 1 << 3;

/// What is said while something is loaded.
#[derive(Debug, Default)]
pub(super) struct LoadLog {
    pub(super) text: String,
    /// Bytes it had at its longest, if something was taken out again: the buffer had to hold that.
    bytes_most: usize,
}

impl LoadLog {
    /// Adds what the verifier said.
    pub(super) fn judged(&mut self, log: JudgementLog) {
        self.bytes_most = self.text.len() + log.bytes_most;
        self.text += &log.text;
    }

    /// An answer with its log: the end of it, or the beginning on request, if the buffer is short, and
    /// `ENOSPC` then.
    pub(super) fn written(&self, asked: LogRequest, result: Result<Fd, Errno>) -> ProgLoadAnswer {
        if asked.level == 0 || check_log(asked).is_err() {
            return ProgLoadAnswer {
                result,
                log: LogAnswer::default(),
            };
        }
        let room = asked.size as usize;
        let log = self.text.as_bytes();
        let kept = match asked.level & FIXED != 0 {
            true => &log[..log.len().min(room.saturating_sub(1))],
            false => &log[(log.len() + 1).saturating_sub(room).min(log.len())..],
        };
        let mut bytes = kept.to_vec();
        if asked.has_buffer {
            bytes.push(0);
        } else {
            bytes.clear();
        }
        let whole = self.bytes_most.max(log.len()) + 1;
        ProgLoadAnswer {
            result: match asked.has_buffer && whole > room {
                true => Err(Errno::ENOSPC),
                false => result,
            },
            log: LogAnswer {
                bytes,
                true_size: u32::try_from(whole).unwrap_or(u32::MAX),
            },
        }
    }
}

/// Whether a log was asked for as the kernel wants it (`bpf_verifier_log_attr_valid`).
pub(super) fn check_log(log: LogRequest) -> Result<(), Errno> {
    let right = log.has_buffer == (log.size != 0)
        && !(log.has_buffer && log.level == 0)
        && log.level & !LEVELS == 0
        && log.size <= u32::MAX >> 2;
    match right {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}
