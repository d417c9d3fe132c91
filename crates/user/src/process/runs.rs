//! `BPF_PROG_TEST_RUN` (`net/bpf/test_run.c` of Linux 6.18).

use osmia_program::{AttachKind, Errno, ProgramKind, Run};
use osmia_verify::Reach;
use osmia_vm::{Code, Layer};

use super::Process;
use super::bytes::read;
use super::run_context::RunContext;
use crate::bpf::{ProgTestRun, ProgTestRunAnswer};
use crate::kernel::RunFailed;
use crate::object::ProgramRecord;

/// `BPF_F_TEST_RUN_ON_CPU`.
const ON_CPU: u32 = 1;
/// `BPF_F_TEST_XDP_LIVE_FRAMES`.
const LIVE_FRAMES: u32 = 1 << 1;
/// `BPF_F_TEST_SKB_CHECKSUM_COMPLETE`.
const CHECKSUM_COMPLETE: u32 = 1 << 2;
/// Bytes of an Ethernet header: shorter packets are none.
const ETHERNET_BYTES: u32 = 14;
/// Most bytes of a socket buffer's data: a page without headroom and `struct skb_shared_info`.
const SKB_DATA_BYTES_MAX: u32 = 4096 - 64 - 320;
/// Most bytes of a raw tracepoint's arguments.
const ARGUMENT_BYTES_MAX: u32 = 12 * 8;

/// How a type is test-run.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Family {
    Skb,
    Xdp,
    FlowDissector,
    Netfilter,
    SkLookup,
    RawTracepoint,
    Syscall,
}

impl Family {
    fn of(kind: ProgramKind) -> Option<Self> {
        use ProgramKind as P;
        Some(match kind {
            P::SocketFilter | P::SchedCls | P::SchedAct | P::CgroupSkb => Self::Skb,
            P::LwtIn | P::LwtOut | P::LwtXmit => Self::Skb,
            P::Xdp => Self::Xdp,
            P::FlowDissector => Self::FlowDissector,
            P::Netfilter => Self::Netfilter,
            P::SkLookup => Self::SkLookup,
            P::RawTracepoint => Self::RawTracepoint,
            P::Syscall => Self::Syscall,
            _ => return None,
        })
    }

    /// What the data of a run start with. Programs of some types are not shown the link header.
    fn layer(self, kind: ProgramKind) -> Layer {
        match (self, kind) {
            (Self::Skb, ProgramKind::SchedCls | ProgramKind::SchedAct) => Layer::Ethernet,
            (Self::Skb, _) => Layer::CutEthernet,
            (Self::Xdp, _) => Layer::Metadata,
            _ => Layer::Ethernet,
        }
    }

    /// Checks what only this family minds.
    fn check(self, asked: &ProgTestRun<'_>, cpus: u32) -> Result<(), Errno> {
        let has_data = asked.data_in.is_some() || asked.has_data_out;
        let right = match self {
            Self::Skb => {
                asked.flags & !CHECKSUM_COMPLETE == 0
                    && asked.cpu == 0
                    && asked.batch_size == 0
                    && (ETHERNET_BYTES..=SKB_DATA_BYTES_MAX).contains(&asked.data_size_in)
            }
            Self::Xdp => {
                asked.flags & !LIVE_FRAMES == 0
                    && (asked.batch_size == 0 || asked.flags & LIVE_FRAMES != 0)
                    && asked.data_size_in >= ETHERNET_BYTES
            }
            Self::FlowDissector => {
                asked.flags == 0
                    && asked.cpu == 0
                    && asked.batch_size == 0
                    && asked.data_size_in >= ETHERNET_BYTES
            }
            Self::Netfilter => {
                asked.flags == 0
                    && asked.cpu == 0
                    && asked.batch_size == 0
                    && !asked.has_data_out
                    && asked.data_size_in >= ETHERNET_BYTES + 20
            }
            Self::SkLookup => {
                !has_data
                    && asked.data_size_in == 0
                    && asked.data_size_out == 0
                    && asked.flags == 0
                    && asked.cpu == 0
                    && asked.batch_size == 0
            }
            Self::RawTracepoint if asked.flags & ON_CPU != 0 && asked.cpu >= cpus => {
                return Err(Errno::ENXIO);
            }
            Self::RawTracepoint => {
                !has_data
                    && !asked.has_ctx_out
                    && asked.repeat == 0
                    && asked.batch_size == 0
                    && asked.ctx_size_in <= ARGUMENT_BYTES_MAX
                    && (asked.flags & ON_CPU != 0 || asked.cpu == 0)
            }
            Self::Syscall => {
                !has_data
                    && !asked.has_ctx_out
                    && asked.repeat == 0
                    && asked.flags == 0
                    && asked.batch_size == 0
                    && asked.ctx_size_in <= u32::from(u16::MAX)
            }
        };
        match right {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }
}

/// How far a program looks into its context.
fn reach(code: &Code) -> Reach {
    ProgramRecord::of(code).about.reach
}

/// True for programs that run where another one sent a packet, and nowhere else.
fn is_second(code: &Code) -> bool {
    let attach = ProgramRecord::owner(code).attach;
    [AttachKind::XdpDevmap, AttachKind::XdpCpumap]
        .map(AttachKind::number)
        .contains(&attach)
}

impl Process {
    /// `BPF_PROG_TEST_RUN`. A program that does what it may not ends with `EFAULT`, which in the
    /// kernel cannot happen.
    pub fn prog_test_run(&self, asked: &ProgTestRun<'_>) -> Result<ProgTestRunAnswer, Errno> {
        if (asked.ctx_size_in != 0) != asked.ctx_in.is_some()
            || (asked.ctx_size_out != 0) != asked.has_ctx_out
        {
            return Err(Errno::EINVAL);
        }
        let code = self.program(asked.prog_fd)?;
        let kind = code.program().hook.kind;
        let family = Family::of(kind).ok_or(Errno::ENOTSUPP)?;
        if family == Family::Xdp && is_second(&code) {
            return Err(Errno::EINVAL);
        }
        family.check(asked, self.kernel.target().cpus)?;
        if family == Family::RawTracepoint && asked.ctx_size_in < reach(&code).context_bytes {
            return Err(Errno::EINVAL);
        }
        if family == Family::Xdp && asked.flags & LIVE_FRAMES != 0 {
            // Nothing here could send them.
            return Err(Errno::EOPNOTSUPP);
        }
        let data = read(asked.data_in, asked.data_size_in as usize)?;
        let layer = family.layer(kind);
        let context = RunContext::of(kind, layer, asked, &self.kernel)?;
        let mut run = Run {
            data: data.to_vec(),
            ctx: context.seen(),
            repeat: asked.repeat,
            cpu: match asked.flags & ON_CPU != 0 {
                true => asked.cpu,
                false => self.cpu,
            },
            ..Run::default()
        };
        self.kernel
            .run(Some(self), &code, layer, &mut run)
            .map_err(|failed| match failed {
                RunFailed::Input(_) => Errno::EINVAL,
                RunFailed::Trap(_) => Errno::EFAULT,
            })?;
        run.ctx = context.answer(&run.ctx);
        Ok(answer(family, asked, run))
    }
}

fn answer(family: Family, asked: &ProgTestRun<'_>, run: Run) -> ProgTestRunAnswer {
    let mut answer = ProgTestRunAnswer {
        retval: run.retval,
        duration: u32::try_from(run.duration_ns).unwrap_or(u32::MAX),
        ..ProgTestRunAnswer::default()
    };
    if matches!(family, Family::RawTracepoint | Family::Netfilter) {
        answer.duration = 0;
        return answer;
    }
    if family == Family::Syscall {
        // What was given is written back, changed.
        answer.duration = 0;
        answer.ctx_out = run.ctx;
        return answer;
    }
    answer.data_size_out = run.data.len() as u32;
    if asked.has_data_out {
        answer.data_out = run.data;
        // Without a size the kernel takes the buffer to be long enough.
        answer.error = cut(&mut answer.data_out, asked.data_size_out);
    }
    if asked.has_ctx_out {
        answer.ctx_size_out = run.ctx.len() as u32;
        answer.ctx_out = run.ctx;
        let error = cut(&mut answer.ctx_out, asked.ctx_size_out);
        answer.error = answer.error.or(error);
    }
    answer
}

/// Cuts to the room there is.
fn cut(bytes: &mut Vec<u8>, room: u32) -> Option<Errno> {
    let short = room != 0 && (room as usize) < bytes.len();
    short.then(|| {
        bytes.truncate(room as usize);
        Errno::ENOSPC
    })
}
