//! Many elements in one call, as the batch commands of `bpf(2)` do it (`kernel/bpf/syscall.c` and
//! `hashtab.c`, 6.18). What was done before an error stays done, and the answer says how much.
//!
//! Hashes go on from a number, the others from the last key; so do hashes of maps here.

use osmia_program::{Errno, MapKind};

use super::hash::Hash;
use super::{Body, Map};

/// What a batch came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batched {
    /// Elements handed over, stored or removed; `None` if the caller's number is to stay.
    pub count: Option<u32>,
    /// Keys found, one behind the other.
    pub keys: Vec<u8>,
    /// Values found, one behind the other.
    pub values: Vec<u8>,
    /// Where the next lookup goes on; `None` if that is not said.
    pub cursor: Option<Vec<u8>>,
    /// Why it ended early; `ENOENT` also tells that there are no more elements.
    pub error: Option<Errno>,
}

impl Batched {
    fn refused(error: Errno) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    fn begun() -> Self {
        Self {
            count: Some(0),
            ..Self::default()
        }
    }

    fn count(&self) -> u32 {
        self.count.unwrap_or(0)
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(value);
        self.count = Some(self.count() + 1);
    }
}

/// Which batches a kind takes.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Batch {
    Lookup,
    Take,
    Update,
    Delete,
}

/// The batches of each kind that has any.
const BATCHES: &[(MapKind, &[Batch])] = {
    use Batch::{Delete, Lookup, Take, Update};
    &[
        (MapKind::Hash, &[Lookup, Take, Update, Delete]),
        (MapKind::PercpuHash, &[Lookup, Take, Update, Delete]),
        (MapKind::LruHash, &[Lookup, Take, Update, Delete]),
        (MapKind::LruPercpuHash, &[Lookup, Take, Update, Delete]),
        (MapKind::HashOfMaps, &[Lookup, Take, Update, Delete]),
        (MapKind::Array, &[Lookup, Update]),
        (MapKind::PercpuArray, &[Lookup, Update]),
        (MapKind::ArrayOfMaps, &[Lookup, Update]),
        (MapKind::LpmTrie, &[Lookup, Update, Delete]),
    ]
};

impl Map {
    /// Bytes of a cursor of [`Map::lookup_batch`].
    pub fn cursor_bytes(&self) -> usize {
        match self.spec.kind {
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash => {
                size_of::<u32>()
            }
            _ => self.spec.key_size as usize,
        }
    }

    /// Bytes of a value from outside: every CPU's, padded, for per-CPU kinds.
    pub fn value_bytes_outside(&self) -> usize {
        let value_bytes = self.spec.value_size as usize;
        match self.spec.kind.is_per_cpu() {
            true => value_bytes.next_multiple_of(8) * self.runs.cpus() as usize,
            false => value_bytes,
        }
    }

    /// `BPF_MAP_LOOKUP_BATCH`: at most so many elements from a cursor on, from the first without one.
    pub fn lookup_batch(&self, from: Option<&[u8]>, count: u32, element_flags: u64) -> Batched {
        self.lookup_batch_by(from, count, element_flags, |key| {
            self.lookup_outside_with(key, element_flags)
        })
    }

    /// The same, where somebody else knows what the value of a key looks like from outside: maps of
    /// maps hold ids there.
    pub fn lookup_batch_by(
        &self,
        from: Option<&[u8]>,
        count: u32,
        element_flags: u64,
        value: impl Fn(&[u8]) -> Result<Vec<u8>, Errno>,
    ) -> Batched {
        if let Err(errno) = self.begin(Batch::Lookup, element_flags) {
            return Batched::refused(errno);
        }
        match &self.body {
            _ if count == 0 => Batched::default(),
            Body::Hash(hash) => self.by_numbers(hash, from, count, value),
            _ => self.by_keys(from, count, value),
        }
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_BATCH`: the same, and removes them.
    pub fn take_batch(&self, from: Option<&[u8]>, count: u32, element_flags: u64) -> Batched {
        self.take_batch_by(from, count, element_flags, |key| match &self.body {
            Body::Hash(hash) => hash.take(key),
            _ => Err(Errno::ENOTSUPP),
        })
    }

    /// The same, where somebody else knows how to take the value of a key.
    pub fn take_batch_by(
        &self,
        from: Option<&[u8]>,
        count: u32,
        element_flags: u64,
        take: impl Fn(&[u8]) -> Result<Vec<u8>, Errno>,
    ) -> Batched {
        if let Err(errno) = self.begin(Batch::Take, element_flags) {
            return Batched::refused(errno);
        }
        match &self.body {
            _ if count == 0 => Batched::default(),
            Body::Hash(hash) => self.by_numbers(hash, from, count, take),
            _ => self.by_keys(from, count, take),
        }
    }

    /// `BPF_MAP_UPDATE_BATCH`: stores so many elements, as long as there are keys and values.
    pub fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        count: u32,
        element_flags: u64,
    ) -> Batched {
        self.update_batch_by(keys, values, count, element_flags, |key, value| {
            self.update_outside_with(key, value, element_flags)
        })
    }

    /// The same, where somebody else knows what a value from outside stands for.
    pub fn update_batch_by(
        &self,
        keys: &[u8],
        values: &[u8],
        count: u32,
        element_flags: u64,
        store: impl Fn(&[u8], &[u8]) -> Result<(), Errno>,
    ) -> Batched {
        let value_bytes = self.value_bytes_outside();
        self.each(Batch::Update, keys, count, element_flags, |at, key| {
            store(key, part(values, value_bytes, at)?)
        })
    }

    /// `BPF_MAP_DELETE_BATCH`: removes so many elements, as long as there are keys.
    pub fn delete_batch(&self, keys: &[u8], count: u32, element_flags: u64) -> Batched {
        self.each(Batch::Delete, keys, count, element_flags, |_, key| {
            self.delete_outside(key)
        })
    }

    fn begin(&self, batch: Batch, element_flags: u64) -> Result<(), Errno> {
        if batch != Batch::Lookup {
            self.check_write()?;
        }
        let known = BATCHES.iter().find(|(kind, _)| *kind == self.spec.kind);
        if !known.is_some_and(|(_, batches)| batches.contains(&batch)) {
            return Err(Errno::ENOTSUPP);
        }
        self.check_element_flags(element_flags)
    }

    fn each(
        &self,
        batch: Batch,
        keys: &[u8],
        count: u32,
        element_flags: u64,
        change: impl Fn(u32, &[u8]) -> Result<(), Errno>,
    ) -> Batched {
        if let Err(errno) = self.begin(batch, element_flags) {
            return Batched::refused(errno);
        }
        if count == 0 {
            return Batched::default();
        }
        let change = |at| change(at, part(keys, self.spec.key_size as usize, at)?);
        let failed = (0..count).find_map(|at| Some((at, change(at).err()?)));
        Batched {
            count: Some(failed.map_or(count, |(at, _)| at)),
            error: failed.map(|(_, errno)| errno),
            ..Batched::default()
        }
    }

    /// Elements of a hash by number. The kernel's number is a bucket's; the last is the same.
    fn by_numbers(
        &self,
        hash: &Hash,
        from: Option<&[u8]>,
        count: u32,
        value: impl Fn(&[u8]) -> Result<Vec<u8>, Errno>,
    ) -> Batched {
        let mut batched = Batched::begun();
        let mut at = match from.map(<[u8; 4]>::try_from) {
            None => 0,
            Some(Ok(bytes)) => u32::from_ne_bytes(bytes),
            Some(Err(_)) => {
                batched.error = Some(Errno::EFAULT);
                return batched;
            }
        };
        let end = self.spec.max_entries.next_power_of_two();
        if at >= end {
            batched.error = Some(Errno::ENOENT);
            return batched;
        }
        let mut key = Vec::new();
        let _run = self.runs.enter(0);
        loop {
            let Some((entry, _)) = hash.walk(at, 0, &mut key) else {
                at = end;
                batched.error = Some(Errno::ENOENT);
                break;
            };
            at = entry;
            if batched.count() == count {
                break;
            }
            at += 1;
            // Gone since it was seen: not one of them.
            if let Ok(value) = value(&key) {
                batched.add(&key, &value);
            }
        }
        batched.cursor = Some(at.to_ne_bytes().to_vec());
        batched
    }

    fn by_keys(
        &self,
        from: Option<&[u8]>,
        count: u32,
        value: impl Fn(&[u8]) -> Result<Vec<u8>, Errno>,
    ) -> Batched {
        let mut batched = Batched::begun();
        let mut last = from.map(<[u8]>::to_vec);
        while batched.count() < count {
            let key = match self.next_key_outside(last.as_deref()) {
                Ok(key) => key,
                Err(errno) => {
                    batched.error = Some(errno);
                    break;
                }
            };
            match value(&key) {
                Ok(value) => batched.add(&key, &value),
                Err(Errno::ENOENT) => {}
                Err(errno) => {
                    return Batched {
                        error: Some(errno),
                        ..Batched::begun()
                    };
                }
            }
            last = Some(key);
        }
        batched.cursor = last.filter(|_| batched.count() != 0);
        batched
    }
}

/// One of the equal parts of a caller's bytes; `EFAULT` where they end.
fn part(bytes: &[u8], part_bytes: usize, at: u32) -> Result<&[u8], Errno> {
    let start = (at as usize).checked_mul(part_bytes).ok_or(Errno::EFAULT)?;
    let rest = bytes.get(start..).ok_or(Errno::EFAULT)?;
    rest.get(..part_bytes).ok_or(Errno::EFAULT)
}
