//! Attaching without links, and asking what is attached.

use super::{Answer, Call, done};
use crate::bpf::{ProgAttach, ProgDetach, ProgQuery, QueriedProgram, TaskFdQuery};

/// One number of each program of an answer.
type Column = fn(&QueriedProgram) -> u32;

impl Call<'_> {
    pub(super) fn prog_attach(&mut self) -> Answer {
        done(self.process.prog_attach(&ProgAttach {
            target: self.u32("target_fd"),
            attach_bpf_fd: self.fd("attach_bpf_fd"),
            attach_type: self.u32("attach_type"),
            attach_flags: self.u32("attach_flags"),
            replace_bpf_fd: self.fd("replace_bpf_fd"),
            relative: self.u32("relative_fd"),
            expected_revision: self.u64("expected_revision"),
        }))
    }

    pub(super) fn prog_detach(&mut self) -> Answer {
        done(self.process.prog_detach(&ProgDetach {
            target: self.u32("target_fd"),
            attach_bpf_fd: self.fd("attach_bpf_fd"),
            attach_type: self.u32("attach_type"),
            attach_flags: self.u32("attach_flags"),
            relative: self.u32("relative_fd"),
            expected_revision: self.u64("expected_revision"),
        }))
    }

    pub(super) fn prog_query(&mut self) -> Answer {
        let has = |field| self.u64(field) != 0;
        let answer = self.process.prog_query(&ProgQuery {
            target: self.u32("target_fd"),
            attach_type: self.u32("attach_type"),
            query_flags: self.u32("query_flags"),
            attach_flags: self.u32("attach_flags"),
            count: self.u32("prog_cnt"),
            has_prog_ids: has("prog_ids"),
            has_prog_attach_flags: has("prog_attach_flags"),
            has_link_ids: has("link_ids"),
            has_link_attach_flags: has("link_attach_flags"),
            revision: self.u64("revision"),
        })?;
        self.answer("attach_flags", u64::from(answer.attach_flags))?;
        self.answer("prog_cnt", u64::from(answer.count))?;
        if let Some(revision) = answer.revision {
            self.answer_if_known("revision", revision)?;
        }
        let columns: [(&str, Column); 4] = [
            ("prog_ids", |program| program.prog_id),
            ("prog_attach_flags", |program| program.attach_flags),
            ("link_ids", |program| program.link_id),
            ("link_attach_flags", |program| program.link_attach_flags),
        ];
        for (field, column) in columns {
            if self.u64(field) != 0 {
                let values = answer.programs.iter().map(column);
                let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
                self.write_behind(field, &bytes)?;
            }
        }
        answer.error.map_or(Ok(0), Err)
    }

    pub(super) fn task_fd_query(&mut self) -> Answer {
        let answer = self.process.task_fd_query(&TaskFdQuery {
            pid: self.u32("pid"),
            fd: self.fd("fd"),
            flags: self.u32("flags"),
            buffer_bytes: self.u32("buf_len"),
            has_buffer: self.u64("buf") != 0,
        })?;
        self.write_behind("buf", &answer.buffer)?;
        self.answer("buf_len", u64::from(answer.name_bytes))?;
        self.answer("prog_id", u64::from(answer.prog_id))?;
        self.answer("fd_type", u64::from(answer.fd_type))?;
        self.answer("probe_offset", answer.probe_offset)?;
        self.answer("probe_addr", answer.probe_addr)?;
        answer.error.map_or(Ok(0), Err)
    }
}
