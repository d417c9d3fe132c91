//! Links, and what is opened instead of them (`link_create` and relatives of Linux 6.18).

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_vm::Code;

use super::{File, Process};
use crate::attach::{
    AFTER, Attached, BEFORE, BY_ID, BY_LINK, CgroupAttach, MULTI, PREORDER, Place, REPLACE,
    check_attach_type, check_hook, is_of_cgroups,
};
use crate::bpf::{
    Fd, FdById, IterCreate, LinkCreate, LinkDetach, LinkDetail, LinkFamily, LinkUpdate, NextId,
    RawTracepointOpen, Relative,
};
use crate::limits::TRACEPOINT_NAME_BYTES_MAX;
use crate::link::{Link, LinkTarget};

/// Flags of a link to a control group.
const CGROUP_FLAGS: u32 = BEFORE | AFTER | BY_ID | BY_LINK | PREORDER;

impl Process {
    /// `BPF_LINK_CREATE`.
    pub fn link_create(&self, asked: &LinkCreate<'_>) -> Result<Fd, Errno> {
        if asked.attach_type == AttachKind::StructOps.number() {
            // Registered by their maps, which nothing here calls yet.
            self.map(asked.prog_fd)?;
            return Err(Errno::EINVAL);
        }
        let program = self.program(asked.prog_fd)?;
        let attach = AttachKind::from_number(asked.attach_type).ok_or(Errno::EINVAL)?;
        check_attach_type(&program, attach)?;
        let link = match program.program().hook.kind {
            kind if is_of_cgroups(kind) => self.link_to_cgroup(program, attach, asked)?,
            ProgramKind::FlowDissector | ProgramKind::SkLookup => {
                if asked.flags != 0 {
                    return Err(Errno::EINVAL);
                }
                self.namespace(Fd(asked.target as i32))?;
                self.link_to(Place::Netns(attach), program, |attached| {
                    self.kernel
                        .attachments()
                        .attach_to_namespace(attach, attached)
                })?
            }
            ProgramKind::Xdp => self.link_to_xdp(program, asked)?,
            ProgramKind::SchedCls => self.link_to_tcx(program, attach, asked)?,
            ProgramKind::Netfilter => self.link_to_netfilter(program, asked)?,
            // Events cannot be opened here: no descriptor is one.
            ProgramKind::PerfEvent | ProgramKind::Tracepoint | ProgramKind::Kprobe
                if attach == AttachKind::PerfEvent =>
            {
                if asked.flags != 0 {
                    return Err(Errno::EINVAL);
                }
                return Err(Errno::EBADF);
            }
            ProgramKind::Kprobe => return Err(Errno::EOPNOTSUPP),
            ProgramKind::SkSkb | ProgramKind::SkMsg => {
                self.map(Fd(asked.target as i32))?;
                return Err(Errno::EOPNOTSUPP);
            }
            _ => return Err(Errno::EINVAL),
        };
        self.open(File::Link(link))
    }

    /// Which member of the union a link of this program reads: what the attribute layer asks before
    /// it decodes one.
    pub fn link_family(&self, prog_fd: Fd, attach_type: u32) -> Result<LinkFamily, Errno> {
        use AttachKind as A;
        let program = self.program(prog_fd)?;
        let attach = AttachKind::from_number(attach_type).ok_or(Errno::EINVAL)?;
        Ok(match (program.program().hook.kind, attach) {
            (_, A::PerfEvent) => LinkFamily::PerfEvent,
            (_, A::TraceKprobeMulti | A::TraceKprobeSession) => LinkFamily::KprobeMulti,
            (_, A::TraceUprobeMulti | A::TraceUprobeSession) => LinkFamily::UprobeMulti,
            (_, A::TraceIter) => LinkFamily::Iter,
            (ProgramKind::Tracing | ProgramKind::Ext | ProgramKind::Lsm, _) => LinkFamily::Tracing,
            (ProgramKind::Netfilter, _) => LinkFamily::Netfilter,
            (ProgramKind::SchedCls, _) => LinkFamily::Ordered,
            (kind, _) if is_of_cgroups(kind) => LinkFamily::Ordered,
            _ => LinkFamily::None,
        })
    }

    /// `BPF_LINK_UPDATE`.
    pub fn link_update(&self, asked: &LinkUpdate) -> Result<(), Errno> {
        if asked.flags & !REPLACE != 0 {
            return Err(Errno::EINVAL);
        }
        let link = self.link_of(asked.link_fd)?;
        let new = self.program(asked.new_fd)?;
        let old = match asked.flags & REPLACE != 0 {
            true => Some(self.program(asked.old_fd)?),
            false if asked.old_fd.0 != 0 => return Err(Errno::EINVAL),
            false => None,
        };
        link.update(&new, old.as_ref())
    }

    /// `BPF_LINK_DETACH`.
    pub fn link_detach(&self, asked: &LinkDetach) -> Result<(), Errno> {
        self.link_of(asked.link_fd)?.detach()
    }

    /// `BPF_LINK_GET_NEXT_ID`.
    pub fn link_next_id(&self, asked: &NextId) -> Result<u32, Errno> {
        self.next_id(self.kernel.links(), asked)
    }

    /// `BPF_LINK_GET_FD_BY_ID`.
    pub fn link_fd_by_id(&self, asked: &FdById) -> Result<Fd, Errno> {
        if asked.open_flags != 0 {
            return Err(Errno::EINVAL);
        }
        self.must_be_capable()?;
        let link = self.kernel.links().find(asked.id).ok_or(Errno::ENOENT)?;
        self.open(File::Link(link))
    }

    /// `BPF_ITER_CREATE`: there are no links of iterators yet.
    pub fn iter_create(&self, asked: &IterCreate) -> Result<Fd, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        self.link_of(asked.link_fd)?;
        Err(Errno::EINVAL)
    }

    /// `BPF_RAW_TRACEPOINT_OPEN`.
    pub fn raw_tracepoint_open(&self, asked: &RawTracepointOpen<'_>) -> Result<Fd, Errno> {
        let program = self.program(asked.prog_fd)?;
        let kind = program.program().hook.kind;
        if !matches!(
            kind,
            ProgramKind::RawTracepoint | ProgramKind::RawTracepointWritable
        ) {
            // Programs that name their function when they are loaded have no trampolines here.
            return Err(match kind {
                ProgramKind::Tracing | ProgramKind::Ext | ProgramKind::Lsm
                    if asked.name.is_none() =>
                {
                    Errno::EOPNOTSUPP
                }
                _ => Errno::EINVAL,
            });
        }
        let name = asked.name.ok_or(Errno::EFAULT)?;
        let name = &name[..name.len().min(TRACEPOINT_NAME_BYTES_MAX)];
        let name = String::from_utf8_lossy(name).into_owned();
        if !self.kernel.has_tracepoint(&name) {
            return Err(Errno::ENOENT);
        }
        let target = LinkTarget::RawTracepoint {
            name,
            cookie: asked.cookie,
        };
        let link = self.linked(target, program, |_| Ok(()))?;
        self.open(File::Link(link))
    }

    /// The link of a descriptor.
    pub(super) fn link_of(&self, fd: Fd) -> Result<Arc<Link>, Errno> {
        match &*self.file(fd)? {
            File::Link(link) => Ok(Arc::clone(link)),
            _ => Err(Errno::EINVAL),
        }
    }

    fn linked(
        &self,
        target: LinkTarget,
        program: Arc<Code>,
        attach: impl FnOnce(u32) -> Result<(), Errno>,
    ) -> Result<Arc<Link>, Errno> {
        let kernel = &self.kernel;
        Link::create(
            kernel.links(),
            kernel.attachments(),
            target,
            program,
            attach,
        )
    }

    fn link_to(
        &self,
        place: Place,
        program: Arc<Code>,
        attach: impl FnOnce(Attached) -> Result<(), Errno>,
    ) -> Result<Arc<Link>, Errno> {
        let attached = Attached::new(Arc::clone(&program), None, 0);
        self.linked(LinkTarget::Place(place), program, |id| {
            attach(Attached {
                link: Some(id),
                ..attached
            })
        })
    }

    fn link_to_cgroup(
        &self,
        program: Arc<Code>,
        attach: AttachKind,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags & !CGROUP_FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        let group = self.cgroup(Fd(asked.target as i32))?;
        let order = ordered(asked);
        let kind = program.program().hook.kind;
        let anchor = self.anchor(asked.flags, order.relative, kind)?;
        self.link_to(Place::Cgroup(group, attach), program, |attached| {
            let asked = CgroupAttach {
                attached: Attached {
                    flags: asked.flags | MULTI,
                    ..attached
                },
                replaces: None,
                anchor,
                expected_revision: order.expected_revision,
            };
            self.kernel
                .attachments()
                .attach_to_cgroup(group, attach, asked)
        })
    }

    fn link_to_xdp(&self, program: Arc<Code>, asked: &LinkCreate<'_>) -> Result<Arc<Link>, Errno> {
        /// Programs that run for packets on their way to a device or a CPU.
        const ELSEWHERE: [u32; 2] = [
            AttachKind::XdpDevmap.number(),
            AttachKind::XdpCpumap.number(),
        ];
        let ifindex = asked.target;
        if !self.kernel.has_interface(ifindex) {
            return Err(Errno::EINVAL);
        }
        let expected = crate::object::ProgramRecord::of(&program).about.attach;
        self.link_to(Place::Xdp(ifindex), program, |attached| {
            if ELSEWHERE.contains(&expected) {
                return Err(Errno::EINVAL);
            }
            let attached = Attached {
                flags: asked.flags,
                ..attached
            };
            self.kernel.attachments().attach_xdp(ifindex, attached)
        })
    }

    fn link_to_tcx(
        &self,
        program: Arc<Code>,
        attach: AttachKind,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        let ifindex = self.interface(asked.target, attach)?;
        let order = ordered(asked);
        let kind = program.program().hook.kind;
        self.link_to(Place::Tcx(ifindex, attach), program, |attached| {
            let attachments = self.kernel.attachments();
            // Whether it is there already is asked before what it is to stand beside.
            let place = (ifindex, attach);
            let attached = Attached {
                flags: asked.flags & !REPLACE,
                ..attached
            };
            let anchor = self.anchor(asked.flags, order.relative, kind);
            let (anchor, missing) = match anchor {
                Ok(anchor) => (anchor, None),
                Err(errno) => (crate::attach::Anchor::Link(0), Some(errno)),
            };
            let revision = order.expected_revision;
            let result = attachments.attach_tcx(place, attached, None, &anchor, revision);
            match (result, missing) {
                (Err(Errno::ENOENT), Some(errno)) => Err(errno),
                (result, _) => result,
            }
        })
    }

    fn link_to_netfilter(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let hook = match &asked.detail {
            LinkDetail::Netfilter(hook) => *hook,
            _ => crate::bpf::NetfilterHook::default(),
        };
        check_hook(&hook)?;
        let attached = Attached::new(Arc::clone(&program), None, 0);
        self.linked(LinkTarget::Netfilter(hook), program, |id| {
            let attached = Attached {
                link: Some(id),
                ..attached
            };
            self.kernel.attachments().attach_netfilter(&hook, attached)
        })
    }
}

/// The place among others that was asked for.
fn ordered(asked: &LinkCreate<'_>) -> Relative {
    match asked.detail {
        LinkDetail::Ordered(relative) => relative,
        _ => Relative::default(),
    }
}
