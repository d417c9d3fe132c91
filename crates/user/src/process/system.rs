//! Commands about the machine.

use osmia_program::Errno;
use osmia_vm::Identity;

use super::{File, Process};
use crate::bpf::{
    EnableStats, Fd, LinkInfoDetail, PerfEventSource, StreamRead, TaskFdQuery, TaskFdQueryAnswer,
    TokenCreate,
};
use crate::kernel::Counting;

impl Process {
    /// `BPF_ENABLE_STATS`: runs are counted while the descriptor is open.
    pub fn enable_stats(&self, asked: &EnableStats) -> Result<Fd, Errno> {
        self.must_be_capable()?;
        match asked.kind {
            0 => self.open(File::Counting(Counting::of(&self.kernel))),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes a control group: `mkdir` in the tree of control groups, whose root is `/`.
    pub fn cgroup_mkdir(&self, path: &str) -> Result<(), Errno> {
        self.kernel.attachments().make_cgroup(path)
    }

    /// Removes a control group.
    pub fn cgroup_rmdir(&self, path: &str) -> Result<(), Errno> {
        self.kernel.attachments().remove_cgroup(path)
    }

    /// Opens a control group.
    pub fn open_cgroup(&self, path: &str) -> Result<Fd, Errno> {
        let group = self.kernel.attachments().cgroup(path)?;
        self.open(File::Cgroup(group))
    }

    /// Opens the network namespace, of which there is one.
    pub fn open_network_namespace(&self) -> Result<Fd, Errno> {
        self.open(File::Namespace)
    }

    /// `BPF_TASK_FD_QUERY`: which tracepoint a descriptor of this process is attached to. There are
    /// no other processes to ask about.
    pub fn task_fd_query(&self, asked: &TaskFdQuery) -> Result<TaskFdQueryAnswer, Errno> {
        self.must_be_capable()?;
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        if asked.pid != std::process::id() {
            return Err(Errno::ENOENT);
        }
        match &*self.file(asked.fd)? {
            File::Link(link) => {
                let info = link.info();
                match info.detail {
                    LinkInfoDetail::RawTracepoint { name, .. } => Ok(named(
                        asked,
                        info.prog_id,
                        (FdKind::RawTracepoint, &name, 0),
                    )),
                    _ => Err(Errno::ENOTSUPP),
                }
            }
            File::PerfEvent(event) => {
                let program = event.program().ok_or(Errno::ENOENT)?;
                let told = opened(&event.source).ok_or(Errno::EOPNOTSUPP)?;
                Ok(named(asked, program.id(), told))
            }
            _ => Err(Errno::ENOTSUPP),
        }
    }

    /// `BPF_TOKEN_CREATE`: the kernel wants the root of a bpffs mounted in another user namespace for
    /// that, and there is only one here.
    pub fn token_create(&self, asked: &TokenCreate) -> Result<Fd, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        match &*self.file(asked.bpffs_fd)? {
            File::Directory(id) if *id == self.kernel.pins().mount_point() => {
                Err(Errno::EOPNOTSUPP)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// `BPF_PROG_STREAM_READ_BY_FD`: programs have nothing to say there yet.
    pub fn stream_read(&self, asked: &StreamRead) -> Result<Vec<u8>, Errno> {
        self.program(asked.prog_fd)?;
        match asked.stream_id {
            1 | 2 => Ok(Vec::new()),
            _ => Err(Errno::ENOENT),
        }
    }
}

/// What a descriptor that runs programs is of (`enum bpf_task_fd_type`).
#[derive(Copy, Clone, Debug)]
enum FdKind {
    RawTracepoint = 0,
    Tracepoint = 1,
    Kprobe = 2,
    Kretprobe = 3,
    Uprobe = 4,
    Uretprobe = 5,
}

/// What is told of a descriptor: its kind, the name of what runs the program, and an offset there.
type Told<'a> = (FdKind, &'a str, u64);

/// What is told of an event; nothing of counters.
fn opened(source: &PerfEventSource) -> Option<Told<'_>> {
    Some(match source {
        PerfEventSource::Counter { .. } => return None,
        PerfEventSource::Tracepoint { name } => (FdKind::Tracepoint, name, 0),
        PerfEventSource::Kprobe {
            function,
            offset,
            return_probe,
        } => match return_probe {
            true => (FdKind::Kretprobe, function, *offset),
            false => (FdKind::Kprobe, function, *offset),
        },
        PerfEventSource::Uprobe {
            file_name,
            offset,
            return_probe,
            ..
        } => match return_probe {
            true => (FdKind::Uretprobe, file_name, *offset),
            false => (FdKind::Uprobe, file_name, *offset),
        },
    })
}

/// An answer with a name, cut to the room there is (`bpf_task_fd_query_copy`).
fn named(
    asked: &TaskFdQuery,
    prog_id: u32,
    (kind, name, probe_offset): Told<'_>,
) -> TaskFdQueryAnswer {
    let room = asked.buffer_bytes as usize;
    let mut buffer = name.as_bytes().to_vec();
    buffer.push(0);
    let short = buffer.len() > room;
    if short {
        buffer.truncate(room);
        if let Some(last) = buffer.last_mut() {
            *last = 0;
        }
    }
    let wanted = asked.has_buffer && room != 0;
    TaskFdQueryAnswer {
        name_bytes: name.len() as u32,
        buffer: if wanted { buffer } else { Vec::new() },
        prog_id,
        fd_type: kind as u32,
        probe_offset,
        error: (wanted && short).then_some(Errno::ENOSPC),
        ..TaskFdQueryAnswer::default()
    }
}
