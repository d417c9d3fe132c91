//! Commands about the machine.

use osmia_program::Errno;

use super::{File, Process};
use crate::bpf::{
    EnableStats, Fd, LinkInfoDetail, StreamRead, TaskFdQuery, TaskFdQueryAnswer, TokenCreate,
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
    /// no other processes to ask about, and 0 means this one too.
    pub fn task_fd_query(&self, asked: &TaskFdQuery) -> Result<TaskFdQueryAnswer, Errno> {
        self.must_be_capable()?;
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        if asked.pid != 0 && asked.pid != std::process::id() {
            return Err(Errno::ENOENT);
        }
        let file = self.file(asked.fd)?;
        let File::Link(link) = &*file else {
            return Err(Errno::ENOTSUPP);
        };
        let info = link.info();
        let LinkInfoDetail::RawTracepoint { name, .. } = info.detail else {
            return Err(Errno::ENOTSUPP);
        };
        Ok(named(asked, info.prog_id, &name))
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

/// An answer with a name, cut to the room there is (`bpf_task_fd_query_copy`).
fn named(asked: &TaskFdQuery, prog_id: u32, name: &str) -> TaskFdQueryAnswer {
    /// `BPF_FD_TYPE_RAW_TRACEPOINT`.
    const RAW_TRACEPOINT: u32 = 0;
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
        fd_type: RAW_TRACEPOINT,
        error: (wanted && short).then_some(Errno::ENOSPC),
        ..TaskFdQueryAnswer::default()
    }
}
