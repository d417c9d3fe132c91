//! A program of the running kernel.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_program::attr::ProgLoad;
use osmia_program::{
    AttachKind, Errno, Fault, Form, Host, HostError, HostProgram, Program, Run, Standing,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::host::text_of;
use crate::sys::{self, Image, TestRun};
use crate::{LinuxHost, LinuxMap, codes, image, limits, refusal};

/// The kernel's own number for what it does not support, which is no errno of the UAPI.
const ENOTSUPP: Errno = Errno(524);

/// A handle to a program of the kernel: its descriptor.
#[derive(Clone, Debug)]
pub struct LinuxProgram {
    resident: Arc<Resident>,
}

#[derive(Debug)]
struct Resident {
    program: Program,
    fd: OwnedFd,
    standing: Standing,
}

impl LinuxProgram {
    pub(crate) fn load(
        program: &Program,
        maps: &[LinuxMap],
        host: &LinuxHost,
    ) -> Result<Self, HostError> {
        let fds: Vec<i32> = maps.iter().map(|map| map.fd().raw()).collect();
        let insns = image::insns(program, &fds);
        let license = CString::new(program.license.as_str()).unwrap_or_default();
        let mut asked = ProgLoad {
            prog_type: program.hook.kind.number(),
            insn_cnt: program.insns.len() as u32,
            kern_version: program.kernel_version,
            prog_flags: program.flags.0,
            prog_name: image::name(&program.name),
            expected_attach_type: program.hook.attach.map_or(0, AttachKind::number),
            ..ProgLoad::default()
        };
        let (mut func_info, mut line_info) = (Vec::new(), Vec::new());
        let types = match &program.debug {
            None => None,
            Some(debug) => {
                func_info = image::func_info(debug);
                line_info = image::line_info(debug);
                asked.func_info_rec_size = image::FUNC_INFO_BYTES;
                asked.func_info_cnt = debug.funcs.len() as u32;
                asked.line_info_rec_size = image::LINE_INFO_BYTES;
                asked.line_info_cnt = debug.lines.len() as u32;
                Some(host.types(&debug.btf)?)
            }
        };
        asked.prog_btf_fd = types.as_ref().map_or(0, |types| types.as_raw_fd());
        if let Some(kernel) = &host.target().btf {
            asked.attach_btf_id = image::attach_btf_id(&program.hook, kernel).unwrap_or_default();
        }
        let image = Image {
            asked,
            insns: &insns,
            license: &license,
            func_info: &func_info,
            line_info: &line_info,
        };
        let fd = sys::prog_load(&image, None).map_err(|errno| {
            // Once more, for the reason.
            let mut log = vec![0; limits::LOG_BYTES];
            let errno = sys::prog_load(&image, Some(&mut log))
                .err()
                .unwrap_or(errno);
            refusal::rejected(program, errno, &text_of(&log))
        })?;
        Ok(Self {
            resident: Arc::new(Resident {
                program: program.clone(),
                fd,
                standing: Standing::Verified,
            }),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.resident.program.name
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.resident.fd
    }

    pub(crate) fn raw_fd(&self) -> i32 {
        self.resident.fd.as_raw_fd()
    }
}

impl HostProgram for LinuxProgram {
    fn program(&self) -> &Program {
        &self.resident.program
    }

    fn standing(&self) -> &Standing {
        &self.resident.standing
    }

    fn form(&self) -> &Form {
        &Form::Kernel
    }

    fn test_run(&self, run: &mut Run) -> Result<(), HostError> {
        let mut data_out = match run.data.len() {
            0 => Vec::new(),
            bytes => vec![0; bytes + limits::PACKET_GROWTH_BYTES],
        };
        let mut ctx_out = vec![0; run.ctx.len()];
        let asked = TestRun {
            data: &run.data,
            ctx: &run.ctx,
            data_out: &mut data_out,
            ctx_out: &mut ctx_out,
            repeat: run.repeat.max(1),
        };
        let ran = on_cpu(run.cpu, || sys::test_run(&self.resident.fd, asked));
        let ran = ran.map_err(|errno| self.not_run(errno))?;
        data_out.truncate(ran.data_bytes);
        ctx_out.truncate(ran.ctx_bytes);
        (run.data, run.ctx) = (data_out, ctx_out);
        run.retval = ran.retval;
        run.duration_ns = u64::from(ran.duration_ns);
        run.insns = None;
        Ok(())
    }
}

/// Does something on this CPU: test runs take place where they are asked for.
fn on_cpu<T>(cpu: u32, what: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    let errno = |error: rustix::io::Errno| Errno(error.raw_os_error());
    let allowed = sched_getaffinity(None).map_err(errno)?;
    let mut one = CpuSet::new();
    let cpu = usize::try_from(cpu).unwrap_or(CpuSet::MAX_CPU);
    if cpu >= CpuSet::MAX_CPU {
        return Err(Errno::EINVAL);
    }
    one.set(cpu);
    sched_setaffinity(None, &one).map_err(errno)?;
    let done = what();
    // What was allowed before is allowed again.
    sched_setaffinity(None, &allowed).map_err(errno)?;
    done
}

impl LinuxProgram {
    fn not_run(&self, errno: Errno) -> HostError {
        let (name, kind) = (self.name(), self.program().hook.kind);
        if errno == ENOTSUPP {
            let message =
                format!("the kernel has no test run for programs of type {kind}: `{name}`");
            let diagnostic = Diagnostic::error(codes::TEST_RUN, message)
                .help("`--on user` runs programs of every type on described inputs");
            return HostError::new(Fault::Unsupported, diagnostic);
        }
        let what = format!("the kernel does not run `{name}` on this input");
        let mut refused = refusal::refused(codes::TEST_RUN, what, errno);
        if errno == Errno::EINVAL {
            // It is the input that it does not take; another may do.
            refused.fault = Fault::Usage;
        }
        refused
    }
}
