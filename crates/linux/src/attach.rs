//! Attaching programs of the running kernel: a place becomes a link, which holds the program there.
//!
//! A link is gone with its descriptor, so nothing stays behind a process that ends in whatever way, unless
//! the link was pinned.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use osmia_program::attr::{LinkCreate, LinkDetail, LinkNetfilter};
use osmia_program::{AttachKind, Errno, HostError, HostProgram, ProgramKind};

use crate::event::Event;
use crate::{LinuxProgram, codes, refusal, sys};

/// A place in the running kernel where a program can be.
#[derive(Debug)]
pub enum At {
    /// Where the program was loaded for: a function, a security hook, an iterator.
    Own,
    /// A tracepoint, with its arguments as they are.
    RawTracepoint(String),
    /// An event: a tracepoint with its record, a function of the kernel or of a file, a clock.
    Event(Event),
    /// Functions of the kernel, all at once.
    Functions {
        /// Their names.
        names: Vec<String>,
        /// Where they return, not where they begin.
        returns: bool,
    },
    /// A network interface, by its number.
    Interface {
        /// The number.
        index: u32,
        /// Which way packets go, for programs whose type does not say.
        attach: AttachKind,
        /// Flags of the kind of link: of XDP how packets are given.
        flags: u32,
    },
    /// What a descriptor stands for: a control group, a network of its own, a map of sockets.
    Object {
        /// The descriptor.
        fd: OwnedFd,
        /// For which of its hooks.
        attach: AttachKind,
    },
    /// A hook of netfilter.
    Netfilter {
        /// Address family.
        family: u32,
        /// Which of the hooks.
        hook: u32,
        /// Its place among the programs of the hook.
        priority: i32,
    },
}

/// A program at a place, as long as this or a pin of it is there.
#[derive(Debug)]
pub struct LinuxLink {
    fd: OwnedFd,
    /// The event a program is at: it lasts as long as the link.
    _event: Option<OwnedFd>,
}

impl LinuxLink {
    /// The kernel's number of the link.
    pub fn id(&self) -> Option<u32> {
        let path = format!("/proc/self/fdinfo/{}", self.fd.as_raw_fd());
        let told = std::fs::read_to_string(path).ok()?;
        let id = told
            .lines()
            .find_map(|line| line.strip_prefix("link_id:"))?;
        id.trim().parse().ok()
    }

    /// Lets the program stay when the link's handle goes.
    ///
    /// # Errors
    /// The kernel's: `EEXIST` if something is there already, `EPERM` if it is no bpf file system.
    pub fn pin(&self, path: &Path) -> Result<(), HostError> {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        sys::pin(&self.fd, &name).map_err(|errno| {
            let what = format!("the link cannot be pinned at {}", path.display());
            refusal::refused(codes::ATTACH, what, errno)
        })
    }

    /// A walk of an iterator: a file with what the program prints.
    ///
    /// # Errors
    /// The kernel's.
    pub fn walk(&self) -> Result<std::fs::File, HostError> {
        let walk = sys::iter_create(&self.fd).map_err(|errno| {
            refusal::refused(codes::ATTACH, "no walk can be made".to_owned(), errno)
        })?;
        Ok(walk.into())
    }
}

impl LinuxProgram {
    /// Puts the program there.
    ///
    /// # Errors
    /// The kernel's, with what it says about.
    pub fn attach(&self, at: &At) -> Result<LinuxLink, HostError> {
        let (fd, event) = self.link(at).map_err(|errno| self.not_there(at, errno))?;
        Ok(LinuxLink { fd, _event: event })
    }

    fn link(&self, at: &At) -> Result<(OwnedFd, Option<OwnedFd>), Errno> {
        let own = self.program().hook.attach;
        let mut asked = LinkCreate {
            prog_fd: self.raw_fd(),
            attach_type: own.map_or(0, AttachKind::number),
            ..LinkCreate::default()
        };
        let mut kept = None;
        match at {
            // These came before links; they are opened by what the program was loaded for.
            At::Own if own != Some(AttachKind::TraceIter) => {
                return Ok((sys::raw_tracepoint_open(self.fd(), None)?, None));
            }
            At::Own => {}
            At::RawTracepoint(name) => {
                let name = CString::new(name.as_str()).map_err(|_| Errno::EINVAL)?;
                return Ok((sys::raw_tracepoint_open(self.fd(), Some(&name))?, None));
            }
            At::Event(event) => {
                let opened = event.open()?;
                asked.target_fd = opened.as_raw_fd();
                asked.attach_type = AttachKind::PerfEvent.number();
                kept = Some(opened);
            }
            At::Functions { names, returns } => {
                const RETURN: u32 = 1;
                let names: Result<Vec<_>, _> = names
                    .iter()
                    .map(|name| CString::new(name.as_str()))
                    .collect();
                let names = names.map_err(|_| Errno::EINVAL)?;
                let flags = if *returns { RETURN } else { 0 };
                return Ok((sys::link_functions(asked, &names, flags)?, None));
            }
            At::Interface {
                index,
                attach,
                flags,
            } => {
                // Where the number stands, descriptors do for other programs.
                asked.target_fd = *index as i32;
                asked.attach_type = attach.number();
                asked.flags = *flags;
            }
            At::Object { fd, attach } => {
                asked.target_fd = fd.as_raw_fd();
                asked.attach_type = attach.number();
            }
            At::Netfilter {
                family,
                hook,
                priority,
            } => {
                asked.detail = LinkDetail::of(&LinkNetfilter {
                    pf: *family,
                    hooknum: *hook,
                    priority: *priority as u32,
                    flags: 0,
                });
            }
        }
        Ok((sys::link_create(asked)?, kept))
    }

    fn not_there(&self, at: &At, errno: Errno) -> HostError {
        let section = &self.program().section;
        let what = format!("the kernel does not attach `{}` ({section})", self.name());
        let mut refused = refusal::refused(codes::ATTACH, what, errno);
        let why = match (at, errno, self.program().hook.kind) {
            (At::Interface { .. }, Errno::EBUSY | Errno::EEXIST, _) => {
                "another program is there already, and not by a link of the same kind"
            }
            (At::Interface { .. }, Errno::ENODEV, _) => "there is no such interface any more",
            (At::Interface { .. }, Errno::EOPNOTSUPP, ProgramKind::Xdp) => {
                "the driver has no XDP of its own: `--xdp generic` does without"
            }
            (At::Interface { .. }, Errno::EINVAL, ProgramKind::SchedCls) => {
                "links at interfaces (tcx) are there since Linux 6.6"
            }
            (At::Object { .. }, Errno::EINVAL | Errno::EBADF, _) => {
                "it is not of the kind that such programs are attached to"
            }
            (At::Event(Event::Tracepoint { .. }), Errno::ENOENT, _) => {
                "there is no such tracepoint, or tracefs is not mounted: `mount -t tracefs tracefs /sys/kernel/tracing`"
            }
            (At::Event(Event::Kernel { .. }), Errno::ENOENT, _) => {
                "this kernel has no such function, or was built without KPROBE_EVENTS"
            }
            (At::Event(_), Errno::ENOENT, _) => "this kernel has no such event",
            (At::Functions { .. }, Errno::EOPNOTSUPP, _) => {
                "this kernel was built without what follows many functions at once (FPROBE)"
            }
            _ => return refused,
        };
        refused.diagnostic.notes.push(why.to_owned());
        refused
    }
}
