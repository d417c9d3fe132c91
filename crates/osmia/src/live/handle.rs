//! An object that is held open.

use osmia_program::Errno;
use osmia_program::attr::{self, CallMemory, Request};

use super::info::{Info, Room};
use super::{Live, ObjectKind, Refused};

/// An object with a descriptor of its own, closed with it.
#[derive(Debug)]
pub struct Handle {
    live: Live,
    fd: u32,
    kind: ObjectKind,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.live.bpf.close(self.fd);
    }
}

impl Handle {
    pub(super) fn new(live: Live, fd: u32, kind: ObjectKind) -> Self {
        Self { live, fd, kind }
    }

    /// Which kind it is of.
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Whose object it is.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Its descriptor, to be named in requests to the same host.
    pub fn fd(&self) -> i32 {
        self.fd as i32
    }

    /// What is told about it, without lists.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn info(&self) -> Result<Info, Refused> {
        self.info_with(&mut [])
            .map_err(|errno| self.refused("description", errno))
    }

    /// What is told about it, lists that there is room for included.
    pub(super) fn info_with(&self, rooms: &mut [Room]) -> Result<Info, Errno> {
        let layout = self.kind.layout();
        let mut memory = CallMemory::default();
        let place = memory.room(layout.bytes);
        let mut info = Info::empty(layout);
        for room in rooms.iter_mut() {
            room.ask(&mut info, &mut memory);
        }
        memory.write(place, info.bytes());
        let mut request = Request::ObjGetInfoByFd(attr::ObjInfo {
            bpf_fd: self.fd(),
            info_len: layout.bytes as u32,
            info: place,
        });
        self.live.bpf.call(&mut request, &mut memory)?;
        let info = Info::of(layout, memory.at(place, layout.bytes));
        for room in rooms {
            room.fill(&info, &memory);
        }
        Ok(info)
    }

    /// Its number.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn id(&self) -> Result<u32, Refused> {
        Ok(self.info()?.u32("id"))
    }

    /// Makes it findable at a path, for longer than somebody holds it.
    ///
    /// # Errors
    /// If the path lies in no file system for that, or is taken.
    pub fn pin(&self, path: &str) -> Result<(), Refused> {
        let mut memory = CallMemory::default();
        let request = Request::ObjPin(attr::ObjPath {
            pathname: memory.put_text(path.as_bytes()),
            bpf_fd: self.fd(),
            ..attr::ObjPath::default()
        });
        let pinned = self.live.ask(request, memory).map(drop);
        pinned.map_err(|errno| self.refused(&format!("pin at `{path}`"), errno))
    }

    /// What the descriptor itself tells, line by line.
    pub(super) fn status(&self, name: &str) -> Option<String> {
        let text = self.live.bpf.fdinfo(self.fd);
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| *key == name)?;
        Some(value.trim().to_owned())
    }

    /// The host said no when it was asked for something of this object.
    pub(super) fn refused(&self, what: &str, errno: Errno) -> Refused {
        Refused::new(format!("{what} of the {}", self.kind), errno)
    }
}
