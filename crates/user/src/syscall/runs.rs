//! Test runs.

use osmia_program::attr;

use super::{Answer, Call};
use crate::bpf::{Fd, ProgTestRun};
use crate::limits::TEST_DATA_BYTES_MAX;

impl Call<'_> {
    pub(super) fn prog_test_run(&mut self, asked: &attr::ProgTestRun) -> Answer {
        let bytes = |size: u32| (size as usize).min(TEST_DATA_BYTES_MAX);
        let data_in = self.behind(asked.data_in, bytes(asked.data_size_in));
        let ctx_in = self.behind(asked.ctx_in, bytes(asked.ctx_size_in));
        let answer = self.process.prog_test_run(&ProgTestRun {
            prog_fd: Fd(asked.prog_fd),
            data_in: data_in.as_deref(),
            data_size_in: asked.data_size_in,
            has_data_out: !asked.data_out.is_null(),
            data_size_out: asked.data_size_out,
            repeat: asked.repeat,
            ctx_in: ctx_in.as_deref(),
            ctx_size_in: asked.ctx_size_in,
            has_ctx_out: !asked.ctx_out.is_null(),
            ctx_size_out: asked.ctx_size_out,
            flags: asked.flags,
            cpu: asked.cpu,
            batch_size: asked.batch_size,
        })?;
        self.write_behind(asked.data_out, &answer.data_out)?;
        self.answer("data_size_out", u64::from(answer.data_size_out))?;
        self.answer("retval", u64::from(answer.retval))?;
        self.answer("duration", u64::from(answer.duration))?;
        // Programs that are called like system calls change what they were given.
        let given_back = asked.ctx_out.is_null() && !answer.ctx_out.is_empty();
        let context = if given_back {
            asked.ctx_in
        } else {
            asked.ctx_out
        };
        self.write_behind(context, &answer.ctx_out)?;
        self.answer("ctx_size_out", u64::from(answer.ctx_size_out))?;
        answer.error.map_or(Ok(0), Err)
    }
}
