//! Memory of kernel objects and of what programs allocate: an address here stays the same in every
//! run and on every machine of a host, so that programs can keep it in maps.
//!
//! Objects lie in slabs of one size each. Running over the end of an object hits a gap, not the
//! neighbour; what is between an object's end and its size class reads as zero. A freed object stays
//! readable until every run that may hold it has ended, as the kernel's RCU promises.
//!
//! Nothing here knows what objects mean: who makes one gives it a [`Tag`].

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rustc_hash::FxHashMap;

use crate::checked::region;
use crate::limits;
use crate::map::Runs;
use crate::memory::{Block, Rights, Shape, Space};

/// What programs may do with an object by loads and stores of their own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ObjectAccess {
    /// Load: objects of the kernel.
    Read,
    /// Load and store: objects of programs.
    ReadWrite,
}

/// What an object is.
#[derive(Clone)]
pub struct Tag {
    /// The name of its type, for people: `task_struct`.
    pub name: Arc<str>,
    /// What it stands for, for those who made it.
    pub payload: Option<Arc<dyn Any + Send + Sync>>,
}

impl Tag {
    /// A name and nothing behind it.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            payload: None,
        }
    }

    /// A name and what the object stands for.
    pub fn with<T: Any + Send + Sync>(name: impl Into<Arc<str>>, payload: Arc<T>) -> Self {
        Self {
            name: name.into(),
            payload: Some(payload),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

/// An object found by an address inside of it.
#[derive(Clone, Debug)]
pub struct Object {
    /// The address of its first byte.
    pub address: u64,
    /// The offset of the address asked for.
    pub offset: usize,
    /// What it is.
    pub tag: Tag,
    block: Arc<Block>,
    element: usize,
}

impl Object {
    /// Copies bytes of it out. Panics outside of its [`Object::window`]: callers check first.
    pub fn read(&self, offset: usize, out: &mut [u8]) {
        self.block.read(self.element, offset, out);
    }

    /// Copies bytes into it, whatever programs may do. Panics outside of it.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.block.write(self.element, offset, bytes);
    }

    /// Bytes that may be read and written: its size class.
    pub fn window(&self) -> usize {
        self.block.window()
    }

    /// The memory it lies in, and which element of it it is.
    pub(crate) fn cell(&self) -> (&Arc<Block>, usize) {
        (&self.block, self.element)
    }

    /// The payload, if it is of this type.
    pub fn payload<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.tag.payload.as_ref()?).downcast().ok()
    }
}

/// Who keeps something about objects and lets go of it with them.
pub trait Follower: fmt::Debug + Send + Sync {
    /// The object at this address was given up. Called while nothing of the heap is locked.
    fn gone(&self, address: u64);
}

/// The memory.
#[derive(Debug)]
pub struct Heap {
    slabs: Mutex<Vec<Slab>>,
    /// How many slabs there are, to look at without the lock.
    count: AtomicUsize,
    /// The memory of each, likewise.
    rows: [OnceLock<Arc<Block>>; limits::HEAP_SLABS_MAX],
}

/// A row of objects of one size class and access.
#[derive(Debug)]
struct Slab {
    block: Arc<Block>,
    shape: Shape,
    tags: Vec<Option<Tag>>,
    free: Vec<u32>,
    /// Freed objects that a run might still look at, with the epoch they were freed in.
    retired: VecDeque<(u64, u32)>,
    /// Who wants to know when an element is given up.
    followers: FxHashMap<u32, Vec<Weak<dyn Follower>>>,
}

impl Default for Heap {
    fn default() -> Self {
        Self {
            slabs: Mutex::default(),
            count: AtomicUsize::default(),
            rows: [const { OnceLock::new() }; limits::HEAP_SLABS_MAX],
        }
    }
}

impl Heap {
    /// Makes a zeroed object of so many bytes and returns its address. `None` if it is longer than
    /// [`limits::OBJECT_BYTES_MAX`] or there is no memory left.
    pub fn allocate(
        &self,
        runs: &Runs,
        bytes: usize,
        access: ObjectAccess,
        tag: Tag,
    ) -> Option<u64> {
        if bytes > limits::OBJECT_BYTES_MAX {
            return None;
        }
        let window = bytes.next_power_of_two().max(limits::OBJECT_BYTES_MIN);
        let rights = match access {
            ObjectAccess::Read => Rights::Read,
            ObjectAccess::ReadWrite => Rights::ReadWrite,
        };
        let mut slabs = self.lock();
        let mut alike = 0;
        for (position, slab) in slabs.iter_mut().enumerate() {
            if slab.shape.window == window && slab.shape.rights == rights {
                alike += 1;
                if let Some(element) = slab.take(runs, &tag) {
                    return Some(slab.address(position, element));
                }
            }
        }
        if slabs.len() == limits::HEAP_SLABS_MAX {
            return None;
        }
        let bytes = limits::HEAP_SLAB_BYTES.checked_shl(alike)?.max(window);
        let mut slab = Slab::new(bytes / window, window, rights)?;
        let address = slab
            .take(runs, &tag)
            .map(|element| slab.address(slabs.len(), element));
        self.rows[slabs.len()].get_or_init(|| Arc::clone(&slab.block));
        slabs.push(slab);
        self.count.store(slabs.len(), Release);
        address
    }

    /// Gives an object up; false if there is none that starts at this address.
    pub fn free(&self, runs: &Runs, address: u64) -> bool {
        let mut slabs = self.lock();
        let Some((position, element, 0)) = place(&slabs, address) else {
            return false;
        };
        let slab = &mut slabs[position];
        let Some(tag) = slab.tags[element].take() else {
            return false;
        };
        let followers = slab.followers.remove(&(element as u32));
        // What the object stands for may be large to drop; not under the lock.
        drop(slabs);
        drop(tag);
        for follower in followers.iter().flatten().filter_map(Weak::upgrade) {
            follower.gone(address);
        }
        // Only now: nobody who followed it takes the next object here for it.
        let slab = &mut self.lock()[position];
        slab.retired.push_back((runs.epoch(), element as u32));
        true
    }

    /// Tells somebody when an object is given up; false if none starts at this address.
    pub fn follow(&self, address: u64, follower: &Arc<dyn Follower>) -> bool {
        let mut slabs = self.lock();
        let Some((position, element, 0)) = place(&slabs, address) else {
            return false;
        };
        let slab = &mut slabs[position];
        if slab.tags[element].is_none() {
            return false;
        }
        let followers = slab.followers.entry(element as u32).or_default();
        followers.push(Arc::downgrade(follower));
        true
    }

    /// Somebody does not want to know any more.
    pub fn unfollow<T: Follower>(&self, address: u64, follower: *const T) {
        let mut slabs = self.lock();
        let Some((position, element, 0)) = place(&slabs, address) else {
            return;
        };
        let followers = &mut slabs[position].followers;
        if let Some(list) = followers.get_mut(&(element as u32)) {
            list.retain(|known| !std::ptr::addr_eq(known.as_ptr(), follower));
            if list.is_empty() {
                followers.remove(&(element as u32));
            }
        }
    }

    /// The object an address lies in.
    pub fn object(&self, address: u64) -> Option<Object> {
        let slabs = self.lock();
        let (position, element, offset) = place(&slabs, address)?;
        let slab = &slabs[position];
        Some(Object {
            address: address - offset as u64,
            offset,
            tag: slab.tags[element].clone()?,
            block: Arc::clone(&slab.block),
            element,
        })
    }

    /// Copies bytes of the object that begins at an address, without a lock; of one that was given up
    /// since the caller's run began, too. False if none ever began there, or it is shorter.
    pub(crate) fn read(&self, address: u64, out: &mut [u8]) -> bool {
        let mut read = || {
            let row = Space::region_of(address).checked_sub(region::HEAP)?;
            let block = self.rows.get(row)?.get()?;
            let shift = Shape::whole(block, Rights::Read)?.shift;
            let first = Space::address(region::HEAP + row, shift, 0, 0);
            let element = usize::try_from(address.checked_sub(first)? >> shift).ok()?;
            let fits = element < block.count() && out.len() <= block.window();
            fits.then(|| block.read(element, 0, out))
        };
        read().is_some()
    }

    /// Objects that live.
    pub fn len(&self) -> usize {
        let slabs = self.lock();
        (slabs.iter().flat_map(|slab| &slab.tags).flatten()).count()
    }

    /// True if none lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many slabs there are: who shows them looks here whether there are more.
    pub(crate) fn slabs(&self) -> usize {
        self.count.load(Acquire)
    }

    /// Makes a table of regions show the slabs from this one on.
    pub(crate) fn show(&self, from: usize, space: &mut Space) {
        for (position, slab) in self.lock().iter().enumerate().skip(from) {
            space.put(region::HEAP + position, &slab.block, slab.shape);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slab>> {
        self.slabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slab {
    fn new(count: usize, window: usize, rights: Rights) -> Option<Self> {
        let block = Arc::new(Block::new(count, window)?);
        let shape = Shape::whole(&block, rights)?;
        Some(Self {
            block,
            shape,
            tags: Vec::new(),
            free: Vec::new(),
            retired: VecDeque::new(),
            followers: FxHashMap::default(),
        })
    }

    /// A zeroed element, if one is free.
    fn take(&mut self, runs: &Runs, tag: &Tag) -> Option<usize> {
        if self.free.is_empty() && self.tags.len() < self.shape.count {
            self.tags.push(Some(tag.clone()));
            return Some(self.tags.len() - 1);
        }
        if self.free.is_empty() && !self.retired.is_empty() {
            runs.advance();
            let now = runs.advance();
            while let Some(&(epoch, element)) = self.retired.front()
                && Runs::is_past(epoch, now)
            {
                self.retired.pop_front();
                self.free.push(element);
            }
        }
        let element = self.free.pop()? as usize;
        self.block.clear(element);
        self.tags[element] = Some(tag.clone());
        Some(element)
    }

    fn address(&self, position: usize, element: usize) -> u64 {
        Space::address(region::HEAP + position, self.shape.shift, element, 0)
    }
}

/// The slab, element and offset of an address inside of an element that was ever used.
fn place(slabs: &[Slab], address: u64) -> Option<(usize, usize, usize)> {
    let position = Space::region_of(address).checked_sub(region::HEAP)?;
    let slab = slabs.get(position)?;
    let relative = address.checked_sub(slab.address(position, 0))?;
    let element = usize::try_from(relative >> slab.shape.shift).ok()?;
    let offset = (relative & ((1 << slab.shape.shift) - 1)) as usize;
    (element < slab.tags.len() && offset < slab.shape.window).then_some((position, element, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heap() -> (Runs, Heap) {
        (Runs::new(1), Heap::default())
    }

    #[test]
    fn an_object_is_found_by_every_address_inside() {
        let (runs, heap) = heap();
        let task = heap
            .allocate(&runs, 100, ObjectAccess::Read, Tag::named("task_struct"))
            .expect("memory");
        let object = heap.object(task + 99).expect("inside");
        assert_eq!((object.address, object.offset), (task, 99));
        assert_eq!(&*object.tag.name, "task_struct");
        assert!(heap.object(task + 128).is_none());
        assert!(heap.object(task - 1).is_none());
    }

    #[test]
    fn a_freed_object_is_reused_only_after_the_runs_that_may_hold_it() {
        let (runs, heap) = heap();
        let make = |name| {
            heap.allocate(
                &runs,
                limits::HEAP_SLAB_BYTES,
                ObjectAccess::ReadWrite,
                Tag::named(name),
            )
            .expect("memory")
        };
        let first = make("node");
        heap.object(first).expect("it lives").write(0, &[7]);
        let run = runs.enter(0);
        assert!(heap.free(&runs, first));
        assert!(!heap.free(&runs, first));
        assert!(heap.object(first).is_none());
        assert_ne!(make("node"), first);
        drop(run);
        let mut byte = [9];
        let third = make("node");
        // The second slab holds two, so the first one's element may come back in any later order.
        let fourth = make("node");
        assert!(third == first || fourth == first);
        heap.object(first).expect("it lives").read(0, &mut byte);
        assert_eq!(byte, [0]);
    }

    #[test]
    fn what_it_stands_for_goes_with_it() {
        let (runs, heap) = heap();
        let socket = Arc::new(5_u32);
        let alive = Arc::downgrade(&socket);
        let address = heap
            .allocate(&runs, 8, ObjectAccess::Read, Tag::with("sock", socket))
            .expect("memory");
        let found = heap.object(address).expect("it lives");
        assert_eq!(found.payload::<u32>().as_deref(), Some(&5));
        drop(found);
        heap.free(&runs, address);
        assert!(alive.upgrade().is_none());
        assert!(heap.is_empty());
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let (runs, heap) = heap();
        let absurd = heap.allocate(
            &runs,
            usize::MAX,
            ObjectAccess::Read,
            Tag::named("everything"),
        );
        assert!(absurd.is_none());
    }
}
