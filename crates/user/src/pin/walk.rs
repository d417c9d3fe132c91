//! From a path to what it names.

use osmia_program::Errno;

use super::Inodes;
use super::inode::{Body, InodeId, Rights};
use crate::Credentials;
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, SYMLINKS_MAX};

/// What a path leads to.
#[derive(Debug)]
pub(super) struct Found<'p> {
    /// The directory its last name is in.
    pub(super) parent: InodeId,
    pub(super) name: Name<'p>,
    /// What has that name, if anything.
    pub(super) inode: Option<InodeId>,
    /// True if a slash follows the name: only a directory will do.
    pub(super) slash: bool,
}

/// The last name of a path.
#[derive(Debug)]
pub(super) enum Name<'p> {
    Word(std::borrow::Cow<'p, [u8]>),
    /// `/`, `.` or `..`: nothing that could be made or removed.
    Dots,
}

/// Who walks, and from where relative paths start.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Walker {
    pub(crate) who: Credentials,
    pub(crate) from: InodeId,
}

impl Inodes {
    /// What a path names; symbolic links at its end are followed on request.
    pub(super) fn find<'p>(
        &self,
        walker: Walker,
        path: &'p [u8],
        follow: bool,
    ) -> Result<Found<'p>, Errno> {
        let mut links_left = SYMLINKS_MAX;
        self.walk(walker, path, follow, &mut links_left)
    }

    /// What a path leads to through all links; `ENOENT` if that is nothing.
    pub(super) fn existing(&self, walker: Walker, path: &[u8]) -> Result<InodeId, Errno> {
        self.find(walker, path, true)?.existing(self)
    }

    fn walk<'p>(
        &self,
        walker: Walker,
        path: &'p [u8],
        follow: bool,
        links_left: &mut u32,
    ) -> Result<Found<'p>, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_BYTES_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut at = match path[0] {
            b'/' => InodeId::ROOT,
            _ => walker.from,
        };
        let mut words = path
            .split(|&byte| byte == b'/')
            .filter(|word| !word.is_empty())
            .peekable();
        while let Some(word) = words.next() {
            let (children, is_bpffs) = self.directory(at)?;
            self.at(at).must_allow(walker.who, Rights::SEARCH)?;
            let is_last = words.peek().is_none();
            if word == b"." || word == b".." {
                if word == b".." {
                    at = self.parent(at);
                }
                continue;
            }
            if word.len() > NAME_BYTES_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            // Kept for what may once be built in.
            if is_bpffs && word.contains(&b'.') {
                return Err(Errno::EPERM);
            }
            let inode = children.get(word).copied();
            let slash = is_last && path.ends_with(b"/");
            let link = inode.and_then(|inode| match &self.at(inode).body {
                Body::Symlink(target) if follow || slash || !is_last => Some(target),
                _ => None,
            });
            if let Some(target) = link {
                *links_left = links_left.checked_sub(1).ok_or(Errno::ELOOP)?;
                let from = Walker { from: at, ..walker };
                let found = self.walk(from, target, true, links_left)?;
                if is_last {
                    return Ok(found.owned());
                }
                at = found.existing(self)?;
                continue;
            }
            match inode {
                _ if is_last => {
                    return Ok(Found {
                        parent: at,
                        name: Name::Word(word.into()),
                        inode,
                        slash,
                    });
                }
                None => return Err(Errno::ENOENT),
                Some(inode) => at = inode,
            }
        }
        self.directory(at)?;
        Ok(Found {
            parent: self.parent(at),
            name: Name::Dots,
            inode: Some(at),
            slash: false,
        })
    }

    fn parent(&self, directory: InodeId) -> InodeId {
        match self.at(directory).body {
            Body::Directory { parent, .. } => parent,
            _ => directory,
        }
    }

    /// True if a directory is another or lies below it.
    pub(super) fn is_within(&self, mut directory: InodeId, ancestor: InodeId) -> bool {
        loop {
            if directory == ancestor {
                return true;
            }
            match self.parent(directory) {
                parent if parent == directory => return false,
                parent => directory = parent,
            }
        }
    }
}

impl Found<'_> {
    /// What the path leads to.
    pub(super) fn existing(&self, inodes: &Inodes) -> Result<InodeId, Errno> {
        let inode = self.inode.ok_or(Errno::ENOENT)?;
        match self.slash && !inodes.at(inode).is_directory() {
            true => Err(Errno::ENOTDIR),
            false => Ok(inode),
        }
    }

    fn owned(self) -> Found<'static> {
        Found {
            parent: self.parent,
            name: match self.name {
                Name::Word(word) => Name::Word(word.into_owned().into()),
                Name::Dots => Name::Dots,
            },
            inode: self.inode,
            slash: self.slash,
        }
    }
}
