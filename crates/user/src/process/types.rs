//! BTF objects (`btf_new_fd` of Linux 6.18).

use std::sync::Arc;

use osmia_btf::{Btf, BtfError};
use osmia_program::Errno;

use super::bytes::read;
use super::load_log::{LoadLog, check_log};
use super::{File, Process};
use crate::bpf::{BtfLoad, ProgLoadAnswer};
use crate::limits::BTF_BYTES_MAX;
use crate::object::BtfObject;

/// `BPF_F_TOKEN_FD`.
const TOKEN_FD: u32 = 1 << 16;

impl Process {
    /// `BPF_BTF_LOAD`.
    pub fn btf_load(&self, asked: &BtfLoad<'_>) -> ProgLoadAnswer {
        let mut log = LoadLog::default();
        let result = self.btf_loaded(asked, &mut log.text);
        log.written(asked.log, result)
    }

    fn btf_loaded(&self, asked: &BtfLoad<'_>, log: &mut String) -> Result<crate::bpf::Fd, Errno> {
        if asked.flags & !TOKEN_FD != 0 {
            return Err(Errno::EINVAL);
        }
        if asked.flags & TOKEN_FD != 0 {
            return Err(self.no_token(asked.token_fd));
        }
        self.must_be_capable()?;
        if asked.btf_size > BTF_BYTES_MAX {
            return Err(Errno::E2BIG);
        }
        check_log(asked.log)?;
        let bytes = read(asked.btf, asked.btf_size as usize)?;
        let btf = Btf::parse(bytes, None).map_err(|error| {
            *log = format!("{error}\n");
            match error {
                BtfError::Version { .. } => Errno::ENOTSUPP,
                _ => Errno::EINVAL,
            }
        })?;
        // There is always `void`.
        if btf.type_count() == 1 {
            *log = "No type found\n".to_owned();
            return Err(Errno::EINVAL);
        }
        osmia_vm::check_object_types(&btf).inspect_err(|_| {
            *log = "a structure has fields that contradict each other\n".to_owned();
        })?;
        let object = BtfObject::add(self.kernel.btfs(), Arc::new(btf), "")?;
        self.open(File::Btf(object))
    }
}
