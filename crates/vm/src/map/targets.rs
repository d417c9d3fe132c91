//! `devmap`, `devmap_hash`, `cpumap`, `xskmap`: where packets can be sent, by number.
//!
//! A value is what the kernel's is: an interface's index, a queue's size, a socket; devices and CPUs
//! may name a program as well, which the map then holds; who it is, the caller says. This machine has
//! no interfaces of its own, so every interface but 0 exists; and no AF_XDP sockets, so any number
//! stands for one. Programs may look values of devices and sockets up and not write them.

use std::collections::BTreeMap;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, Mutex, PoisonError};

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};

use super::array::{index_of, next_index};
use super::error::BrokenRule;
use super::hash::Hash;
use super::lanes::{Element, Write, block};
use super::let_go::let_go;
use super::runs::Runs;
use crate::Identity;
use crate::limits;
use crate::memory::Block;

/// Bytes of an entry: the value, and behind it a word that is 1 while the entry is there.
const ENTRY_BYTES: u64 = 16;

/// A map of places to send packets to.
#[derive(Debug)]
pub(super) struct Targets {
    kind: MapKind,
    value_bytes: usize,
    /// CPUs of the machine.
    cpus: u32,
    by: By,
    /// Programs that run for packets on their way, by key.
    programs: Mutex<BTreeMap<u32, Arc<dyn Identity>>>,
}

#[derive(Debug)]
enum By {
    Index {
        entries: Arc<Block>,
        writer: Mutex<()>,
    },
    Key(Box<Hash>),
}

/// Says whether there is a target of this number, and finds the program that a descriptor, if it is
/// above zero, stands for.
pub type ResolveTarget<'a> = dyn Fn(u32, i32) -> Result<Option<Arc<dyn Identity>>, Errno> + 'a;

impl Targets {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Self, BrokenRule> {
        let by = match spec.kind {
            MapKind::DevmapHash => By::Key(Box::new(Hash::new(spec, runs)?)),
            _ => By::Index {
                entries: Arc::new(block(u64::from(spec.max_entries), ENTRY_BYTES)?),
                writer: Mutex::default(),
            },
        };
        Ok(Self {
            kind: spec.kind,
            value_bytes: spec.value_size as usize,
            cpus: runs.cpus(),
            by,
            programs: Mutex::default(),
        })
    }

    pub(super) fn values(&self) -> &Arc<Block> {
        match &self.by {
            By::Index { entries, .. } => entries,
            By::Key(hash) => hash.values(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        match &self.by {
            By::Index { entries, .. } => (0..entries.count())
                .filter(|&at| presence(entries, at).load(Acquire) != 0)
                .count() as u32,
            By::Key(hash) => hash.len(),
        }
    }

    pub(super) fn lookup(&self, key: &[u8]) -> Option<Element> {
        match &self.by {
            By::Index { entries, .. } => {
                let index = index_of(key).ok()?;
                let there = (index as usize) < entries.count()
                    && presence(entries, index as usize).load(Acquire) != 0;
                there.then(|| Element::at(index))
            }
            By::Key(hash) => hash.lookup(key, 0),
        }
    }

    /// The value of a key, as programs and the outside see it.
    pub(super) fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        let element = self.lookup(key)?;
        let mut value = vec![0; self.value_bytes];
        self.values().read(element.index(), 0, &mut value);
        Some(value)
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.kind == MapKind::Xskmap {
            return Err(Errno::EOPNOTSUPP);
        }
        index_of(key)?;
        match &self.by {
            By::Key(hash) => hash.read(key),
            By::Index { .. } => self.value(key).ok_or(Errno::ENOENT),
        }
    }

    /// Sets a value; `resolve` says whether there is such a target and finds its program.
    pub(super) fn update(
        &self,
        key: &[u8],
        value: &[u8],
        mode: UpdateMode,
        resolve: &ResolveTarget<'_>,
    ) -> Result<(), Errno> {
        let index = index_of(key)?;
        if value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let (words, _) = value.as_chunks::<4>();
        let what = u32::from_ne_bytes(words[0]);
        let descriptor = words.get(1).map_or(0, |word| i32::from_ne_bytes(*word));
        let (entries, writer) = match &self.by {
            By::Key(_) if what == 0 => return Err(Errno::EINVAL),
            By::Key(hash) => {
                let mode = match mode {
                    // The kernel's does not ask whether there is one to replace.
                    UpdateMode::Exist => UpdateMode::Any,
                    mode => mode,
                };
                let program = resolve(what, descriptor)?;
                let stored = stored(value, program.as_deref());
                hash.update(key, Write::Outside(&stored), mode)?;
                self.hold(index, program);
                return Ok(());
            }
            By::Index { entries, writer } => (entries, writer),
        };
        if index as usize >= entries.count() {
            return Err(Errno::E2BIG);
        }
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let there = presence(entries, index as usize);
        match self.kind {
            MapKind::Xskmap => match mode {
                UpdateMode::NoExist if there.load(Acquire) != 0 => return Err(Errno::EEXIST),
                UpdateMode::Exist if there.load(Acquire) == 0 => return Err(Errno::ENOENT),
                _ => {}
            },
            _ if mode == UpdateMode::NoExist => return Err(Errno::EEXIST),
            MapKind::Cpumap if what > limits::CPUMAP_QUEUE_MAX => return Err(Errno::EOVERFLOW),
            MapKind::Cpumap if index >= self.cpus => return Err(Errno::ENODEV),
            _ => {}
        }
        let here = what != 0 || self.kind == MapKind::Xskmap;
        let program = match self.kind {
            _ if here => resolve(what, descriptor)?,
            MapKind::Devmap if descriptor > 0 => return Err(Errno::EINVAL),
            _ => None,
        };
        if here {
            entries.write(index as usize, 0, &stored(value, program.as_deref()));
        }
        there.store(u64::from(here), Release);
        drop(writer);
        self.hold(index, program);
        Ok(())
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        match &self.by {
            By::Key(hash) => {
                hash.delete(key)?;
                self.hold(index_of(key)?, None);
                Ok(())
            }
            By::Index { entries, writer } => {
                let index = index_of(key)? as usize;
                if index >= entries.count() {
                    return Err(Errno::EINVAL);
                }
                let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                presence(entries, index).store(0, Release);
                drop(writer);
                self.hold(index as u32, None);
                Ok(())
            }
        }
    }

    /// Holds the program of a key instead of the one before.
    fn hold(&self, key: u32, program: Option<Arc<dyn Identity>>) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match program {
            Some(program) => programs.insert(key, program),
            None => programs.remove(&key),
        };
        // Not under the lock.
        drop(programs);
        let_go(old);
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        match &self.by {
            By::Key(hash) => hash.next_key(key),
            By::Index { entries, .. } => next_index(key, entries.count() as u32),
        }
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        let programs = self
            .programs
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let_go(std::mem::take(programs));
    }
}

fn presence(entries: &Block, index: usize) -> &AtomicU64 {
    &entries.words(index)[1]
}

/// A value as it is kept: with the id of its program, if it has one.
fn stored(value: &[u8], program: Option<&dyn Identity>) -> Vec<u8> {
    let mut value = value.to_vec();
    if let Some(word) = value.get_mut(4..8) {
        word.copy_from_slice(&program.map_or(0, Identity::id).to_ne_bytes());
    }
    value
}
