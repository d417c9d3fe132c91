//! A scene with addresses: kernel objects on the heap, pages of the process.
//!
//! Objects with an identity keep their address over runs; the others are given up with their scene.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use osmia_program::{
    Changed, Event, EventSocket, Pointer, ProcessMemory, Scene, SceneMemory, Task,
    TrackedConnection,
};
use rustc_hash::FxHashMap;

use crate::env::Environment;
use crate::heap::{ObjectAccess, Tag};
use crate::map::Runs;
use crate::owner::OwnerKind;

/// Addresses of processes are below this (`TASK_SIZE_MAX` on x86-64, less its guard page).
const USER_END: u64 = (1 << 47) - 4096;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// Memory of the process: whole pages, zero where nothing was described; elsewhere a living process',
/// if there is one.
#[derive(Debug, Default)]
pub struct UserPages {
    pages: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
    live: Option<Arc<dyn ProcessMemory>>,
}

impl UserPages {
    /// True for addresses that can only be a process'.
    pub fn holds(address: u64) -> bool {
        address < USER_END
    }

    /// Copies bytes out; false, and nothing said about `out`, if a page is missing.
    pub fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let mut done = 0;
        while done < out.len() {
            let at = address.wrapping_add(done as u64);
            let Some(page) = self.pages.get(&(at / PAGE)) else {
                return self.is_alive(at, &mut out[done..]);
            };
            let within = (at % PAGE) as usize;
            let len = (out.len() - done).min(PAGE as usize - within);
            out[done..done + len].copy_from_slice(&page[within..within + len]);
            done += len;
        }
        true
    }

    /// Copies what a living process has there; false if it has not.
    fn is_alive(&self, address: u64, out: &mut [u8]) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.read(address, out) == out.len())
    }

    /// Copies a string of a living process, up to its zero or the buffer's end; its length with the
    /// zero. `None` if it leaves readable memory first, or where something is described.
    pub(crate) fn living_string(&self, address: u64, out: &mut [u8]) -> Option<usize> {
        let live = self.live.as_ref().filter(|_| self.pages.is_empty())?;
        let read = live.read(address, out);
        let zero = out[..read].iter().position(|&byte| byte == 0);
        match zero {
            Some(zero) => Some(zero + 1),
            None if read == out.len() => {
                *out.last_mut()? = 0;
                Some(read)
            }
            None => None,
        }
    }

    /// Copies bytes in; false, and nothing copied, if a page is missing.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        let last = address.saturating_add(bytes.len() as u64).saturating_sub(1);
        if !(address / PAGE..=last / PAGE).all(|page| self.pages.contains_key(&page)) {
            let live = self.live.as_ref();
            return live.is_some_and(|live| live.write(address, bytes) == bytes.len());
        }
        self.put(address, bytes);
        true
    }

    /// The pages around an address that are there without a gap.
    pub fn area(&self, address: u64) -> Option<Range<u64>> {
        let page = address / PAGE;
        let is_there = |page: &u64| self.pages.contains_key(page);
        is_there(&page).then(|| {
            let before = (0..page).rev().take_while(is_there).count() as u64;
            let after = (page..).take_while(is_there).count() as u64;
            (page - before) * PAGE..(page + after) * PAGE
        })
    }

    /// The first such area that ends behind an address.
    pub fn area_from(&self, address: u64) -> Option<Range<u64>> {
        let (page, _) = self.pages.range(address / PAGE..).next()?;
        self.area(page * PAGE)
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let at = address.wrapping_add(offset as u64);
            let page = self
                .pages
                .entry(at / PAGE)
                .or_insert_with(|| Box::new([0; PAGE as usize]));
            page[(at % PAGE) as usize] = *byte;
        }
    }
}

/// The scene that runs find themselves in.
#[derive(Debug, Default)]
pub struct Stage {
    scene: Arc<Scene>,
    /// Addresses of its images.
    addresses: Vec<u64>,
    /// Addresses and sizes of images with an identity, of all scenes so far.
    known: FxHashMap<String, (u64, usize)>,
    /// Connections that no program met so far.
    unmet: Vec<TrackedConnection>,
    /// Memory of the process.
    pub user: UserPages,
    /// What was printed to the sequence file since the scene began.
    pub sequence: Vec<u8>,
    /// Task and event of the environment while the scene's stand in for them.
    replaced: Option<(Task, Event)>,
}

impl Stage {
    /// Sets a scene up, unless it stands already. `None` if memory is short.
    pub(crate) fn set(
        &mut self,
        scene: &Arc<Scene>,
        runs: &Runs,
        env: &mut Environment,
    ) -> Option<()> {
        self.sequence.clear();
        if let Some(time) = scene.time_ns {
            env.clock.set(time);
        }
        if Arc::ptr_eq(&self.scene, scene) && !scene.is_changeable() {
            return Some(());
        }
        self.strike(runs, env);
        self.scene = Arc::clone(scene);
        self.unmet.clone_from(&scene.connections);
        for image in &scene.images {
            let address = self.place(image, runs)?;
            self.addresses.push(address);
        }
        for (image, address) in scene.images.iter().zip(&self.addresses) {
            let mut bytes = image.bytes.clone();
            self.link(&image.pointers, &mut bytes);
            match image.variable {
                Some(of) => runs.variables().set(runs, &image.name, of, &bytes),
                None => runs.heap().object(*address)?.write(0, &bytes),
            }
        }
        for (image, address) in scene.images.iter().zip(&self.addresses) {
            if let (Some(known), Some(kind)) = (&image.known, OwnerKind::of_type(&image.name)) {
                runs.owners().describe(kind, known, *address);
            }
        }
        for part in &scene.user {
            self.user.put(part.address, &part.bytes);
        }
        self.user.live = scene.live.as_ref().map(|live| Arc::clone(&live.0));
        if scene.task.is_some() || scene.event.is_some() {
            let task = scene.task.clone().unwrap_or_else(|| env.task.clone());
            let event = scene.event.clone().unwrap_or_else(|| env.event.clone());
            self.replaced = Some((
                std::mem::replace(&mut env.task, task),
                std::mem::replace(&mut env.event, event),
            ));
        }
        Some(())
    }

    /// Takes the scene down.
    fn strike(&mut self, runs: &Runs, env: &mut Environment) {
        for (image, address) in self.scene.images.iter().zip(self.addresses.drain(..)) {
            if image.variable.is_some() {
                runs.variables().reset(runs, &image.name);
            } else if image.identity.is_none() {
                runs.heap().free(runs, address);
            }
        }
        self.scene = Arc::default();
        self.user.pages.clear();
        self.user.live = None;
        if let Some((task, event)) = self.replaced.take() {
            (env.task, env.event) = (task, event);
        }
    }

    /// The address of an image.
    fn place(&mut self, image: &osmia_program::Image, runs: &Runs) -> Option<u64> {
        if image.variable.is_some() {
            // Nobody can get at one that no program names.
            return Some(runs.variables().address(&image.name).unwrap_or(0));
        }
        let identity = image.identity.as_ref();
        if let Some((address, bytes)) = identity.and_then(|name| self.known.get(name))
            && *bytes == image.bytes.len()
        {
            return Some(*address);
        }
        let access = if image.writable {
            ObjectAccess::ReadWrite
        } else {
            ObjectAccess::Read
        };
        let tag = Tag::named(image.name.as_str());
        let address = runs.heap().allocate(runs, image.bytes.len(), access, tag)?;
        if let Some(identity) = identity {
            self.known
                .insert(identity.clone(), (address, image.bytes.len()));
        }
        Some(address)
    }

    /// Writes addresses where pointers to images are.
    fn link(&self, pointers: &[Pointer], bytes: &mut [u8]) {
        for pointer in pointers {
            let address = self.addresses.get(pointer.image);
            if let (Some(address), Some(place)) =
                (address, bytes.get_mut(pointer.at..pointer.at + 8))
            {
                place.copy_from_slice(&(address + pointer.offset as u64).to_ne_bytes());
            }
        }
    }

    /// Offsets in the context and the addresses that belong there.
    pub(crate) fn context_addresses(&self) -> impl Iterator<Item = (usize, u64)> {
        self.scene.pointers.iter().filter_map(|pointer| {
            let address = self.addresses.get(pointer.image)?;
            Some((pointer.at, address + pointer.offset as u64))
        })
    }

    /// The socket that the packet or the event belongs to.
    pub(crate) fn socket(&self) -> Option<&EventSocket> {
        self.scene.socket.as_ref()
    }

    /// Takes the first of the described connections that is as wanted, which from now on is an object.
    pub(crate) fn meet(
        &mut self,
        wanted: impl FnMut(&TrackedConnection) -> bool,
    ) -> Option<TrackedConnection> {
        let position = self.unmet.iter().position(wanted)?;
        Some(self.unmet.swap_remove(position))
    }

    /// Address of the task; `None` if it was not described.
    pub fn current(&self) -> Option<u64> {
        self.addresses.get(self.scene.current?).copied()
    }

    /// Addresses of the described objects of a type.
    pub fn objects<'a>(&'a self, of: &'a str) -> impl Iterator<Item = u64> + 'a {
        let images = self.scene.images.iter().zip(&self.addresses);
        images.filter_map(move |(image, address)| (image.name == of).then_some(*address))
    }

    /// Address of the task's registers.
    pub fn registers(&self) -> Option<u64> {
        self.addresses.get(self.scene.registers?).copied()
    }

    /// Address of the sequence file.
    pub fn sequence_address(&self) -> Option<u64> {
        self.addresses.get(self.scene.sequence?).copied()
    }

    /// Parts that hold something else than in the scene.
    pub(crate) fn changed(&self, runs: &Runs) -> Vec<Changed> {
        let mut changed = Vec::new();
        for (index, (image, address)) in self.scene.images.iter().zip(&self.addresses).enumerate() {
            let Some(object) = image
                .writable
                .then(|| runs.heap().object(*address))
                .flatten()
            else {
                continue;
            };
            let mut before = image.bytes.clone();
            self.link(&image.pointers, &mut before);
            let mut bytes = vec![0; before.len()];
            object.read(0, &mut bytes);
            if bytes != before {
                changed.push(Changed {
                    memory: SceneMemory::Image(index),
                    bytes,
                });
            }
        }
        for (index, part) in self.scene.user.iter().enumerate() {
            let mut bytes = vec![0; part.bytes.len()];
            if self.user.read(part.address, &mut bytes) && bytes != part.bytes {
                changed.push(Changed {
                    memory: SceneMemory::User(index),
                    bytes,
                });
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::UserPages;

    #[test]
    fn a_page_is_there_as_a_whole_and_nothing_beside_it() {
        let mut user = UserPages::default();
        user.put(0x1ffe, b"abc");
        let mut out = [9; 6];
        assert!(user.read(0x1ffd, &mut out));
        assert_eq!(&out, b"\0abc\0\0");
        assert!(!user.read(0x2fff, &mut [0; 2]));
        assert!(user.write(0x2fff, b"z"));
        assert!(!user.write(0x2fff, b"zz"));
        assert_eq!(user.area(0x2345), Some(0x1000..0x3000));
        assert_eq!(user.area(0x3000), None);
    }
}
