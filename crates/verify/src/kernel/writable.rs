//! Fields of kernel structures that programs may write.

use osmia_btf::{Btf, TypeId};
use osmia_program::ProgramKind;

use super::structure;
use crate::memory::Access;
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

/// A place in a structure: the members that lead to it.
type Path = &'static [&'static str];

/// Fields of one structure that programs of a kind may write. Linux 6.18.
struct Writable {
    kind: ProgramKind,
    /// The operations that a program has to be one of.
    operations: Option<&'static str>,
    structure: &'static str,
    fields: &'static [Path],
    /// Every byte of it.
    whole: bool,
}

const CONNECTION: &[Path] = &[&["mark"]];

const WRITABLE: &[Writable] = &[
    Writable {
        kind: ProgramKind::StructOps,
        operations: Some("tcp_congestion_ops"),
        structure: "tcp_sock",
        fields: &[
            &["inet_conn", "icsk_inet", "sk", "sk_pacing_rate"],
            &["inet_conn", "icsk_inet", "sk", "sk_pacing_status"],
            &["inet_conn", "icsk_ca_priv"],
            &["inet_conn", "icsk_ack", "pending"],
            &["snd_cwnd"],
            &["snd_cwnd_cnt"],
            &["snd_cwnd_stamp"],
            &["snd_ssthresh"],
            &["ecn_flags"],
            &["app_limited"],
        ],
        whole: false,
    },
    Writable {
        kind: ProgramKind::StructOps,
        operations: Some("bpf_dummy_ops"),
        structure: "bpf_dummy_ops_state",
        fields: &[],
        whole: true,
    },
    connection(ProgramKind::SchedCls, "nf_conn"),
    connection(ProgramKind::SchedCls, "nf_conn___init"),
    connection(ProgramKind::Xdp, "nf_conn"),
    connection(ProgramKind::Xdp, "nf_conn___init"),
];

const fn connection(kind: ProgramKind, structure: &'static str) -> Writable {
    Writable {
        kind,
        operations: None,
        structure,
        fields: CONNECTION,
        whole: false,
    }
}

impl Transfer<'_> {
    /// A store into a kernel structure.
    pub(super) fn check_writable(&self, name: &str, access: &Access) -> Check {
        let hook = &self.program.hook;
        let operations = self.operations().map(|(operations, _)| operations);
        let row = WRITABLE.iter().find(|row| {
            row.kind == hook.kind
                && row.structure == name
                && row.operations.is_none_or(|of| operations == Some(of))
        });
        let Some(row) = row else {
            return denied(self.at, "only read is supported");
        };
        let Some(btf) = &self.target.btf else {
            return Ok(());
        };
        // The initial state of a connection is declared apart, with nothing in it.
        let laid_out = name.strip_suffix("___init").unwrap_or(name);
        let Some(ty) = structure(btf, laid_out) else {
            return Ok(());
        };
        let (start, end) = (access.off as u64, access.off as u64 + access.bytes);
        let covers = |path: &&Path| {
            place(btf, ty, path).is_some_and(|(at, bytes)| at <= start && end <= at + bytes)
        };
        let inside = row.whole && btf.size_of(ty).is_none_or(|bytes| end <= bytes);
        if inside || row.fields.iter().any(|path| covers(&path)) {
            return Ok(());
        }
        denied(
            self.at,
            format!("no write support to {name} at off {start}"),
        )
    }
}

/// Where a field lies and how long it is.
fn place(btf: &Btf, ty: TypeId, path: Path) -> Option<(u64, u64)> {
    let (mut ty, mut at) = (ty, 0);
    for name in path {
        let composite = btf.resolve(ty).composite()?;
        let mut members = composite.members();
        let member = members.find(|member| member.name == *name)?;
        at += u64::from(member.bit_offset / 8);
        ty = member.ty;
    }
    Some((at, btf.size_of(ty)?))
}
