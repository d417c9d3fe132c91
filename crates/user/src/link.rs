//! Links: attachments that live as long as somebody holds them.

use std::sync::{Arc, Mutex, OnceLock};

use osmia_program::{Errno, ProgramKind};
use osmia_vm::{Code, Identity};

use crate::attach::{Attachments, CgroupId, Place};
use crate::bpf::{LinkInfo, LinkInfoDetail, NetfilterHook};
use crate::kernel::lock;
use crate::object::Table;

/// What a link is attached to.
#[derive(Clone, Debug)]
pub(crate) enum LinkTarget {
    /// A place that several may share.
    Place(Place),
    /// A hook of netfilter, with a priority.
    Netfilter(NetfilterHook),
    /// A tracepoint, by name: there are no events, so nobody else has to know.
    RawTracepoint { name: String, cookie: u64 },
}

impl LinkTarget {
    /// `enum bpf_link_type`.
    fn kind(&self) -> u32 {
        match self {
            Self::RawTracepoint { .. } => 1,
            Self::Place(Place::Cgroup(..)) => 3,
            Self::Place(Place::Netns(_)) => 5,
            Self::Place(Place::Xdp(_)) => 6,
            Self::Place(Place::Netfilter { .. }) | Self::Netfilter(_) => 10,
            Self::Place(Place::Tcx(..)) => 11,
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Place(place) => Some(*place),
            Self::Netfilter(hook) => Some(Place::Netfilter {
                pf: hook.pf,
                hooknum: hook.hooknum,
            }),
            Self::RawTracepoint { .. } => None,
        }
    }
}

/// A link. With its last holder, what it attached is detached.
#[derive(Debug)]
pub(crate) struct Link {
    id: OnceLock<u32>,
    table: Arc<Table<Link>>,
    attachments: Arc<Attachments>,
    target: LinkTarget,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    program: Arc<Code>,
    attached: bool,
}

impl Link {
    /// A link with an id that attaches nothing yet: `attach` does that, and is told the id. Without
    /// success there is no link.
    pub(crate) fn create(
        table: &Arc<Table<Link>>,
        attachments: &Arc<Attachments>,
        target: LinkTarget,
        program: Arc<Code>,
        attach: impl FnOnce(u32) -> Result<(), Errno>,
    ) -> Result<Arc<Self>, Errno> {
        let link = Arc::new(Self {
            id: OnceLock::new(),
            table: Arc::clone(table),
            attachments: Arc::clone(attachments),
            target,
            state: Mutex::new(State {
                program,
                attached: false,
            }),
        });
        table.add(&link, |id| {
            link.id.set(id).expect("nobody else gives it one")
        })?;
        attach(link.id())?;
        lock(&link.state).attached = true;
        Ok(link)
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.get().copied().unwrap_or(0)
    }

    /// The program it attaches.
    pub(crate) fn program(&self) -> Arc<Code> {
        Arc::clone(&lock(&self.state).program)
    }

    /// `BPF_LINK_DETACH`; a second time is no error.
    pub(crate) fn detach(&self) -> Result<(), Errno> {
        let place = self.target.place().ok_or(Errno::EOPNOTSUPP)?;
        let mut state = lock(&self.state);
        if std::mem::take(&mut state.attached) {
            self.attachments.remove_link(place, self.id());
        }
        Ok(())
    }

    /// `BPF_LINK_UPDATE`.
    pub(crate) fn update(&self, new: &Arc<Code>, old: Option<&Arc<Code>>) -> Result<(), Errno> {
        let place = match &self.target {
            LinkTarget::Place(place) => *place,
            LinkTarget::Netfilter(_) => return Err(Errno::EOPNOTSUPP),
            LinkTarget::RawTracepoint { .. } => return Err(Errno::EINVAL),
        };
        let mut state = lock(&self.state);
        let is_gone = !self.is_attached(&state);
        // A namespace looks at the programs first, the others at whether there is still a place.
        if is_gone && !matches!(place, Place::Netns(_)) {
            return Err(Errno::ENOLINK);
        }
        if old.is_some_and(|old| !Arc::ptr_eq(old, &state.program)) {
            return Err(Errno::EPERM);
        }
        if kind(new) != kind(&state.program) {
            return Err(Errno::EINVAL);
        }
        if is_gone {
            return Err(Errno::ENOLINK);
        }
        self.attachments.replace_link(place, self.id(), new)?;
        let gone = std::mem::replace(&mut state.program, Arc::clone(new));
        drop(state);
        drop(gone);
        Ok(())
    }

    /// Whether it is attached still: a control group may have gone.
    fn is_attached(&self, state: &State) -> bool {
        let is_there = |place| {
            let shown = self.attachments.shown(place);
            shown.attached.iter().any(|one| one.link == Some(self.id()))
        };
        state.attached && self.target.place().is_none_or(is_there)
    }

    /// What `BPF_OBJ_GET_INFO_BY_FD` tells.
    pub(crate) fn info(&self) -> LinkInfo {
        let state = lock(&self.state);
        let is_there = self.is_attached(&state);
        let there = |number: u32| if is_there { number } else { 0 };
        let detail = match &self.target {
            LinkTarget::Place(Place::Cgroup(CgroupId(id), attach)) => LinkInfoDetail::Cgroup {
                cgroup_id: if is_there { *id } else { 0 },
                attach_type: attach.number(),
            },
            LinkTarget::Place(Place::Netns(attach)) => LinkInfoDetail::Netns {
                netns_ino: there(NETNS_INO),
                attach_type: attach.number(),
            },
            LinkTarget::Place(Place::Xdp(ifindex)) => LinkInfoDetail::Xdp {
                ifindex: there(*ifindex),
            },
            LinkTarget::Place(Place::Tcx(ifindex, attach)) => LinkInfoDetail::Tcx {
                ifindex: there(*ifindex),
                attach_type: attach.number(),
            },
            LinkTarget::Place(Place::Netfilter { pf, hooknum }) => LinkInfoDetail::Netfilter {
                pf: *pf,
                hooknum: *hooknum,
                priority: 0,
                flags: 0,
            },
            LinkTarget::Netfilter(hook) => LinkInfoDetail::Netfilter {
                pf: hook.pf,
                hooknum: hook.hooknum,
                priority: hook.priority,
                flags: hook.flags,
            },
            LinkTarget::RawTracepoint { name, cookie } => LinkInfoDetail::RawTracepoint {
                name: name.clone(),
                cookie: *cookie,
            },
        };
        LinkInfo {
            kind: self.target.kind(),
            id: self.id(),
            prog_id: state.program.id(),
            detail,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.table.remove(self.id());
        let attached = self.state.get_mut().map_or(true, |state| state.attached);
        if let (true, Some(place)) = (attached, self.target.place()) {
            self.attachments.remove_link(place, self.id());
        }
    }
}

/// Inode of the one network namespace (`PROC_NET_INIT_INO`, where Linux gives the first).
const NETNS_INO: u32 = 4_026_531_840;

fn kind(code: &Code) -> ProgramKind {
    code.program().hook.kind
}
