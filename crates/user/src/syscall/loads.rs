//! Loading programs and types.

use osmia_program::Errno;
use osmia_program::attr::{self, Address};

use super::{Answer, Call};
use crate::bpf::{
    BtfLoad, Fd, LogAnswer, LogRequest, ProgBindMap, ProgLoad, ProgLoadAnswer, Records,
};
use crate::limits::{BTF_BYTES_MAX, FD_ARRAY_MAX, LICENSE_BYTES_MAX, RECORD_BYTES_MAX};

/// A log: what is asked of it, where it goes, and the field that its true size is answered in.
struct Log {
    asked: LogRequest,
    buffer: Address,
    true_size: &'static str,
}

impl Log {
    fn new(level: u32, size: u32, buffer: Address, true_size: &'static str) -> Self {
        let asked = LogRequest {
            level,
            size,
            has_buffer: !buffer.is_null(),
        };
        Self {
            asked,
            buffer,
            true_size,
        }
    }
}

impl Call<'_> {
    /// Writes the log, then says what the load came to.
    fn loaded(&mut self, log: &Log, answer: ProgLoadAnswer) -> Answer {
        let LogAnswer { bytes, true_size } = answer.log;
        self.write_behind(log.buffer, &bytes)?;
        self.answer_if_known(log.true_size, u64::from(true_size))?;
        answer.result.map(|fd| fd.0 as u32)
    }

    /// As many bytes as there are records, as far as the kernel would look.
    fn records(&self, address: Address, count: u32, record_bytes: u32) -> Option<Vec<u8>> {
        let record = (record_bytes as usize).min(RECORD_BYTES_MAX);
        let count = (count as usize).min(osmia_program::limits::INSN_COUNT_MAX);
        self.behind(address, record * count)
    }

    pub(super) fn prog_load(&mut self, asked: &attr::ProgLoad) -> Answer {
        // One instruction more than a program may have says that there are too many.
        let insns = (asked.insn_cnt as usize).min(osmia_program::limits::INSN_COUNT_MAX + 1);
        let insns = self.behind(asked.insns, insns * size_of::<u64>());
        let license = self.behind(asked.license, LICENSE_BYTES_MAX + 1);
        let func_info = self.records(
            asked.func_info,
            asked.func_info_cnt,
            asked.func_info_rec_size,
        );
        let line_info = self.records(
            asked.line_info,
            asked.line_info_cnt,
            asked.line_info_rec_size,
        );
        let core_relos = self.records(
            asked.core_relos,
            asked.core_relo_cnt,
            asked.core_relo_rec_size,
        );
        let fds = match asked.fd_array_cnt as usize {
            0 => FD_ARRAY_MAX,
            count => count.min(FD_ARRAY_MAX),
        };
        let fd_array = self.behind(asked.fd_array, fds * size_of::<i32>());
        let signature = self.behind(asked.signature, asked.signature_size as usize);
        let log = Log::new(
            asked.log_level,
            asked.log_size,
            asked.log_buf,
            "log_true_size",
        );
        let answer = self.process.prog_load(&ProgLoad {
            kind: asked.prog_type,
            insn_cnt: asked.insn_cnt,
            insns: insns.as_deref(),
            license: license.as_deref(),
            log: log.asked,
            kern_version: asked.kern_version,
            flags: asked.prog_flags,
            name: asked.prog_name,
            ifindex: asked.prog_ifindex,
            expected_attach_type: asked.expected_attach_type,
            btf_fd: Fd(asked.prog_btf_fd),
            func_info: Records {
                bytes: func_info.as_deref(),
                count: asked.func_info_cnt,
                record_bytes: asked.func_info_rec_size,
            },
            line_info: Records {
                bytes: line_info.as_deref(),
                count: asked.line_info_cnt,
                record_bytes: asked.line_info_rec_size,
            },
            attach_btf_id: asked.attach_btf_id,
            attach_fd: Fd(asked.attach_prog_fd),
            core_relos: Records {
                bytes: core_relos.as_deref(),
                count: asked.core_relo_cnt,
                record_bytes: asked.core_relo_rec_size,
            },
            fd_array: fd_array.as_deref(),
            fd_array_cnt: asked.fd_array_cnt,
            token_fd: Fd(asked.prog_token_fd),
            signature: signature.as_deref(),
            signature_size: asked.signature_size,
            keyring_id: asked.keyring_id as i32,
        });
        self.loaded(&log, answer)
    }

    pub(super) fn btf_load(&mut self, asked: &attr::BtfLoad) -> Answer {
        let bytes = asked.btf_size.min(BTF_BYTES_MAX + 1) as usize;
        let btf = self.behind(asked.btf, bytes);
        if btf.is_none() && !self.memory.null_is_empty() {
            return Err(Errno::EFAULT);
        }
        let log = Log::new(
            asked.btf_log_level,
            asked.btf_log_size,
            asked.btf_log_buf,
            "btf_log_true_size",
        );
        let answer = self.process.btf_load(&BtfLoad {
            btf: btf.as_deref(),
            btf_size: asked.btf_size,
            log: log.asked,
            flags: asked.btf_flags,
            token_fd: Fd(asked.btf_token_fd),
        });
        self.loaded(&log, answer)
    }

    pub(super) fn prog_bind_map(&mut self, asked: &attr::ProgBindMap) -> Answer {
        super::done(self.process.prog_bind_map(&ProgBindMap {
            prog_fd: Fd(asked.prog_fd),
            map_fd: Fd(asked.map_fd),
            flags: asked.flags,
        }))
    }
}
