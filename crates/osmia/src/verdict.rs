//! What a return value means for a program type, and what becomes of the packet.

use osmia_program::ProgramKind;
use serde::Serialize;

use crate::limits;

/// What a program decided about a packet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    kind: ProgramKind,
    retval: u32,
}

impl Verdict {
    /// The return value of a program of this type.
    pub fn new(kind: ProgramKind, retval: u32) -> Self {
        Self { kind, retval }
    }

    /// The value, signed.
    pub fn value(self) -> i32 {
        self.retval as i32
    }

    /// The kernel's name of the value, where it has one.
    pub fn name(self) -> Option<&'static str> {
        let signed = self.retval as i32;
        Some(match self.kind {
            ProgramKind::Xdp => match self.retval {
                0 => "XDP_ABORTED",
                1 => "XDP_DROP",
                2 => "XDP_PASS",
                3 => "XDP_TX",
                4 => "XDP_REDIRECT",
                _ => return None,
            },
            ProgramKind::SchedCls | ProgramKind::SchedAct => match signed {
                -1 => "TC_ACT_UNSPEC",
                0 => "TC_ACT_OK",
                1 => "TC_ACT_RECLASSIFY",
                2 => "TC_ACT_SHOT",
                3 => "TC_ACT_PIPE",
                4 => "TC_ACT_STOLEN",
                5 => "TC_ACT_QUEUED",
                6 => "TC_ACT_REPEAT",
                7 => "TC_ACT_REDIRECT",
                8 => "TC_ACT_TRAP",
                _ => return None,
            },
            ProgramKind::LwtIn
            | ProgramKind::LwtOut
            | ProgramKind::LwtXmit
            | ProgramKind::LwtSeg6local => match self.retval {
                0 => "BPF_OK",
                2 => "BPF_DROP",
                7 => "BPF_REDIRECT",
                128 => "BPF_LWT_REROUTE",
                _ => return None,
            },
            _ => return None,
        })
    }

    /// The name, or what the value does, or the value.
    pub fn label(self) -> String {
        if let Some(name) = self.name() {
            return name.to_owned();
        }
        match (self.kind, self.retval) {
            (ProgramKind::SocketFilter, 0) => "0 (drop)".to_owned(),
            (ProgramKind::SocketFilter, bytes) => format!("{bytes} (keep up to {bytes} bytes)"),
            (ProgramKind::CgroupSkb, 0) => "0 (drop)".to_owned(),
            (ProgramKind::CgroupSkb, 1) => "1 (allow)".to_owned(),
            (ProgramKind::Xdp, value) => format!("{value} (not an XDP action: aborts)"),
            (_, value) => (value as i32).to_string(),
        }
    }

    /// How many bytes of a packet of this length go on; `None` if none of it does.
    pub fn passes(self, bytes: usize) -> Option<usize> {
        let whole = match self.kind {
            ProgramKind::Xdp => matches!(self.retval, 2..=4),
            ProgramKind::SchedCls | ProgramKind::SchedAct => !matches!(self.retval, 2 | 4 | 5 | 8),
            ProgramKind::CgroupSkb => self.retval & 1 == 1,
            ProgramKind::SocketFilter => {
                let kept = bytes.min(self.retval as usize);
                return (self.retval != 0).then_some(kept);
            }
            _ => self.retval != 2,
        };
        whole.then_some(bytes)
    }
}

/// Packets and bytes that got the same verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictCount {
    /// The kernel's name, or what the value does.
    pub verdict: String,
    /// The return value as a signed number; absent in the row that stands for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// Packets.
    pub packets: u64,
    /// Bytes of these packets as they came.
    pub bytes: u64,
}

/// Counts by verdict, in the order of the return values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    rows: Vec<(u32, VerdictCount)>,
    others: Option<VerdictCount>,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: Verdict, bytes: u64) {
        let row = match self
            .rows
            .binary_search_by_key(&verdict.retval, |(retval, _)| *retval)
        {
            Ok(at) => &mut self.rows[at].1,
            Err(at) if self.rows.len() < limits::VERDICT_ROWS_MAX => {
                let row = VerdictCount {
                    verdict: verdict.label(),
                    value: Some(verdict.retval as i32),
                    packets: 0,
                    bytes: 0,
                };
                self.rows.insert(at, (verdict.retval, row));
                &mut self.rows[at].1
            }
            Err(_) => self.others.get_or_insert_with(|| VerdictCount {
                verdict: "other values".to_owned(),
                value: None,
                packets: 0,
                bytes: 0,
            }),
        };
        row.packets += 1;
        row.bytes += bytes;
    }

    pub(crate) fn into_rows(self) -> Vec<VerdictCount> {
        self.rows
            .into_iter()
            .map(|(_, row)| row)
            .chain(self.others)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, Verdict};
    use crate::limits;
    use osmia_program::ProgramKind;

    #[test]
    fn values_have_the_kernels_names() {
        let label = |kind, value| Verdict::new(kind, value).label();
        assert_eq!(label(ProgramKind::Xdp, 2), "XDP_PASS");
        assert_eq!(label(ProgramKind::Xdp, 7), "7 (not an XDP action: aborts)");
        assert_eq!(label(ProgramKind::SchedCls, u32::MAX), "TC_ACT_UNSPEC");
        assert_eq!(
            label(ProgramKind::SocketFilter, 96),
            "96 (keep up to 96 bytes)"
        );
        assert_eq!(label(ProgramKind::RawTracepoint, u32::MAX), "-1");
    }

    #[test]
    fn what_goes_on() {
        let passes = |kind, value| Verdict::new(kind, value).passes(60);
        assert_eq!(passes(ProgramKind::Xdp, 3), Some(60));
        assert_eq!(passes(ProgramKind::Xdp, 9), None);
        assert_eq!(passes(ProgramKind::SchedCls, 2), None);
        assert_eq!(passes(ProgramKind::SocketFilter, 34), Some(34));
        assert_eq!(passes(ProgramKind::SocketFilter, 0), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut tally = Tally::default();
        for value in 0..200 {
            tally.add(Verdict::new(ProgramKind::SocketFilter, value), 10);
        }
        let rows = tally.into_rows();
        assert_eq!(rows.len(), limits::VERDICT_ROWS_MAX + 1);
        assert_eq!(
            rows.last().unwrap().packets,
            200 - limits::VERDICT_ROWS_MAX as u64
        );
    }
}
