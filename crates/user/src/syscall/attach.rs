//! Attaching without links, and asking what is attached.

use osmia_program::attr::{self, Address};

use super::{Answer, Call, done};
use crate::bpf::{Fd, ProgAttach, ProgDetach, ProgQuery, QueriedProgram, TaskFdQuery};

/// One number of each program of an answer.
type Column = fn(&QueriedProgram) -> u32;

impl Call<'_> {
    pub(super) fn prog_attach(&mut self, asked: &attr::ProgAttach) -> Answer {
        done(self.process.prog_attach(&ProgAttach {
            target: asked.target_fd as u32,
            attach_bpf_fd: Fd(asked.attach_bpf_fd),
            attach_type: asked.attach_type,
            attach_flags: asked.attach_flags,
            replace_bpf_fd: Fd(asked.replace_bpf_fd),
            relative: asked.relative_fd as u32,
            expected_revision: asked.expected_revision,
        }))
    }

    pub(super) fn prog_detach(&mut self, asked: &attr::ProgAttach) -> Answer {
        done(self.process.prog_detach(&ProgDetach {
            target: asked.target_fd as u32,
            attach_bpf_fd: Fd(asked.attach_bpf_fd),
            attach_type: asked.attach_type,
            attach_flags: asked.attach_flags,
            relative: asked.relative_fd as u32,
            expected_revision: asked.expected_revision,
        }))
    }

    pub(super) fn prog_query(&mut self, asked: &attr::ProgQuery) -> Answer {
        let answer = self.process.prog_query(&ProgQuery {
            target: asked.target_fd as u32,
            attach_type: asked.attach_type,
            query_flags: asked.query_flags,
            attach_flags: asked.attach_flags,
            count: asked.prog_cnt,
            has_prog_ids: !asked.prog_ids.is_null(),
            has_prog_attach_flags: !asked.prog_attach_flags.is_null(),
            has_link_ids: !asked.link_ids.is_null(),
            has_link_attach_flags: !asked.link_attach_flags.is_null(),
            revision: asked.revision,
        })?;
        self.answer("attach_flags", u64::from(answer.attach_flags))?;
        self.answer("prog_cnt", u64::from(answer.count))?;
        if let Some(revision) = answer.revision {
            self.answer_if_known("revision", revision)?;
        }
        let columns: [(Address, Column); 4] = [
            (asked.prog_ids, |program| program.prog_id),
            (asked.prog_attach_flags, |program| program.attach_flags),
            (asked.link_ids, |program| program.link_id),
            (asked.link_attach_flags, |program| program.link_attach_flags),
        ];
        for (address, column) in columns {
            if !address.is_null() {
                let values = answer.programs.iter().map(column);
                let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
                self.write_behind(address, &bytes)?;
            }
        }
        answer.error.map_or(Ok(0), Err)
    }

    pub(super) fn task_fd_query(&mut self, asked: &attr::TaskFdQuery) -> Answer {
        let answer = self.process.task_fd_query(&TaskFdQuery {
            pid: asked.pid,
            fd: Fd(asked.fd),
            flags: asked.flags,
            buffer_bytes: asked.buf_len,
            has_buffer: !asked.buf.is_null(),
        })?;
        self.write_behind(asked.buf, &answer.buffer)?;
        self.answer("buf_len", u64::from(answer.name_bytes))?;
        self.answer("prog_id", u64::from(answer.prog_id))?;
        self.answer("fd_type", u64::from(answer.fd_type))?;
        self.answer("probe_offset", answer.probe_offset)?;
        self.answer("probe_addr", answer.probe_addr)?;
        answer.error.map_or(Ok(0), Err)
    }
}
