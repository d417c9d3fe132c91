//! What links are attached to, and what each kind of link can do.

use std::sync::{Arc, Mutex};

use osmia_program::AttachKind;

use crate::attach::{Attachments, CgroupId, FunctionId, Place, SocketPrograms};
use crate::bpf::{IterTarget, LinkInfoDetail, NetfilterHook};
use crate::kernel::lock;
use crate::object::MapUse;
use crate::perf_event::PerfEvent;

/// What a link is attached to.
#[derive(Clone, Debug)]
pub(crate) enum LinkTarget {
    /// A place that several may share.
    Place(Place),
    /// A hook of netfilter, with a priority.
    Netfilter(NetfilterHook),
    /// A tracepoint, by name: there are no events, so nobody else has to know.
    RawTracepoint { name: String, cookie: u64 },
    /// A function of the kernel's or of a program's.
    Function {
        function: FunctionId,
        attach_type: u32,
        cookie: u64,
    },
    /// Something to walk, when somebody reads.
    Iterator(Iterated),
    /// A perf event.
    PerfEvent { event: Arc<PerfEvent>, cookie: u64 },
    /// Many functions of the kernel's: what is told about them.
    Kprobes(LinkInfoDetail),
    /// Many places of a file: what is told about them.
    Uprobes(LinkInfoDetail),
    /// A table of kernel operations that is registered.
    Operations(Arc<Mutex<MapUse>>),
    /// A hook of a map of sockets.
    Sockets { map: MapUse, attach: AttachKind },
}

/// What an iterator walks.
#[derive(Clone, Debug)]
pub(crate) struct Iterated {
    /// `bpf_map_elem`, `task` and so on.
    pub(crate) target: String,
    pub(crate) what: IterTarget,
    /// The map whose elements are walked, kept for as long.
    pub(crate) map: Option<MapUse>,
}

impl LinkTarget {
    /// `enum bpf_link_type`.
    pub(super) fn kind(&self) -> u32 {
        match self {
            Self::RawTracepoint { .. } => 1,
            Self::Function { .. } | Self::Place(Place::Function(_)) => 2,
            Self::Place(Place::Cgroup(..)) => 3,
            Self::Iterator(_) => 4,
            Self::Place(Place::Netns(_)) => 5,
            Self::Place(Place::Xdp(_)) => 6,
            Self::PerfEvent { .. } => 7,
            Self::Kprobes(_) => 8,
            Self::Operations(_) => 9,
            Self::Place(Place::Netfilter { .. }) | Self::Netfilter(_) => 10,
            Self::Place(Place::Tcx(..)) => 11,
            Self::Uprobes(_) => 12,
            Self::Place(Place::Netkit(..)) => 13,
            Self::Sockets { .. } => 14,
        }
    }

    /// Where among others it stands, if it does.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Place(place) => Some(*place),
            Self::Function { function, .. } => Some(Place::Function(*function)),
            Self::Netfilter(hook) => Some(Place::Netfilter {
                pf: hook.pf,
                hooknum: hook.hooknum,
            }),
            _ => None,
        }
    }

    /// True for links that can be detached before they go (`bpf_link_ops.detach`).
    pub(super) fn can_detach(&self) -> bool {
        matches!(
            self,
            Self::Place(_) | Self::Netfilter(_) | Self::Operations(_) | Self::Sockets { .. }
        )
    }

    /// Takes away what a link attached.
    pub(super) fn release(&self, attachments: &Attachments, link: u32) {
        match self {
            Self::PerfEvent { event, .. } => event.release(link),
            Self::Operations(map) => {
                if let Some(operations) = lock(map).operations() {
                    operations.unlink();
                }
            }
            Self::Sockets { map, .. } => {
                if let Ok(programs) = SocketPrograms::of(map) {
                    programs.remove_link(link);
                }
            }
            _ => {
                if let Some(place) = self.place() {
                    attachments.remove_link(place, link);
                }
            }
        }
    }

    /// What is told about it; of a place that is gone, or was left, some things are 0.
    pub(super) fn info(&self, is_there: bool) -> LinkInfoDetail {
        let there = |number: u32| if is_there { number } else { 0 };
        match self {
            Self::Place(Place::Cgroup(CgroupId(id), attach)) => LinkInfoDetail::Cgroup {
                cgroup_id: if is_there { *id } else { 0 },
                attach_type: attach.number(),
            },
            Self::Place(Place::Netns(attach)) => LinkInfoDetail::Netns {
                netns_ino: there(NETNS_INO),
                attach_type: attach.number(),
            },
            Self::Place(Place::Xdp(ifindex)) => LinkInfoDetail::Xdp {
                ifindex: there(*ifindex),
            },
            Self::Place(Place::Tcx(ifindex, attach)) => LinkInfoDetail::Tcx {
                ifindex: there(*ifindex),
                attach_type: attach.number(),
            },
            Self::Place(Place::Netkit(ifindex, attach)) => LinkInfoDetail::Netkit {
                ifindex: there(*ifindex),
                attach_type: attach.number(),
            },
            Self::Place(Place::Netfilter { pf, hooknum }) => LinkInfoDetail::Netfilter {
                pf: *pf,
                hooknum: *hooknum,
                priority: 0,
                flags: 0,
            },
            Self::Place(Place::Function(function)) => traced(function, 0, 0),
            Self::Netfilter(hook) => LinkInfoDetail::Netfilter {
                pf: hook.pf,
                hooknum: hook.hooknum,
                priority: hook.priority,
                flags: hook.flags,
            },
            Self::RawTracepoint { name, cookie } => LinkInfoDetail::RawTracepoint {
                name: name.clone(),
                cookie: *cookie,
            },
            Self::Function {
                function,
                attach_type,
                cookie,
            } => traced(function, *attach_type, *cookie),
            Self::Iterator(iterated) => LinkInfoDetail::Iter {
                target_name: iterated.target.clone(),
                target: iterated.what,
            },
            Self::PerfEvent { event, cookie } => LinkInfoDetail::PerfEvent(event.info(*cookie)),
            Self::Kprobes(detail) | Self::Uprobes(detail) => detail.clone(),
            Self::Operations(map) => LinkInfoDetail::StructOps {
                map_id: there(lock(map).id()),
            },
            Self::Sockets { map, attach } => LinkInfoDetail::Sockmap {
                map_id: there(map.id()),
                attach_type: attach.number(),
            },
        }
    }
}

/// Inode of the one network namespace (`PROC_NET_INIT_INO`, where Linux gives the first).
const NETNS_INO: u32 = 4_026_531_840;

fn traced(function: &FunctionId, attach_type: u32, cookie: u64) -> LinkInfoDetail {
    LinkInfoDetail::Tracing {
        attach_type,
        target_obj_id: function.object_id,
        target_btf_id: function.type_id,
        cookie,
    }
}
