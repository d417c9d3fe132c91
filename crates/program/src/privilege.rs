//! What the person who loads programs may do, and what each thing asks for.
//!
//! Found by asking Linux 6.18 with `CAP_BPF` and `CAP_NET_ADMIN` only, and 6.16 without any right
//! (`compare-targets`' questions through `drivers/verdicts bpf` and `none`).

use serde::Serialize;

use crate::helper::Helper;
use crate::{Hook, MapKind, ProgramKind};

/// What the person who loads a program may do.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// Nothing: neither `CAP_BPF` nor `CAP_PERFMON`, on kernels that let such people load programs.
    None,
    /// `CAP_BPF` without `CAP_PERFMON`: all features, but kernel memory and addresses stay secret.
    Bpf,
    /// Everything.
    #[default]
    All,
}

/// Helpers that see kernel memory or other processes, or act on them.
#[rustfmt::skip]
const OF_ALL: &[u32] = &[
    6, 16, 22, 35, 36, 55, 109, 112, 113, 114, 115, 117, 136, 137, 138, 139, 140, 141, 148, 149, 158, 165, 166,
    175, 176, 177, 178, 180, 191, 196,
];

/// Helpers that everybody's programs may call.
#[rustfmt::skip]
const OF_NONE: &[u32] = &[
    1, 2, 3, 5, 7, 8, 12, 14, 15, 25, 26, 42, 46, 47, 68, 79, 81, 83, 84, 85, 86, 87, 88, 89, 95, 96,
    97, 98, 99, 105, 106, 107, 108, 120, 122, 125, 128, 129, 130, 131, 132, 133, 134, 160, 182, 195,
    208,
];

/// Casts of sockets that programs of system calls may do with less.
const CASTS: &[u32] = &[136, 137, 138, 139, 140, 178, 196];

/// Map types that everybody may make.
const MAPS_OF_NONE: &[MapKind] = &[
    MapKind::Hash,
    MapKind::Array,
    MapKind::ProgArray,
    MapKind::PerfEventArray,
    MapKind::PercpuHash,
    MapKind::PercpuArray,
    MapKind::CgroupArray,
    MapKind::ArrayOfMaps,
    MapKind::HashOfMaps,
    MapKind::CgroupStorage,
    MapKind::PercpuCgroupStorage,
    MapKind::Ringbuf,
    MapKind::UserRingbuf,
];

impl Privilege {
    /// The least that loading programs of a type asks for.
    pub fn of_programs(kind: ProgramKind) -> Privilege {
        use ProgramKind as P;
        match kind {
            P::SocketFilter | P::CgroupSkb => Privilege::None,
            P::Kprobe
            | P::Tracepoint
            | P::PerfEvent
            | P::RawTracepoint
            | P::RawTracepointWritable
            | P::Tracing
            | P::Lsm
            | P::StructOps
            | P::Ext => Privilege::All,
            _ => Privilege::Bpf,
        }
    }

    /// The least that making a map of a type asks for.
    pub fn of_maps(kind: MapKind) -> Privilege {
        match MAPS_OF_NONE.contains(&kind) {
            true => Privilege::None,
            false => Privilege::Bpf,
        }
    }

    /// The least that programs of a hook need to call a helper.
    pub fn of_calls(helper: &Helper, hook: &Hook) -> Privilege {
        let casts = hook.kind == ProgramKind::Syscall && CASTS.contains(&helper.id);
        if OF_ALL.contains(&helper.id) && !casts {
            Privilege::All
        } else if OF_NONE.contains(&helper.id) {
            Privilege::None
        } else {
            Privilege::Bpf
        }
    }
}
