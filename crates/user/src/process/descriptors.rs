//! What a process has open. The lowest free number is given, as everywhere in Linux.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use osmia_program::Errno;
use osmia_vm::Code;

use super::Access;
use crate::attach::CgroupId;
use crate::bpf::Fd;
use crate::iterate::Reader;
use crate::kernel::Counting;
use crate::limits::DESCRIPTORS_MAX;
use crate::link::Link;
use crate::object::{BtfObject, MapUse};
use crate::perf_event::PerfEvent;
use crate::pin::InodeId;

/// An open file.
#[derive(Debug)]
pub(crate) enum File {
    /// Standard input, output and error: anything that is no object.
    Other,
    Map {
        map: MapUse,
        access: Access,
    },
    Program(Arc<Code>),
    Btf(Arc<BtfObject>),
    Link(Arc<Link>),
    /// What an iterator prints.
    Iterator(Reader),
    PerfEvent(Arc<PerfEvent>),
    Cgroup(CgroupId),
    /// The network namespace.
    Namespace,
    /// A directory in the tree of pins.
    Directory(InodeId),
    /// Runs are counted while it is open; nothing is read from it.
    Counting(#[allow(dead_code, reason = "held for what its drop does")] Counting),
}

/// The descriptors of a process.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors {
    files: Vec<Option<Arc<File>>>,
    /// Free numbers below `files.len()`.
    free: BinaryHeap<Reverse<usize>>,
}

impl Descriptors {
    /// The three that every process begins with.
    pub(crate) fn new() -> Self {
        let other = Arc::new(File::Other);
        Self {
            files: vec![Some(other); 3],
            free: BinaryHeap::new(),
        }
    }

    pub(crate) fn add(&mut self, file: Arc<File>) -> Result<Fd, Errno> {
        let at = match self.free.pop() {
            Some(Reverse(at)) => at,
            None if self.files.len() == DESCRIPTORS_MAX => return Err(Errno::EMFILE),
            None => {
                self.files.push(None);
                self.files.len() - 1
            }
        };
        self.files[at] = Some(file);
        Ok(Fd(at as i32))
    }

    pub(crate) fn at(&self, fd: Fd) -> Result<Arc<File>, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let file = self.files.get(at).and_then(Option::as_ref);
        file.cloned().ok_or(Errno::EBADF)
    }

    pub(crate) fn take(&mut self, fd: Fd) -> Result<Arc<File>, Errno> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let file = self.files.get_mut(at).and_then(Option::take);
        let file = file.ok_or(Errno::EBADF)?;
        self.free.push(Reverse(at));
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_given() {
        let mut descriptors = Descriptors::new();
        let mut open = || descriptors.add(Arc::new(File::Other)).unwrap();
        assert_eq!([open(), open(), open()], [Fd(3), Fd(4), Fd(5)]);
        descriptors.take(Fd(4)).unwrap();
        descriptors.take(Fd(3)).unwrap();
        assert_eq!(descriptors.take(Fd(3)).unwrap_err(), Errno::EBADF);
        assert_eq!(descriptors.take(Fd(-1)).unwrap_err(), Errno::EBADF);
        let mut open = || descriptors.add(Arc::new(File::Other)).unwrap();
        assert_eq!([open(), open(), open()], [Fd(3), Fd(4), Fd(6)]);
    }
}
