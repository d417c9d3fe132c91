//! Sockets alive: described ones, given an address that stays the same in every run.
//!
//! Programs see them as `struct bpf_sock` and `struct bpf_tcp_sock`; what setting options and binding
//! changes, they see at once. A socket is found by its cookie (`owner`).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::heap::{ObjectAccess, Tag};
use crate::map::Runs;
use crate::owner::OwnerKind;

use super::{Socket, TcpNumbers, protocol};

/// Where a socket's object has what is known of its connection.
const CONNECTION: usize = Socket::BYTES.next_power_of_two();
/// Bytes of the object.
const OBJECT_BYTES: usize = CONNECTION + TcpNumbers::BYTES;

/// A socket in the heap.
#[derive(Debug)]
pub struct LiveSocket {
    socket: Mutex<Socket>,
    address: OnceLock<u64>,
}

impl LiveSocket {
    /// The socket of this cookie, made from its description if nobody met it before. `None` if memory
    /// is short.
    pub(crate) fn of(runs: &Runs, described: &Socket) -> Option<Arc<LiveSocket>> {
        let (owners, cookie) = (runs.owners(), described.cookie);
        let known = owners.find(OwnerKind::Socket, cookie);
        if let Some(live) = known.and_then(|address| Self::at(runs, address)) {
            return Some(live);
        }
        Self::open(runs, described.clone())
    }

    /// Puts a socket on the heap. `None` if memory is short.
    pub(super) fn open(runs: &Runs, socket: Socket) -> Option<Arc<LiveSocket>> {
        let cookie = socket.cookie;
        let live = Arc::new(LiveSocket {
            socket: Mutex::new(socket),
            address: OnceLock::new(),
        });
        let tag = Tag::with(OwnerKind::Socket.type_name(), Arc::clone(&live));
        let address = (runs.heap()).allocate(runs, OBJECT_BYTES, ObjectAccess::Read, tag)?;
        live.address.get_or_init(|| address);
        live.show(runs);
        runs.owners().enter(OwnerKind::Socket, cookie, address);
        Some(live)
    }

    /// The socket that an address means, itself or its connection.
    pub(crate) fn at(runs: &Runs, address: u64) -> Option<Arc<LiveSocket>> {
        let object = runs.heap().object(address)?;
        object
            .payload()
            .filter(|_| [0, CONNECTION].contains(&object.offset))
    }

    /// Where it is.
    pub(crate) fn address(&self) -> u64 {
        self.address.get().copied().unwrap_or_default()
    }

    /// Where its connection is; `None` if it has none.
    pub(crate) fn connection(&self) -> Option<u64> {
        let socket = self.lock();
        let has_one = socket.is_full() && socket.protocol == protocol::TCP;
        has_one.then(|| self.address() + CONNECTION as u64)
    }

    /// What it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Socket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, and what programs see of it.
    pub(crate) fn change<T>(&self, runs: &Runs, change: impl FnOnce(&mut Socket) -> T) -> T {
        let result = change(&mut self.lock());
        self.show(runs);
        result
    }

    fn show(&self, runs: &Runs) {
        if let Some(object) = runs.heap().object(self.address()) {
            let socket = self.lock();
            object.write(0, &socket.to_bytes());
            object.write(CONNECTION, socket.numbers.to_bytes());
        }
    }
}
