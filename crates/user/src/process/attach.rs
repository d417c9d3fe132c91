//! `BPF_PROG_ATTACH`, `BPF_PROG_DETACH`, `BPF_PROG_QUERY` (`kernel/bpf/syscall.c` of Linux 6.18).

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_vm::net::NetkitEnd;
use osmia_vm::{Code, Identity};

use super::{File, Process};
use crate::attach::{
    AFTER, Anchor, Attached, BEFORE, BY_ID, BY_LINK, CgroupAttach, CgroupId, MULTI, OVERRIDE,
    PREORDER, Place, REPLACE, Shown, SocketPrograms, check_attach_type, is_of_cgroups,
    program_kind,
};
use crate::bpf::{Fd, ProgAttach, ProgDetach, ProgQuery, ProgQueryAnswer, QueriedProgram};

/// Flags of places that were shared first.
const SHARING: u32 = OVERRIDE | MULTI | REPLACE | PREORDER;
/// Flags of places with an order.
const ORDER: u32 = REPLACE | BEFORE | AFTER | BY_ID | BY_LINK;
/// `BPF_F_QUERY_EFFECTIVE`.
const EFFECTIVE: u32 = 1;

impl Process {
    /// `BPF_PROG_ATTACH`.
    pub fn prog_attach(&self, asked: &ProgAttach) -> Result<(), Errno> {
        let (attach, kind) = attach_kinds(asked.attach_type)?;
        let flags = asked.attach_flags;
        let known = match kind {
            ProgramKind::SchedCls => ORDER,
            kind if is_of_cgroups(kind) => SHARING | ORDER,
            _ => SHARING,
        };
        let ordered = kind == ProgramKind::SchedCls || is_of_cgroups(kind);
        if flags & !known != 0
            || (!ordered && (asked.relative != 0 || asked.expected_revision != 0))
        {
            return Err(Errno::EINVAL);
        }
        let program = self.program_of(asked.attach_bpf_fd, kind)?;
        check_attach_type(&program, attach)?;
        let attachments = self.kernel.attachments();
        match kind {
            kind if is_of_cgroups(kind) => {
                let group = self.cgroup(Fd(asked.target as i32))?;
                let replaces = match flags & MULTI != 0 && flags & REPLACE != 0 {
                    true => Some(self.program_of(asked.replace_bpf_fd, kind)?),
                    false => None,
                };
                let asked = CgroupAttach {
                    anchor: self.anchor(flags, asked.relative, kind)?,
                    attached: Attached::new(program, None, flags),
                    replaces,
                    expected_revision: asked.expected_revision,
                };
                attachments.attach_to_cgroup(group, attach, asked)
            }
            ProgramKind::FlowDissector => {
                if flags != 0 || asked.target != 0 || asked.replace_bpf_fd.0 != 0 {
                    return Err(Errno::EINVAL);
                }
                attachments.attach_flow_dissector(program)
            }
            ProgramKind::SchedCls => {
                let place = self.place_of_packets(asked.target, attach)?;
                let replaces = match flags & REPLACE != 0 {
                    true => Some(self.program_of(asked.replace_bpf_fd, kind)?),
                    false => None,
                };
                let anchor = self.anchor(flags, asked.relative, kind)?;
                let attached = Attached::new(program, None, flags);
                let revision = asked.expected_revision;
                attachments.attach_in_order(place, attached, replaces.as_ref(), &anchor, revision)
            }
            ProgramKind::SkSkb | ProgramKind::SkMsg => {
                if flags != 0 || asked.replace_bpf_fd.0 != 0 {
                    return Err(Errno::EINVAL);
                }
                let (map, _) = self.map(Fd(asked.target as i32))?;
                SocketPrograms::of(&map)?.attach(attach, Attached::new(program, None, 0))
            }
            ProgramKind::LircMode2 => Err(self.no_file(asked.target)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `BPF_PROG_DETACH`.
    pub fn prog_detach(&self, asked: &ProgDetach) -> Result<(), Errno> {
        let (attach, kind) = attach_kinds(asked.attach_type)?;
        let flags = asked.attach_flags;
        let attachments = self.kernel.attachments();
        let fd = asked.attach_bpf_fd;
        match kind {
            ProgramKind::SchedCls => {
                if flags & !ORDER != 0 {
                    return Err(Errno::EINVAL);
                }
                let program = match fd.0 {
                    0 => None,
                    _ => Some(self.program_of(fd, kind)?),
                };
                let place = self.place_of_packets(asked.target, attach)?;
                attachments.detach_in_order(place, program.as_ref(), asked.expected_revision)
            }
            kind if is_of_cgroups(kind) => {
                if flags != 0 || asked.relative != 0 {
                    return Err(Errno::EINVAL);
                }
                let group = self.cgroup(Fd(asked.target as i32))?;
                let program = self.program_of(fd, kind).ok();
                let revision = asked.expected_revision;
                attachments.detach_from_cgroup(group, attach, program.as_ref(), revision)
            }
            _ if flags != 0 || asked.relative != 0 || asked.expected_revision != 0 => {
                Err(Errno::EINVAL)
            }
            ProgramKind::FlowDissector => {
                attachments.detach_flow_dissector(&self.program_of(fd, kind)?)
            }
            ProgramKind::SkSkb | ProgramKind::SkMsg => {
                let (map, _) = self.map(Fd(asked.target as i32))?;
                let program = self.program_of(fd, kind)?;
                SocketPrograms::of(&map)?.detach(attach, &program)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// `BPF_PROG_QUERY`.
    pub fn prog_query(&self, asked: &ProgQuery) -> Result<ProgQueryAnswer, Errno> {
        self.must_be_capable()?;
        if asked.query_flags & !EFFECTIVE != 0 {
            return Err(Errno::EINVAL);
        }
        let (attach, kind) = attach_kinds(asked.attach_type)?;
        let attachments = self.kernel.attachments();
        let effective = asked.query_flags & EFFECTIVE != 0;
        let shown = match kind {
            kind if is_of_cgroups(kind) => {
                let group = self.cgroup(Fd(asked.target as i32))?;
                match effective {
                    true if asked.has_prog_attach_flags => return Err(Errno::EINVAL),
                    true => attachments.effective(group, attach),
                    false => attachments.shown(Place::Cgroup(group, attach)),
                }
            }
            _ if effective => return Err(Errno::EINVAL),
            ProgramKind::FlowDissector | ProgramKind::SkLookup => {
                self.namespace(Fd(asked.target as i32))?;
                Shown {
                    revision: None,
                    ..attachments.shown(Place::Netns(attach))
                }
            }
            ProgramKind::SchedCls => {
                let place = self.place_of_packets(asked.target, attach)?;
                if asked.attach_flags != 0 {
                    return Err(Errno::EINVAL);
                }
                attachments.shown(place)
            }
            ProgramKind::SkSkb | ProgramKind::SkMsg => {
                let (map, _) = self.map(Fd(asked.target as i32))?;
                match SocketPrograms::of(&map).and_then(|programs| programs.at(attach)) {
                    Ok(attached) => Shown {
                        attached: Vec::from_iter(attached),
                        ..Shown::default()
                    },
                    // Counts are answered all the same.
                    Err(errno) => {
                        return Ok(ProgQueryAnswer {
                            error: Some(errno),
                            ..ProgQueryAnswer::default()
                        });
                    }
                }
            }
            _ => return Err(Errno::EINVAL),
        };
        Ok(answer(asked, &shown))
    }

    /// The control group of a descriptor.
    pub(super) fn cgroup(&self, fd: Fd) -> Result<CgroupId, Errno> {
        match &*self.file(fd)? {
            File::Cgroup(group) => Ok(*group),
            _ => Err(Errno::EBADF),
        }
    }

    /// Makes sure that a descriptor is one of the network namespace.
    pub(super) fn namespace(&self, fd: Fd) -> Result<(), Errno> {
        match &*self.file(fd)? {
            File::Namespace => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Where packets of an interface pass programs.
    pub(super) fn place_of_packets(&self, index: u32, attach: AttachKind) -> Result<Place, Errno> {
        if matches!(attach, AttachKind::NetkitPrimary | AttachKind::NetkitPeer) {
            return self.place_of_netkit(index, attach);
        }
        match self.kernel.has_interface(index) {
            true => Ok(Place::Tcx(index, attach)),
            false => Err(Errno::ENODEV),
        }
    }

    /// An end of the netkit pair whose primary end is named.
    fn place_of_netkit(&self, index: u32, attach: AttachKind) -> Result<Place, Errno> {
        let network = self.kernel.network();
        if !network.links().any(|link| link.netkit.is_some()) {
            // As kernels that were built without them.
            return Err(Errno::EINVAL);
        }
        if !self.kernel.has_interface(index) {
            return Err(Errno::ENODEV);
        }
        let link = network.link(index).ok_or(Errno::ENXIO)?;
        let end = match (link.netkit.ok_or(Errno::ENXIO)?, attach) {
            (NetkitEnd::Peer, _) => return Err(Errno::EACCES),
            (NetkitEnd::Primary, AttachKind::NetkitPrimary) => index,
            (NetkitEnd::Primary, _) => link.peer.ok_or(Errno::ENODEV)?,
        };
        Ok(Place::Netkit(end, attach))
    }

    /// What `relative_fd` or `relative_id` stands for.
    pub(super) fn anchor(
        &self,
        flags: u32,
        relative: u32,
        kind: ProgramKind,
    ) -> Result<Anchor, Errno> {
        let by_id = flags & BY_ID != 0;
        if flags & BY_LINK != 0 {
            let link = match by_id {
                true => self.kernel.links().find(relative).ok_or(Errno::ENOENT)?,
                false => self.link_of(Fd(relative as i32))?,
            };
            let program = link.program();
            return match program.is_some_and(|program| program.program().hook.kind == kind) {
                true => Ok(Anchor::Link(link.id())),
                false => Err(Errno::EINVAL),
            };
        }
        if relative == 0 && !by_id {
            return Ok(Anchor::None);
        }
        let program = match by_id {
            true => self.kernel.programs().find(relative).ok_or(Errno::ENOENT)?,
            false => self.program(Fd(relative as i32))?,
        };
        match program.program().hook.kind == kind {
            true => Ok(Anchor::Program(program)),
            false => Err(Errno::EINVAL),
        }
    }

    /// The program of a descriptor, if it is of this type.
    fn program_of(&self, fd: Fd, kind: ProgramKind) -> Result<Arc<Code>, Errno> {
        let program = self.program(fd)?;
        match program.program().hook.kind == kind {
            true => Ok(program),
            false => Err(Errno::EINVAL),
        }
    }

    /// There is no such file for anybody here.
    fn no_file(&self, target: u32) -> Errno {
        let file = self.file(Fd(target as i32));
        file.map_or_else(|errno| errno, |_| Errno::EINVAL)
    }
}

/// An attach type and the programs it is for.
fn attach_kinds(number: u32) -> Result<(AttachKind, ProgramKind), Errno> {
    let attach = AttachKind::from_number(number).ok_or(Errno::EINVAL)?;
    let kind = program_kind(attach).ok_or(Errno::EINVAL)?;
    Ok((attach, kind))
}

fn answer(asked: &ProgQuery, shown: &Shown) -> ProgQueryAnswer {
    let count = shown.attached.len();
    let room = asked.count as usize;
    let wanted = room != 0 && asked.has_prog_ids && count != 0;
    let row = |one: &Attached| QueriedProgram {
        prog_id: one.program.id(),
        attach_flags: shown.flags,
        link_id: one.link.unwrap_or(0),
        link_attach_flags: 0,
    };
    let programs = shown.attached.iter().take(room).map(row);
    ProgQueryAnswer {
        attach_flags: shown.flags,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        revision: shown.revision,
        programs: if wanted {
            programs.collect()
        } else {
            Vec::new()
        },
        error: (wanted && room < count).then_some(Errno::ENOSPC),
    }
}
