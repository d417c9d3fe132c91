//! perf_event_open(2): every event of this crate.

use std::ffi::CStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// The second published form of `struct perf_event_attr`, which has two words of configuration more.
const ATTR_BYTES: usize = 72;

/// `PERF_FLAG_FD_CLOEXEC`
const CLOSE_ON_EXEC: u64 = 8;

/// What is asked of an event: `struct perf_event_attr`, as far as it is used here.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct EventAttr<'a> {
    /// Which part of the kernel makes the events.
    pub(crate) kind: u32,
    /// Which of its events.
    pub(crate) config: u64,
    /// Events between two samples, or samples a second.
    pub(crate) period: u64,
    /// What a sample holds.
    pub(crate) sample: u64,
    /// Whether the period is samples a second.
    pub(crate) is_frequency: bool,
    /// Samples after which a reader wakes.
    pub(crate) wakeup: u32,
    /// A function or a file, where the kind of event has one.
    pub(crate) name: Option<&'a CStr>,
    /// Where in it.
    pub(crate) offset: u64,
}

/// Whose events.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Whose {
    /// A process; `-1` for every one.
    pub(crate) process: i32,
    /// A CPU; `-1` for every one.
    pub(crate) cpu: i32,
}

/// Opens an event.
pub(crate) fn perf_event(asked: &EventAttr<'_>, whose: Whose) -> io::Result<OwnedFd> {
    const IS_FREQUENCY: u64 = 1 << 10;
    let flags = if asked.is_frequency { IS_FREQUENCY } else { 0 };
    // The kernel reads the name, and writes nothing there.
    let name = asked.name.map_or(0, |name| name.as_ptr().addr() as u64);
    let mut attr = [0; ATTR_BYTES];
    let fields: [(usize, &[u8]); 9] = [
        (0, &asked.kind.to_ne_bytes()),
        (4, &(ATTR_BYTES as u32).to_ne_bytes()),
        (8, &asked.config.to_ne_bytes()),
        (16, &asked.period.to_ne_bytes()),
        (24, &asked.sample.to_ne_bytes()),
        (40, &flags.to_ne_bytes()),
        (48, &asked.wakeup.to_ne_bytes()),
        (56, &name.to_ne_bytes()),
        (64, &asked.offset.to_ne_bytes()),
    ];
    for (at, bytes) in fields {
        attr[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let no_group = -1;
    // SAFETY: the kernel reads the attributes, whose size they tell, and the name, which is borrowed over
    // the call; it writes nothing but that size.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            attr.as_mut_ptr(),
            whose.process,
            whose.cpu,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
