//! Links to tracepoints and functions (`bpf_raw_tp_link_attach`, `bpf_tracing_prog_attach` of Linux
//! 6.18).

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, MapKind, ProgramKind};
use osmia_vm::{Code, Identity};

use super::{Process, cookie};
use crate::attach::{Attached, FunctionId};
use crate::bpf::{Fd, LinkCreate, LinkDetail, RawTracepointOpen};
use crate::limits::TRACEPOINT_NAME_BYTES_MAX;
use crate::link::{Link, LinkTarget};
use crate::object::ProgramRecord;

impl Process {
    /// To a tracepoint that the caller names.
    pub(super) fn link_to_tracepoint(
        &self,
        program: Arc<Code>,
        asked: &RawTracepointOpen<'_>,
    ) -> Result<Arc<Link>, Errno> {
        let name = asked.name.ok_or(Errno::EFAULT)?;
        let name = &name[..name.len().min(TRACEPOINT_NAME_BYTES_MAX)];
        let name = String::from_utf8_lossy(name).into_owned();
        self.link_to_tracepoint_named(name, program, asked.cookie)
    }

    /// To the tracepoint that the program named when it was loaded.
    pub(super) fn link_to_own_tracepoint(
        &self,
        program: Arc<Code>,
        cookie: u64,
    ) -> Result<Arc<Link>, Errno> {
        let name = program.program().hook.target.clone().unwrap_or_default();
        self.link_to_tracepoint_named(name, program, cookie)
    }

    fn link_to_tracepoint_named(
        &self,
        name: String,
        program: Arc<Code>,
        cookie: u64,
    ) -> Result<Arc<Link>, Errno> {
        if !self.kernel.has_tracepoint(&name) {
            return Err(Errno::ENOENT);
        }
        let target = LinkTarget::RawTracepoint { name, cookie };
        self.linked(target, Some(program), |_| Ok(()))
    }

    /// True if a program lies in a program array.
    fn is_called_from_arrays(&self, program: &Arc<Code>) -> bool {
        let arrays = self.kernel.maps().live();
        arrays.iter().any(|map| {
            let slots = match map.spec().kind {
                MapKind::ProgArray => map.spec().max_entries,
                _ => 0,
            };
            let is_it = |slot| {
                map.program_at::<Code>(slot)
                    .is_some_and(|one| Arc::ptr_eq(&one, program))
            };
            (0..slots).any(is_it)
        })
    }

    /// To a function: the one the program named when it was loaded, or another one that fits.
    pub(super) fn link_to_function(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        use AttachKind as A;
        let kind = program.program().hook.kind;
        let record = ProgramRecord::of(&program);
        let (expected, own) = (record.about.attach, &record.about.attach_to);
        let is = |kinds: &[A]| kinds.iter().any(|kind| kind.number() == expected);
        let right = match kind {
            ProgramKind::Tracing => is(&[A::TraceFentry, A::TraceFexit, A::ModifyReturn]),
            ProgramKind::Ext => expected == 0,
            _ => is(&[A::LsmMac]),
        };
        let (target_fd, type_id) = match asked.detail {
            LinkDetail::Tracing { target_btf_id, .. } => (asked.target, target_btf_id),
            _ => (asked.target, 0),
        };
        if !right || (target_fd != 0) != (type_id != 0) {
            return Err(Errno::EINVAL);
        }
        let names_target = target_fd != 0;
        if names_target && kind != ProgramKind::Ext {
            return Err(Errno::EINVAL);
        }
        let of_program = match names_target {
            true => Some(self.program(Fd(target_fd as i32))?),
            false => own.program.clone(),
        };
        // What a program extends it is told once; after that the caller has to.
        if kind == ProgramKind::Ext && !names_target && record.has_left_target() {
            return Err(Errno::EINVAL);
        }
        let function = match &of_program {
            Some(target) => FunctionId {
                object_id: target.id(),
                of_program: true,
                type_id: if names_target { type_id } else { own.btf_id },
            },
            None => FunctionId {
                object_id: own.btf.as_ref().ok_or(Errno::EINVAL)?.id(),
                of_program: false,
                type_id: own.btf_id,
            },
        };
        if let (true, Some(target)) = (names_target, &of_program) {
            super::super::attach_targets::check_extended(&program, target, type_id)?;
        }
        if let (ProgramKind::Ext, Some(target)) = (kind, &of_program)
            && self.is_called_from_arrays(target)
        {
            return Err(Errno::EBUSY);
        }
        let attached = Attached::new(Arc::clone(&program), None, 0);
        let target = LinkTarget::Function {
            function,
            attach_type: asked.attach_type,
            cookie: cookie(asked),
        };
        let link = self.linked(target, Some(Arc::clone(&program)), |id| {
            let attached = Attached {
                link: Some(id),
                ..attached
            };
            (self.kernel.attachments()).attach_to_function(function, attached)
        })?;
        ProgramRecord::of(&program).leave_target();
        Ok(link)
    }
}
