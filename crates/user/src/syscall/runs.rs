//! Test runs.

use super::{Answer, Call};
use crate::bpf::ProgTestRun;
use crate::limits::TEST_DATA_BYTES_MAX;

impl Call<'_> {
    pub(super) fn prog_test_run(&mut self) -> Answer {
        let bytes = |field| (self.u32(field) as usize).min(TEST_DATA_BYTES_MAX);
        let data_in = self.behind("data_in", bytes("data_size_in"));
        let ctx_in = self.behind("ctx_in", bytes("ctx_size_in"));
        let answer = self.process.prog_test_run(&ProgTestRun {
            prog_fd: self.fd("prog_fd"),
            data_in: data_in.as_deref(),
            data_size_in: self.u32("data_size_in"),
            has_data_out: self.u64("data_out") != 0,
            data_size_out: self.u32("data_size_out"),
            repeat: self.u32("repeat"),
            ctx_in: ctx_in.as_deref(),
            ctx_size_in: self.u32("ctx_size_in"),
            has_ctx_out: self.u64("ctx_out") != 0,
            ctx_size_out: self.u32("ctx_size_out"),
            flags: self.u32("flags"),
            cpu: self.u32("cpu"),
            batch_size: self.u32("batch_size"),
        })?;
        self.write_behind("data_out", &answer.data_out)?;
        self.answer("data_size_out", u64::from(answer.data_size_out))?;
        self.answer("retval", u64::from(answer.retval))?;
        self.answer("duration", u64::from(answer.duration))?;
        // Programs that are called like system calls change what they were given.
        let given_back = self.u64("ctx_out") == 0 && !answer.ctx_out.is_empty();
        let context = if given_back { "ctx_in" } else { "ctx_out" };
        self.write_behind(context, &answer.ctx_out)?;
        self.answer("ctx_size_out", u64::from(answer.ctx_size_out))?;
        answer.error.map_or(Ok(0), Err)
    }
}
