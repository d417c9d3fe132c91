//! Loading programs and types.

use super::{Answer, Call};
use crate::bpf::{BtfLoad, LogAnswer, LogRequest, ProgBindMap, ProgLoad, ProgLoadAnswer, Records};
use crate::limits::{BTF_BYTES_MAX, FD_ARRAY_MAX, LICENSE_BYTES_MAX, RECORD_BYTES_MAX};

/// Fields of a log: level, size, buffer, and where its true size is answered.
struct LogFields {
    level: &'static str,
    size: &'static str,
    buffer: &'static str,
    true_size: &'static str,
}

const PROG_LOG: LogFields = LogFields {
    level: "log_level",
    size: "log_size",
    buffer: "log_buf",
    true_size: "log_true_size",
};

const BTF_LOG: LogFields = LogFields {
    level: "btf_log_level",
    size: "btf_log_size",
    buffer: "btf_log_buf",
    true_size: "btf_log_true_size",
};

impl Call<'_> {
    fn log(&self, fields: &LogFields) -> LogRequest {
        LogRequest {
            level: self.u32(fields.level),
            size: self.u32(fields.size),
            has_buffer: self.u64(fields.buffer) != 0,
        }
    }

    /// Writes the log, then says what the load came to.
    fn loaded(&mut self, fields: &LogFields, answer: ProgLoadAnswer) -> Answer {
        let LogAnswer { bytes, true_size } = answer.log;
        self.write_behind(fields.buffer, &bytes)?;
        self.answer_if_known(fields.true_size, u64::from(true_size))?;
        answer.result.map(|fd| fd.0 as u32)
    }

    /// As many bytes as there are records, as far as the kernel would look.
    fn records(&self, pointer: &str, count: &str, record: &str) -> Option<Vec<u8>> {
        let record = (self.u32(record) as usize).min(RECORD_BYTES_MAX);
        let count = (self.u32(count) as usize).min(osmia_program::limits::INSN_COUNT_MAX);
        self.behind(pointer, record * count)
    }

    pub(super) fn prog_load(&mut self) -> Answer {
        // One instruction more than a program may have says that there are too many.
        let insns = (self.u32("insn_cnt") as usize).min(osmia_program::limits::INSN_COUNT_MAX + 1);
        let insns = self.behind("insns", insns * size_of::<u64>());
        let license = self.behind("license", LICENSE_BYTES_MAX + 1);
        let func_info = self.records("func_info", "func_info_cnt", "func_info_rec_size");
        let line_info = self.records("line_info", "line_info_cnt", "line_info_rec_size");
        let core_relos = self.records("core_relos", "core_relo_cnt", "core_relo_rec_size");
        let fds = match self.u32("fd_array_cnt") as usize {
            0 => FD_ARRAY_MAX,
            count => count.min(FD_ARRAY_MAX),
        };
        let fd_array = self.behind("fd_array", fds * size_of::<i32>());
        let signature = self.behind("signature", self.u32("signature_size") as usize);
        let answer = self.process.prog_load(&ProgLoad {
            kind: self.u32("prog_type"),
            insn_cnt: self.u32("insn_cnt"),
            insns: insns.as_deref(),
            license: license.as_deref(),
            log: self.log(&PROG_LOG),
            kern_version: self.u32("kern_version"),
            flags: self.u32("prog_flags"),
            name: self.name("prog_name"),
            ifindex: self.u32("prog_ifindex"),
            expected_attach_type: self.u32("expected_attach_type"),
            btf_fd: self.fd("prog_btf_fd"),
            func_info: Records {
                bytes: func_info.as_deref(),
                count: self.u32("func_info_cnt"),
                record_bytes: self.u32("func_info_rec_size"),
            },
            line_info: Records {
                bytes: line_info.as_deref(),
                count: self.u32("line_info_cnt"),
                record_bytes: self.u32("line_info_rec_size"),
            },
            attach_btf_id: self.u32("attach_btf_id"),
            attach_fd: self.fd("attach_prog_fd"),
            core_relos: Records {
                bytes: core_relos.as_deref(),
                count: self.u32("core_relo_cnt"),
                record_bytes: self.u32("core_relo_rec_size"),
            },
            fd_array: fd_array.as_deref(),
            fd_array_cnt: self.u32("fd_array_cnt"),
            token_fd: self.fd("prog_token_fd"),
            signature: signature.as_deref(),
            signature_size: self.u32("signature_size"),
            keyring_id: self.u32("keyring_id") as i32,
        });
        self.loaded(&PROG_LOG, answer)
    }

    pub(super) fn btf_load(&mut self) -> Answer {
        let bytes = self.u32("btf_size").min(BTF_BYTES_MAX + 1) as usize;
        let btf = self.behind("btf", bytes);
        let answer = self.process.btf_load(&BtfLoad {
            btf: btf.as_deref(),
            btf_size: self.u32("btf_size"),
            log: self.log(&BTF_LOG),
            flags: self.u32("btf_flags"),
            token_fd: self.fd("btf_token_fd"),
        });
        self.loaded(&BTF_LOG, answer)
    }

    pub(super) fn prog_bind_map(&mut self) -> Answer {
        super::done(self.process.prog_bind_map(&ProgBindMap {
            prog_fd: self.fd("prog_fd"),
            map_fd: self.fd("map_fd"),
            flags: self.u32("flags"),
        }))
    }
}
