//! Perf events: what can be opened, and the programs that run when they happen
//! (`kernel/events/core.c`, `kernel/trace/bpf_trace.c` of Linux 6.18).
//!
//! An event is a description: nothing here counts or fires.

use std::sync::{Arc, Mutex};

use osmia_program::{Errno, ProgramFlags, ProgramKind};
use osmia_vm::Code;

use crate::bpf::{PerfEventInfo, PerfEventSource};
use crate::kernel::lock;

/// An open event.
#[derive(Debug)]
pub(crate) struct PerfEvent {
    pub(crate) source: PerfEventSource,
    /// The CPU it counts on; `None` for all of a task's.
    pub(crate) cpu: Option<u32>,
    program: Mutex<Option<Handler>>,
}

/// A program that runs when it happens.
#[derive(Debug)]
struct Handler {
    program: Arc<Code>,
    /// The link it came with, by id.
    link: Option<u32>,
}

impl PerfEvent {
    pub(crate) fn new(source: PerfEventSource, cpu: Option<u32>) -> Self {
        Self {
            source,
            cpu,
            program: Mutex::new(None),
        }
    }

    /// Has a program run when it happens (`perf_event_set_bpf_prog`); an event has one.
    pub(crate) fn attach(&self, program: Arc<Code>, link: Option<u32>) -> Result<(), Errno> {
        use PerfEventSource as S;
        let about = program.program();
        let sleeps = about.flags.has(ProgramFlags::SLEEPABLE);
        let wanted = match self.source {
            S::Counter { .. } => ProgramKind::PerfEvent,
            S::Tracepoint { .. } => ProgramKind::Tracepoint,
            S::Kprobe { .. } | S::Uprobe { .. } => ProgramKind::Kprobe,
        };
        let mut handler = lock(&self.program);
        let is_counter = wanted == ProgramKind::PerfEvent;
        // Counters look for their program first.
        if is_counter && handler.is_some() {
            return Err(Errno::EEXIST);
        }
        if about.hook.kind != wanted || (sleeps && matches!(self.source, S::Kprobe { .. })) {
            return Err(Errno::EINVAL);
        }
        if handler.is_some() {
            return Err(Errno::EEXIST);
        }
        *handler = Some(Handler { program, link });
        Ok(())
    }

    /// Takes away what a link attached.
    pub(crate) fn release(&self, link: u32) {
        let gone = lock(&self.program).take_if(|handler| handler.link == Some(link));
        drop(gone);
    }

    /// The program that runs when it happens.
    pub(crate) fn program(&self) -> Option<Arc<Code>> {
        let handler = lock(&self.program);
        handler.as_ref().map(|handler| Arc::clone(&handler.program))
    }

    /// What a link to it tells.
    pub(crate) fn info(&self, cookie: u64) -> PerfEventInfo {
        match self.source.clone() {
            PerfEventSource::Counter { kind, config } => PerfEventInfo::Event {
                config,
                kind,
                cookie,
            },
            PerfEventSource::Tracepoint { name } => PerfEventInfo::Tracepoint { name, cookie },
            PerfEventSource::Kprobe {
                function,
                offset,
                return_probe,
            } => PerfEventInfo::Kprobe {
                return_probe,
                function,
                offset: offset as u32,
                addr: 0,
                missed: 0,
                cookie,
            },
            PerfEventSource::Uprobe {
                file_name,
                offset,
                ref_ctr_offset,
                return_probe,
            } => PerfEventInfo::Uprobe {
                return_probe,
                file_name,
                offset: offset as u32,
                cookie,
                ref_ctr_offset,
            },
        }
    }
}
