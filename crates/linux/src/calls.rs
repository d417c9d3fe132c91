//! The running kernel as somebody who answers bpf(2), with the descriptors it gave.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use osmia_program::Errno;
use osmia_program::attr::{
    BTF_INFO, Bpf, CallMemory, InfoLayout, LINK_INFO, MAP_INFO, PROG_INFO, Request,
};

use crate::sys::Apart;

/// bpf(2) of the running kernel. Descriptors are closed with it.
#[derive(Debug, Default)]
pub struct LinuxCalls {
    open: Mutex<BTreeMap<u32, Open>>,
}

/// A descriptor, and which structure tells about what is behind it, if it is an object.
#[derive(Debug)]
struct Open {
    fd: OwnedFd,
    layout: Option<&'static InfoLayout>,
}

impl LinuxCalls {
    /// Nothing open yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a descriptor that another call gave (a control group's, a perf event's), to be named in requests.
    pub fn adopt(&self, fd: OwnedFd) -> u32 {
        self.keep(fd, None)
    }

    fn keep(&self, fd: OwnedFd, layout: Option<&'static InfoLayout>) -> u32 {
        let number = fd.as_raw_fd() as u32;
        self.table().insert(number, Open { fd, layout });
        number
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<u32, Open>> {
        // Nothing here stops half way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bpf for LinuxCalls {
    fn call(&self, request: &mut Request, memory: &mut CallMemory) -> Result<u32, Errno> {
        let mut apart = Apart::of(memory)?;
        // Held over the call: nobody closes a descriptor under it.
        let table = self.table();
        let told = match request {
            Request::ObjGetInfoByFd(asked) => {
                let open = table.get(&(asked.bpf_fd as u32)).ok_or(Errno::EBADF)?;
                Some(open.layout.ok_or(Errno::EINVAL)?)
            }
            _ => None,
        };
        let result = apart.call(memory, request, told);
        drop(table);
        apart.give_back(memory);
        let answer = result?;
        Ok(match gives(request) {
            Gives::Nothing => answer.number,
            Gives::Fd(layout) => self.keep(answer.into_fd(), layout),
            Gives::Object => {
                let fd = answer.into_fd();
                let layout = layout_of(&fd);
                self.keep(fd, layout)
            }
        })
    }

    fn close(&self, fd: u32) {
        let closed = self.table().remove(&fd);
        drop(closed.map(|open| open.fd));
    }

    fn info_layout(&self, fd: u32) -> Option<&'static InfoLayout> {
        self.table().get(&fd)?.layout
    }

    fn fdinfo(&self, fd: u32) -> String {
        let path = format!("/proc/self/fdinfo/{fd}");
        match self.table().contains_key(&fd) {
            true => std::fs::read_to_string(path).unwrap_or_default(),
            false => String::new(),
        }
    }
}

/// What a call's result is.
enum Gives {
    /// A number.
    Nothing,
    /// A descriptor of something known.
    Fd(Option<&'static InfoLayout>),
    /// A descriptor of an object of any kind.
    Object,
}

fn gives(request: &Request) -> Gives {
    match request {
        Request::ProgLoad(_) | Request::ProgGetFdById(_) => Gives::Fd(Some(&PROG_INFO)),
        Request::MapCreate(_) | Request::MapGetFdById(_) => Gives::Fd(Some(&MAP_INFO)),
        Request::BtfLoad(_) | Request::BtfGetFdById(_) => Gives::Fd(Some(&BTF_INFO)),
        Request::LinkCreate(_) | Request::LinkGetFdById(_) | Request::RawTracepointOpen(_) => {
            Gives::Fd(Some(&LINK_INFO))
        }
        Request::ObjGet(_) => Gives::Object,
        Request::IterCreate(_) | Request::EnableStats(_) | Request::TokenCreate(_) => {
            Gives::Fd(None)
        }
        _ => Gives::Nothing,
    }
}

/// What a descriptor says it is.
fn layout_of(fd: &OwnedFd) -> Option<&'static InfoLayout> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let said = std::fs::read_link(path).ok()?;
    match said.to_str()? {
        "anon_inode:bpf-prog" => Some(&PROG_INFO),
        "anon_inode:bpf-map" => Some(&MAP_INFO),
        "anon_inode:bpf_link" | "anon_inode:bpf-link" => Some(&LINK_INFO),
        "anon_inode:btf" => Some(&BTF_INFO),
        _ => None,
    }
}
