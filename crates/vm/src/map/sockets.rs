//! `sockmap`, `sockhash`, `reuseport_sockarray`: sockets by index or key.
//!
//! A map does not keep a socket open: one that closes leaves all maps it is in ([`Follower`]).
//! Rules and errno are those of `net/core/sock_map.c` and `kernel/bpf/reuseport_array.c` in 6.18.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};
use rustc_hash::FxHashMap;

use super::array::{index_of, next_index};
use super::runs::Runs;
use crate::heap::Follower;
use crate::owner::OwnerKind;
use crate::socket::{LiveSocket, Socket, family, kind, protocol, state};

/// A map of sockets.
#[derive(Debug)]
pub struct Sockets {
    kind: MapKind,
    key_bytes: usize,
    value_bytes: usize,
    count_max: u32,
    runs: Arc<Runs>,
    table: RwLock<Table>,
}

/// Addresses of sockets by key, and back.
#[derive(Debug, Default)]
struct Table {
    sockets: BTreeMap<Vec<u8>, u64>,
    keys: FxHashMap<u64, BTreeSet<Vec<u8>>>,
}

impl Table {
    fn insert(&mut self, key: &[u8], socket: u64) {
        self.remove(key);
        self.sockets.insert(key.to_vec(), socket);
        self.keys.entry(socket).or_default().insert(key.to_vec());
    }

    /// The socket that was under a key, and whether it is under no other.
    fn remove(&mut self, key: &[u8]) -> Option<(u64, bool)> {
        let socket = self.sockets.remove(key)?;
        let keys = self.keys.get_mut(&socket)?;
        keys.remove(key);
        let gone = keys.is_empty();
        if gone {
            self.keys.remove(&socket);
        }
        Some((socket, gone))
    }
}

impl Sockets {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Arc<Self> {
        Arc::new(Self {
            kind: spec.kind,
            key_bytes: spec.key_size as usize,
            value_bytes: spec.value_size as usize,
            count_max: spec.max_entries,
            runs: Arc::clone(runs),
            table: RwLock::default(),
        })
    }

    /// The address of the socket under a key.
    pub fn at(&self, key: &[u8]) -> Option<u64> {
        self.read().sockets.get(key).copied()
    }

    /// The socket under a key.
    pub fn socket(&self, key: &[u8]) -> Option<Arc<LiveSocket>> {
        LiveSocket::at(&self.runs, self.at(key)?)
    }

    /// For programs: puts the socket at an address under a key.
    pub fn set(self: &Arc<Self>, key: &[u8], address: u64, mode: UpdateMode) -> Result<(), Errno> {
        let live = LiveSocket::at(&self.runs, address).ok_or(Errno::EINVAL)?;
        let socket = live.lock();
        if key.len() != self.key_bytes {
            return Err(Errno::EINVAL);
        }
        if !is_suitable(&socket) || !has_right_state(&socket) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.check_index(key)?;
        self.put(key, address, mode)
    }

    /// For programs and from outside: removes a key.
    pub fn delete(self: &Arc<Self>, key: &[u8]) -> Result<(), Errno> {
        if key.len() != self.key_bytes {
            return Err(Errno::EINVAL);
        }
        let missing = match self.kind {
            MapKind::Sockmap => Errno::EINVAL,
            MapKind::ReuseportSockarray if index_of(key)? >= self.count_max => Errno::E2BIG,
            _ => Errno::ENOENT,
        };
        let mut table = self.write();
        let (socket, gone) = table.remove(key).ok_or(missing)?;
        // Still under the lock: nobody else follows the socket for another key meanwhile.
        if gone {
            self.runs.heap().unfollow(socket, Arc::as_ptr(self));
        }
        Ok(())
    }

    /// From outside: the cookie of the socket under a key; values of 4 bytes have no room for it.
    pub(super) fn cookie(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        if key.len() != self.key_bytes {
            return Err(Errno::EINVAL);
        }
        if self.value_bytes != size_of::<u64>() {
            return Err(Errno::ENOSPC);
        }
        let socket = self.socket(key).ok_or(Errno::ENOENT)?;
        Ok(socket.lock().cookie.to_ne_bytes().to_vec())
    }

    /// From outside: puts the socket whose number is the value under a key.
    pub(super) fn update(
        self: &Arc<Self>,
        key: &[u8],
        value: &[u8],
        mode: UpdateMode,
    ) -> Result<(), Errno> {
        if key.len() != self.key_bytes || value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let number = match value.try_into() {
            Ok(long) => u64::from_ne_bytes(long),
            Err(_) => u64::from(index_of(value)?),
        };
        if self.kind == MapKind::ReuseportSockarray {
            self.check_index(key)?;
        }
        // An array of four bytes takes any number for a descriptor.
        let is_short = self.kind == MapKind::ReuseportSockarray && value.len() == size_of::<u32>();
        if number > i32::MAX as u64 {
            return Err(if is_short {
                Errno::EBADF
            } else {
                Errno::EINVAL
            });
        }
        let address = (self.runs.owners().find(OwnerKind::Socket, number)).ok_or(Errno::EBADF)?;
        if self.kind == MapKind::ReuseportSockarray {
            return self.share(key, address, mode);
        }
        self.set(key, address, mode)
    }

    pub(super) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        if self.kind != MapKind::Sockhash {
            return next_index(key, self.count_max);
        }
        if key.is_some_and(|key| key.len() != self.key_bytes) {
            return Err(Errno::EINVAL);
        }
        let sockets = &self.read().sockets;
        let known = key.filter(|key| sockets.contains_key(*key));
        let from = known.map_or(Bound::Unbounded, Bound::Excluded);
        let mut after = sockets.range::<[u8], _>((from, Bound::Unbounded));
        let (next, _) = after.next().ok_or(Errno::ENOENT)?;
        Ok(next.clone())
    }

    pub(super) fn len(&self) -> u32 {
        self.read().sockets.len() as u32
    }

    fn check_index(&self, key: &[u8]) -> Result<(), Errno> {
        match self.kind {
            MapKind::Sockhash => Ok(()),
            _ if index_of(key)? >= self.count_max => Err(Errno::E2BIG),
            _ => Ok(()),
        }
    }

    /// Puts a socket of a group that shares a port into an array.
    fn share(self: &Arc<Self>, key: &[u8], address: u64, mode: UpdateMode) -> Result<(), Errno> {
        let table = self.read();
        check_mode(table.sockets.contains_key(key), mode)?;
        // A socket is in one place at most.
        let elsewhere = table.keys.contains_key(&address);
        drop(table);
        let live = LiveSocket::at(&self.runs, address).ok_or(Errno::EINVAL)?;
        let socket = live.lock();
        let known = [protocol::TCP, protocol::UDP].contains(&socket.protocol)
            && socket.is_internet()
            && [kind::STREAM, kind::DATAGRAM].contains(&socket.kind);
        let bound = match socket.is_tcp() {
            true => socket.state == state::LISTEN,
            false => !socket.is_unbound_udp(),
        };
        match () {
            () if !known => Err(Errno::ENOTSUPP),
            () if socket.reuseport.is_none() || !bound => Err(Errno::EINVAL),
            () if elsewhere => Err(Errno::EBUSY),
            () => self.put(key, address, mode),
        }
    }

    fn put(self: &Arc<Self>, key: &[u8], address: u64, mode: UpdateMode) -> Result<(), Errno> {
        let mut table = self.write();
        let there = table.sockets.contains_key(key);
        check_mode(there, mode)?;
        if !there && table.sockets.len() >= self.count_max as usize {
            return Err(Errno::E2BIG);
        }
        let heap = self.runs.heap();
        if !table.keys.contains_key(&address) {
            let follower: Arc<dyn Follower> = Arc::clone(self) as _;
            if !heap.follow(address, &follower) {
                return Err(Errno::EINVAL);
            }
        }
        let before = table.sockets.get(key).copied();
        table.insert(key, address);
        if let Some(before) = before
            && !table.keys.contains_key(&before)
        {
            heap.unfollow(before, Arc::as_ptr(self));
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Sockets {
    fn gone(&self, socket: u64) {
        let mut table = self.write();
        for key in table.keys.remove(&socket).into_iter().flatten() {
            table.sockets.remove(&key);
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let this: *const Self = self;
        let table = std::mem::take(&mut *self.write());
        for socket in table.keys.into_keys() {
            self.runs.heap().unfollow(socket, this);
        }
    }
}

/// What an update may do.
fn check_mode(there: bool, mode: UpdateMode) -> Result<(), Errno> {
    match mode {
        UpdateMode::NoExist if there => Err(Errno::EEXIST),
        UpdateMode::Exist if !there => Err(Errno::ENOENT),
        _ => Ok(()),
    }
}

/// True for sockets whose traffic can be redirected.
fn is_suitable(socket: &Socket) -> bool {
    match (socket.family, socket.kind) {
        (family::INET | family::INET6, kind::STREAM) => socket.protocol == protocol::TCP,
        (family::INET | family::INET6, kind::DATAGRAM) => socket.protocol == protocol::UDP,
        (family::UNIX, kind::STREAM | kind::DATAGRAM) => true,
        (family::VSOCK, _) => true,
        _ => false,
    }
}

/// True if a socket may be put into a map in its state.
fn has_right_state(socket: &Socket) -> bool {
    let established = socket.state == state::ESTABLISHED;
    match (socket.family, socket.kind) {
        _ if socket.is_tcp() => established || socket.state == state::LISTEN,
        _ if socket.is_unbound_udp() => false,
        (family::UNIX, kind::STREAM) => established,
        (family::VSOCK, kind::STREAM | kind::SEQPACKET) => established,
        _ => true,
    }
}
