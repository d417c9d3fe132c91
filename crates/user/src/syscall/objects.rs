//! Commands on objects of any kind, and on the machine.

use osmia_program::Errno;
use osmia_program::attr::{self, Address};

use super::{Answer, Call, done, fd, memory};
use crate::bpf::{EnableStats, Fd, FdById, NextId, ObjGet, ObjPin, StreamRead, TokenCreate};
use crate::limits::PATH_BYTES_MAX;
use crate::process::Process;

impl Call<'_> {
    pub(super) fn next_id(
        &mut self,
        asked: &attr::NextId,
        next: impl FnOnce(&Process, &NextId) -> Result<u32, Errno>,
    ) -> Answer {
        let start_id = asked.start_id;
        let next = next(self.process, &NextId { start_id })?;
        done(self.answer("next_id", u64::from(next)))
    }

    pub(super) fn prog_by_id(&mut self, asked: &attr::ProgById) -> Answer {
        fd(self.process.prog_fd_by_id(&FdById {
            id: asked.prog_id,
            ..FdById::default()
        }))
    }

    pub(super) fn map_by_id(&mut self, asked: &attr::MapById) -> Answer {
        fd(self.process.map_fd_by_id(&FdById {
            id: asked.map_id,
            open_flags: asked.open_flags,
            ..FdById::default()
        }))
    }

    pub(super) fn btf_by_id(&mut self, asked: &attr::BtfById) -> Answer {
        fd(self.process.btf_fd_by_id(&FdById {
            id: asked.btf_id,
            open_flags: asked.open_flags,
            token_fd: Fd(asked.fd_by_id_token_fd),
        }))
    }

    pub(super) fn link_by_id(&mut self, asked: &attr::LinkById) -> Answer {
        fd(self.process.link_fd_by_id(&FdById {
            id: asked.link_id,
            ..FdById::default()
        }))
    }

    /// A path without its final zero; `None` if it is not there or memory ends inside of it.
    pub(super) fn path(&self, address: Address) -> Option<Vec<u8>> {
        let path = memory::text(self.memory, address, PATH_BYTES_MAX);
        let end = Address(address.0.wrapping_add(path.len() as u64));
        let ends = path.len() == PATH_BYTES_MAX || memory::prefix(self.memory, end, 1) == [0];
        (!address.is_null() && ends).then_some(path)
    }

    pub(super) fn obj_pin(&mut self, asked: &attr::ObjPath) -> Answer {
        let path = self.path(asked.pathname);
        done(self.process.obj_pin(&ObjPin {
            path: path.as_deref(),
            bpf_fd: Fd(asked.bpf_fd),
            file_flags: asked.file_flags,
            path_fd: Fd(asked.path_fd),
        }))
    }

    pub(super) fn obj_get(&mut self, asked: &attr::ObjPath) -> Answer {
        let path = self.path(asked.pathname);
        fd(self.process.obj_get(&ObjGet {
            path: path.as_deref(),
            bpf_fd: Fd(asked.bpf_fd),
            file_flags: asked.file_flags,
            path_fd: Fd(asked.path_fd),
        }))
    }

    pub(super) fn enable_stats(&mut self, asked: &attr::EnableStats) -> Answer {
        let kind = asked.r#type;
        fd(self.process.enable_stats(&EnableStats { kind }))
    }

    pub(super) fn token_create(&mut self, asked: &attr::TokenCreate) -> Answer {
        fd(self.process.token_create(&TokenCreate {
            flags: asked.flags,
            bpffs_fd: Fd(asked.bpffs_fd),
        }))
    }

    pub(super) fn stream_read(&mut self, asked: &attr::StreamRead) -> Answer {
        let read = self.process.stream_read(&StreamRead {
            prog_fd: Fd(asked.prog_fd),
            stream_id: asked.stream_id,
            buffer_bytes: asked.stream_buf_len,
        })?;
        self.write_behind(asked.stream_buf, &read)?;
        Ok(read.len() as u32)
    }
}
