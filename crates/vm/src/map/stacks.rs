//! `stack_trace`: call stacks by a number made from them.
//!
//! The number is the kernel's: Jenkins' lookup3 over the addresses, cut to the number of buckets, so
//! two stacks may meet in one bucket and the later one is refused or replaces the other.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapFlags, MapSpec};

use super::array::index_of;
use super::error::BrokenRule;
use super::lookup3;

/// `BPF_F_SKIP_FIELD_MASK`: innermost frames to leave out.
const SKIP_MASK: u64 = 0xff;
/// `BPF_F_USER_STACK`
const USER_STACK: u64 = 1 << 8;
/// `BPF_F_FAST_STACK_CMP`: equal hashes are enough.
const FAST_COMPARISON: u64 = 1 << 9;
/// `BPF_F_REUSE_STACKID`: a new stack takes the bucket of another.
const REUSE: u64 = 1 << 10;

/// Bytes of a frame as an address, and as a `struct bpf_stack_build_id`.
const FRAME_BYTES: usize = 8;
const BUILD_ID_BYTES: usize = 32;
/// `BPF_STACK_BUILD_ID_IP`: no build id is known, only the address.
const ONLY_ADDRESS: i32 = 2;

/// Stacks by number.
#[derive(Debug)]
pub struct Stacks {
    buckets: u32,
    count_max: usize,
    value_bytes: usize,
    build_ids: bool,
    /// Grows with the stacks that are kept.
    kept: Mutex<BTreeMap<u32, Kept>>,
}

#[derive(Debug)]
struct Kept {
    hash: u32,
    bytes: Vec<u8>,
}

impl Stacks {
    pub(super) fn new(spec: &MapSpec) -> Result<Self, BrokenRule> {
        Ok(Self {
            buckets: spec.max_entries.next_power_of_two(),
            count_max: spec.max_entries as usize,
            value_bytes: spec.value_size as usize,
            build_ids: spec.flags.has(MapFlags::STACK_BUILD_ID),
            kept: Mutex::default(),
        })
    }

    /// `bpf_get_stackid`: keeps one of these stacks (addresses from the innermost frame out), or
    /// finds it kept already.
    pub fn keep(&self, kernel: &[u64], user: &[u64], flags: u64) -> Result<u32, Errno> {
        if flags & !(SKIP_MASK | USER_STACK | FAST_COMPARISON | REUSE) != 0 {
            return Err(Errno::EINVAL);
        }
        let stack = if flags & USER_STACK != 0 {
            user
        } else {
            kernel
        };
        let skip = (flags & SKIP_MASK) as usize;
        let frames = stack.get(skip..).filter(|frames| !frames.is_empty());
        let frames = frames.ok_or(Errno::EFAULT)?;
        let frame_bytes = if self.build_ids {
            BUILD_ID_BYTES
        } else {
            FRAME_BYTES
        };
        let frames = &frames[..frames.len().min(self.value_bytes / frame_bytes)];
        let words: Vec<u32> = (frames.iter())
            .flat_map(|frame| {
                let [a, b, c, d, e, f, g, h] = frame.to_ne_bytes();
                [
                    u32::from_ne_bytes([a, b, c, d]),
                    u32::from_ne_bytes([e, f, g, h]),
                ]
            })
            .collect();
        let hash = lookup3::words(&words, 0);
        let id = hash & (self.buckets - 1);
        let bytes = if self.build_ids {
            with_build_ids(frames)
        } else {
            plain(frames)
        };
        let mut kept = self.kept();
        let full = kept.len() >= self.count_max;
        match kept.get_mut(&id) {
            Some(old) if old.hash == hash && flags & FAST_COMPARISON != 0 => Ok(id),
            Some(old) if old.hash == hash && old.bytes == bytes => Ok(id),
            Some(_) if flags & REUSE == 0 => Err(Errno::EEXIST),
            Some(old) => {
                *old = Kept { hash, bytes };
                Ok(id)
            }
            None if full => Err(Errno::ENOMEM),
            None => {
                kept.insert(id, Kept { hash, bytes });
                Ok(id)
            }
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.kept().len() as u32
    }

    /// A stack, padded with zeroes to the size of a value.
    pub(super) fn read(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let id = index_of(key)?;
        let mut value = vec![0; self.value_bytes];
        let kept = self.kept();
        let bytes = &kept.get(&id).ok_or(Errno::ENOENT)?.bytes;
        value[..bytes.len()].copy_from_slice(bytes);
        Ok(value)
    }

    /// Removes a stack and returns it, padded with zeroes to the size of a value.
    pub(super) fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let id = index_of(key)?;
        let mut bytes = self.kept().remove(&id).ok_or(Errno::ENOENT)?.bytes;
        bytes.resize(self.value_bytes, 0);
        Ok(bytes)
    }

    pub(super) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        let id = index_of(key)?;
        if id >= self.buckets {
            return Err(Errno::E2BIG);
        }
        self.kept().remove(&id).map(drop).ok_or(Errno::ENOENT)
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let kept = self.kept();
        let after = key.map(index_of).transpose()?;
        let start = match after {
            Some(id) if kept.contains_key(&id) => id + 1,
            _ => 0,
        };
        let next = kept.range(start..).next().ok_or(Errno::ENOENT)?;
        Ok(next.0.to_ne_bytes().to_vec())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<u32, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain(frames: &[u64]) -> Vec<u8> {
    frames
        .iter()
        .flat_map(|frame| frame.to_ne_bytes())
        .collect()
}

/// Frames with a status, room for an id and the address: files are not known here, so there are
/// only addresses.
pub(crate) fn with_build_ids(frames: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.len() * BUILD_ID_BYTES);
    for frame in frames {
        bytes.extend_from_slice(&ONLY_ADDRESS.to_ne_bytes());
        bytes.extend_from_slice(&[0; 20]);
        bytes.extend_from_slice(&frame.to_ne_bytes());
    }
    bytes
}
