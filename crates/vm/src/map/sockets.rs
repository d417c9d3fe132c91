//! `sockmap`, `sockhash`, `reuseport_sockarray`: sockets by index or key.
//!
//! A map does not keep a socket open: one that closes leaves all maps it is in ([`Follower`]). Which
//! socket is under a key is read without a lock.
//! Rules and errno are those of `net/core/sock_map.c` and `kernel/bpf/reuseport_array.c` in 6.18.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_program::{Errno, MapKind, MapSpec, UpdateMode};
use rustc_hash::FxHashMap;

use super::array::{index_of, next_index};
use super::error::BrokenRule;
use super::runs::Runs;
use super::words::Words;
use crate::heap::Follower;
use crate::limits;
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
    /// Addresses and cookies of sockets.
    sockets: Words<2>,
    /// Their keys by address. Who has them is the only writer.
    keys: Mutex<Keys>,
}

type Keys = FxHashMap<u64, BTreeSet<Vec<u8>>>;

impl Sockets {
    pub(super) fn new(spec: &MapSpec, runs: &Arc<Runs>) -> Result<Arc<Self>, BrokenRule> {
        let keys = spec.max_entries.min(limits::OWNED_VALUES_MAX);
        Ok(Arc::new(Self {
            kind: spec.kind,
            key_bytes: spec.key_size as usize,
            value_bytes: spec.value_size as usize,
            count_max: spec.max_entries,
            runs: Arc::clone(runs),
            sockets: Words::new(spec.key_size, keys, runs)?,
            keys: Mutex::default(),
        }))
    }

    /// The address of the socket under a key.
    pub fn at(&self, key: &[u8]) -> Option<u64> {
        self.sockets.at(key).map(|[address, _]| address)
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
        self.put(key, [address, socket.cookie], mode)
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
        let mut keys = self.keys();
        let [socket, _] = self.sockets.remove(key).map_err(|_| missing)?;
        self.forget(&mut keys, socket, key);
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
        let [_, cookie] = self.sockets.at(key).ok_or(Errno::ENOENT)?;
        Ok(cookie.to_ne_bytes().to_vec())
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
        self.sockets.next_key(key)
    }

    pub(super) fn len(&self) -> u32 {
        self.sockets.len()
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
        check_mode(self.at(key).is_some(), mode)?;
        // A socket is in one place at most.
        let elsewhere = self.keys().contains_key(&address);
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
            () => self.put(key, [address, socket.cookie], mode),
        }
    }

    /// Puts a socket, by address and cookie, under a key.
    fn put(self: &Arc<Self>, key: &[u8], socket: [u64; 2], mode: UpdateMode) -> Result<(), Errno> {
        let [address, _] = socket;
        let mut keys = self.keys();
        let before = self.at(key);
        check_mode(before.is_some(), mode)?;
        if before == Some(address) {
            return Ok(());
        }
        if before.is_none() && self.len() >= self.count_max {
            return Err(Errno::E2BIG);
        }
        if !keys.contains_key(&address) {
            let follower: Arc<dyn Follower> = Arc::clone(self) as _;
            if !self.runs.heap().follow(address, &follower) {
                return Err(Errno::EINVAL);
            }
        }
        keys.entry(address).or_default().insert(key.to_vec());
        if self.sockets.set(key, socket, UpdateMode::Any).is_err() {
            self.forget(&mut keys, address, key);
            return Err(Errno::ENOMEM);
        }
        if let Some(before) = before {
            self.forget(&mut keys, before, key);
        }
        Ok(())
    }

    /// A socket is not under this key any more.
    fn forget(&self, keys: &mut Keys, socket: u64, key: &[u8]) {
        if let Some(of_socket) = keys.get_mut(&socket) {
            of_socket.remove(key);
            // The caller keeps others from following the socket for another key meanwhile.
            if of_socket.is_empty() {
                keys.remove(&socket);
                self.runs.heap().unfollow(socket, self);
            }
        }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Sockets {
    fn gone(&self, socket: u64) {
        let mut keys = self.keys();
        for key in keys.remove(&socket).into_iter().flatten() {
            // It is there, for both change together.
            let _ = self.sockets.remove(&key);
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let this: *const Self = self;
        let keys = std::mem::take(&mut *self.keys());
        for socket in keys.into_keys() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_does_not_wait_for_who_changes() {
        let runs = Arc::new(Runs::new(1));
        let spec = MapSpec::new("m", MapKind::Sockhash, 4, 8, 2);
        let sockets = Sockets::new(&spec, &runs).unwrap();
        let (key, address) = ([1; 4], Socket::udp(7, 53).open(&runs).unwrap());
        sockets.set(&key, address, UpdateMode::Any).unwrap();
        let _changing = sockets.keys();
        assert_eq!(sockets.at(&key), Some(address));
        assert_eq!(sockets.cookie(&key), Ok(7_u64.to_ne_bytes().to_vec()));
        assert_eq!(sockets.next_key(None), Ok(key.to_vec()));
        assert_eq!(sockets.len(), 1);
    }
}
