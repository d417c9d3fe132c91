//! Objects by id.

use osmia_program::Errno;

use super::{Access, File, Process};
use crate::bpf::{Fd, FdById, NextId, ObjInfo};
use crate::object::{MapUse, Table};

/// `BPF_F_RDONLY | BPF_F_WRONLY`.
const ACCESS_FLAGS: u32 = 1 << 3 | 1 << 4;
/// `BPF_F_TOKEN_FD`.
const TOKEN_FD: u32 = 1 << 16;

impl Process {
    /// `BPF_PROG_GET_NEXT_ID`.
    pub fn prog_next_id(&self, asked: &NextId) -> Result<u32, Errno> {
        self.next_id(self.kernel.programs(), asked)
    }

    /// `BPF_MAP_GET_NEXT_ID`.
    pub fn map_next_id(&self, asked: &NextId) -> Result<u32, Errno> {
        self.next_id(self.kernel.maps(), asked)
    }

    /// `BPF_BTF_GET_NEXT_ID`.
    pub fn btf_next_id(&self, asked: &NextId) -> Result<u32, Errno> {
        self.next_id(self.kernel.btfs(), asked)
    }

    pub(super) fn next_id<T>(&self, table: &Table<T>, asked: &NextId) -> Result<u32, Errno> {
        if asked.start_id >= i32::MAX as u32 {
            return Err(Errno::EINVAL);
        }
        self.must_be_capable()?;
        table.after(asked.start_id).ok_or(Errno::ENOENT)
    }

    /// `BPF_PROG_GET_FD_BY_ID`.
    pub fn prog_fd_by_id(&self, asked: &FdById) -> Result<Fd, Errno> {
        self.must_be_capable()?;
        let code = self.kernel.programs().find(asked.id).ok_or(Errno::ENOENT)?;
        self.open(File::Program(code))
    }

    /// `BPF_MAP_GET_FD_BY_ID`.
    pub fn map_fd_by_id(&self, asked: &FdById) -> Result<Fd, Errno> {
        if asked.open_flags & !ACCESS_FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        self.must_be_capable()?;
        let access = Access::from_flags(asked.open_flags)?;
        let map = self.kernel.maps().find(asked.id).ok_or(Errno::ENOENT)?;
        let map = MapUse::of(map);
        self.open(File::Map { map, access })
    }

    /// `BPF_BTF_GET_FD_BY_ID`.
    pub fn btf_fd_by_id(&self, asked: &FdById) -> Result<Fd, Errno> {
        if asked.open_flags & !TOKEN_FD != 0 {
            return Err(Errno::EINVAL);
        }
        if asked.open_flags & TOKEN_FD != 0 {
            return Err(self.no_token(asked.token_fd));
        }
        self.must_be_capable()?;
        let btf = self.kernel.btfs().find(asked.id).ok_or(Errno::ENOENT)?;
        self.open(File::Btf(btf))
    }

    /// `BPF_OBJ_GET_INFO_BY_FD`.
    pub fn obj_info(&self, fd: Fd) -> Result<ObjInfo, Errno> {
        match &*self.file(fd).map_err(|_| Errno::EBADFD)? {
            File::Program(code) => Ok(ObjInfo::Program(Box::new(self.prog_info(code)))),
            File::Map { map, .. } => Ok(ObjInfo::Map(self.map_info(map))),
            File::Link(link) => Ok(ObjInfo::Link(link.info())),
            File::Btf(btf) => Ok(ObjInfo::Btf(Self::btf_info(btf))),
            _ => Err(Errno::EINVAL),
        }
    }
}
