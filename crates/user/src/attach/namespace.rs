//! The network namespace: one flow dissector, any number of socket lookups
//! (`kernel/bpf/net_namespace.c` of Linux 6.18).

use std::sync::Arc;

use osmia_program::{AttachKind, Errno};
use osmia_vm::Code;

use super::{Attached, Attachments, Place};
use crate::kernel::lock;
use crate::limits::SK_LOOKUP_PROGRAMS_MAX;

impl Attachments {
    /// Attaches a flow dissector without a link; another one goes for it.
    pub(crate) fn attach_flow_dissector(&self, program: Arc<Code>) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state
            .rows
            .entry(Place::Netns(AttachKind::FlowDissector))
            .or_default();
        match row.attached.first() {
            Some(one) if one.link.is_some() => return Err(Errno::EEXIST),
            Some(one) if one.is(&program) => return Err(Errno::EINVAL),
            _ => {}
        }
        let old = std::mem::replace(&mut row.attached, vec![Attached::new(program, None, 0)]);
        drop(state);
        drop(old);
        Ok(())
    }

    /// Detaches a flow dissector that was attached without a link.
    pub(crate) fn detach_flow_dissector(&self, program: &Arc<Code>) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state
            .rows
            .entry(Place::Netns(AttachKind::FlowDissector))
            .or_default();
        match row.attached.first() {
            Some(one) if one.link.is_some() => Err(Errno::EINVAL),
            Some(one) if one.is(program) => {
                let gone = row.remove(0);
                drop(state);
                drop(gone);
                Ok(())
            }
            _ => Err(Errno::ENOENT),
        }
    }

    /// Attaches a link's program to the namespace.
    pub(crate) fn attach_to_namespace(
        &self,
        attach: AttachKind,
        attached: Attached,
    ) -> Result<(), Errno> {
        let count_max = match attach {
            AttachKind::FlowDissector => 1,
            _ => SK_LOOKUP_PROGRAMS_MAX,
        };
        let mut state = lock(&self.state);
        let row = state.rows.entry(Place::Netns(attach)).or_default();
        if row.attached.iter().any(|one| one.link.is_none()) {
            return Err(Errno::EEXIST);
        }
        if row.attached.len() >= count_max {
            return Err(Errno::E2BIG);
        }
        let end = row.attached.len();
        row.insert(end, attached);
        Ok(())
    }
}
