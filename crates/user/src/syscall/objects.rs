//! Commands on objects of any kind, and on the machine.

use osmia_program::attr::Command;

use super::{Answer, Call, done, fd, memory};
use crate::bpf::{EnableStats, FdById, NextId, ObjGet, ObjPin, StreamRead, TokenCreate};
use crate::limits::PATH_BYTES_MAX;

impl Call<'_> {
    pub(super) fn next_id(&mut self, command: Command) -> Answer {
        let asked = NextId {
            start_id: self.u32("start_id"),
        };
        let next = match command {
            Command::ProgGetNextId => self.process.prog_next_id(&asked),
            Command::MapGetNextId => self.process.map_next_id(&asked),
            Command::BtfGetNextId => self.process.btf_next_id(&asked),
            _ => self.process.link_next_id(&asked),
        };
        done(self.answer("next_id", u64::from(next?)))
    }

    pub(super) fn fd_by_id(&mut self, command: Command) -> Answer {
        let mut asked = FdById::default();
        fd(match command {
            Command::ProgGetFdById => {
                asked.id = self.u32("prog_id");
                self.process.prog_fd_by_id(&asked)
            }
            Command::MapGetFdById => {
                asked.id = self.u32("map_id");
                asked.open_flags = self.u32("open_flags");
                self.process.map_fd_by_id(&asked)
            }
            Command::LinkGetFdById => {
                asked.id = self.u32("link_id");
                self.process.link_fd_by_id(&asked)
            }
            _ => {
                asked.id = self.u32("btf_id");
                asked.open_flags = self.u32("open_flags");
                asked.token_fd = self.fd("fd_by_id_token_fd");
                self.process.btf_fd_by_id(&asked)
            }
        })
    }

    /// A path without its final zero; `None` if it is not there or memory ends inside of it.
    pub(super) fn path(&self, field: &str) -> Option<Vec<u8>> {
        let address = self.u64(field);
        let path = memory::text(self.memory, address, PATH_BYTES_MAX);
        let end = address.wrapping_add(path.len() as u64);
        let ends = path.len() == PATH_BYTES_MAX || memory::prefix(self.memory, end, 1) == [0];
        (address != 0 && ends).then_some(path)
    }

    pub(super) fn obj_pin(&mut self) -> Answer {
        let path = self.path("pathname");
        done(self.process.obj_pin(&ObjPin {
            path: path.as_deref(),
            bpf_fd: self.fd("bpf_fd"),
            file_flags: self.u32("file_flags"),
            path_fd: self.fd("path_fd"),
        }))
    }

    pub(super) fn obj_get(&mut self) -> Answer {
        let path = self.path("pathname");
        fd(self.process.obj_get(&ObjGet {
            path: path.as_deref(),
            bpf_fd: self.fd("bpf_fd"),
            file_flags: self.u32("file_flags"),
            path_fd: self.fd("path_fd"),
        }))
    }

    pub(super) fn enable_stats(&mut self) -> Answer {
        let kind = self.u32("type");
        fd(self.process.enable_stats(&EnableStats { kind }))
    }

    pub(super) fn token_create(&mut self) -> Answer {
        fd(self.process.token_create(&TokenCreate {
            flags: self.u32("flags"),
            bpffs_fd: self.fd("bpffs_fd"),
        }))
    }

    pub(super) fn stream_read(&mut self) -> Answer {
        let read = self.process.stream_read(&StreamRead {
            prog_fd: self.fd("prog_fd"),
            stream_id: self.u32("stream_id"),
            buffer_bytes: self.u32("stream_buf_len"),
        })?;
        self.write_behind("stream_buf", &read)?;
        Ok(read.len() as u32)
    }
}
