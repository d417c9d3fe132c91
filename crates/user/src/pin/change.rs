//! Everything that is done to the tree.

use osmia_program::Errno;

use super::inode::{Body, FileStat, Inode, InodeId, Rights};
use super::walk::{Found, Name, Walker};
use super::{Inodes, PinTree, Pinned};
use crate::kernel::lock;

impl PinTree {
    /// Gives an object a name.
    pub(crate) fn pin(&self, walker: Walker, path: &[u8], object: Pinned) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let found = inodes.find(walker, path, false)?;
        let (parent, name) = inodes.free_name(&found, false)?;
        inodes.must_take_names(parent, walker)?;
        let inode = Inode::new(Body::Pinned(object), 0o600, walker.who);
        inodes.insert(parent, name, inode);
        Ok(())
    }

    /// The object with this name, if these rights to it are given.
    pub(crate) fn object(
        &self,
        walker: Walker,
        path: &[u8],
        rights: Rights,
    ) -> Result<Pinned, Errno> {
        let inodes = lock(&self.inodes);
        let inode = inodes.at(inodes.existing(walker, path)?);
        inode.must_allow(walker.who, rights)?;
        match &inode.body {
            Body::Pinned(object) => Ok(object.clone()),
            _ => Err(Errno::EACCES),
        }
    }

    /// `open` of a directory, to start paths from.
    pub(crate) fn directory(&self, walker: Walker, path: &[u8]) -> Result<InodeId, Errno> {
        let inodes = lock(&self.inodes);
        let id = inodes.existing(walker, path)?;
        inodes.directory(id)?;
        inodes.at(id).must_allow(walker.who, Rights::READ)?;
        Ok(id)
    }

    /// `mkdir`.
    pub(crate) fn mkdir(&self, walker: Walker, path: &[u8], mode: u32) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let found = inodes.find(walker, path, false)?;
        let (parent, name) = inodes.free_name(&found, true)?;
        inodes.must_take_names(parent, walker)?;
        let inode = Inode {
            uid: walker.who.uid,
            gid: walker.who.gid,
            ..Inode::directory(parent, true, mode)
        };
        inodes.insert(parent, name, inode);
        Ok(())
    }

    /// `symlink`.
    pub(crate) fn symlink(&self, walker: Walker, target: &[u8], path: &[u8]) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let found = inodes.find(walker, path, false)?;
        let (parent, name) = inodes.free_name(&found, false)?;
        inodes.must_take_names(parent, walker)?;
        let inode = Inode::new(Body::Symlink(target.into()), 0o777, walker.who);
        inodes.insert(parent, name, inode);
        Ok(())
    }

    /// `link`: a second name for what is no directory.
    pub(crate) fn link(&self, walker: Walker, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let inode = inodes.find(walker, old, false)?.existing(&inodes)?;
        let found = inodes.find(walker, new, false)?;
        let (parent, name) = inodes.free_name(&found, false)?;
        inodes.must_take_names(parent, walker)?;
        if inodes.at(inode).is_directory() {
            return Err(Errno::EPERM);
        }
        let again = inodes.all.get_mut(&inode).expect("just found");
        again.links += 1;
        inodes.children(parent).insert(name, inode);
        Ok(())
    }

    /// `unlink`.
    pub(crate) fn unlink(&self, walker: Walker, path: &[u8]) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let found = inodes.find(walker, path, false)?;
        let Name::Word(name) = &found.name else {
            return Err(Errno::EISDIR);
        };
        let id = found.existing(&inodes)?;
        inodes.must_give_up(found.parent, id, walker)?;
        if inodes.at(id).is_directory() {
            return Err(Errno::EISDIR);
        }
        inodes.children(found.parent).remove(name.as_ref());
        let gone = inodes.unlink(id);
        // What was pinned may be the last holder of much.
        drop(inodes);
        drop(gone);
        Ok(())
    }

    /// `rmdir`.
    pub(crate) fn rmdir(&self, walker: Walker, path: &[u8]) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let found = inodes.find(walker, path, false)?;
        let Name::Word(name) = &found.name else {
            return Err(Errno::EBUSY);
        };
        let id = found.existing(&inodes)?;
        inodes.must_give_up(found.parent, id, walker)?;
        let (children, _) = inodes.directory(id)?;
        if !children.is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        inodes.children(found.parent).remove(name.as_ref());
        inodes.unlink(id);
        Ok(())
    }

    /// `rename`.
    pub(crate) fn rename(&self, walker: Walker, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let from = inodes.find(walker, old, false)?;
        let to = inodes.find(walker, new, false)?;
        let (Name::Word(old_name), Name::Word(new_name)) = (&from.name, &to.name) else {
            return Err(Errno::EBUSY);
        };
        let id = from.existing(&inodes)?;
        let moves_directory = inodes.at(id).is_directory();
        if to.slash && !moves_directory {
            return Err(Errno::ENOTDIR);
        }
        if moves_directory && inodes.is_within(to.parent, id) {
            return Err(Errno::EINVAL);
        }
        if to.inode == Some(id) {
            return Ok(());
        }
        inodes.must_give_up(from.parent, id, walker)?;
        match to.inode {
            None => inodes.must_take_names(to.parent, walker)?,
            Some(replaced) => {
                inodes.must_give_up(to.parent, replaced, walker)?;
                match (moves_directory, inodes.directory(replaced)) {
                    (true, Ok((children, _))) if !children.is_empty() => {
                        return Err(Errno::ENOTEMPTY);
                    }
                    (true, Err(errno)) => return Err(errno),
                    (false, Ok(_)) => return Err(Errno::EISDIR),
                    _ => {}
                }
            }
        }
        inodes.children(from.parent).remove(old_name.as_ref());
        inodes
            .children(to.parent)
            .insert(new_name.as_ref().into(), id);
        if let Some(Body::Directory { parent, .. }) =
            inodes.all.get_mut(&id).map(|inode| &mut inode.body)
        {
            *parent = to.parent;
        }
        let gone = to.inode.and_then(|replaced| inodes.unlink(replaced));
        drop(inodes);
        drop(gone);
        Ok(())
    }

    /// `chmod`.
    pub(crate) fn chmod(&self, walker: Walker, path: &[u8], mode: u32) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let id = inodes.existing(walker, path)?;
        let inode = inodes.all.get_mut(&id).expect("just found");
        if !walker.who.capable && walker.who.uid != inode.uid {
            return Err(Errno::EPERM);
        }
        inode.mode = mode & 0o7777;
        Ok(())
    }

    /// `chown`.
    pub(crate) fn chown(
        &self,
        walker: Walker,
        path: &[u8],
        (uid, gid): (u32, u32),
    ) -> Result<(), Errno> {
        let mut inodes = lock(&self.inodes);
        let id = inodes.existing(walker, path)?;
        if !walker.who.capable {
            return Err(Errno::EPERM);
        }
        let inode = inodes.all.get_mut(&id).expect("just found");
        (inode.uid, inode.gid) = (uid, gid);
        Ok(())
    }

    /// `lstat`.
    pub(crate) fn stat(&self, walker: Walker, path: &[u8]) -> Result<FileStat, Errno> {
        let inodes = lock(&self.inodes);
        let id = inodes.find(walker, path, false)?.existing(&inodes)?;
        Ok(inodes.at(id).stat())
    }

    /// `readlink`.
    pub(crate) fn readlink(&self, walker: Walker, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let inodes = lock(&self.inodes);
        let id = inodes.find(walker, path, false)?.existing(&inodes)?;
        match &inodes.at(id).body {
            Body::Symlink(target) => Ok(target.to_vec()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `readdir`: names in order.
    pub(crate) fn list(&self, walker: Walker, path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        let inodes = lock(&self.inodes);
        let id = inodes.existing(walker, path)?;
        let (children, _) = inodes.directory(id)?;
        inodes.at(id).must_allow(walker.who, Rights::READ)?;
        Ok(children.keys().map(|name| name.to_vec()).collect())
    }
}

impl Inodes {
    /// The name a path ends in, if nothing has it yet (`filename_create`).
    fn free_name(&self, found: &Found<'_>, directory: bool) -> Result<(InodeId, Box<[u8]>), Errno> {
        match &found.name {
            _ if found.inode.is_some() => Err(Errno::EEXIST),
            Name::Dots => Err(Errno::EEXIST),
            Name::Word(_) if found.slash && !directory => Err(Errno::ENOENT),
            Name::Word(word) => Ok((found.parent, word.as_ref().into())),
        }
    }

    fn insert(&mut self, parent: InodeId, name: Box<[u8]>, inode: Inode) {
        let id = self.add(inode);
        self.children(parent).insert(name, id);
    }

    /// Whether names may be added to a directory: to one of bpffs, by whom it allows.
    fn must_take_names(&self, directory: InodeId, walker: Walker) -> Result<(), Errno> {
        let (_, is_bpffs) = self.directory(directory)?;
        if !is_bpffs {
            return Err(Errno::EPERM);
        }
        self.at(directory).must_allow(walker.who, Rights::CHANGE)
    }

    /// Whether a name may be taken out of a directory.
    fn must_give_up(
        &self,
        directory: InodeId,
        inode: InodeId,
        walker: Walker,
    ) -> Result<(), Errno> {
        self.must_take_names(directory, walker)?;
        self.at(directory)
            .must_allow_removal(walker.who, self.at(inode))
    }
}
