//! What is done to a map's elements, with sizes as the map says.

use osmia_program::Errno;
use osmia_program::attr::{self, CallMemory, MapElement, Request};

use super::info::Info;
use super::map::kind_of;
use super::{Handle, NOWHERE, Refused};

/// A map, by element.
#[derive(Debug)]
pub struct Elements<'a> {
    map: &'a Handle,
    info: Info,
    value_bytes: usize,
}

impl Handle {
    /// Its elements.
    ///
    /// # Errors
    /// If the host does not tell how large they are.
    pub fn elements(&self) -> Result<Elements<'_>, Refused> {
        let info = self.info()?;
        let value_bytes = info.u32("value_size") as usize;
        let value_bytes = match kind_of(&info).is_per_cpu() {
            true => value_bytes.next_multiple_of(8) * self.live().cpus() as usize,
            false => value_bytes,
        };
        Ok(Elements {
            map: self,
            info,
            value_bytes,
        })
    }
}

impl Elements<'_> {
    /// What is told about the map.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The map.
    pub fn map(&self) -> &Handle {
        self.map
    }

    /// Bytes of a key.
    pub fn key_bytes(&self) -> usize {
        self.info.u32("key_size") as usize
    }

    /// Bytes of a value as it is read and written: every CPU's for per-CPU maps.
    pub fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// True if every CPU has a value of its own.
    pub fn is_per_cpu(&self) -> bool {
        kind_of(&self.info).is_per_cpu()
    }

    /// The value of a key; no key for queues, stacks and Bloom filters.
    ///
    /// # Errors
    /// `ENOENT` if there is none; what the kernel says of this kind of map.
    pub fn lookup(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        self.read(key, flags, Request::MapLookupElem)
    }

    /// Takes the next value out, or that of a key.
    ///
    /// # Errors
    /// As for [`Elements::lookup`].
    pub fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.read(key, 0, Request::MapLookupAndDeleteElem)
    }

    fn read(
        &self,
        key: &[u8],
        flags: u64,
        request: fn(MapElement) -> Request,
    ) -> Result<Vec<u8>, Errno> {
        let mut memory = CallMemory::default();
        let place = memory.put(key);
        let value = memory.room(self.value_bytes);
        let mut request = request(MapElement {
            map_fd: self.map.fd(),
            key: place,
            value,
            flags,
        });
        self.map.live().bpf.call(&mut request, &mut memory)?;
        Ok(memory.at(value, self.value_bytes).to_vec())
    }

    /// Stores a value; `flags` are 0 for any, 1 for a new key only, 2 for a known key only.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let mut memory = CallMemory::default();
        let request = Request::MapUpdateElem(MapElement {
            map_fd: self.map.fd(),
            key: memory.put(key),
            value: memory.put(value),
            flags,
        });
        self.map.live().ask(request, memory).map(drop)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// `ENOENT` if it is not there; what the kernel says of this kind of map.
    pub fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let mut memory = CallMemory::default();
        let request = Request::MapDeleteElem(attr::MapKey {
            map_fd: self.map.fd(),
            key: memory.put(key),
        });
        self.map.live().ask(request, memory).map(drop)
    }

    /// The key behind this one; the first without one, or if it is gone.
    ///
    /// # Errors
    /// `ENOENT` behind the last.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let mut memory = CallMemory::default();
        let place = key.map_or(NOWHERE, |key| memory.put(key));
        let next_key = memory.room(self.key_bytes());
        let mut request = Request::MapGetNextKey(attr::MapNextKey {
            map_fd: self.map.fd(),
            key: place,
            next_key,
        });
        self.map.live().bpf.call(&mut request, &mut memory)?;
        Ok(memory.at(next_key, self.key_bytes()).to_vec())
    }

    /// Nothing may be written by system calls any more.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn freeze(&self) -> Result<(), Errno> {
        let map_fd = self.map.fd();
        let request = Request::MapFreeze(attr::MapFreeze { map_fd });
        self.map
            .live()
            .ask(request, CallMemory::default())
            .map(drop)
    }
}
