//! Links, and what is opened instead of them (`link_create` and relatives of Linux 6.18).

mod events;
mod iterators;
mod places;
mod probes;
mod tracing;

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, ProgramKind};
use osmia_vm::Code;

use super::{File, Process};
use crate::attach::{REPLACE, check_attach_type, is_of_cgroups};
use crate::bpf::{
    Fd, FdById, LinkCreate, LinkDetach, LinkFamily, LinkUpdate, NextId, RawTracepointOpen,
};
use crate::link::{Link, LinkTarget};
use crate::object::ProgramRecord;

impl Process {
    /// `BPF_LINK_CREATE`.
    pub fn link_create(&self, asked: &LinkCreate<'_>) -> Result<Fd, Errno> {
        use AttachKind as A;
        if asked.attach_type == A::StructOps.number() {
            let (map, _) = self.map(asked.prog_fd)?;
            return self.open(File::Link(self.link_to_operations(map)?));
        }
        let program = self.program(asked.prog_fd)?;
        let attach = A::from_number(asked.attach_type).ok_or(Errno::EINVAL)?;
        check_attach_type(&program, attach)?;
        let expected = ProgramRecord::of(&program).about.attach;
        let link = match program.program().hook.kind {
            kind if is_of_cgroups(kind) => self.link_to_cgroup(program, attach, asked)?,
            ProgramKind::Ext => self.link_to_function(program, asked)?,
            ProgramKind::Lsm | ProgramKind::Tracing if attach.number() != expected => {
                return Err(Errno::EINVAL);
            }
            ProgramKind::Lsm | ProgramKind::Tracing => match attach {
                A::TraceRawTp => self.link_to_own_tracepoint(program, cookie(asked))?,
                A::TraceIter => self.link_to_iterator(program, asked)?,
                A::LsmCgroup => self.link_to_cgroup(program, attach, asked)?,
                _ => self.link_to_function(program, asked)?,
            },
            ProgramKind::FlowDissector | ProgramKind::SkLookup => {
                self.link_to_namespace(program, attach, asked)?
            }
            ProgramKind::Xdp => self.link_to_xdp(program, asked)?,
            ProgramKind::SchedCls => self.link_to_packets(program, attach, asked)?,
            ProgramKind::Netfilter => self.link_to_netfilter(program, asked)?,
            ProgramKind::SkSkb | ProgramKind::SkMsg => {
                self.link_to_sockets(program, attach, asked)?
            }
            ProgramKind::PerfEvent | ProgramKind::Tracepoint => {
                self.link_to_event(program, asked)?
            }
            ProgramKind::Kprobe => match attach {
                A::TraceKprobeMulti | A::TraceKprobeSession => {
                    self.link_to_kprobes(program, asked)?
                }
                A::TraceUprobeMulti | A::TraceUprobeSession => {
                    self.link_to_uprobes(program, asked)?
                }
                _ => self.link_to_event(program, asked)?,
            },
            _ => return Err(Errno::EINVAL),
        };
        self.open(File::Link(link))
    }

    /// Which member of the union a link of this program reads: what the attribute layer asks before
    /// it decodes one.
    pub fn link_family(&self, prog_fd: Fd, attach_type: u32) -> Result<LinkFamily, Errno> {
        use AttachKind as A;
        let program = self.program(prog_fd)?;
        let attach = A::from_number(attach_type).ok_or(Errno::EINVAL)?;
        Ok(match (program.program().hook.kind, attach) {
            (_, A::PerfEvent) => LinkFamily::PerfEvent,
            (_, A::TraceKprobeMulti | A::TraceKprobeSession) => LinkFamily::KprobeMulti,
            (_, A::TraceUprobeMulti | A::TraceUprobeSession) => LinkFamily::UprobeMulti,
            (_, A::TraceIter) => LinkFamily::Iter,
            (ProgramKind::Lsm, A::LsmCgroup) => LinkFamily::Ordered,
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
        let replaces = asked.flags & REPLACE != 0;
        let link = self.link_of(asked.link_fd)?;
        if link.is_of_operations() {
            let (new, _) = self.map(asked.new_fd)?;
            let old = match replaces {
                true => Some(self.map(asked.old_fd)?.0),
                false if asked.old_fd.0 != 0 => return Err(Errno::EINVAL),
                false => None,
            };
            return link.update_operations(&new, old.as_ref());
        }
        let new = self.program(asked.new_fd)?;
        let old = match replaces {
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

    /// `BPF_RAW_TRACEPOINT_OPEN`.
    pub fn raw_tracepoint_open(&self, asked: &RawTracepointOpen<'_>) -> Result<Fd, Errno> {
        let program = self.program(asked.prog_fd)?;
        let link = match program.program().hook.kind {
            ProgramKind::RawTracepoint | ProgramKind::RawTracepointWritable => {
                self.link_to_tracepoint(program, asked)?
            }
            // They named their function when they were loaded.
            ProgramKind::Tracing | ProgramKind::Ext | ProgramKind::Lsm if asked.name.is_none() => {
                let expected = ProgramRecord::of(&program).about.attach;
                match expected == AttachKind::TraceRawTp.number() {
                    true => self.link_to_own_tracepoint(program, asked.cookie)?,
                    false => self.link_to_function(program, &LinkCreate::default())?,
                }
            }
            _ => return Err(Errno::EINVAL),
        };
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
        program: Option<Arc<Code>>,
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
}

/// What an attacher by function gave along.
fn cookie(asked: &LinkCreate<'_>) -> u64 {
    match asked.detail {
        crate::bpf::LinkDetail::Tracing { cookie, .. } => cookie,
        _ => 0,
    }
}
