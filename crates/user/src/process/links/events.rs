//! Perf events: opening them, and attaching programs to them.

use std::sync::Arc;

use osmia_program::Errno;
use osmia_vm::Code;

use super::Process;
use crate::bpf::{Fd, LinkCreate, LinkDetail, PerfEventOpen};
use crate::link::{Link, LinkTarget};
use crate::perf_event::PerfEvent;
use crate::process::File;

impl Process {
    /// `perf_event_open`, of an event that is described.
    pub fn perf_event_open(&self, asked: &PerfEventOpen) -> Result<Fd, Errno> {
        self.must_be_capable().map_err(|_| Errno::EACCES)?;
        if asked
            .cpu
            .is_some_and(|cpu| cpu >= self.kernel.target().cpus)
        {
            return Err(Errno::EINVAL);
        }
        let event = PerfEvent::new(asked.source.clone(), asked.cpu);
        self.open(File::PerfEvent(Arc::new(event)))
    }

    /// `ioctl(PERF_EVENT_IOC_SET_BPF)`: without a link, so until the event is closed.
    pub fn perf_event_set_bpf(&self, event: Fd, program: Fd) -> Result<(), Errno> {
        let event = self.event(event)?;
        event.attach(self.program(program)?, None)
    }

    /// The event of a descriptor.
    pub(in crate::process) fn event(&self, fd: Fd) -> Result<Arc<PerfEvent>, Errno> {
        match &*self.file(fd)? {
            File::PerfEvent(event) => Ok(Arc::clone(event)),
            _ => Err(Errno::EBADF),
        }
    }

    pub(super) fn link_to_event(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let event = self.event(Fd(asked.target as i32))?;
        let cookie = match asked.detail {
            LinkDetail::PerfEvent { cookie } => cookie,
            _ => 0,
        };
        let target = LinkTarget::PerfEvent {
            event: Arc::clone(&event),
            cookie,
        };
        self.linked(target, Some(Arc::clone(&program)), |id| {
            event.attach(program, Some(id))
        })
    }
}
