//! Events of the kernel that programs are attached to by a descriptor.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use osmia_program::Errno;

use crate::sys::{EventAttr, Whose, perf_event};

/// `PERF_TYPE_SOFTWARE`, `PERF_COUNT_SW_CPU_CLOCK`
const SOFTWARE: u32 = 1;
const CPU_CLOCK: u64 = 0;
/// `PERF_TYPE_TRACEPOINT`
const TRACEPOINT: u32 = 2;
/// Where tracefs may be mounted.
const TRACING: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// The kinds of events that were made while the kernel runs have numbers here.
const SOURCES: &str = "/sys/bus/event_source/devices";

/// An event.
#[derive(Clone, Debug)]
pub enum Event {
    /// A tracepoint.
    Tracepoint {
        /// `syscalls`, `sched`
        category: String,
        /// `sys_enter_openat`
        name: String,
    },
    /// A function of the kernel.
    Kernel {
        /// Its name.
        function: String,
        /// Bytes from its beginning.
        offset: u64,
        /// Where it returns.
        returns: bool,
    },
    /// A place in a program or a library.
    File {
        /// The file.
        path: PathBuf,
        /// Bytes from the file's beginning.
        offset: u64,
        /// Where the function that begins there returns.
        returns: bool,
        /// Only in this process.
        process: Option<u32>,
    },
    /// A clock on one CPU.
    Clock {
        /// Ticks a second.
        hertz: u64,
        /// The CPU.
        cpu: u32,
        /// Only while this process runs there.
        process: Option<u32>,
    },
}

impl Event {
    pub(crate) fn open(&self) -> Result<OwnedFd, Errno> {
        // An event of every process is opened on one CPU; programs there run on each.
        let everybody = Whose {
            process: -1,
            cpu: 0,
        };
        let (asked, name, whose);
        match self {
            Event::Tracepoint { category, name } => {
                asked = EventAttr {
                    kind: TRACEPOINT,
                    config: tracepoint(category, name)?,
                    period: 1,
                    ..EventAttr::default()
                };
                whose = everybody;
            }
            Event::Kernel {
                function,
                offset,
                returns,
            } => {
                name = CString::new(function.as_str()).map_err(|_| Errno::EINVAL)?;
                asked = EventAttr {
                    name: Some(&name),
                    offset: *offset,
                    ..probe("kprobe", *returns)?
                };
                whose = everybody;
            }
            Event::File {
                path,
                offset,
                returns,
                process,
            } => {
                name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
                asked = EventAttr {
                    name: Some(&name),
                    offset: *offset,
                    ..probe("uprobe", *returns)?
                };
                whose = process.map_or(everybody, |process| Whose {
                    process: process as i32,
                    cpu: -1,
                });
            }
            Event::Clock {
                hertz,
                cpu,
                process,
            } => {
                asked = EventAttr {
                    kind: SOFTWARE,
                    config: CPU_CLOCK,
                    period: *hertz,
                    is_frequency: true,
                    ..EventAttr::default()
                };
                whose = Whose {
                    process: process.map_or(-1, |process| process as i32),
                    cpu: *cpu as i32,
                };
            }
        }
        perf_event(&asked, whose)
            .map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EINVAL)))
    }
}

/// The number of a tracepoint.
fn tracepoint(category: &str, name: &str) -> Result<u64, Errno> {
    let is_plain = |word: &str| !word.is_empty() && !word.contains(['/', '.']);
    if !is_plain(category) || !is_plain(name) {
        return Err(Errno::EINVAL);
    }
    let mut said = Errno::ENOENT;
    for root in TRACING {
        match std::fs::read_to_string(format!("{root}/events/{category}/{name}/id")) {
            Ok(id) => return id.trim().parse().map_err(|_| Errno::EINVAL),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                said = Errno::EACCES;
            }
            Err(_) => {}
        }
    }
    Err(said)
}

/// Probes of the kernel's or of files' code: their number, and the bit that says "where it returns".
fn probe(source: &str, returns: bool) -> Result<EventAttr<'static>, Errno> {
    let read = |file: &str| {
        let text = std::fs::read_to_string(format!("{SOURCES}/{source}/{file}"));
        text.map_err(|_| Errno::ENOENT)
    };
    let kind = read("type")?.trim().parse().map_err(|_| Errno::EINVAL)?;
    let mut config = 0;
    if returns {
        let format = read("format/retprobe")?;
        let bit = format.trim().strip_prefix("config:");
        let bit: u32 = bit.and_then(|bit| bit.parse().ok()).ok_or(Errno::EINVAL)?;
        config = 1_u64.checked_shl(bit).ok_or(Errno::EINVAL)?;
    }
    Ok(EventAttr {
        kind,
        config,
        ..EventAttr::default()
    })
}
