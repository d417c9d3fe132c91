//! What a return value means for a program type, and what becomes of the packet.

use osmia_program::outcome::outcomes;
use osmia_program::{ProgramKind, Role};
use serde::Serialize;

use crate::limits;

/// What a program decided about a packet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    role: Role,
    retval: u32,
}

impl Verdict {
    /// The return value of a program of this role.
    pub fn new(role: impl Into<Role>, retval: u32) -> Self {
        let role = role.into();
        Self { role, retval }
    }

    /// The value, signed.
    pub fn value(self) -> i32 {
        self.retval as i32
    }

    /// The kernel's name of the value, where it has one.
    pub fn name(self) -> Option<&'static str> {
        let outcome = outcomes(self.role).named(self.retval as i32)?;
        (!outcome.name.is_empty()).then_some(outcome.name)
    }

    /// The name, or what the value does, or the value.
    pub fn label(self) -> String {
        outcomes(self.role).label(self.retval as i32)
    }

    /// How many bytes of a packet of this length go on; `None` if none of it does.
    pub fn passes(self, bytes: usize) -> Option<usize> {
        let goes_on = outcomes(self.role).goes_on(self.retval as i32);
        let kept = match self.role.kind {
            ProgramKind::SocketFilter => bytes.min(self.retval as usize),
            _ => bytes,
        };
        goes_on.then_some(kept)
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
