//! Elements of maps, one at a time and in batches.

use std::sync::Arc;

use osmia_program::{AttachKind, Errno, MapKind, ProgramKind, UpdateMode};
use osmia_vm::Identity;
use osmia_vm::map::{Batched, Map, update_mode};

use super::Process;
use super::bytes::{read, word};
use crate::bpf::{Batch, BatchAnswer, Element, Fd};
use crate::object::{MapRecord, ProgramRecord};

/// `BPF_F_LOCK`.
const LOCK: u64 = 4;
/// `BPF_NOEXIST` and `BPF_EXIST`.
const MODES: u64 = 3;

impl Process {
    /// `BPF_MAP_LOOKUP_ELEM`: the value. A Bloom filter only says whether it has the value asked for.
    pub fn map_lookup(&self, asked: &Element<'_>) -> Result<Vec<u8>, Errno> {
        if asked.flags & !LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        let (map, access) = self.map(asked.map_fd)?;
        access.must_read()?;
        map.check_element_flags(asked.flags)?;
        let key = key(&map, asked.key)?;
        if map.spec().kind == MapKind::BloomFilter {
            let mut value = read(asked.value, map.value_bytes_outside())?.to_vec();
            map.peek(&mut value)?;
            return Ok(Vec::new());
        }
        let found = map.lookup_outside_with(key, asked.flags);
        found.map_err(|errno| self.owner_error(&map, key, errno))
    }

    /// `BPF_MAP_UPDATE_ELEM`.
    pub fn map_update(&self, asked: &Element<'_>) -> Result<(), Errno> {
        let (map, access) = self.map(asked.map_fd)?;
        access.must_write()?;
        must_not_be_frozen(&map)?;
        map.check_element_flags(asked.flags & LOCK)?;
        let key = key(&map, asked.key)?;
        let value = read(asked.value, map.value_bytes_outside())?;
        let updated = self.update(&map, key, value, asked.flags);
        updated.map_err(|errno| self.owner_error(&map, key, errno))
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn map_delete(&self, asked: &Element<'_>) -> Result<(), Errno> {
        let (map, access) = self.map(asked.map_fd)?;
        access.must_write()?;
        must_not_be_frozen(&map)?;
        let key = key(&map, asked.key)?;
        let deleted = map.delete_outside(key);
        deleted.map_err(|errno| self.owner_error(&map, key, errno))
    }

    /// `BPF_MAP_GET_NEXT_KEY`: the key behind this one, the first for a null one.
    pub fn map_next_key(&self, asked: &Element<'_>) -> Result<Vec<u8>, Errno> {
        let (map, access) = self.map(asked.map_fd)?;
        access.must_read()?;
        let key = match asked.key {
            None => None,
            given => Some(key(&map, given)?),
        };
        map.next_key_outside(key)
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`: the value, which is no longer there.
    pub fn map_take(&self, asked: &Element<'_>) -> Result<Vec<u8>, Errno> {
        if asked.flags & !LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        let (map, access) = self.map(asked.map_fd)?;
        access.must_read()?;
        access.must_write()?;
        must_not_be_frozen(&map)?;
        map.check_element_flags(asked.flags)?;
        map.take_outside(key(&map, asked.key)?)
    }

    /// `BPF_MAP_LOOKUP_BATCH`.
    pub fn map_lookup_batch(&self, asked: &Batch<'_>) -> BatchAnswer {
        self.batch(asked, (true, false), |map| {
            let from = cursor(map, asked)?;
            Ok(map.lookup_batch(from, asked.count, asked.elem_flags))
        })
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_BATCH`.
    pub fn map_take_batch(&self, asked: &Batch<'_>) -> BatchAnswer {
        self.batch(asked, (true, true), |map| {
            let from = cursor(map, asked)?;
            Ok(map.take_batch(from, asked.count, asked.elem_flags))
        })
    }

    /// `BPF_MAP_UPDATE_BATCH`.
    pub fn map_update_batch(&self, asked: &Batch<'_>) -> BatchAnswer {
        self.batch(asked, (false, true), |map| {
            let (keys, values) = (asked.keys.unwrap_or(&[]), asked.values.unwrap_or(&[]));
            let store = |key: &[u8], value: &[u8]| self.update(map, key, value, asked.elem_flags);
            Ok(map.update_batch_by(keys, values, asked.count, asked.elem_flags, store))
        })
    }

    /// `BPF_MAP_DELETE_BATCH`.
    pub fn map_delete_batch(&self, asked: &Batch<'_>) -> BatchAnswer {
        self.batch(asked, (false, true), |map| {
            let keys = asked.keys.unwrap_or(&[]);
            Ok(map.delete_batch(keys, asked.count, asked.elem_flags))
        })
    }

    fn batch(
        &self,
        asked: &Batch<'_>,
        (reads, writes): (bool, bool),
        run: impl FnOnce(&Map) -> Result<Batched, Errno>,
    ) -> BatchAnswer {
        let batched = || {
            let (map, access) = self.map(asked.map_fd)?;
            if reads {
                access.must_read()?;
            }
            if writes {
                access.must_write()?;
                must_not_be_frozen(&map)?;
            }
            run(&map)
        };
        let batched = batched().unwrap_or_else(|errno| Batched {
            error: Some(errno),
            ..Batched::default()
        });
        BatchAnswer {
            count: batched.count,
            keys: batched.keys,
            values: batched.values,
            out_batch: batched.cursor.unwrap_or_default(),
            error: batched.error,
        }
    }

    /// Sets a value; where that is a descriptor, puts in what it stands for
    /// (`bpf_map_update_value`).
    fn update(&self, map: &Map, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let fd = Fd(word(value, 0) as i32);
        match map.spec().kind {
            MapKind::ProgArray => {
                let index = slot(map, key, flags)?;
                let code = self.program(fd)?;
                if !MapRecord::of(map).admits(ProgramRecord::owner(&code)) {
                    return Err(Errno::EINVAL);
                }
                // A program that calls itself by way of what extends it would never end.
                if self.kernel.attachments().is_extended(code.id()) {
                    return Err(Errno::EBUSY);
                }
                map.set_program(index, code)
            }
            MapKind::ArrayOfMaps => {
                slot(map, key, flags)?;
                let (inner, _) = self.map(fd)?;
                map.set_inner_map(key, Arc::clone(inner.map()), UpdateMode::Any)
            }
            MapKind::HashOfMaps => {
                let (inner, _) = self.map(fd)?;
                map.set_inner_map(key, Arc::clone(inner.map()), update_mode(flags)?)
            }
            MapKind::StructOps => {
                let table = map.operations().ok_or(Errno::EINVAL)?;
                let mode = match flags {
                    0 => UpdateMode::Any,
                    _ => return Err(Errno::EINVAL),
                };
                table.update(key, value, mode, &mut |function, fd| {
                    let code = self.program(Fd(fd))?;
                    let about = &ProgramRecord::of(&code).about;
                    let fits = code.program().hook.kind == ProgramKind::StructOps
                        && about.attach == function.member;
                    match fits {
                        true => Ok(code),
                        false => Err(Errno::EINVAL),
                    }
                })
            }
            MapKind::Devmap | MapKind::DevmapHash => {
                let resolve = |interface, fd| {
                    let there = self.kernel.has_interface(interface);
                    let program = self.forwarding(map, fd, AttachKind::XdpDevmap);
                    program.filter(|_| there).ok_or(Errno::EINVAL)
                };
                map.set_target(key, value, update_mode(flags)?, &resolve)
            }
            MapKind::Cpumap => {
                // All that goes wrong with a new entry is that, to the kernel.
                let resolve = |_, fd| {
                    let program = self.forwarding(map, fd, AttachKind::XdpCpumap);
                    program.ok_or(Errno::ENOMEM)
                };
                map.set_target(key, value, update_mode(flags)?, &resolve)
            }
            MapKind::CgroupArray => {
                let index = slot(map, key, flags)?;
                map.set_group(index, self.cgroup(fd)?.0)
            }
            MapKind::PerfEventArray => {
                let index = slot(map, key, flags)?;
                let event = self.event(fd)?;
                let events = map.perf_events().ok_or(Errno::EINVAL)?;
                // Of a task's event there is no telling which CPU it is on; the slot's is as good.
                events.open(index, event.cpu.unwrap_or(index))
            }
            // XDP sockets cannot be opened here.
            MapKind::Xskmap => {
                slot(map, key, flags & !MODES)?;
                update_mode(flags)?;
                self.file(fd)?;
                Err(Errno::ENOTSOCK)
            }
            MapKind::Sockmap | MapKind::Sockhash | MapKind::ReuseportSockarray => map
                .update_outside_with(key, value, flags)
                .map_err(|error| match (error, self.file(fd)) {
                    // What is open here is no socket.
                    (Errno::EBADF, Ok(_)) => Errno::ENOTSOCK,
                    _ => error,
                }),
            // Kinds that nothing is stored in from outside do not look at flags.
            MapKind::Ringbuf | MapKind::UserRingbuf | MapKind::Arena => {
                map.update_outside(key, value, UpdateMode::Any)
            }
            _ => map.update_outside_with(key, value, flags),
        }
    }
}

impl Process {
    /// What is open under a descriptor is no socket, so it cannot have a socket's value.
    fn owner_error(&self, map: &Map, key: &[u8], errno: Errno) -> Errno {
        let is_of_sockets = map.spec().kind == MapKind::SkStorage;
        match errno == Errno::EBADF && is_of_sockets && self.file(Fd(word(key, 0) as i32)).is_ok() {
            true => Errno::ENOTSOCK,
            false => errno,
        }
    }

    /// The program of a descriptor, if one is given and it is for packets on their way to such a
    /// target; `None` if it is for something else.
    fn forwarding(
        &self,
        map: &Map,
        fd: i32,
        attach: AttachKind,
    ) -> Option<Option<Arc<dyn Identity>>> {
        if fd <= 0 {
            return Some(None);
        }
        let code = self.program(Fd(fd)).ok()?;
        let owner = ProgramRecord::owner(&code);
        let fits = (owner.kind, owner.attach) == (ProgramKind::Xdp, attach.number());
        (fits && MapRecord::of(map).admits(owner)).then(|| Some(code as Arc<dyn Identity>))
    }
}

/// The slot of an array that takes descriptors (`bpf_fd_array_map_update_elem`).
fn slot(map: &Map, key: &[u8], flags: u64) -> Result<u32, Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    match word(key, 0) {
        index if index >= map.spec().max_entries => Err(Errno::E2BIG),
        index => Ok(index),
    }
}

/// The key a pointer stands for; a map without keys wants null.
fn key<'a>(map: &Map, given: Option<&'a [u8]>) -> Result<&'a [u8], Errno> {
    match map.spec().key_size {
        0 if given.is_some() => Err(Errno::EINVAL),
        bytes => read(given, bytes as usize),
    }
}

fn cursor<'a>(map: &Map, asked: &Batch<'a>) -> Result<Option<&'a [u8]>, Errno> {
    // A hash knows of no flags beside those of elements.
    let is_hash = map.cursor_bytes() != map.spec().key_size as usize
        || matches!(
            map.spec().kind,
            MapKind::Hash | MapKind::PercpuHash | MapKind::LruHash | MapKind::LruPercpuHash
        );
    if is_hash && asked.flags != 0 {
        return Err(Errno::EINVAL);
    }
    asked
        .in_batch
        .map(|from| read(Some(from), map.cursor_bytes()))
        .transpose()
}

fn must_not_be_frozen(map: &Map) -> Result<(), Errno> {
    match map.is_frozen() {
        true => Err(Errno::EPERM),
        false => Ok(()),
    }
}
