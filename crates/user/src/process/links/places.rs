//! Links to places with rules of their own: control groups, interfaces, netfilter, namespaces, maps of
//! sockets, tables of operations.

use std::sync::{Arc, Mutex};

use osmia_program::{AttachKind, Errno};
use osmia_vm::Code;

use super::Process;
use crate::attach::{
    AFTER, Anchor, Attached, BEFORE, BY_ID, BY_LINK, CgroupAttach, MULTI, PREORDER, Place, REPLACE,
    SocketPrograms, check_hook,
};
use crate::bpf::{Fd, LinkCreate, LinkDetail, NetfilterHook, Relative};
use crate::link::{Link, LinkTarget};
use crate::object::{MapUse, ProgramRecord};

/// Flags of a link to a control group.
const CGROUP_FLAGS: u32 = BEFORE | AFTER | BY_ID | BY_LINK | PREORDER;

impl Process {
    pub(super) fn link_to_cgroup(
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
        self.link_to(
            LinkTarget::Place(Place::Cgroup(group, attach)),
            program,
            |attached| {
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
            },
        )
    }

    pub(super) fn link_to_xdp(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        /// Programs that run for packets on their way to a device or a CPU.
        const ELSEWHERE: [u32; 2] = [
            AttachKind::XdpDevmap.number(),
            AttachKind::XdpCpumap.number(),
        ];
        let ifindex = asked.target;
        if !self.kernel.has_interface(ifindex) {
            return Err(Errno::EINVAL);
        }
        let expected = ProgramRecord::of(&program).about.attach;
        self.link_to(
            LinkTarget::Place(Place::Xdp(ifindex)),
            program,
            |attached| {
                if ELSEWHERE.contains(&expected) {
                    return Err(Errno::EINVAL);
                }
                let attached = Attached {
                    flags: asked.flags,
                    ..attached
                };
                self.kernel.attachments().attach_xdp(ifindex, attached)
            },
        )
    }

    /// Packets on their way: tcx or netkit.
    pub(super) fn link_to_packets(
        &self,
        program: Arc<Code>,
        attach: AttachKind,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        let place = self.place_of_packets(asked.target, attach)?;
        let order = ordered(asked);
        let kind = program.program().hook.kind;
        self.link_to(LinkTarget::Place(place), program, |attached| {
            let attachments = self.kernel.attachments();
            // Whether it is there already is asked before what it is to stand beside.
            let attached = Attached {
                flags: asked.flags & !REPLACE,
                ..attached
            };
            let anchor = self.anchor(asked.flags, order.relative, kind);
            let (anchor, missing) = match anchor {
                Ok(anchor) => (anchor, None),
                Err(errno) => (Anchor::Link(0), Some(errno)),
            };
            let revision = order.expected_revision;
            let result = attachments.attach_in_order(place, attached, None, &anchor, revision);
            match (result, missing) {
                (Err(Errno::ENOENT), Some(errno)) => Err(errno),
                (result, _) => result,
            }
        })
    }

    pub(super) fn link_to_netfilter(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let hook = match &asked.detail {
            LinkDetail::Netfilter(hook) => *hook,
            _ => NetfilterHook::default(),
        };
        check_hook(&hook)?;
        self.link_to(LinkTarget::Netfilter(hook), program, |attached| {
            self.kernel.attachments().attach_netfilter(&hook, attached)
        })
    }

    pub(super) fn link_to_namespace(
        &self,
        program: Arc<Code>,
        attach: AttachKind,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        self.namespace(Fd(asked.target as i32))?;
        self.link_to(
            LinkTarget::Place(Place::Netns(attach)),
            program,
            |attached| {
                self.kernel
                    .attachments()
                    .attach_to_namespace(attach, attached)
            },
        )
    }

    pub(super) fn link_to_sockets(
        &self,
        program: Arc<Code>,
        attach: AttachKind,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let (map, _) = self.map(Fd(asked.target as i32))?;
        // Maps of other kinds are no place for links at all.
        SocketPrograms::of(&map).map_err(|_| Errno::EINVAL)?;
        let target = LinkTarget::Sockets {
            map: map.clone(),
            attach,
        };
        self.link_to(target, program, |attached| {
            SocketPrograms::of(&map)?.attach(attach, attached)
        })
    }

    /// A link that registers a table of operations.
    pub(super) fn link_to_operations(&self, map: MapUse) -> Result<Arc<Link>, Errno> {
        let register = map.clone();
        let operations = register.operations().ok_or(Errno::EINVAL)?;
        if !operations.is_ready() {
            return Err(Errno::EINVAL);
        }
        let target = LinkTarget::Operations(Arc::new(Mutex::new(map)));
        self.linked(target, None, |_| operations.link())
    }

    /// A link of a program to a target, at which `attach` puts it: the one shape of all of them.
    fn link_to(
        &self,
        target: LinkTarget,
        program: Arc<Code>,
        attach: impl FnOnce(Attached) -> Result<(), Errno>,
    ) -> Result<Arc<Link>, Errno> {
        let attached = Attached::new(Arc::clone(&program), None, 0);
        self.linked(target, Some(program), |id| {
            attach(Attached {
                link: Some(id),
                ..attached
            })
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
