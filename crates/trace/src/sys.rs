//! The system calls of tracing, each with what makes it sound.
//!
//! Signals are plain numbers: real-time ones have to go through, too.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use osmia_program::Errno;

use crate::filter::Insn;
use crate::registers::Registers;

type Result<T> = std::result::Result<T, Errno>;

fn last() -> Errno {
    Errno(
        std::io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or_default(),
    )
}

/// A request without memory of ours.
fn request(request: libc::c_uint, thread: u32, data: libc::c_ulong) -> Result<()> {
    // SAFETY: callers pass only requests whose address is ignored and whose data is a number.
    let result = unsafe { libc::ptrace(request, thread as libc::pid_t, 0 as libc::c_ulong, data) };
    if result < 0 { Err(last()) } else { Ok(()) }
}

/// Makes this thread the tracer of another, which goes on running.
pub(crate) fn seize(thread: u32, options: i32) -> Result<()> {
    request(libc::PTRACE_SEIZE, thread, options as libc::c_ulong)
}

/// How a stopped thread goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// Until something stops it.
    Run,
    /// Until it leaves, or enters, a system call at the latest.
    ToCallsEnd,
    /// As a process that a signal stopped, which another one may continue.
    Stopped,
    /// Without us.
    Free,
}

/// Lets a stopped thread go on, with a signal unless it is 0.
pub(crate) fn resume(thread: u32, how: Onward, signal: i32) -> Result<()> {
    let what = match how {
        Onward::Run => libc::PTRACE_CONT,
        Onward::ToCallsEnd => libc::PTRACE_SYSCALL,
        Onward::Stopped => libc::PTRACE_LISTEN,
        Onward::Free => libc::PTRACE_DETACH,
    };
    request(what, thread, signal as libc::c_ulong)
}

/// Stops a running thread.
pub(crate) fn interrupt(thread: u32) -> Result<()> {
    request(libc::PTRACE_INTERRUPT, thread, 0)
}

/// The registers of a stopped thread.
#[cfg(target_arch = "x86_64")]
pub(crate) fn registers(thread: u32) -> Result<Registers> {
    // SAFETY: a structure of integers, for which zeroes are a value.
    let mut regs: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    let address = ptr::from_mut(&mut regs);
    // SAFETY: the kernel writes exactly this structure, borrowed for the call.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETREGS, thread as libc::pid_t, 0, address) };
    if result < 0 {
        Err(last())
    } else {
        Ok(Registers(regs))
    }
}

/// The registers of a stopped thread, of which there is none.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn registers(_thread: u32) -> Result<Registers> {
    Err(Errno::ENOSYS)
}

/// Has a thread that is about to make a system call make none, and see this as its result.
#[cfg(target_arch = "x86_64")]
pub(crate) fn answer(thread: u32, registers: &Registers, result: i64) -> Result<()> {
    let registers = registers.with_result(result);
    let address = ptr::from_ref(&registers.0);
    // SAFETY: the kernel reads exactly this structure, borrowed for the call.
    let result = unsafe { libc::ptrace(libc::PTRACE_SETREGS, thread as libc::pid_t, 0, address) };
    if result < 0 { Err(last()) } else { Ok(()) }
}

/// Has no thread do so: there are no registers to begin with.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn answer(_thread: u32, registers: &Registers, _result: i64) -> Result<()> {
    match *registers {}
}

/// The number that came with an event.
pub(crate) fn event_message(thread: u32) -> Result<u64> {
    let mut message: libc::c_ulong = 0;
    let address = ptr::from_mut(&mut message);
    // SAFETY: the kernel writes one number, borrowed for the call.
    let result =
        unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, thread as libc::pid_t, 0, address) };
    if result < 0 { Err(last()) } else { Ok(message) }
}

/// Whether a thread stopped where a system call begins, rather than where it ends.
pub(crate) fn is_entry(thread: u32) -> bool {
    // SAFETY: a structure of integers, for which zeroes are a value.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let address = ptr::from_mut(&mut info);
    let bytes = size_of::<libc::ptrace_syscall_info>() as libc::c_ulong;
    let request = libc::PTRACE_GET_SYSCALL_INFO;
    // SAFETY: the kernel writes at most so many bytes, borrowed for the call.
    let result = unsafe { libc::ptrace(request, thread as libc::pid_t, bytes, address) };
    result >= 0 && info.op == libc::PTRACE_SYSCALL_INFO_ENTRY
}

/// What a signal that is being delivered says: its code and its errno.
pub(crate) fn signal_info(thread: u32) -> Result<(i32, i32)> {
    // SAFETY: a structure of integers, for which zeroes are a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let address = ptr::from_mut(&mut info);
    // SAFETY: the kernel writes exactly this structure, borrowed for the call.
    let result =
        unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, thread as libc::pid_t, 0, address) };
    if result < 0 {
        Err(last())
    } else {
        Ok((info.si_code, info.si_errno))
    }
}

/// Waits until something happens to one of our children or traced threads; their status as wait(2)
/// gives it, or `None` if there are none. Only those of this thread: others may trace, too.
pub(crate) fn wait() -> Result<Option<(u32, i32)>> {
    let mut status = 0;
    loop {
        // SAFETY: the kernel writes one number, borrowed for the call.
        let thread = unsafe {
            libc::waitpid(
                -1,
                ptr::from_mut(&mut status),
                libc::__WALL | libc::__WNOTHREAD,
            )
        };
        match (thread, (thread < 0).then(last)) {
            (_, None) => return Ok(Some((thread as u32, status))),
            (_, Some(Errno::EINTR)) => {}
            (_, Some(Errno(libc::ECHILD))) => return Ok(None),
            (_, Some(errno)) => return Err(errno),
        }
    }
}

fn moved(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| last())
}

/// Reads another process' memory; how many bytes were there.
pub(crate) fn read_memory(process: u32, address: u64, out: &mut [u8]) -> Result<usize> {
    let here = libc::iovec {
        iov_base: out.as_mut_ptr().cast(),
        iov_len: out.len(),
    };
    let there = libc::iovec {
        iov_base: ptr::without_provenance_mut(address as usize),
        iov_len: out.len(),
    };
    // SAFETY: the kernel writes to `out`, borrowed for the call; the other address is the other process'.
    moved(unsafe { libc::process_vm_readv(process as libc::pid_t, &here, 1, &there, 1, 0) })
}

/// Writes another process' memory; how many bytes went there.
pub(crate) fn write_memory(process: u32, address: u64, bytes: &[u8]) -> Result<usize> {
    let here = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let there = libc::iovec {
        iov_base: ptr::without_provenance_mut(address as usize),
        iov_len: bytes.len(),
    };
    // SAFETY: the kernel reads `bytes`, borrowed for the call; the other address is the other process'.
    moved(unsafe { libc::process_vm_writev(process as libc::pid_t, &here, 1, &there, 1, 0) })
}

/// What a child does between fork and exec.
pub(crate) struct Child<'a> {
    pub(crate) path: &'a CStr,
    pub(crate) arguments: &'a [CString],
    pub(crate) environment: &'a [CString],
    pub(crate) filter: &'a [Insn],
    /// It reads one byte here before it goes on.
    pub(crate) go: BorrowedFd<'a>,
    /// It writes its errno here if it does not come to run the program; closed by exec.
    pub(crate) failure: BorrowedFd<'a>,
}

/// Starts a child that waits for `go`, puts itself under the filter and runs the program.
pub(crate) fn fork(child: &Child<'_>) -> Result<u32> {
    // Everything the child needs is made before the fork: afterwards it may not allocate.
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        let strings = strings.iter().map(|string| string.as_ptr());
        strings.chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(child.arguments), pointers(child.environment));
    // SAFETY: the child calls nothing but functions that may be called after a fork of a process with
    // threads (async-signal-safe), on memory made before it, and never returns.
    match unsafe { libc::fork() } {
        -1 => Err(last()),
        // SAFETY: this is the child, and the pointers are those of `child`'s strings.
        0 => unsafe { begin(child, &arguments, &environment) },
        pid => Ok(pid as u32),
    }
}

/// The child.
///
/// # Safety
/// Only between fork and exec; the pointers are those of strings alive, with a null at the end.
unsafe fn begin(
    child: &Child<'_>,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> ! {
    let program = libc::sock_fprog {
        len: child.filter.len() as libc::c_ushort,
        filter: child.filter.as_ptr().cast_mut(),
    };
    let mut byte = 0u8;
    // SAFETY: system calls on memory that lives; `execve` takes what the caller promised.
    unsafe {
        let went = libc::read(child.go.as_raw_fd(), ptr::from_mut(&mut byte).cast(), 1);
        // Rust ignores it in every program; programs expect it to end them.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut ready = went == 1;
        if ready && !child.filter.is_empty() {
            ready = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::syscall(
                    libc::SYS_seccomp,
                    libc::SECCOMP_SET_MODE_FILTER,
                    0,
                    &raw const program,
                ) == 0;
        }
        if ready {
            libc::execve(
                child.path.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
            );
        }
        let errno = *libc::__errno_location();
        libc::write(
            child.failure.as_raw_fd(),
            ptr::from_ref(&errno).cast(),
            size_of::<i32>(),
        );
        libc::_exit(127)
    }
}
